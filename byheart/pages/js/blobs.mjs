/** Columns of numbers as byheart/pages/blobs.py packs them: one line of JSON, then the columns, gzip, base64. */

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };
const NEWLINE = 10;

/**
 * The bytes that a text of base64 holds under gzip.
 * @param {string} base64 white space around it is ignored
 * @returns {Promise<Uint8Array>}
 */
export async function inflate(base64) {
  const characters = atob(base64.trim());
  const packed = new Uint8Array(characters.length);
  for (let at = 0; at < packed.length; at++) packed[at] = characters.charCodeAt(at);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

/**
 * The columns of a blob by name.
 * @param {Uint8Array} bytes a line of JSON, [[name, type, count], ...], then the columns' bytes; of numbers of several
 *   bytes first all lowest bytes, then all second ones, and so on
 * @returns {Object<string, Uint8Array | Uint16Array | Uint32Array | Float32Array>}
 */
export function parseColumns(bytes) {
  const headerStop = bytes.indexOf(NEWLINE);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, headerStop)));
  const columns = {};
  let start = headerStop + 1;
  for (const [name, type, count] of header) {
    const column = new ARRAYS[type](count);
    const stop = start + column.byteLength;
    if (stop > bytes.length) throw new Error(`Column ${name} needs ${stop - bytes.length} bytes more than there are.`);
    joinPlanes(bytes.subarray(start, stop), column);
    columns[name] = column;
    start = stop;
  }
  return columns;
}

/**
 * The sums of a column's first number, of its first two, and so on; a number that falls stands modulo 2^32.
 * @param {ArrayLike<number>} column
 * @returns {Int32Array}
 */
export function accumulate(column) {
  let sum = 0;
  return Int32Array.from(column, (step) => (sum = (sum + step) | 0));
}

/** Write the numbers whose bytes lie in planes into a column. */
function joinPlanes(planes, column) {
  const bytes = new Uint8Array(column.buffer);
  const width = column.BYTES_PER_ELEMENT;
  for (let plane = 0; plane < width; plane++) {
    for (let at = 0; at < column.length; at++) bytes[at * width + plane] = planes[plane * column.length + at];
  }
}
