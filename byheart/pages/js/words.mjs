/** Probabilities, shares and counts in words that claim no more than is known. */

const ALWAYS = 0.995;
const OF_A_HUNDRED = 0.095;
const SMALLEST_SHARE = 0.001;
const MOST_WRITTEN_OUT = 1e6;
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * How often something of this probability comes: "in 36 of 100 tries".
 * @param {number} logPz natural logarithm of the probability
 * @returns {string}
 */
export function describeProbability(logPz) {
  const probability = Math.exp(logPz);
  if (logPz === -Infinity) return "never";
  if (probability >= ALWAYS) return "practically every time";
  if (probability >= OF_A_HUNDRED) return `in ${Math.round(100 * probability)} of 100 tries`;
  return `once in ${formatPowerOfTen(-logPz / Math.LN10)} tries`;
}

/**
 * A share with one decimal: "51.4%". Only nothing is 0.0%, and only everything 100.0%.
 * @param {number} share from 0 to 1
 * @returns {string}
 */
export function formatShare(share) {
  const percent = (100 * share).toFixed(1);
  if (share > 0 && percent === "0.0") return "< 0.1%";
  if (share < 1 && percent === "100.0") return "> 99.9%";
  return `${percent}%`;
}

/**
 * A probability as a number: "36.2%", and below 0.1% "3 × 10⁻¹²".
 * @param {number} logPz natural logarithm of the probability
 * @returns {string}
 */
export function formatProbability(logPz) {
  if (logPz === -Infinity) return "0";
  const probability = Math.exp(logPz);
  if (probability >= SMALLEST_SHARE) return formatShare(probability);
  let exponent = Math.floor(logPz / Math.LN10);
  let digit = Math.round(10 ** (logPz / Math.LN10 - exponent));
  if (digit === 10) [digit, exponent] = [1, exponent + 1];
  return `${digit} × 10${toSuperscript(exponent)}`;
}

/**
 * How many tries it takes until one has succeeded with a probability: "2,200"; "∞" where none ever does.
 * @param {number} logPz natural logarithm of one try's probability
 * @param {number} probability of at least one success, as 0.5
 * @returns {string}
 */
export function countTries(logPz, probability) {
  if (logPz === -Infinity) return "∞";
  // Below e^-700 the logarithm of 1 - p_z is -p_z to all digits, and p_z itself no longer a number.
  const logFailure = logPz > -700 ? Math.log(-Math.log1p(-Math.exp(logPz))) : logPz;
  const logTries = Math.log(-Math.log1p(-probability)) - logFailure;
  if (logTries < Math.log(100)) return String(Math.max(1, Math.ceil(Math.exp(logTries) - 1e-9)));
  return formatPowerOfTen(logTries / Math.LN10);
}

/**
 * A number with commas: "40,504".
 * @param {number} count
 * @returns {string}
 */
export function formatCount(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** The number of this decimal logarithm to two digits, "3,200", from a million on to its power of ten, "10³⁸". */
function formatPowerOfTen(logarithm) {
  const unit = 10 ** (Math.floor(logarithm) - 1);
  const rounded = Math.round(unit * Math.round(10 ** logarithm / unit));
  return rounded < MOST_WRITTEN_OUT ? formatCount(rounded) : `10${toSuperscript(Math.round(logarithm))}`;
}

function toSuperscript(integer) {
  return String(integer).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
}
