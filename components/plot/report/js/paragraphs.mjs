const LONG_LINE = 150;
const NARROWEST_WRAP = 50;

/** The paragraphs of text[from, to): {start, stop, flows, lines}.
 *
 * Empty lines part them; where lines are as long as paragraphs, each line is one. A paragraph flows if its lines look
 * wrapped at a width, as those of old plain-text books; verse and lists keep their lines, whose lengths are `lines`.
 */
export function cutParagraphs(text, from, to) {
  const paragraphs = [];
  for (const [start, stop] of splitAt(text, from, to, /\n[^\S\n]*(?:\n\s*)+/g)) {
    const lines = [...splitAt(text, start, stop, /\n/g)];
    const isLong = lines.length > 1 && (stop - start) / lines.length > LONG_LINE;
    for (const own of isLong ? lines.map((line) => [line]) : [lines]) {
      const texts = own.map(([begin, end]) => text.slice(begin, end));
      paragraphs.push({
        start: own[0][0],
        stop: own.at(-1)[1],
        flows: looksWrapped(texts),
        lines: texts.map((line) => line.length),
      });
    }
  }
  return paragraphs.filter((paragraph) => paragraph.stop > paragraph.start);
}

/** Whether each of these lines ends where the next word would have gone beyond the longest. */
export function looksWrapped(lines) {
  const width = Math.max(...lines.map((line) => line.length));
  if (lines.length < 2 || width < NARROWEST_WRAP) return false;
  return lines.slice(1).every((line, index) => {
    const word = /^\s*(\S*)/.exec(line)[1];
    return lines[index].length + 1 + word.length > width;
  });
}

function* splitAt(text, from, to, separator) {
  let start = from;
  for (const match of text.slice(from, to).matchAll(separator)) {
    yield [start, from + match.index];
    start = from + match.index + match[0].length;
  }
  yield [start, to];
}
