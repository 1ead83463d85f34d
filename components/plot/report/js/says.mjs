import { describeProbability, formatShare } from "../../../../byheart/pages/js/words.mjs";
import { formatThreshold } from "./bar.mjs";
import { BANDS } from "./colouring.mjs";
import { countNoun, make } from "./elements.mjs";
import { coverageAt, segmentsOf } from "./passages.mjs";

const KNOWN_CONTROL = 0.01;
const NEAR_FLOOR = Math.log(0.01);

/** What the threshold gives, as nodes of one line. */
export function sayThreshold(report, colouring, passages, scale, controlCoverage) {
  const { book, threshold } = colouring;
  const share = coverageAt(book, threshold);
  if (Number.isNaN(share)) return ["Nothing in this text is measurable: no window asks for any of its characters."];
  const parts = [];
  if (scale.from !== "published") parts.push(sayUnpublished(report, scale));
  parts.push("At ", make("strong", {}, `p_z ≥ ${formatThreshold(threshold)}`), ": ", make("strong", {}, formatShare(share)));
  parts.push(` of the measurable characters, ${countNoun(passages.length, "passage")}.`);
  if (controlCoverage !== null && controlCoverage >= KNOWN_CONTROL) {
    const isOne = report.texts.filter((text) => text.role === "control").length === 1;
    parts.push(` ${isOne ? "The" : "A"} control is known too (${formatShare(controlCoverage)}): this threshold shows little.`);
  } else {
    if (scale.from === "published" && threshold < NEAR_FLOOR) parts.push(" Near the floor text begins to qualify that is merely easy.");
    parts.push(sayControls(report, book.entry));
  }
  return parts;
}

/** What the bands give: the share of each, and how often such a claim is wrong. */
export function sayBands(report, colouring, scale) {
  const { book } = colouring;
  const shares = measureBands(book);
  const parts = [];
  if (scale.from !== "published") parts.push(sayUnpublished(report, scale));
  for (const number of [4, 3, 2]) {
    if (number === 2 && !shares[number]) continue;
    parts.push(make("strong", {}, formatShare(shares[number])), ` ${BANDS[number].label}${number === 4 ? ", " : ". "}`);
  }
  if (shares[0]) parts.push(`${formatShare(shares[0])} were not compared. `);
  const { t, extractable } = book.entry.bands;
  if (t >= extractable) parts.push("The controls reach what is extractable: nothing is only above them. ");
  parts.push(sayChance(book.entry.bands));
  return parts;
}

/** How often an unseen text would have as much above the controls: of the stretch that was compared, and of the whole. */
export function sayChance({ q, r, controls, chance, chance_whole_book: whole, is_spread: isSpread }) {
  if (isSpread) return "Only some windows were measured: no error rate holds for these bands.";
  const cases = controls + 1;
  const share = q > 0 ? `more than ${formatShare(q)} of its characters` : "a character";
  const many = `by chance in up to ${r} of ${cases} cases`;
  if (whole <= chance) return `A text like the controls would have ${share} above ${many}.`;
  const anywhere = whole < 1 ? `in up to ${Math.round(whole * cases)} of ${cases} if it is as long as this` : "perhaps always if it is as long as this";
  return `A text like the controls, as long as the shortest of them, would have ${share} above ${many}; somewhere, ${anywhere}.`;
}

/** The share of the measurable characters in each band, by its number; 0 are those that were not compared. */
export function measureBands(book) {
  const sizes = BANDS.map(() => 0);
  let measurable = 0;
  for (const { start, stop, class: number } of segmentsOf(book, 0, book.length, (window, band) => (window < 0 ? -1 : band))) {
    if (number < 0) continue;
    measurable += stop - start;
    sizes[number] += stop - start;
  }
  return sizes.map((size) => (measurable ? size / measurable : 0));
}

function sayUnpublished(report, scale) {
  const best = Math.max(...report.texts.map((entry) => entry.best?.log_p_z ?? -Infinity));
  const from = scale.from === "controls" ? "from where the controls end" : "from the median";
  return `Nothing here reaches the published thresholds: the best window comes ${describeProbability(best)}. Colours run ${from} to the best window. `;
}

function sayControls(report, entry) {
  if (entry.role === "control") return "";
  const controls = report.texts.filter((text) => text.role === "control");
  if (!controls.length) return " No control was measured: text that any model finds easy is coloured too.";
  const best = Math.max(...controls.map((text) => text.best?.log_p_z ?? -Infinity));
  if (best === -Infinity) return "";
  return ` The ${controls.length > 1 ? "controls’" : "control’s"} best window comes ${describeProbability(best)}.`;
}
