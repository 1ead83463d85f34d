import assert from "node:assert/strict";
import test from "node:test";

import { packColumns } from "../../pages/pack.mjs";
import { drawBook, makeBook } from "./toy.mjs";

const WINDOW = { row: 4, start: 0, suffixStart: 2, stop: 5, logPz: -0.5 };
const CHAPTERS = [[1, "One\u202e", 2, 4], [2, "Two", 6, 9]];

/** The unit of each code point of a text. */
function listUnits(text) {
  return Array.from(text).reduce((units, character) => [...units, units[units.length - 1] + character.length], [0]);
}

test("every character has its window, its value and its band", async () => {
  const { book, windows, best, bands } = await drawBook(11, { bands: true });
  assert.ok(best.includes(-1) && windows.length > 10);
  best.forEach((window, point) => {
    assert.equal(book.windowAt(point), window);
    assert.equal(book.logAt(point), window < 0 ? NaN : windows[window].logPz);
    assert.equal(book.bandAt(point), bands[point]);
  });
  assert.deepEqual([book.windowAt(-1), book.windowAt(book.length), book.bandAt(book.length)], [-1, -1, 0]);
});

test("windows come out as they were", async () => {
  const { book, windows } = await drawBook(12);
  windows.forEach((window, at) => {
    for (const field of ["row", "start", "suffixStart", "stop", "logPz"]) {
      assert.equal(book.windows[field][at], window[field], field);
    }
  });
});

test("the top-k score lies thousandths above, never above certainty, and may be nothing", async () => {
  const topK = [0, 250, 60_000, 65_535];
  const windows = topK.map((above, at) => ({ ...WINDOW, row: at, start: at, suffixStart: 2 + at, stop: 3 + at, topK: above }));
  const book = await makeBook({ text: "abcdefgh", windows, best: [-1, -1, 0, 1, 2, 3, -1, -1] });
  assert.deepEqual([...book.windows.topK].map((log) => Math.round(1000 * log) / 1000), [-0.5, -0.25, 0, -Infinity]);
});

test("a book without bands has none anywhere", async () => {
  const { book } = await drawBook(13);
  assert.equal(book.bandAt(100), 0);
});

for (const text of ["plain words", "👩🏽‍👩‍👧 and é 𐐷𐐷 x", "𝕒𝕓𝕔", "שלום\u202e!\u0000\u0007"]) {
  test(`places of characters and of UTF-16 units agree in ${JSON.stringify(text)}`, async () => {
    const units = listUnits(text);
    const book = await makeBook({ text, windows: [], best: Array(units.length - 1).fill(-1) });
    assert.equal(book.text.length, text.length);
    units.forEach((unit, point) => {
      assert.equal(book.toUnit(point), unit);
      assert.equal(book.toPoint(unit), point);
    });
    Array.from(text).forEach((character, point) => {
      if (character.length === 2) assert.equal(book.toPoint(units[point] + 1), point);
    });
  });
}

test("where spans are shown, what lies between them has no place in the text", async () => {
  const text = "ab👩cd👩👩ef";
  const shown = [[1, 4], [6, 8]];
  const book = await makeBook({ text, windows: [], best: Array(9).fill(-1), shown });
  assert.equal(book.text, "b👩c👩e");
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((point) => book.toUnit(point)), [-1, 0, 1, 3, -1, -1, 4, 6, -1, -1]);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map((unit) => book.toPoint(unit)), [1, 2, 2, 3, 6, 6, 7]);
  assert.deepEqual(book.toUnits(0, 9), [{ start: 0, stop: 4 }, { start: 4, stop: 7 }]);
  assert.deepEqual(book.toUnits(2, 7), [{ start: 1, stop: 4 }, { start: 4, stop: 6 }]);
  assert.deepEqual(book.toUnits(4, 6), []);
});

