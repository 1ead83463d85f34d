import { makeShape } from "./elements.mjs";

const WIDTH = 320;
const HEIGHT = 52;
const LEFT = 38;
const TOP = 8;

/** A drawing of the share of tries that are still word for word after each token: one token lost it, or all did. */
export function drawStaircase(logProbs) {
  const shares = accumulateShares(logProbs);
  const step = (WIDTH - LEFT) / shares.length;
  const y = (share) => TOP + (1 - share) * HEIGHT;
  const edge = shares.map((share, index) => `H${LEFT + index * step}V${y(share).toFixed(2)}`).join("");
  const path = `M${LEFT} ${y(1)}${edge}H${WIDTH}`;
  const label = (x, at, anchor, text) => makeShape("text", { x, y: at, "text-anchor": anchor }, text);
  return makeShape(
    "svg",
    { class: "staircase", viewBox: `0 0 ${WIDTH} ${HEIGHT + 26}`, role: "img", "aria-label": describeStaircase(shares) },
    makeShape("line", { class: "rule", x1: LEFT, x2: WIDTH, y1: y(1), y2: y(1) }),
    makeShape("line", { class: "rule", x1: LEFT, x2: WIDTH, y1: y(0), y2: y(0) }),
    makeShape("path", { class: "area", d: `${path}V${y(0)}H${LEFT}Z` }),
    makeShape("path", { class: "edge", d: path }),
    label(LEFT - 5, y(1) + 4, "end", "100%"),
    label(LEFT - 5, y(0) + 4, "end", "0%"),
    label(LEFT, HEIGHT + 22, "start", "token 1"),
    label(WIDTH, HEIGHT + 22, "end", `token ${shares.length}`),
  );
}

/** The probability that the first token, the first two, and so on, all come. */
export function accumulateShares(logProbs) {
  let sum = 0;
  return logProbs.map((logProb) => Math.exp((sum += logProb)));
}

function describeStaircase(shares) {
  const half = shares.findIndex((share) => share < 0.5);
  if (half < 0) return `More than half of the tries are word for word to the last of ${shares.length} tokens.`;
  return `From token ${half + 1} of ${shares.length} on, fewer than half of the tries are still word for word.`;
}
