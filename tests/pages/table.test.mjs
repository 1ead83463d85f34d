import assert from "node:assert/strict";
import test from "node:test";

import { orderRows } from "../../byheart/pages/js/table.mjs";

test("numbers are sorted by size, not by their digits", () => {
  assert.deepEqual(orderRows(["9", "10", "0.5"], false), [2, 0, 1]);
  assert.deepEqual(orderRows(["9", "10", "0.5"], true), [1, 0, 2]);
});

test("rows without a value come last in both directions", () => {
  assert.deepEqual(orderRows(["", "2", "", "1"], false), [3, 1, 0, 2]);
  assert.deepEqual(orderRows(["", "2", "", "1"], true), [1, 3, 0, 2]);
});

test("words are sorted as words, and equals keep their order", () => {
  assert.deepEqual(orderRows(["Élan", "Zoo", "Apple", "Zoo"], false), [2, 0, 1, 3]);
  assert.deepEqual(orderRows(["1", "10", "x"], false), [0, 1, 2]);
});
