/** Small books of the report, packed as the page holds them, and the definitions of what is found in them. */

import { Book } from "../../../components/plot/report/js/book.mjs";
import { packColumns, packText } from "../../pages/pack.mjs";

/** Numbers from 0 to below 1 that are the same on every machine. */
export function* drawNumbers(seed) {
  for (let state = seed; ; ) yield (state = (state * 48271) % 2147483647) / 2147483647;
}

/** The lengths and values of the runs of equal values. */
function findRuns(values) {
  const [lengths, kinds] = [[], []];
  for (const value of values) {
    if (lengths.length && kinds[kinds.length - 1] === value) lengths[lengths.length - 1]++;
    else [lengths.push(1), kinds.push(value)];
  }
  return [lengths, kinds];
}

/**
 * A book of windows, each {row, start, suffixStart, stop, logPz, ...}, in text order; each is best over some character.
 * `best` names the window of each code point, -1 for none; `bands` the band of each, if any.
 */
export async function makeBook({ text, windows, best, bands, shown = "all", measurable, chapters = [], tiles = [[], []] }) {
  const points = Array.from(text);
  const [runLength, runBest] = findRuns(best.map((window) => window + 1));
  const bandColumns = bands ? findRuns(bands) : null;
  const deltas = (values) => values.map((value, at) => value - (values[at - 1] ?? 0));
  const map = packColumns([
    ["run_length", "u2", runLength],
    ["run_best", "u1", runBest],
    ...(bandColumns ? [["band_length", "u2", bandColumns[0]], ["band", "u1", bandColumns[1]]] : []),
    ["row_delta", "u2", deltas(windows.map(({ row }) => row))],
    ["start_delta", "u2", deltas(windows.map(({ start }) => start))],
    ["prompt_length", "u1", windows.map(({ start, suffixStart }) => suffixStart - start)],
    ["suffix_length", "u1", windows.map(({ suffixStart, stop }) => stop - suffixStart)],
    ["log_p_z", "f4", windows.map(({ logPz }) => logPz)],
    ["top_k", "u2", windows.map(({ topK = 0 }) => topK)],
    ["greedy", "u1", windows.map(({ greedy = 0 }) => greedy)],
    ["repetitive", "u1", windows.map(({ repetitive = 0 }) => repetitive)],
    ["book_overlap", "u1", windows.map(({ overlap = 0 }) => overlap)],
    ["tile_length", "u1", tiles[0]],
    ["tile_rank_class", "u1", tiles[1]],
  ]);
  const spans = shown === "all" ? [[0, points.length]] : shown === "none" ? [] : shown;
  const travels = spans.map(([start, stop]) => points.slice(start, stop).join("")).join("");
  const entry = {
    characters: points.length,
    measurable: measurable ?? best.filter((window) => window >= 0).length,
    shown,
    chapters,
  };
  return Book.load(entry, { text: travels ? packText(travels) : "", map });
}

/** A book of random windows and scores, and of each code point the window that is best over it. */
export async function drawBook(seed, { length = 600, bands = false, text } = {}) {
  const numbers = drawNumbers(seed);
  const draw = (below) => Math.floor(numbers.next().value * below);
  const drawn = [];
  for (let row = 0, start = 0; start + 60 < length; row += 1 + draw(3), start += 1 + draw(12)) {
    const suffixStart = start + 10 + draw(10);
    if (draw(40) === 0) start += 40; // a gap
    drawn.push({ row, start, suffixStart: Math.max(suffixStart, start), stop: Math.max(suffixStart, start) + 10 + draw(15), logPz: Math.fround(-8 * numbers.next().value) });
  }
  const over = (point) => {
    let best = -1;
    drawn.forEach((window, at) => {
      const covers = window.suffixStart <= point && point < window.stop;
      if (covers && (best < 0 || window.logPz > drawn[best].logPz)) best = at;
    });
    return best;
  };
  const bestDrawn = Array.from({ length }, (_, point) => over(point));
  const travelling = [...new Set(bestDrawn)].filter((at) => at >= 0).sort((a, b) => a - b);
  const windows = travelling.map((at) => drawn[at]);
  const best = bestDrawn.map((at) => travelling.indexOf(at));
  const ofBands = bands ? best.map((at, point) => (at < 0 ? 0 : 1 + (Math.floor(point / 37) % 4))) : undefined;
  const book = await makeBook({ text: text ?? "x".repeat(length), windows, best, bands: ofBands });
  return { book, windows, best, bands: ofBands };
}
