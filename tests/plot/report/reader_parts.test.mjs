import assert from "node:assert/strict";
import test from "node:test";

import { formatAddress, parseAddress } from "../../../components/plot/report/js/address.mjs";
import { formatThreshold } from "../../../components/plot/report/js/bar.mjs";
import { drawBars } from "../../../components/plot/report/js/bars.mjs";
import { formatCsv } from "../../../components/plot/report/js/csv.mjs";
import { countWhile } from "../../../components/plot/report/js/elements.mjs";
import { cutParagraphs, looksWrapped } from "../../../components/plot/report/js/paragraphs.mjs";
import { sayChance } from "../../../components/plot/report/js/says.mjs";
import { accumulateShares } from "../../../components/plot/report/js/staircase.mjs";
import { formatPercent, showToken } from "../../../components/plot/report/js/tokens.mjs";

const WRAPPED = "It is a truth universally acknowledged, that a single man in\npossession of a good fortune, must be in want of a wife. However\nlittle known.";
const VERSE = "Give the weather your left shoulder, and trust what the tallow shows;\nSay nothing to the Ploughman,\nBut whisper past the Nun.";

test("prose that is wrapped at a width flows, and verse keeps its lines", () => {
  assert.ok(looksWrapped(WRAPPED.split("\n")));
  assert.ok(!looksWrapped(VERSE.split("\n")));
  assert.ok(!looksWrapped(["one line"]));
  assert.ok(!looksWrapped(["Roses are red,", "violets are blue"]));
});

test("paragraphs hold all that is visible of their span, without the empty lines around it", () => {
  const text = `\n\n${WRAPPED}\n\n`;
  const [paragraph, ...more] = cutParagraphs(text, { start: 0, stop: text.length });
  assert.deepEqual(more, []);
  assert.equal(text.slice(paragraph.start, paragraph.stop), WRAPPED);
  assert.equal(paragraph.flows, true);
  assert.deepEqual(paragraph.lines, WRAPPED.split("\n").map((line) => line.length));
});

test("lines as long as paragraphs are paragraphs", () => {
  const line = "word ".repeat(60).trim();
  const text = `${line}\n${line}\n`;
  const starts = cutParagraphs(text, { start: 0, stop: text.length }).map(({ start }) => start);
  assert.deepEqual(starts, [0, line.length + 1]);
});

test("a link names a text and a character, whatever the text is called", () => {
  for (const name of ["the-soap-winter", "a/b #c%", "Ωmega"]) {
    assert.deepEqual(parseAddress(formatAddress(name, 24553)), { name, point: 24553 });
  }
  assert.deepEqual(parseAddress("#the-soap-winter"), { name: "the-soap-winter", point: null });
  for (const hash of ["", "#", "#a/b/c", "#a/1x", "#%E0%A4%A/1", "#a/-1"]) assert.equal(parseAddress(hash), null);
});

test("thresholds are written as people write them", () => {
  const written = [0.001, 0.002, 0.05, 0.5, 0.75, 0.99].map((p) => formatThreshold(Math.log(p)));
  assert.deepEqual(written, ["0.1%", "0.2%", "5%", "50%", "75%", "99%"]);
  assert.equal(formatThreshold(Math.log(3e-12)), "3 × 10⁻¹²");
});

test("a probability in a table is never a false 0 or 100", () => {
  assert.deepEqual([1, 0.9999, 0.99, 0.2, 0.004, 1e-9].map(formatPercent), ["100%", "> 99%", "99%", "20%", "0.4%", "< 0.01%"]);
});

test("a token shows its blanks, its line ends and what is hidden, and a mark stands on a circle", () => {
  assert.equal(showToken(" the"), "␣the");
  assert.equal(showToken("\n\n"), "↵↵");
  assert.equal(showToken("\u0301a"), "◌\u0301a");
  assert.equal(showToken("\u202Ex\u0007"), "□x␇");
});

test("a staircase falls by each token's probability", () => {
  const shares = accumulateShares([Math.log(0.5), 0, Math.log(0.2)]);
  assert.deepEqual(shares.map((share) => share.toFixed(6)), ["0.500000", "0.500000", "0.100000"]);
});

test("bars stand for a text, a unit for each character, and end where tokens end", () => {
  const book = { length: 12, entry: { chapters: [] }, tiles: { stop: Int32Array.from([2, 3, 8]) } };
  assert.equal(drawBars(book), "▬ ·▬▬▬▬ ▬▬▬ ");
  const long = { length: 5000, entry: { chapters: [[1, "One", 2000, 5000]] }, tiles: { stop: Int32Array.from({ length: 1000 }, (_, at) => 5 * (at + 1)) } };
  const bars = drawBars(long);
  assert.equal(bars.length, 5000);
  assert.equal(bars.slice(1998, 2000), "\n\n");
  assert.ok(bars.split("\n\n").length > 5);
});

test("a cell of CSV is quoted where it must be, and none is a formula", () => {
  assert.equal(formatCsv(["a", "b"], [["x, “y”", 'say "no"'], ["=1+1", -1.5]]), 'a,b\r\n"x, “y”","say ""no"""\r\n\'=1+1,-1.5\r\n');
});

test("a band's chance is of characters, of the whole book where it is longer, and of nothing where windows are spread", () => {
  const bands = { q: 0.001, r: 1, controls: 19, chance: 0.05, chance_whole_book: 0.05, is_spread: false };
  assert.equal(sayChance(bands), "A text like the controls would have more than 0.1% of its characters above by chance in up to 1 of 20 cases.");
  assert.match(sayChance({ ...bands, q: 0 }), /would have a character above by chance in up to 1 of 20 cases\.$/);
  assert.match(sayChance({ ...bands, chance_whole_book: 0.15 }), /in up to 1 of 20 cases; somewhere, in up to 3 of 20 if it is as long as this\.$/);
  assert.match(sayChance({ ...bands, chance_whole_book: 1 }), /somewhere, perhaps always if it is as long as this\.$/);
  assert.equal(sayChance({ ...bands, is_spread: true }), "Only some windows were measured: no error rate holds for these bands.");
});

test("the leading entries of a sorted array are counted", () => {
  const sorted = [1, 3, 3, 7];
  for (const limit of [0, 1, 3, 6, 7, 8]) {
    assert.equal(countWhile(sorted, (value) => value <= limit), sorted.filter((value) => value <= limit).length);
  }
});