test("a book whose text does not travel has its numbers", async () => {
  const book = await makeBook({ text: "abcdefgh", windows: [WINDOW], best: [-1, -1, 0, 0, 0, -1, -1, -1], shown: "none" });
  assert.deepEqual([book.text, book.toUnit(3), book.toUnit(0), book.windowAt(3), book.length], ["", -1, -1, 0, 8]);
  assert.deepEqual(book.toUnits(0, 8), []);
});

test("a byte order mark stays a character", async () => {
  const book = await makeBook({ text: "\ufeffab", windows: [], best: [-1, -1, -1] });
  assert.equal(book.text, "□ab");
});

test("a character's chapter is the one that holds it, and its title is made safe", async () => {
  const book = await makeBook({ text: "abcdefghij", windows: [], best: Array(10).fill(-1), chapters: CHAPTERS });
  const numbers = Array.from({ length: 10 }, (_, point) => book.chapterAt(point)?.number ?? 0);
  assert.deepEqual(numbers, [0, 0, 1, 1, 0, 0, 2, 2, 2, 0]);
  assert.deepEqual(book.chapterAt(3), { number: 1, title: "One□", start: 2, stop: 4 });
});

test("a window's tokens have their places, nats, ranks and what the model preferred", async () => {
  const windows = [WINDOW, { ...WINDOW, row: 5, start: 1, suffixStart: 3 }];
  const book = await makeBook({ text: "abcdefgh", windows, best: [-1, -1, 0, 1, 1, -1, -1, -1] });
  assert.equal(book.detail(1), null);
  const detail = packColumns([
    ["place", "u1", [1]],
    ["length", "u1", [2, 0, 1]],
    ["log_prob", "u1", [0, 128, 255]],
    ["rank", "u1", [0, 3, 255]],
    ["preferred", "u1", [0, 1, 2]],
  ]);
  await book.loadDetail(detail, ["", " the", "‹C3›"]);
  assert.equal(book.detail(0), null);
  const { tokens } = book.detail(1);
  assert.deepEqual(tokens.map(({ start, stop }) => [start, stop]), [[3, 5], [5, 5], [5, 6]]);
  assert.deepEqual(tokens.map(({ rank }) => rank), [0, 3, 255]);
  assert.deepEqual(tokens.map(({ preferred }) => preferred), [null, " the", "‹C3›"]);
  assert.deepEqual(tokens.map(({ logProb }) => Math.abs(logProb).toFixed(4)), ["0.0000", "3.7943", "30.0000"]);
  assert.ok(tokens[1].logProb < 0);
});

test("windows of different numbers of tokens have their own", async () => {
  const windows = [WINDOW, { ...WINDOW, row: 5, start: 1, suffixStart: 3 }];
  const book = await makeBook({ text: "abcdefgh", windows, best: [-1, -1, 0, 1, 1, -1, -1, -1] });
  const detail = packColumns([
    ["place", "u1", [0, 1]],
    ["suffix_tokens", "u1", [1, 2]],
    ["length", "u1", [3, 1, 2]],
    ["log_prob", "u1", [0, 128, 255]],
    ["rank", "u1", [0, 3, 255]],
  ]);
  await book.loadDetail(detail, []);
  assert.deepEqual(book.detail(0).tokens.map(({ rank }) => rank), [0]);
  assert.deepEqual(book.detail(1).tokens.map(({ start, stop, rank }) => [start, stop, rank]), [[3, 4, 3], [4, 6, 255]]);
});

test("a report that may not show its tokens has no preferred ones", async () => {
  const book = await makeBook({ text: "abcdefgh", windows: [WINDOW], best: [-1, -1, 0, 0, 0, -1, -1, -1], shown: "none" });
  await book.loadDetail(packColumns(["place", "length", "log_prob", "rank"].map((name) => [name, "u1", [name === "place" ? 0 : 3]])), []);
  assert.deepEqual(book.detail(0).tokens.map(({ rank, preferred }) => [rank, preferred]), [[3, null]]);
});
