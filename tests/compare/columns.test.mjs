import assert from "node:assert/strict";
import { test } from "node:test";

import { describeColumn, findColumn, findSpan, nameTop } from "../../components/compare/js/columns.mjs";

test("a place has the column that is drawn there, and the ends hold what lies beyond", () => {
  assert.deepEqual([-1, 0, 0.249, 0.25, 0.999, 1, 2].map((share) => findColumn(share, 4)), [0, 0, 0, 1, 3, 3, 3]);
});

test("columns share all characters without gaps", () => {
  const spans = Array.from({ length: 7 }, (_, column) => findSpan(column, 7, 100));
  assert.equal(spans[0][0], 0);
  assert.equal(spans[6][1], 100);
  for (let column = 1; column < 7; column++) assert.equal(spans[column][0], spans[column - 1][1]);
});

test("the highest shade has the words of its kind", () => {
  assert.equal(nameTop("0125", 3, "p_z"), "50% or more");
  assert.equal(nameTop("0125", 0, "p_z"), "no window");
  assert.equal(nameTop("0124", 3, "bands"), "extractable");
  assert.equal(nameTop("0124", 2, "bands"), "easily drawn, not above");
});

test("a place is said with all models", () => {
  const models = [{ name: "small", top: "below 0.1%" }, { name: "large", top: "50% or more" }];
  assert.equal(
    describeColumn([12000, 12050], models),
    "characters 12,000 to 12,050: small below 0.1% · large 50% or more",
  );
});
