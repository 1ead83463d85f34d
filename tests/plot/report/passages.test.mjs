import assert from "node:assert/strict";
import test from "node:test";

import { coverageAt, findPassages, segmentsOf } from "../../../components/plot/report/js/passages.mjs";
import { drawBook } from "./toy.mjs";

const THRESHOLDS = [0.001, 0.01, 0.1, 0.5, 0.9];

/** Maximal spans of characters of one value, one character after the other. */
function walk(values) {
  const spans = [];
  values.forEach((value, point) => {
    const last = spans[spans.length - 1];
    if (last && last.class === value) last.stop++;
    else spans.push({ start: point, stop: point + 1, class: value });
  });
  return spans;
}

for (const seed of [21, 22, 23]) {
  for (const threshold of THRESHOLDS) {
    test(`passages are the maximal runs of characters that reach ${threshold} (book ${seed})`, async () => {
      const { book, windows, best } = await drawBook(seed);
      const log = Math.log(threshold);
      const reaches = best.map((window) => window >= 0 && windows[window].logPz >= log);
      const found = findPassages(book, log);
      const expected = walk(reaches).filter((span) => span.class);
      assert.deepEqual(found.map(({ start, stop }) => [start, stop]), expected.map(({ start, stop }) => [start, stop]));
      for (const { start, stop, weakest } of found) {
        const values = best.slice(start, stop).map((window) => windows[window].logPz);
        assert.equal(windows[weakest].logPz, Math.min(...values));
      }
      const measurable = best.filter((window) => window >= 0).length;
      assert.equal(coverageAt(book, log), reaches.filter(Boolean).length / measurable);
    });
  }
}

test("segments are what a walk over the characters finds, with bands and without", async () => {
  for (const bands of [true, false]) {
    const { book, windows, best, bands: ofBands } = await drawBook(24, { bands });
    const classify = (window, band) => `${window < 0 ? "none" : Math.floor(windows[window].logPz / 2)} ${band % 3}`;
    const values = best.map((window, point) => classify(window, ofBands?.[point] ?? 0));
    for (const [from, to] of [[0, book.length], [37, 300], [101, 102], [-5, 50], [550, 9999]]) {
      const [start, stop] = [Math.max(0, from), Math.min(to, book.length)];
      const expected = walk(values.slice(start, stop)).map((span) => ({ ...span, start: span.start + start, stop: span.stop + start }));
      assert.deepEqual(segmentsOf(book, from, to, classify), expected);
    }
    assert.deepEqual(segmentsOf(book, 50, 50, classify), []);
  }
});
