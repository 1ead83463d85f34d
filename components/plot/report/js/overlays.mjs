import { listRanges } from "./pointing.mjs";

/** Lines and colours that lie over the text: CSS highlights, where the browser has them; elsewhere only they are missing. */
export class Overlays {
  constructor(column) {
    this.column = column;
    this.spans = new Map();
    this.isSupported = typeof CSS !== "undefined" && "highlights" in CSS;
  }

  /** Sets what lies under `name`, {start, stop} in units in the order of the text; `priority` decides among overlays. */
  set(name, spans, priority = 0) {
    this.spans.set(name, { spans, priority });
    this.#draw(name);
  }

  /** Draws all again: ranges die with the nodes that colouring replaces. */
  redraw() {
    for (const name of this.spans.keys()) this.#draw(name);
  }

  #draw(name) {
    if (!this.isSupported) return;
    const { spans, priority } = this.spans.get(name);
    const near = this.column.blocks.filter((block) => block.isNear);
    const ranges = [];
    if (near.length) {
      const [from, to] = [near[0].start, near.at(-1).stop];
      for (const { start, stop } of spans) {
        if (stop > from && start < to) ranges.push(...listRanges(this.column, start, stop));
      }
    }
    const highlight = new Highlight(...ranges);
    highlight.priority = priority;
    CSS.highlights.set(name, highlight);
  }
}
