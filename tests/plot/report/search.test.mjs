import assert from "node:assert/strict";
import test from "node:test";

import { search } from "../../../components/plot/report/js/search.mjs";
import { makeBook } from "./toy.mjs";

async function find(text, query, shown = "all") {
  const length = Array.from(text).length;
  const book = await makeBook({ text, windows: [], best: Array(length).fill(-1), shown });
  return search(book, query).map(({ start, stop }) => Array.from(text).slice(start, stop).join(""));
}

test("words are found in small and large letters, in any alphabet", async () => {
  assert.deepEqual(await find("The soap. THE soap, the Soap.", "the SOAP"), ["The soap", "THE soap", "the Soap"]);
  assert.deepEqual(await find("Élan, élan", "ÉLAN"), ["Élan", "élan"]);
});

test("any white space stands for a blank", async () => {
  assert.deepEqual(await find("evening  packet evening\n\tpacket eveningpacket", " evening packet "), ["evening  packet", "evening\n\tpacket"]);
});

test("signs of patterns stand for themselves", async () => {
  const signs = "a.b*c+d?e^f$g{1}h(i)j|k[l]m\\n/o-p";
  assert.deepEqual(await find(`xx ${signs} xx`, signs), [signs]);
  assert.deepEqual(await find("abc", "a.c"), []);
  assert.deepEqual(await find("ab", "a|b"), []);
});

test("hits after pictures are where they are", async () => {
  assert.deepEqual(await find("👩👩 cat 👩 cat", "cat"), ["cat", "cat"]);
  assert.deepEqual(await find("👩👩 cat 👩", "👩"), ["👩", "👩", "👩"]);
});

test("nothing is found for nothing, and hits do not overlap", async () => {
  assert.deepEqual(await find("a b", "  "), []);
  assert.deepEqual(await find("aaaa", "aa"), ["aa", "aa"]);
});

test("hidden characters are found by themselves or by the sign that is shown", async () => {
  assert.deepEqual(await find("a\u0007b", "\u0007"), ["\u0007"]);
  assert.deepEqual(await find("a\u0007b", "␇"), ["\u0007"]);
});

test("no hit crosses what is not shown", async () => {
  assert.deepEqual(await find("one two three", "onethree", [[0, 3], [8, 13]]), []);
  assert.deepEqual(await find("one two three", "three", [[0, 3], [8, 13]]), ["three"]);
});
