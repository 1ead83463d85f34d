const POINT_AT = "Point at a word to see the window that is best over it.";
const NO_WINDOW = "No window asks for these characters. That is no zero.";

/** Which window is shown, in the panel and by the lines under the text: one pointed at, or one that is kept. */
export class ChosenWindow {
  constructor(inspector, overlays) {
    Object.assign(this, { inspector, overlays, book: null, pinned: null, hovered: null });
  }

  /** Begins with a book, and its most probable window. */
  open(book) {
    Object.assign(this, { book, pinned: null, hovered: null });
    const window = book.entry.best ? book.windows.row.indexOf(book.entry.best.row) : -1;
    if (window >= 0) this.hovered = { window, point: findStart(book, book.runs.best.indexOf(window)) };
    this.draw();
  }

  /** Keeps the window over a character. */
  pin(point) {
    Object.assign(this, { pinned: { point, window: this.book.windowAt(point) }, hovered: null });
    this.draw();
  }

  /** Shows the window over a character, unless one is kept. */
  hover(point) {
    if (this.pinned) return;
    this.hovered = { point, window: this.book.windowAt(point) };
    this.draw();
  }

  /** Lets the window go that was kept. */
  letGo() {
    this.pinned = null;
    this.draw();
  }

  /** The first character of the next window, or with -1 of the one before; -1 where there is none. */
  findNext(by) {
    const chosen = this.pinned ?? this.hovered;
    if (!this.book || !chosen) return -1;
    const { runs } = this.book;
    let run = this.book.runAt(chosen.point) + by;
    while (run >= 0 && run < runs.stop.length && (runs.best[run] < 0 || runs.best[run] === chosen.window)) run += by;
    return run >= 0 && run < runs.stop.length ? findStart(this.book, run) : -1;
  }

  /** Draws the choice, again when the window's tokens have come. */
  draw() {
    if (!this.book) return;
    const chosen = this.pinned ?? this.hovered;
    if (!chosen || chosen.window < 0) this.inspector.showMessage(chosen ? NO_WINDOW : POINT_AT);
    else this.inspector.show(this.book, chosen.window, chosen.point, this.pinned !== null);
    this.#underline(chosen ? chosen.window : -1);
  }

  #underline(window) {
    const { start, suffixStart, stop } = this.book.windows;
    const isShown = window >= 0;
    this.overlays.set("prompt", isShown ? this.book.toUnits(start[window], suffixStart[window]) : [], 2);
    this.overlays.set("suffix", isShown ? this.book.toUnits(suffixStart[window], stop[window]) : [], 3);
  }
}

function findStart(book, run) {
  return run > 0 ? book.runs.stop[run - 1] : 0;
}
