import { segmentsOf } from "./passages.mjs";
import { stepOf } from "./thresholds.mjs";

export const UNMEASURED = "unmeasured";

/** The bands of a character by their number in the data: how they are called and painted, weakest first. */
export const BANDS = [
  { label: "not compared", name: UNMEASURED },
  { label: "like unseen text", name: "" },
  { label: "easily drawn, not above", name: "easy" },
  { label: "only above the controls", name: "step-2" },
  { label: "extractable", name: "step-4" },
];

/** How a book is coloured: which class each run of its characters has. */
export class Colouring {
  /** `by` is "p_z", in the steps of `ladder` and with nothing below `threshold`, or "bands", of which those in `bands` are shown. */
  constructor(book, { by, ladder, threshold, bands }) {
    Object.assign(this, { book, by, ladder, threshold, bands });
  }

  /** Runs of characters [from, to) of one class each: {start, stop, name}, "" where there is no colour. */
  segments(from, to) {
    const classify = (window, band) => this.classify(window, band);
    return segmentsOf(this.book, from, to, classify).map(({ start, stop, class: name }) => ({ start, stop, name }));
  }

  /** The class of a character from its best window, -1 where none asks for it, and its band. */
  classify(window, band) {
    if (window < 0) return UNMEASURED;
    if (this.by === "bands") return this.bands.has(band) ? BANDS[band].name : "";
    const logPz = this.book.windows.logPz[window];
    return logPz < this.threshold ? "" : this.nameStep(logPz);
  }

  /** The class of a probability on the ramp. */
  nameStep(logPz) {
    const step = stepOf(logPz, this.ladder);
    return step ? `step-${step}` : "";
  }

  /** Whether a character is coloured. */
  isColoured(point) {
    const name = this.classify(this.book.windowAt(point), this.book.bandAt(point));
    return name !== "" && name !== UNMEASURED;
  }

  /** The maximal runs that are coloured, and in them the window with the smallest log_p_z: as `findPassages`, for bands. */
  findRuns() {
    const isColoured = (name) => name !== "" && name !== UNMEASURED;
    const runs = segmentsOf(this.book, 0, this.book.length, (window, band) => isColoured(this.classify(window, band)));
    return runs.filter((run) => run.class).map(({ start, stop }) => ({ start, stop, weakest: this.#findWeakest(start, stop) }));
  }

  #findWeakest(start, stop) {
    const { runs, windows } = this.book;
    let weakest = this.book.windowAt(start);
    for (let run = this.book.runAt(start); run < runs.stop.length && (run ? runs.stop[run - 1] : 0) < stop; run += 1) {
      if (runs.best[run] >= 0 && windows.logPz[runs.best[run]] < windows.logPz[weakest]) weakest = runs.best[run];
    }
    return weakest;
  }
}
