import { isMark, neutralise } from "../../../../byheart/pages/js/characters.mjs";
import { make } from "./elements.mjs";

const HIGHEST_RANK = 255;

/** A table with a row a token: how probable it was, its rank, and the model's first guess where that is another. */
export function makeTokenTable(book, tokens) {
  const hardest = tokens.reduce((least, token, index) => (token.logProb < tokens[least].logProb ? index : least), 0);
  const header = ["token", "probability", null, "rank", "first guess"].map((name) =>
    name === null ? make("th", {}, make("span", { class: "screen-reader" }, "in percent")) : make("th", { scope: "col" }, name),
  );
  return make(
    "table",
    { class: "tokens" },
    make("thead", {}, make("tr", {}, ...header)),
    make("tbody", {}, ...tokens.map((token, index) => makeRow(book, token, index === hardest))),
  );
}

/** A token's text as one can see it: blanks and line ends as signs, a mark on a circle. */
export function showToken(text) {
  const visible = neutralise(text).replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/^ +| +$/g, (blanks) => "␣".repeat(blanks.length));
  return isMark(visible) ? `◌${visible}` : visible;
}

/** A probability in a table: two digits, and never a false 0 or 100. */
export function formatPercent(probability) {
  const percent = 100 * probability;
  if (percent > 99) return percent === 100 ? "100%" : "> 99%";
  if (percent < 0.01) return "< 0.01%";
  return percent < 1 ? `${percent.toPrecision(1)}%` : `${Math.round(percent)}%`;
}

function makeRow(book, token, isHardest) {
  const probability = Math.exp(token.logProb);
  const fill = make("i");
  fill.style.width = `${100 * probability}%`;
  return make(
    "tr",
    { class: isHardest ? "hardest" : null },
    make("td", {}, nameToken(book, token), isHardest ? make("span", { class: "screen-reader" }, " (the hardest)") : null),
    make("td", {}, make("span", { class: "bar", "aria-hidden": "true" }, fill)),
    make("td", {}, formatPercent(probability)),
    make("td", {}, token.rank >= HIGHEST_RANK ? `> ${HIGHEST_RANK}` : String(token.rank + 1)),
    make("td", {}, token.preferred === null ? null : make("bdi", { class: "token" }, showToken(token.preferred))),
  );
}

function nameToken(book, token) {
  if (!book.hasText) return make("span", { class: "token" }, `${token.stop - token.start} ch.`);
  if (token.stop === token.start) return make("span", { class: "token", title: "a part of the character before" }, "‹part›");
  const text = book.toUnits(token.start, token.stop).map(({ start, stop }) => book.text.slice(start, stop)).join("");
  return make("bdi", { class: "token" }, text ? showToken(text) : `${token.stop - token.start} ch.`);
}
