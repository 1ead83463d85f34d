import assert from "node:assert/strict";
import test from "node:test";

import { chooseScale, stepOf } from "../../../components/plot/report/js/thresholds.mjs";

const LADDER = [0.001, 0.01, 0.1, 0.5];
const SLIDER = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.75, 0.9, 0.99];

function choose(...texts) {
  return chooseScale({ ladder: LADDER, slider: SLIDER, texts }, texts[0]);
}

const text = (best, median = -60, t) => ({
  best: best === null ? null : { log_p_z: best },
  median_log_p_z: best === null ? null : median,
  bands: t === undefined ? null : { t },
});

test("a run with a window at the floor has the published thresholds in all its texts", () => {
  const expected = { ladder: LADDER.map(Math.log), slider: SLIDER.map(Math.log), from: "published" };
  assert.deepEqual(choose(text(Math.log(0.001))), expected);
  assert.deepEqual(choose(text(-30), text(-0.1)), expected);
});

test("below the floor the scale goes from the controls' threshold to the best window", () => {
  const { ladder, slider, from } = choose(text(-28, -60, -76), text(-80, -90));
  assert.equal(from, "controls");
  assert.deepEqual(ladder, [-76, -64, -52, -40]);
  assert.deepEqual(slider.slice(0, 4), [-76, -72, -68, -64]);
  assert.equal(slider.length, SLIDER.length);
  assert.ok(slider.every((log) => log < -28));
});

test("a control has the scale of its book", () => {
  assert.deepEqual(choose(text(-80, -90), text(-28, -60, -76)), choose(text(-28, -60, -76), text(-80, -90)));
});

test("without a threshold of controls, or with nothing above it, the scale begins at the median", () => {
  for (const t of [undefined, null, -20]) {
    const { ladder, from } = choose(text(-28, -68, t));
    assert.equal(from, "median");
    assert.deepEqual(ladder, [-68, -58, -48, -38]);
  }
});

test("a run that could measure nothing has the published thresholds", () => {
  assert.equal(choose(text(null)).from, "published");
});

test("a value's step counts what it reaches", () => {
  const ladder = LADDER.map(Math.log);
  const values = [-Infinity, Math.log(0.00099), Math.log(0.001), Math.log(0.2), Math.log(0.5), 0, NaN];
  assert.deepEqual(values.map((value) => stepOf(value, ladder)), [0, 0, 1, 3, 4, 4, 0]);
});
