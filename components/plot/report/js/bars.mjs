const BAR = "▬";
const PARAGRAPH = 600;

/** What stands for a text that does not travel: a bar a token of the tiling, as long as the token; blanks between them.
 *
 * It has a unit for each character of the book, so that places, colours and windows are those of the text.
 */
export function drawBars(book) {
  const bars = [];
  const chapters = new Set(book.entry.chapters.map(([, , start]) => start));
  let start = 0;
  let paragraph = 0;
  for (const stop of [...book.tiles.stop, book.length]) {
    if (stop <= start) continue;
    const isEnd = start - paragraph > PARAGRAPH || chapters.has(stop);
    if (isEnd) paragraph = start;
    bars.push(BAR.repeat(Math.max(0, stop - start - (isEnd ? 2 : 1))), isEnd && stop - start > 1 ? "\n\n" : " ");
    start = stop;
  }
  return bars.join("");
}

/** Gives a book without text such bars to show. */
export function standIn(book) {
  book.text = drawBars(book);
  book.segments = [{ start: 0, stop: book.length, unit: 0, point: 0 }];
}
