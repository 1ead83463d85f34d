/** A book of the report: its text, the window behind each character, and each window's tokens. */

import { accumulate, inflate, parseColumns } from "../../../../byheart/pages/js/blobs.mjs";
import { neutralise } from "../../../../byheart/pages/js/characters.mjs";

const NO_TOP_K = 65535;
const LOWEST_LOG_PROB = -30;

/**
 * @typedef {{start: number, stop: number, unit: number, point: number}} Segment a span of the book whose text is shown,
 *   in code points of the book; `unit` and `point` are where it begins in the shown text
 * @typedef {{start: number, stop: number, logProb: number, rank: number, preferred: string | null}} Token of a suffix:
 *   its characters, nats, tokens that the model found likelier (255: or more), and the likeliest where it is another
 *   and may be shown
 */

export class Book {
  /**
   * A book of its entry in the report and its blobs.
   * @param {object} entry of the report's `texts`
   * @param {{text: string, map: string}} blobs base64; text may be empty where none travels
   * @returns {Promise<Book>}
   */
  static async load(entry, { text, map }) {
    const [bytes, columns] = await Promise.all([text.trim() ? inflate(text) : new Uint8Array(), inflate(map)]);
    return new Book(entry, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), parseColumns(columns));
  }

  /**
   * @param {object} entry
   * @param {string} shown the text of all spans that the entry says are shown, joined
   * @param {Object<string, ArrayLike<number>>} map
   */
  constructor(entry, shown, map) {
    this.entry = entry;
    this.length = entry.characters;
    /** What is displayed: hidden characters have signs, and each unit its place. */
    this.text = neutralise(shown);
    this.wide = findWide(shown);
    /** @type {Segment[]} */
    this.segments = this.#placeSegments(listShown(entry));
    this.runs = { stop: accumulate(map.run_length), best: Int32Array.from(map.run_best, (best) => best - 1) };
    this.bands = map.band ? { stop: accumulate(map.band_length), band: map.band } : null;
    this.windows = readWindows(map);
    /** The tokens of suffixes that do not overlap: 0 the model's first guess, 1 another token, 2 between suffixes. */
    this.tiles = { stop: accumulate(map.tile_length), kind: map.tile_rank_class };
    this.details = null;
  }

  /**
   * Where the character at a code point stands in `text`, in UTF-16 units; -1 where it is not shown.
   * @param {number} point
   * @returns {number}
   */
  toUnit(point) {
    const segment = this.segments[countUpTo(this.segments, point, (each) => each.start) - 1];
    if (!segment || point > segment.stop || (point === segment.stop && point !== this.length)) return -1;
    return this.#textUnit(segment.point + point - segment.start);
  }

  /**
   * The code point of the book whose character stands at a unit of `text`.
   * @param {number} unit
   * @returns {number}
   */
  toPoint(unit) {
    const segment = this.segments[Math.max(0, countUpTo(this.segments, unit, (each) => each.unit) - 1)];
    if (!segment) return this.length;
    const before = countBelow(this.wide, unit, (point, at) => point + at);
    return segment.start + (unit - before) - segment.point;
  }

  /**
   * The shown parts of a span of code points, as spans of units of `text`.
   * @param {number} start
   * @param {number} stop
   * @returns {{start: number, stop: number}[]}
   */
  toUnits(start, stop) {
    const spans = [];
    for (let at = Math.max(0, countUpTo(this.segments, start, (each) => each.start) - 1); at < this.segments.length; at++) {
      const segment = this.segments[at];
      if (segment.start >= stop) break;
      const [from, to] = [Math.max(start, segment.start), Math.min(stop, segment.stop)];
      if (from >= to) continue;
      const offset = segment.point - segment.start;
      spans.push({ start: this.#textUnit(from + offset), stop: this.#textUnit(to + offset) });
    }
    return spans;
  }

  /**
   * The window that is best over a character, as an index into `windows`; -1 where no window asks for it.
   * @param {number} point
   * @returns {number}
   */
  windowAt(point) {
    return point < 0 || point >= this.length ? -1 : this.runs.best[this.runAt(point)];
  }

  /**
   * The run of characters with one best window that holds a character.
   * @param {number} point
   * @returns {number}
   */
  runAt(point) {
    return countUpTo(this.runs.stop, point, (stop) => stop);
  }

  /**
   * The largest log_p_z of a window over a character, nats; NaN where no window asks for it.
   * @param {number} point
   * @returns {number}
   */
  logAt(point) {
    const best = this.windowAt(point);
    return best < 0 ? NaN : this.windows.logPz[best];
  }

  /**
   * The band of a character: 0 none, 1 like unseen text, 2 easy, 3 above the controls, 4 extractable.
   * @param {number} point
   * @returns {number}
   */
  bandAt(point) {
    if (!this.bands || point < 0 || point >= this.length) return 0;
    return this.bands.band[this.bandRunAt(point)];
  }

  /**
   * The run of characters of one band that holds a character; 0 where the book has no bands.
   * @param {number} point
   * @returns {number}
   */
  bandRunAt(point) {
    return this.bands ? countUpTo(this.bands.stop, point, (stop) => stop) : 0;
  }

  /**
   * The chapter that holds a character; null before the first.
   * @param {number} point
   * @returns {{number: number, title: string, start: number, stop: number} | null}
   */
  chapterAt(point) {
    const chapters = this.entry.chapters;
    const chapter = chapters[countUpTo(chapters, point, ([, , start]) => start) - 1];
    if (!chapter || point >= chapter[3]) return null;
    const [number, title, start, stop] = chapter;
    return { number, title: neutralise(title), start, stop };
  }

  /**
   * Unpack the tokens of the windows that have detail.
   * @param {string} base64
   * @param {string[]} pieces the report's texts of preferred tokens; 0 stands for the token itself
   */
  async loadDetail(base64, pieces) {
    const { place, suffix_tokens: counts, ...tokens } = parseColumns(await inflate(base64));
    const rows = new Map(Array.from(accumulate(place), (window, row) => [window, row]));
    const width = rows.size ? tokens.length.length / rows.size : 0;
    this.details = { rows, tokens, pieces, stops: accumulate(counts || Array.from(place, () => width)) };
  }

  /**
   * The suffix tokens of a window, in text order; null where its detail is not there.
   * @param {number} window an index into `windows`
   * @returns {{tokens: Token[]} | null}
   */
  detail(window) {
    const row = this.details?.rows.get(window);
    if (row === undefined) return null;
    const { tokens, pieces, stops } = this.details;
    const first = row ? stops[row - 1] : 0;
    let start = this.windows.suffixStart[window];
    const read = (at) => ({
      start,
      stop: (start += tokens.length[at]),
      logProb: LOWEST_LOG_PROB * (tokens.log_prob[at] / 255) ** 3,
      rank: tokens.rank[at],
      preferred: tokens.preferred?.[at] ? pieces[tokens.preferred[at]] : null,
    });
    return { tokens: Array.from({ length: stops[row] - first }, (_, token) => read(first + token)) };
  }

  #textUnit(point) {
    return point + countBelow(this.wide, point, (wide) => wide);
  }

  #placeSegments(spans) {
    let point = 0;
    return spans.map(([start, stop]) => {
      const segment = { start, stop, unit: this.#textUnit(point), point };
      point += stop - start;
      return segment;
    });
  }
}

