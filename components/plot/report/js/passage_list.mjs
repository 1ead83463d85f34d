import { formatCount, formatProbability } from "../../../../byheart/pages/js/words.mjs";
import { formatCsv, handOver } from "./csv.mjs";
import { countNoun, make } from "./elements.mjs";
import { nameChapter } from "./inspector.mjs";

const MOST = 150;
const WORDS = 58;
const HEADER = ["start", "stop", "characters", "chapter", "weakest_window", "weakest_log_p_z", "begins"];

/** The passages of a book, longest first: where each is, how it begins, its weakest window. */
export class PassageList {
  constructor(nav, { onGo }) {
    Object.assign(this, { nav, onGo, passages: [], items: [] });
  }

  /** Lists the passages; the colour of each is what most of it has. */
  show(colouring, passages) {
    this.book = colouring.book;
    this.passages = [...passages].sort((one, other) => other.stop - other.start - (one.stop - one.start) || one.start - other.start);
    this.current = null;
    const listed = this.passages.slice(0, MOST);
    this.items = listed.map((passage) => this.#makeItem(colouring, passage));
    const save = make("button", { type: "button", class: "quiet", onclick: () => this.#save() }, "CSV");
    const title = this.passages.length > 1 ? `${countNoun(this.passages.length, "passage")}, longest first` : countNoun(this.passages.length, "passage");
    const rest = this.passages.length - listed.length;
    this.nav.replaceChildren(
      make("div", { class: "list-head" }, make("h2", {}, title), this.passages.length ? save : ""),
      make("ol", {}, ...this.items.map((button) => make("li", {}, button))),
      ...(rest > 0 ? [make("p", { class: "message" }, `${formatCount(rest)} shorter ones are in the CSV.`)] : []),
    );
  }

  /** Marks the passage that holds a character, if one does. */
  mark(point) {
    const index = this.passages.findIndex(({ start, stop }) => start <= point && point < stop);
    this.items.forEach((item, at) => {
      if (at === index) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
    });
    this.current = index < 0 ? null : index;
    const item = this.items[index];
    if (!item) return;
    const [box, panel] = [item.getBoundingClientRect(), this.nav.getBoundingClientRect()];
    if (box.top < panel.top || box.bottom > panel.bottom) this.nav.scrollTop += box.top - panel.top - panel.height / 3;
  }

  /** Goes to the next passage of the list, or with -1 to the one before. */
  step(by) {
    if (!this.items.length) return;
    const next = this.current === null ? (by > 0 ? 0 : this.items.length - 1) : this.current + by;
    this.onGo(this.passages[Math.min(this.items.length - 1, Math.max(0, next))].start);
  }

  #makeItem(colouring, passage) {
    const { start, stop, weakest } = passage;
    const chapter = this.book.chapterAt(start);
    const where = `${formatCount(stop - start)} characters${chapter ? `, ${nameChapter(chapter)}` : ""}; weakest ${formatProbability(this.book.windows.logPz[weakest])}`;
    const words = this.#readWords(start, stop, WORDS);
    const step = findMostCommon(colouring.segments(start, Math.min(stop, start + 20_000)));
    return make(
      "button",
      { type: "button", class: "passage", "data-step": step.startsWith("step-") ? step.slice(5) : "2", onclick: () => this.onGo(start) },
      words ? make("q", { dir: "auto" }, words) : make("q", {}, `From character ${formatCount(start)}`),
      where,
    );
  }

  #readWords(start, stop, letters) {
    if (!this.book.hasText) return "";
    const [span] = this.book.toUnits(start, Math.min(stop, start + letters));
    if (!span) return "";
    const words = this.book.text.slice(span.start, span.stop).replace(/\s+/g, " ").trim();
    return stop - start > letters ? `${words} …` : words;
  }

  #save() {
    const rows = this.passages.map(({ start, stop, weakest }) => {
      const chapter = this.book.chapterAt(start);
      const { row, logPz } = this.book.windows;
      return [start, stop, stop - start, chapter ? nameChapter(chapter) : "", row[weakest], logPz[weakest], this.#readWords(start, stop, 200)];
    });
    handOver(this.nav.closest("section") ?? document.body, `${this.book.entry.name}-passages.csv`, formatCsv(HEADER, rows));
  }
}

function findMostCommon(segments) {
  const sizes = new Map();
  for (const { start, stop, name } of segments) sizes.set(name, (sizes.get(name) ?? 0) + stop - start);
  return [...sizes].reduce((most, entry) => (entry[1] > most[1] ? entry : most), ["", 0])[0];
}
