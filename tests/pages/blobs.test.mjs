import assert from "node:assert/strict";
import test from "node:test";

import { accumulate, inflate, parseColumns } from "../../byheart/pages/js/blobs.mjs";
import { packBytes, packColumns } from "./pack.mjs";

test("bytes come out of base64 and gzip as they went in", async () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at * at) % 256);
  assert.deepEqual(await inflate(`\n  ${packBytes(bytes)}\n`), bytes);
});

test("columns of every type come out as they went in", async () => {
  const blob = packColumns([
    ["small", "u1", [0, 1, 255]],
    ["none", "u4", []],
    ["middle", "u2", [0, 256, 65535, 513]],
    ["large", "u4", [4294967295, 16909060]],
    ["real", "f4", [-0.5, -88.25, -Infinity, 0]],
  ]);
  const columns = parseColumns(await inflate(blob));
  assert.deepEqual(Object.keys(columns), ["small", "none", "middle", "large", "real"]);
  assert.deepEqual([...columns.small], [0, 1, 255]);
  assert.equal(columns.none.length, 0);
  assert.deepEqual([...columns.middle], [0, 256, 65535, 513]);
  assert.deepEqual([...columns.large], [4294967295, 16909060]);
  assert.deepEqual([...columns.real], [-0.5, -88.25, -Infinity, 0]);
});

test("a blob that ends too early is refused by the column that lacks bytes", async () => {
  const bytes = await inflate(packColumns([["first", "u1", [1]], ["second", "u4", [1, 2]]]));
  assert.throws(() => parseColumns(bytes.subarray(0, bytes.length - 3)), /Column second needs 3 bytes more/);
});

test("steps add up to places", () => {
  assert.deepEqual([...accumulate([3, 0, 7])], [3, 3, 10]);
  assert.deepEqual([...accumulate([3, 2 ** 32 - 2, 7])], [3, 1, 8]);
});
