/** Words found in the shown text of a book. */

import { neutralise } from "../../../../byheart/pages/js/characters.mjs";

/**
 * The places of a query, as spans of code points, in text order; none overlap.
 * Small and large letters are the same, and any white space stands for a blank.
 * @param {import("./book.mjs").Book} book
 * @param {string} query
 * @returns {{start: number, stop: number}[]}
 */
export function search(book, query) {
  const words = query.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const pattern = new RegExp(words.map(escapePattern).join("\\s+"), "giu");
  return book.segments.flatMap((segment, at) => {
    const stop = book.segments[at + 1]?.unit ?? book.text.length;
    const text = book.text.slice(segment.unit, stop);
    return Array.from(text.matchAll(pattern), ({ index, 0: hit }) => ({
      start: book.toPoint(segment.unit + index),
      stop: book.toPoint(segment.unit + index + hit.length - 1) + 1,
    }));
  });
}

function escapePattern(word) {
  return neutralise(word).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
