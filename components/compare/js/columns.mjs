/** Which column of a strip lies at a share of its width; the first and the last hold what lies beyond. */
export function findColumn(share, columns) {
  return Math.min(Math.max(Math.floor(share * columns), 0), columns - 1);
}

/** The characters of a column, half-open, where so many columns are equal runs of all characters. */
export function findSpan(column, columns, characters) {
  return [Math.floor((column * characters) / columns), Math.floor(((column + 1) * characters) / columns)];
}

const SHADES = ["no window", "below 0.1%", "0.1% to 1%", "1% to 10%", "10% to 50%", "50% or more"];
const BANDS = ["not compared", "like unseen text", "easily drawn, not above", "only above the controls", "extractable"];

/** What the highest shade of a column says, of a strip by p_z or by bands. */
export function nameTop(tops, column, kind) {
  return (kind === "bands" ? BANDS : SHADES)[Number(tops[column])];
}

/** One line for a place: its characters, and the highest shade of each model there. */
export function describeColumn(span, models) {
  const [start, stop] = span.map((place) => place.toLocaleString("en-US"));
  return `characters ${start} to ${stop}: ${models.map(({ name, top }) => `${name} ${top}`).join(" · ")}`;
}
