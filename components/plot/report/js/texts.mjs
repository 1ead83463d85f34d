import { Book } from "./book.mjs";
import { standIn } from "./bars.mjs";
import { coverageAt } from "./passages.mjs";

/** The texts of the report: each is unpacked when it is asked for, its tokens when the browser is idle. */
export class Texts {
  constructor(report) {
    this.report = report;
    this.loading = new Map();
    this.controls = null;
  }

  /** The book of an entry: laid out, its tokens not there yet. Null where the page has no room for it. */
  load(entry) {
    if (entry.blobs === false) return Promise.resolve(null);
    if (!this.loading.has(entry.id)) this.loading.set(entry.id, this.#unpack(entry));
    return this.loading.get(entry.id);
  }

  /** Unpacks the tokens of a book's windows, once. */
  async loadDetail(book) {
    const packed = readBlob(book.entry, "detail");
    if (!packed || book.details) return;
    await untilIdle();
    if (!book.details) await book.loadDetail(packed, this.report.pieces);
  }

  /** The share of the controls' measurable characters at a threshold, the largest; null until they are unpacked. */
  measureControls(threshold) {
    if (!this.controls?.length) return null;
    const shares = this.controls.map((book) => coverageAt(book, threshold)).filter((share) => !Number.isNaN(share));
    return shares.length ? Math.max(...shares) : null;
  }

  /** Unpacks the controls when there is time, one after the other. */
  async loadControls() {
    const books = [];
    for (const entry of this.report.texts.filter((text) => text.role === "control")) {
      await untilIdle();
      const book = await this.load(entry);
      if (book) books.push(book);
    }
    this.controls = books;
  }

  async #unpack(entry) {
    const book = await Book.load(entry, { text: readBlob(entry, "text"), map: readBlob(entry, "map") });
    book.hasText = entry.shown !== "none";
    book.isDetailed = readBlob(entry, "detail") !== "";
    if (!book.hasText) standIn(book);
    return book;
  }
}

function readBlob(entry, kind) {
  return document.getElementById(`${entry.id}-${kind}`)?.textContent ?? "";
}

function untilIdle() {
  return new Promise((resolve) => (globalThis.requestIdleCallback ?? setTimeout)(() => resolve(), { timeout: 1000 }));
}
