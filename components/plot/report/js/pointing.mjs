import { countWhile } from "./elements.mjs";

/** The text node and offset at which a unit of the column's text stands. */
function locate(column, unit) {
  const paragraph = column.findParagraph(unit);
  let rest = Math.min(unit, paragraph.stop) - paragraph.start;
  for (const child of paragraph.element.childNodes) {
    const node = child.firstChild ?? child;
    if (rest < node.data.length || child === paragraph.element.lastChild) return { node, offset: Math.min(rest, node.data.length) };
    rest -= node.data.length;
  }
  return null;
}

/** Ranges over the shown part of units [start, stop), one a paragraph; of coloured blocks only. */
export function* listRanges(column, start, stop) {
  let index = Math.max(0, countWhile(column.starts, (begin) => begin <= start) - 1);
  for (; index < column.paragraphs.length && column.paragraphs[index].start < stop; index += 1) {
    const paragraph = column.paragraphs[index];
    const from = Math.max(start, paragraph.start);
    const to = Math.min(stop, paragraph.stop);
    if (from >= to || !paragraph.block.isNear) continue;
    const begin = locate(column, from);
    const end = locate(column, to);
    if (!begin || !end) continue;
    yield new StaticRange({ startContainer: begin.node, startOffset: begin.offset, endContainer: end.node, endOffset: end.offset });
  }
}

/** The unit of the letter at a place on the screen; -1 where none is. */
export function findUnit(column, x, y) {
  const caret = findCaret(x, y);
  const element = caret?.node.parentElement?.closest(".block > *");
  const paragraph = element ? column.numbers.get(element) : null;
  if (!paragraph || caret.node.nodeType !== Node.TEXT_NODE) return -1;
  let before = paragraph.start;
  for (const child of element.childNodes) {
    if (child === caret.node || child.firstChild === caret.node) break;
    before += (child.firstChild ?? child).data.length;
  }
  for (const offset of [caret.offset, caret.offset - 1]) {
    if (offset >= 0 && covers(caret.node, offset, x, y)) return before + offset;
  }
  return -1;
}

/** Where a unit's letter is on the screen: a rectangle, or null. */
export function findRectangle(column, unit) {
  const place = locate(column, unit);
  if (!place) return null;
  const range = document.createRange();
  range.setStart(place.node, place.offset);
  range.setEnd(place.node, Math.min(place.offset + 1, place.node.data.length));
  const box = range.getBoundingClientRect();
  return box.height ? box : place.node.parentElement.getBoundingClientRect();
}

/** The units between two heights on the screen, by the boxes of blocks: {start, stop}. */
export function findVisible(column, top, bottom) {
  return { start: findUnitAtHeight(column, top), stop: findUnitAtHeight(column, bottom) };
}

function findUnitAtHeight({ blocks }, y) {
  const index = Math.min(countWhile(blocks, ({ element }) => element.getBoundingClientRect().bottom <= y), blocks.length - 1);
  if (index < 0) return 0;
  const { element, start, stop } = blocks[index];
  const box = element.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (y - box.top) / (box.height || 1)));
  return Math.round(start + share * (stop - start));
}

function findCaret(x, y) {
  if (document.caretPositionFromPoint) {
    const position = document.caretPositionFromPoint(x, y);
    return position && { node: position.offsetNode, offset: position.offset };
  }
  const range = document.caretRangeFromPoint?.(x, y);
  return range ? { node: range.startContainer, offset: range.startOffset } : null;
}

function covers(node, offset, x, y) {
  if (offset >= node.data.length) return false;
  const range = document.createRange();
  range.setStart(node, offset);
  range.setEnd(node, offset + 1);
  return [...range.getClientRects()].some((box) => x >= box.left - 1 && x <= box.right + 1 && y >= box.top - 6 && y <= box.bottom + 6);
}