/** The spans of an entry whose text is shown, in code points. */
function listShown(entry) {
  if (entry.shown === "none") return [];
  return entry.shown === "all" ? [[0, entry.characters]] : entry.shown;
}

/** The places of the characters of two UTF-16 units, in code points of the text. */
function findWide(text) {
  const wide = [];
  for (const { index } of text.matchAll(/[\u{10000}-\u{10FFFF}]/gu)) wide.push(index - wide.length);
  return Int32Array.from(wide);
}

function readWindows(map) {
  const start = accumulate(map.start_delta);
  const suffixStart = start.map((at, window) => at + map.prompt_length[window]);
  return {
    row: accumulate(map.row_delta),
    start,
    suffixStart,
    stop: suffixStart.map((at, window) => at + map.suffix_length[window]),
    logPz: map.log_p_z,
    topK: map.log_p_z_top_k ?? map.log_p_z.map((logPz, window) => addTopK(logPz, map.top_k[window])),
    greedy: map.greedy,
    repetitive: map.repetitive,
    bookOverlap: Float32Array.from(map.book_overlap, (share) => share / 255),
  };
}

/** log_p_z_top_k, nats, from log_p_z and the thousandths of a nat that it lies above. */
function addTopK(logPz, above) {
  return above === NO_TOP_K ? -Infinity : Math.min(0, logPz + above / 1000);
}

/** How many of the ascending items have a value at or below `limit`. */
function countUpTo(items, limit, valueOf) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueOf(items[middle], middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of the ascending items have a value below `limit`, an integer. */
function countBelow(items, limit, valueOf) {
  return countUpTo(items, limit - 1, valueOf);
}
