const SAMPLE = 4000;
const BROKEN_LINE = 0.5;

/** How high paragraphs will be: the mean width of the book's own letters, the column's width, lines and margins.
 *
 * Blocks that are not drawn yet take their room from this, so that the scroll bar is right and jumps arrive.
 */
export class Heights {
  constructor(column, text) {
    const probe = document.createElement("p");
    probe.textContent = "x";
    const block = document.createElement("div");
    block.className = "block";
    block.append(probe);
    column.append(block);
    const style = getComputedStyle(probe);
    this.line = parseFloat(style.lineHeight);
    this.margin = parseFloat(style.marginBottom);
    const context = document.createElement("canvas").getContext("2d");
    context.font = `${style.fontSize} ${style.fontFamily}`;
    const middle = Math.max(0, (text.length - SAMPLE) >> 1);
    const sample = text.slice(middle, middle + SAMPLE).replace(/\s+/g, " ");
    const letter = sample ? context.measureText(sample).width / sample.length : parseFloat(style.fontSize) / 2;
    this.perLine = Math.max(1, probe.getBoundingClientRect().width / letter);
    block.remove();
  }

  /** The height of some paragraphs in pixels. */
  sum(paragraphs) {
    let height = 0;
    for (const { flows, lines, start, stop } of paragraphs) {
      const rows = flows ? this.#countRows(stop - start) : lines.reduce((sum, line) => sum + this.#countRows(line), 0);
      height += rows * this.line + this.margin;
    }
    return Math.round(height);
  }

  #countRows(letters) {
    const rows = letters / this.perLine;
    return rows <= 1 ? 1 : Math.max(1, Math.round(rows * (1 + BROKEN_LINE * 0.08) + BROKEN_LINE * 0.8));
  }
}
