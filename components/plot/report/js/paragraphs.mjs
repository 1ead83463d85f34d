const LONG_LINE = 150;
const NARROWEST_WRAP = 50;

/** What paragraphs a span of text holds: {start, stop, flows, lines}, without the empty lines around them.
 *
 * It is one, but each line is its own where lines are as long as paragraphs. A paragraph flows if its lines look wrapped
 * at a width, as those of old plain-text books; verse and lists keep their lines, whose lengths are `lines`.
 */
export function cutParagraphs(text, span) {
  const lines = [];
  let start = span.start;
  for (const line of text.slice(span.start, span.stop).split("\n")) {
    if (line.trim()) lines.push({ start, stop: start + line.length });
    start += line.length + 1;
  }
  if (!lines.length) return [];
  const isLong = lines.length > 1 && (span.stop - span.start) / lines.length > LONG_LINE;
  return (isLong ? lines.map((line) => [line]) : [lines]).map((own) => ({
    start: own[0].start,
    stop: own[own.length - 1].stop,
    flows: looksWrapped(own.map((line) => text.slice(line.start, line.stop))),
    lines: own.map((line) => line.stop - line.start),
  }));
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
