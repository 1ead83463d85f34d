/** A writer of blobs for the tests, by the words of docs/outputs/report.md and not by the code that reads them. */

import { gzipSync } from "node:zlib";

const WIDTHS = { u1: 1, u2: 2, u4: 4, f4: 4 };

export function packBytes(bytes) {
  return gzipSync(Buffer.from(bytes)).toString("base64");
}

export function packText(text) {
  return packBytes(Buffer.from(text, "utf-8"));
}

/** Base64 of gzip of [name, type, numbers] columns. */
export function packColumns(columns) {
  const header = JSON.stringify(columns.map(([name, type, numbers]) => [name, type, numbers.length]));
  return packBytes(Buffer.concat([Buffer.from(`${header}\n`), ...columns.map(([, type, numbers]) => packColumn(type, numbers))]));
}

function packColumn(type, numbers) {
  const rows = numbers.map((number) => {
    const row = Buffer.alloc(WIDTHS[type]);
    if (type === "f4") row.writeFloatLE(number);
    else row.writeUIntLE(number, 0, WIDTHS[type]);
    return row;
  });
  return Buffer.from([...Array(WIDTHS[type]).keys()].flatMap((plane) => rows.map((row) => row[plane])));
}
