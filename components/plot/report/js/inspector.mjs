import { neutralise } from "../../../../byheart/pages/js/characters.mjs";
import { countTries, describeProbability, formatCount, formatProbability } from "../../../../byheart/pages/js/words.mjs";
import { formatAddress } from "./address.mjs";
import { BANDS } from "./colouring.mjs";
import { make } from "./elements.mjs";
import { accumulateShares, drawStaircase } from "./staircase.mjs";
import { makeTokenTable } from "./tokens.mjs";

const MOSTLY = 0.5;

/** The panel that shows a window: what it says, its numbers, its staircase, its words, its tokens. */
export class Inspector {
  constructor(panel, report, { onClose, onLink }) {
    Object.assign(this, { panel, report, onClose, onLink, isScrolled: false });
    panel.addEventListener("scroll", () => (this.isScrolled = true), { passive: true });
  }

  /** Shows nothing. */
  clear() {
    this.shown = null;
    this.panel.replaceChildren();
    this.panel.classList.remove("open");
  }

  /** Says that no window is chosen, or that none asks for what is pointed at. */
  showMessage(message) {
    this.clear();
    this.panel.append(make("p", { class: "message" }, message));
  }

  /** Shows the window that is best over a character. */
  show(book, window, point, isPinned) {
    const state = `${book.entry.id} ${window} ${isPinned} ${isPinned ? point : ""} ${book.details !== null}`;
    if (state === this.shown) return;
    const isSame = this.window === window;
    Object.assign(this, { shown: state, window });
    const detail = book.detail(window);
    const tokens = detail && detail.tokens;
    const parts = [
      this.#makeHead(book, window, point, isPinned),
      this.#makeSentence(book, window),
      makeFlags(book, window, point),
      this.#makeNumbers(book, window, tokens),
    ];
    if (tokens) {
      const caption = make("figcaption", {}, "Share of tries still word for word, token by token");
      parts.push(make("figure", {}, caption, drawStaircase(tokens.map((token) => token.logProb))));
    }
    parts.push(makeQuote(book, window));
    parts.push(tokens ? makeTokenTable(book, tokens) : makeSubstitute(book, window));
    this.panel.replaceChildren(...parts.filter((part) => part !== null));
    // Only where it was scrolled: this asks for a layout.
    if (this.isScrolled && !isSame) this.panel.scrollTop = 0;
    this.isScrolled = this.isScrolled && isSame;
    this.panel.classList.toggle("open", isPinned);
  }

  #makeHead(book, window, point, isPinned) {
    const { row, start, stop } = book.windows;
    const chapter = book.chapterAt(book.windows.suffixStart[window]);
    const place = `Window ${formatCount(row[window])}${chapter ? `, ${nameChapter(chapter)}` : ""}, characters ${formatCount(start[window])} to ${formatCount(stop[window])}`;
    const link = (event) => {
      event.preventDefault();
      this.onLink(point);
    };
    const head = make("p", { class: "where" }, make("span", {}, place, isPinned ? " · " : null));
    if (isPinned) {
      head.firstChild.append(make("a", { href: formatAddress(book.entry.name, point), onclick: link }, "link"));
      head.append(make("button", { type: "button", class: "quiet close", "aria-label": "Close the window", onclick: this.onClose }, "✕"));
    }
    return head;
  }

  #makeSentence(book, window) {
    const logPz = book.windows.logPz[window];
    const tokens = this.report.suffix_tokens;
    const count = tokens ? `${tokens} tokens` : `${book.windows.stop[window] - book.windows.suffixStart[window]} characters`;
    const often = logPz === -Infinity ? "in no try" : describeProbability(logPz);
    const sentence = make("p", { class: "sentence" }, `Shown the words before, the model writes these ${count} exactly `, make("strong", {}, often), ".");
    if (logPz < Math.log(this.report.ladder[0])) sentence.append(" By itself it shows nothing about this text.");
    return sentence;
  }

  #makeNumbers(book, window, tokens) {
    const { logPz, topK, greedy } = book.windows;
    const numbers = [
      ["p_z", formatProbability(logPz[window])],
      [`top-k ${this.report.top_k}`, topK[window] === -Infinity ? "0: a token outside" : formatProbability(topK[window])],
      ["tries for 50%", countTries(logPz[window], 0.5)],
      ["tries for 99%", countTries(logPz[window], 0.99)],
    ];
    if (tokens) {
      const right = tokens.filter((token) => token.rank === 0).length;
      const run = accumulateShares(tokens.map((token) => token.logProb)).reduce((sum, share) => sum + share, 0);
      numbers.push(["first guess right", `${right} of ${tokens.length} tokens`]);
      numbers.push(["before the first slip", `${run.toFixed(1)} tokens, on average`]);
    } else {
      numbers.push(["first guess right", greedy[window] ? "of all tokens" : "not of all tokens"]);
    }
    return make("dl", {}, ...numbers.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  }
}

/** A chapter as people call it: "Chapter 4", or its title. */
export function nameChapter(chapter) {
  return Number.isFinite(chapter.number) ? `Chapter ${chapter.number}` : chapter.title;
}

function makeFlags(book, window, point) {
  const { greedy, repetitive, bookOverlap } = book.windows;
  const band = book.bands ? BANDS[repetitive[window] ? 0 : book.bandAt(point)] : null;
  const flags = [];
  if (band) flags.push(make("li", { class: band.name || null }, band.label));
  if (bookOverlap[window] >= MOSTLY) flags.push(make("li", {}, "repeated in this book"));
  else if (repetitive[window]) flags.push(make("li", {}, "repetitive"));
  if (greedy[window]) flags.push(make("li", {}, "every first guess right"));
  return flags.length ? make("ul", { class: "flags" }, ...flags) : null;
}

function makeQuote(book, window) {
  const { start, suffixStart, stop } = book.windows;
  const read = (from, to) => book.toUnits(from, to).map((span) => book.text.slice(span.start, span.stop)).join(" … ").replace(/\s+/g, " ");
  if (!book.hasText || !book.toUnits(suffixStart[window], stop[window]).length) return null;
  return make("p", { class: "quote", dir: "auto" }, read(start[window], suffixStart[window]), make("span", { class: "asked" }, read(suffixStart[window], stop[window])));
}

function makeSubstitute(book, window) {
  const row = formatCount(book.windows.row[window]);
  return make("p", { class: "message" }, book.isDetailed && !book.details ? "Its tokens are being unpacked." : `Its tokens are not in this page: they are row ${row} of ${neutralise(book.entry.name)}/windows.parquet.`);
}
