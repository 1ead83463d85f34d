import assert from "node:assert/strict";
import test from "node:test";

import { BANDS, Colouring, UNMEASURED } from "../../../components/plot/report/js/colouring.mjs";
import { findPassages } from "../../../components/plot/report/js/passages.mjs";
import { measureBands } from "../../../components/plot/report/js/says.mjs";
import { describeStrip, listSlips } from "../../../components/plot/report/js/slips.mjs";
import { drawBook, makeBook } from "./toy.mjs";

const LADDER = [0.001, 0.01, 0.1, 0.5].map(Math.log);

/** The class of every character, from its window alone. */
function classify(best, windows, threshold) {
  return best.map((window) => {
    if (window < 0) return UNMEASURED;
    const { logPz } = windows[window];
    const step = LADDER.filter((log) => logPz >= log).length;
    return logPz < threshold || !step ? "" : `step-${step}`;
  });
}

for (const threshold of [0.001, 0.05, 0.2]) {
  test(`every character has the colour of its best window, and none below ${threshold}`, async () => {
    const { book, windows, best } = await drawBook(31);
    const colouring = new Colouring(book, { by: "p_z", ladder: LADDER, threshold: Math.log(threshold), bands: new Set() });
    const found = colouring.segments(0, book.length).flatMap(({ start, stop, name }) => Array(stop - start).fill(name));
    const expected = classify(best, windows, Math.log(threshold));
    assert.deepEqual(found, expected);
    assert.ok(new Set(expected).size > 2, "the book has several colours");
    assert.ok(expected.every((name, point) => colouring.isColoured(point) === name.startsWith("step-")));
  });
}

test("runs that are coloured by p_z are the passages", async () => {
  const { book } = await drawBook(32);
  const colouring = new Colouring(book, { by: "p_z", ladder: LADDER, threshold: LADDER[1], bands: new Set() });
  assert.deepEqual(colouring.findRuns(), findPassages(book, LADDER[1]));
});

test("a band that is not chosen has no colour, and what was not compared stays hatched", async () => {
  const bands = [0, 1, 2, 3, 4, 4];
  const windows = [{ row: 0, start: 0, suffixStart: 0, stop: 6, logPz: -1 }];
  const book = await makeBook({ text: "abcdef", windows, best: [0, 0, 0, 0, 0, 0], bands });
  const paint = (chosen) =>
    new Colouring(book, { by: "bands", ladder: LADDER, threshold: 0, bands: new Set(chosen) })
      .segments(0, 6)
      .flatMap(({ start, stop, name }) => Array(stop - start).fill(name));
  assert.deepEqual(paint(BANDS.keys()), [UNMEASURED, "", "easy", "step-2", "step-4", "step-4"]);
  assert.deepEqual(paint([0, 1, 4]), [UNMEASURED, "", "", "", "step-4", "step-4"]);
  assert.deepEqual(measureBands(book), [1 / 6, 1 / 6, 1 / 6, 1 / 6, 2 / 6]);
});

test("slips are the tokens that another would have preferred, where the text is coloured", async () => {
  const windows = [
    { row: 0, start: 0, suffixStart: 2, stop: 6, logPz: -0.1 },
    { row: 1, start: 4, suffixStart: 6, stop: 10, logPz: -90 },
  ];
  const best = [-1, -1, 0, 0, 0, 0, 1, 1, 1, 1];
  const book = await makeBook({ text: "ab cd ef g", windows, best, tiles: [[2, 1, 1, 2, 2, 2], [2, 2, 0, 1, 1, 0]] });
  const colouring = new Colouring(book, { by: "p_z", ladder: LADDER, threshold: LADDER[0], bands: new Set() });
  assert.deepEqual(listSlips(colouring), [{ start: 4, stop: 6 }]);
  assert.equal(describeStrip(colouring, [{}]), "The whole text in small: 40.0% of its characters are coloured, in 1 passage; 20.0% are not measurable.");
});
