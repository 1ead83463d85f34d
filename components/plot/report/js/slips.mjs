import { formatShare } from "../../../../byheart/pages/js/words.mjs";
import { UNMEASURED } from "./colouring.mjs";
import { countNoun } from "./elements.mjs";

const WRONG = 1;

/** Tokens inside coloured text that were not the model's first guess, as spans of units: of suffixes that do not overlap. */
export function listSlips(colouring) {
  const { book } = colouring;
  const slips = [];
  for (let tile = 0; tile < book.tiles.stop.length; tile += 1) {
    if (book.tiles.kind[tile] !== WRONG) continue;
    const start = tile ? book.tiles.stop[tile - 1] : 0;
    const stop = book.tiles.stop[tile];
    if (stop > start && colouring.isColoured(stop - 1)) slips.push(...book.toUnits(start, stop));
  }
  return slips;
}

/** The strip in a sentence: how much is coloured, how much is not measurable, in how many passages. */
export function describeStrip(colouring, passages) {
  const { book } = colouring;
  const sizes = new Map();
  for (const { start, stop, name } of colouring.segments(0, book.length)) sizes.set(name, (sizes.get(name) ?? 0) + stop - start);
  const unmeasured = sizes.get(UNMEASURED) ?? 0;
  const coloured = book.length - unmeasured - (sizes.get("") ?? 0);
  const parts = [`The whole text in small: ${formatShare(coloured / book.length)} of its characters are coloured, in ${countNoun(passages.length, "passage")}`];
  if (unmeasured) parts.push(`${formatShare(unmeasured / book.length)} are not measurable`);
  return `${parts.join("; ")}.`;
}
