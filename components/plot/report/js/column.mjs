import { isBoundary, splitBlocks } from "../../../../byheart/pages/js/characters.mjs";
import { formatCount } from "../../../../byheart/pages/js/words.mjs";
import { countWhile, make, oncePerFrame } from "./elements.mjs";
import { Heights } from "./heights.mjs";
import { cutParagraphs } from "./paragraphs.mjs";

const BLOCK = 3000;
const MARGIN = "120% 0px";

/** The text as paragraphs in blocks, of which only those near the view are coloured.
 *
 * A paragraph is one text node until its block comes near; then it is a node a coloured run, and afterwards one again.
 * Units are UTF-16 code units of the text shown; points are characters of the book.
 */
export class Column {
  constructor(host, { onPainted }) {
    this.host = host;
    this.blocks = [];
    this.paragraphs = [];
    this.selected = null;
    this.onPainted = oncePerFrame(onPainted);
    this.observer = new IntersectionObserver((entries) => this.#notice(entries), { root: document, rootMargin: MARGIN });
    new ResizeObserver(() => this.#resize()).observe(host);
    document.addEventListener("selectionchange", () => this.#noteSelection());
  }

  /** Lays a book out, uncoloured. */
  show(book, areBars) {
    this.observer.disconnect();
    Object.assign(this, { book, text: book.text, areBars, blocks: [], paragraphs: [], colouring: null, width: 0 });
    this.numbers = new Map();
    this.observed = new Map();
    this.host.replaceChildren();
    this.#measure();
    const headings = new Set(book.entry.chapters.map(([, , start]) => start));
    const parts = [];
    let shown = 0;
    for (const [index, segment] of book.segments.entries()) {
      if (segment.start > shown) parts.push(makeGap(segment.start - shown));
      parts.push(...this.#makeBlocks(segment.unit, book.segments[index + 1]?.unit ?? this.text.length, headings));
      shown = segment.stop;
    }
    if (shown < book.length) parts.push(makeGap(book.length - shown));
    this.host.replaceChildren(...parts);
    this.starts = this.paragraphs.map((paragraph) => paragraph.start);
    for (const block of this.blocks) this.observer.observe(block.element);
  }

  /** Colours the blocks near the view. */
  paint(colouring) {
    this.colouring = colouring;
    for (const block of this.blocks) block.painted = null;
    for (const block of this.blocks) if (block.isNear) this.#paintBlock(block);
    this.onPainted();
  }

  /** Colours every block, for paper. */
  paintAll() {
    for (const block of this.blocks) this.#paintBlock(block);
  }

  /** The paragraph that holds a unit, or the last before it. */
  findParagraph(unit) {
    return this.paragraphs[Math.max(0, countWhile(this.starts, (start) => start <= unit) - 1)];
  }

  #makeBlocks(from, to, headings) {
    const blocks = [];
    for (const { start, stop, paragraphs } of splitBlocks(this.text.slice(from, to), BLOCK)) {
      const block = { element: make("div", { class: "block" }), start: from + start, stop: from + stop, isNear: false, painted: null };
      block.paragraphs = paragraphs.flatMap((span) => cutParagraphs(this.text, { start: from + span.start, stop: from + span.stop }));
      for (const paragraph of block.paragraphs) {
        const isHeading = headings.has(this.book.toPoint(paragraph.start)) && paragraph.stop - paragraph.start < 200;
        const name = this.areBars ? "bars" : paragraph.flows ? "flow" : null;
        paragraph.element = make(isHeading ? "h3" : "p", { dir: "auto", class: name }, this.text.slice(paragraph.start, paragraph.stop));
        paragraph.block = block;
        this.numbers.set(paragraph.element, paragraph);
        this.paragraphs.push(paragraph);
        block.element.append(paragraph.element);
      }
      this.#giveRoom(block);
      this.blocks.push(block);
      this.observed.set(block.element, block);
      blocks.push(block.element);
    }
    return blocks;
  }

  #notice(entries) {
    for (const entry of entries) {
      const block = this.observed.get(entry.target);
      if (!block) continue;
      block.isNear = entry.isIntersecting;
      if (!this.colouring) continue;
      if (block.isNear) this.#paintBlock(block);
      else this.#wipe(block);
    }
    this.onPainted();
  }

  #paintBlock(block) {
    if (block.painted === this.colouring || this.#holdsSelection(block)) return;
    for (const paragraph of block.paragraphs) {
      const runs = [...this.#cutRuns(paragraph)];
      const isPlain = runs.every((run) => !run.name);
      if (isPlain && !paragraph.isCut) continue;
      paragraph.isCut = !isPlain;
      if (isPlain) paragraph.element.textContent = this.text.slice(paragraph.start, paragraph.stop);
      else paragraph.element.replaceChildren(...runs.map((run) => this.#makeRun(run)));
    }
    block.painted = this.colouring;
  }

  #makeRun({ start, stop, name }) {
    const text = this.text.slice(start, stop);
    return name ? make("span", { class: name }, text) : document.createTextNode(text);
  }

  *#cutRuns({ start, stop }) {
    const from = this.book.toPoint(start);
    const to = this.book.toPoint(stop - 1) + 1;
    let begin = start;
    for (const segment of this.colouring.segments(from, to)) {
      const end = segment.stop >= to ? stop : this.#keepWhole(this.book.toUnit(segment.stop), stop);
      if (end > begin) yield { start: begin, stop: end, name: segment.name };
      begin = Math.max(begin, end);
    }
  }

  #keepWhole(unit, stop) {
    let end = unit;
    while (end < stop && !isBoundary(this.text, end)) end += 1;
    return end;
  }

  #wipe(block) {
    if (this.#holdsSelection(block)) return;
    for (const paragraph of block.paragraphs) {
      if (!paragraph.isCut) continue;
      paragraph.element.textContent = this.text.slice(paragraph.start, paragraph.stop);
      paragraph.isCut = false;
    }
    block.painted = null;
  }

  /** Colouring moves the ends of a selection that lies in the block. */
  #holdsSelection(block) {
    return this.selected !== null && this.selected.intersectsNode(block.element);
  }

  #noteSelection() {
    const selection = getSelection();
    this.selected = selection.isCollapsed || !selection.rangeCount ? null : selection.getRangeAt(0);
  }

  #resize() {
    if (!this.blocks.length || this.host.clientWidth === this.width) return;
    this.#measure();
    for (const block of this.blocks) this.#giveRoom(block);
  }

  #measure() {
    this.width = this.host.clientWidth;
    this.heights = new Heights(this.host, this.text);
  }

  #giveRoom({ element, paragraphs }) {
    element.style.containIntrinsicSize = `auto ${this.heights.sum(paragraphs)}px`;
  }
}

function makeGap(characters) {
  return make("p", { class: "gap" }, `${formatCount(characters)} characters are not shown`);
}
