/** Text of strangers, made safe to show: nothing hidden, nothing that turns its surroundings, nothing torn apart. */

const HIDDEN = /[\0-\x08\x0B-\x1F\x7F-\x9F\u2028\u2029\uFFF9-\uFFFB\p{Cs}\p{DI}]/gu;
const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;
const DELETE_PICTURE = "␡";
const LINE_PICTURE = "␤";
const BOX = "□";
const NO_CHARACTER = "\uFFFD";
/** Soft hyphens, and the fillers of Korean syllables: they hide nothing. */
const HARMLESS = /[\u00AD\u115F\u1160\u3164\uFFA0]/;
const SELECTOR = /\p{Variation_Selector}/u;
const JOINER = /[\u200C\u200D]/;
/** What a joiner may follow: a picture, or a letter of a script whose letters join. */
const JOINS = /(?:[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]|(?![\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}])[\p{L}\p{M}])$/u;
const VISIBLE = /[^\s\p{DI}\p{Cc}]$/u;
/** What belongs to the character before it: marks, joiners, skin tones, the later letters of a Korean syllable. */
const BELONGS_BEFORE = /^[\p{M}\p{Emoji_Modifier}\u200C\u200D\u1160-\u11FF\uD7B0-\uD7FF]/u;
const FLAG_LETTERS = /\p{Regional_Indicator}+$/u;
const FLAG_LETTER = /^\p{Regional_Indicator}/u;
const LONGEST_FLAGS = 400;

/**
 * The string with a visible sign for each hidden character: pictures of controls, boxes for what turns the direction
 * of text or has no width. Line feeds and tabs stay, and joiners and selectors where they do their work.
 * @param {string} string
 * @returns {string} of as many UTF-16 units
 */
export function neutralise(string) {
  return string.replace(HIDDEN, (character, at) => {
    const code = character.codePointAt(0);
    const before = string.slice(Math.max(0, at - 2), at);
    if (HARMLESS.test(character)) return character;
    if (JOINER.test(character) && JOINS.test(before)) return character;
    if (SELECTOR.test(character) && VISIBLE.test(before)) return character;
    if (code < 0x20) return String.fromCharCode(CONTROL_PICTURES + code);
    if (code === DELETE) return DELETE_PICTURE;
    if (code === 0x2028 || code === 0x2029) return LINE_PICTURE;
    if (code >= 0xd800 && code < 0xe000) return NO_CHARACTER;
    return BOX.repeat(character.length);
  });
}

/**
 * Whether a character is shown on the one before it, so that alone it needs one to stand on.
 * @param {string} character its first character counts
 * @returns {boolean}
 */
export function isMark(character) {
  return /^\p{M}/u.test(character);
}

/**
 * Whether text may be cut before a unit: not inside a surrogate pair, a character with its marks, joined pictures, a flag.
 * @param {string} text
 * @param {number} unit
 * @returns {boolean}
 */
export function isBoundary(text, unit) {
  if (unit <= 0 || unit >= text.length) return true;
  const next = text.charCodeAt(unit);
  const previous = text.charCodeAt(unit - 1);
  if (next < 0x300 && previous < 0x300) return true; // nearly all of most books
  if ((next & 0xfc00) === 0xdc00 && (previous & 0xfc00) === 0xd800) return false;
  if (previous === 0x200d) return !/^[\p{L}\p{Extended_Pictographic}]/u.test(text.slice(unit, unit + 2));
  if (BELONGS_BEFORE.test(text.slice(unit, unit + 2))) return previous === 10;
  if (!FLAG_LETTER.test(text.slice(unit, unit + 2))) return true;
  const letters = text.slice(Math.max(0, unit - LONGEST_FLAGS), unit).match(FLAG_LETTERS);
  return !letters || (letters[0].length / 2) % 2 === 0;
}

/**
 * The last place at or before a unit where text may be cut.
 * @param {string} text
 * @param {number} unit
 * @returns {number}
 */
export function findBoundary(text, unit) {
  while (!isBoundary(text, unit)) unit--;
  return unit;
}

/**
 * @typedef {{start: number, stop: number}} Span half-open, in UTF-16 units
 * @typedef {{start: number, stop: number, paragraphs: Span[]}} Block
 */

/**
 * Blocks of whole paragraphs, of about `size` units. A paragraph holds the line feeds after it; one that is longer than
 * a block is cut into several, at white space where there is some.
 * @param {string} text
 * @param {number} size
 * @returns {Block[]}
 */
export function splitBlocks(text, size = 3000) {
  const blocks = [];
  for (const paragraph of splitParagraphs(text, size)) {
    const block = blocks[blocks.length - 1];
    if (block && paragraph.stop - block.start <= size) {
      block.paragraphs.push(paragraph);
      block.stop = paragraph.stop;
    } else {
      blocks.push({ ...paragraph, paragraphs: [paragraph] });
    }
  }
  return blocks;
}

/** Paragraphs of at most `longest` units, each with the line feeds that end it. */
function* splitParagraphs(text, longest) {
  const ends = /\n(?:[ \t]*\n)+|$/g;
  for (let start = 0; start < text.length; ) {
    ends.lastIndex = start;
    ends.exec(text);
    const end = ends.lastIndex;
    while (end - start > longest) {
      const stop = findCut(text, start, start + longest);
      yield { start, stop };
      start = stop;
    }
    yield { start, stop: end };
    start = end;
  }
}

/** Where to cut a paragraph that must end by `latest`: after a line, else after a word, else between characters. */
function findCut(text, start, latest) {
  const earliest = start + Math.floor((latest - start) / 2);
  for (const after of ["\n", " "]) {
    const cut = text.lastIndexOf(after, latest - 1) + 1;
    if (cut > earliest && isBoundary(text, cut)) return cut;
  }
  const cut = findBoundary(text, latest);
  return cut > start ? cut : latest;
}
