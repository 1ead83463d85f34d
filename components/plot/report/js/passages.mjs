/** Runs of characters that reach a threshold, and runs of one colour. */

/**
 * @typedef {{start: number, stop: number, weakest: number}} Passage a maximal run of characters that reach a threshold,
 *   in code points; `weakest` is, of the windows that are best over its characters, the one with the smallest log_p_z
 */

/**
 * The passages at a threshold, in text order.
 * @param {import("./book.mjs").Book} book
 * @param {number} logThreshold nats
 * @returns {Passage[]}
 */
export function findPassages(book, logThreshold) {
  const { runs, windows } = book;
  const passages = [];
  let passage = null;
  for (let run = 0, start = 0; run < runs.stop.length; start = runs.stop[run++]) {
    const best = runs.best[run];
    if (best < 0 || windows.logPz[best] < logThreshold) {
      passage = null;
    } else if (passage) {
      passage.stop = runs.stop[run];
      if (windows.logPz[best] < windows.logPz[passage.weakest]) passage.weakest = best;
    } else {
      passages.push((passage = { start, stop: runs.stop[run], weakest: best }));
    }
  }
  return passages;
}

/**
 * The share of the measurable characters that reach a threshold; NaN where none is measurable.
 * @param {import("./book.mjs").Book} book
 * @param {number} logThreshold nats
 * @returns {number}
 */
export function coverageAt(book, logThreshold) {
  const { runs, windows } = book;
  let [covered, measurable] = [0, 0];
  for (let run = 0, start = 0; run < runs.stop.length; start = runs.stop[run++]) {
    if (runs.best[run] < 0) continue;
    measurable += runs.stop[run] - start;
    if (windows.logPz[runs.best[run]] >= logThreshold) covered += runs.stop[run] - start;
  }
  return covered / measurable;
}

/**
 * A span of the book in segments of one class each, neighbours of different classes.
 * @template Class
 * @param {import("./book.mjs").Book} book
 * @param {number} from a code point
 * @param {number} to a code point
 * @param {(window: number, band: number) => Class} classify of the best window, -1 for none, and the band, 0 for none
 * @returns {{start: number, stop: number, class: Class}[]}
 */
export function segmentsOf(book, from, to, classify) {
  const segments = [];
  const stop = Math.min(to, book.length);
  let start = Math.max(0, from);
  for (let run = book.runAt(start), band = book.bandRunAt(start); start < stop; ) {
    const of = classify(book.runs.best[run], book.bands ? book.bands.band[band] : 0);
    const next = Math.min(stop, book.runs.stop[run], book.bands ? book.bands.stop[band] : stop);
    const last = segments[segments.length - 1];
    if (last && last.class === of) last.stop = next;
    else segments.push({ start, stop: next, class: of });
    if (next === book.runs.stop[run]) run++;
    if (book.bands && next === book.bands.stop[band]) band++;
    start = next;
  }
  return segments;
}
