import assert from "node:assert/strict";
import test from "node:test";

import { findBoundary, isBoundary, isMark, neutralise, splitBlocks } from "../../byheart/pages/js/characters.mjs";

const FAMILY = "👩🏽‍👩‍👧";
const FLAGS = "🇩🇪🇫🇷";

test("control characters become their pictures, and line feeds and tabs stay", () => {
  assert.equal(neutralise("a\0b\x1bc\x7f\td\ne\rf\fg"), "a␀b␛c␡\td\ne␍f␌g");
  assert.equal(neutralise("\x85\x9f\u2028\u2029"), "□□␤␤");
});

test("what turns the direction of text becomes a box", () => {
  for (const code of [0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069]) {
    assert.equal(neutralise(`a${String.fromCharCode(code)}b`), "a□b", code.toString(16));
  }
});

test("what has no width becomes a box", () => {
  for (const code of [0x200b, 0x200c, 0x200d, 0x2060, 0x2064, 0xfeff, 0x180e, 0x034f, 0xfe0f, 0xfff9]) {
    assert.equal(neutralise(` ${String.fromCharCode(code)}b`), " □b", code.toString(16));
  }
});

test("letters hidden as tags become boxes, as many as they have units", () => {
  assert.equal(neutralise("a\u{E0041}\u{E0042}b"), "a□□□□b");
});

test("half a surrogate pair is no character", () => {
  assert.equal(neutralise("a\ud800b\udc00c"), "a\ufffdb\ufffdc");
});

test("joiners and selectors stay where they do their work", () => {
  for (const text of [FAMILY, FLAGS, "❤️", "می‌خواهم", "क्‍ष", "é", "שָׁלוֹם", "각"]) assert.equal(neutralise(text), text);
  assert.equal(neutralise("pass\u200dword \u200d"), "pass□word □");
  assert.equal(neutralise("a\ufe01\ufe02\ufe03"), "a\ufe01□□");
});

test("every string keeps its number of units", () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (neutralise(character).length !== character.length) assert.fail(code.toString(16));
  }
});

test("markup and right-to-left letters are letters", () => {
  const text = "<b onclick='x'>&amp;</script> שלום עולם";
  assert.equal(neutralise(text), text);
});

test("marks are known from letters", () => {
  assert.ok(isMark("\u0301") && isMark("\u05b8") && isMark("\ufe0f"));
  assert.ok(!isMark("e") && !isMark("") && !isMark("👩"));
});

test("text is cut nowhere inside what is seen as one character", () => {
  for (const whole of ["👩", FAMILY, "e\u0301\u0323", "क्‍ष", "❤️", "각"]) {
    for (let unit = 1; unit < whole.length; unit++) {
      assert.ok(!isBoundary(`a${whole}b`, 1 + unit), `${whole} at ${unit}`);
      assert.equal(findBoundary(`a${whole}b`, 1 + unit), 1);
    }
    assert.ok(isBoundary(`a${whole}b`, 1) && isBoundary(`a${whole}b`, 1 + whole.length), whole);
  }
});

test("flags are cut between two letters of theirs and the next two", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].filter((unit) => isBoundary(FLAGS, unit)), [0, 4, 8]);
});

const BOOKS = {
  "paragraphs": "One line.\nAnother line.\n\n".repeat(900),
  "one endless line": "word ".repeat(4000),
  "one endless word": "w".repeat(20_000),
  "families": FAMILY.repeat(2000),
  "a mark after a mark": `e${"\u0301".repeat(10_000)}`,
  "blank lines": "\n".repeat(10_000),
  "a short book": "Word.",
};
for (const [name, text] of Object.entries(BOOKS)) {
  test(`blocks hold every unit once, in paragraphs: ${name}`, () => {
    const blocks = splitBlocks(text, 3000);
    const paragraphs = blocks.flatMap((block) => block.paragraphs);
    for (const spans of [blocks, paragraphs]) {
      assert.equal(spans[0].start, 0);
      assert.equal(spans[spans.length - 1].stop, text.length);
      for (let at = 1; at < spans.length; at++) assert.equal(spans[at].start, spans[at - 1].stop);
    }
    if (name === "blank lines") return;
    assert.ok(blocks.every(({ start, stop }) => stop - start <= 3000 && stop > start));
    if (name !== "a mark after a mark") assert.ok(paragraphs.every(({ start }) => isBoundary(text, start)));
  });
}

test("a paragraph keeps the blank lines after it, and long ones are cut after a word", () => {
  const [{ paragraphs }] = splitBlocks("One.\n\n\nTwo\nlines.\n \nThree.");
  assert.deepEqual(paragraphs.map(({ start, stop }) => stop - start), [7, 13, 6]);
  assert.ok(splitBlocks("word ".repeat(4000)).every(({ start }) => start % 5 === 0));
});

test("an empty book has no blocks", () => assert.deepEqual(splitBlocks(""), []));
