import assert from "node:assert/strict";
import test from "node:test";

import { countTries, describeProbability, formatCount, formatProbability, formatShare } from "../../byheart/pages/js/words.mjs";

const POWERS = (exponent) => exponent * Math.LN10;

const DESCRIBED = [
  [0, "practically every time"],
  [Math.log(0.995), "practically every time"],
  [Math.log(0.9949), "in 99 of 100 tries"],
  [Math.log(0.36), "in 36 of 100 tries"],
  [Math.log(0.095), "in 10 of 100 tries"],
  [Math.log(0.0949), "once in 11 tries"],
  [Math.log(1 / 3217), "once in 3,200 tries"],
  [Math.log(1 / 40_000), "once in 40,000 tries"],
  [Math.log(1 / 994_000), "once in 990,000 tries"],
  [Math.log(1 / 996_000), "once in 10⁶ tries"],
  [POWERS(-6), "once in 10⁶ tries"],
  [POWERS(-38.2), "once in 10³⁸ tries"],
  [POWERS(-2046), "once in 10²⁰⁴⁶ tries"],
  [-Infinity, "never"],
];
for (const [logPz, words] of DESCRIBED) {
  test(`a probability of e^${logPz.toFixed(3)} comes ${words}`, () => assert.equal(describeProbability(logPz), words));
}

const SHARES = [
  [0, "0.0%"],
  [1e-9, "< 0.1%"],
  [0.000499, "< 0.1%"],
  [0.001, "0.1%"],
  [0.51449, "51.4%"],
  [0.9994, "99.9%"],
  [0.9996, "> 99.9%"],
  [1 - 1e-12, "> 99.9%"],
  [1, "100.0%"],
];
for (const [share, words] of SHARES) {
  test(`a share of ${share} is written ${words}`, () => assert.equal(formatShare(share), words));
}

test("probabilities below 0.1% are written with a power of ten", () => {
  assert.equal(formatProbability(Math.log(0.362)), "36.2%");
  assert.equal(formatProbability(Math.log(0.001)), "0.1%");
  assert.equal(formatProbability(Math.log(3.1e-12)), "3 × 10⁻¹²");
  assert.equal(formatProbability(Math.log(9.7e-5)), "1 × 10⁻⁴");
  assert.equal(formatProbability(POWERS(-400)), "1 × 10⁻⁴⁰⁰");
  assert.equal(formatProbability(-Infinity), "0");
});

/** The smallest number of tries by trying them out: 1 - (1 - p)^n >= probability. */
function tryOut(pz, probability) {
  let [tries, failure] = [0, 1];
  while (1 - failure < probability) [tries, failure] = [tries + 1, failure * (1 - pz)];
  return tries;
}

for (const pz of [0.05, 0.1, 0.36, 0.5, 0.9, 0.99, 0.999]) {
  for (const probability of [0.5, 0.99]) {
    test(`as many tries are counted as it takes at ${pz} for ${probability}`, () => {
      assert.equal(countTries(Math.log(pz), probability), String(tryOut(pz, probability)));
    });
  }
}

for (const tries of [1, 3, 4, 7, 50]) {
  test(`${tries} tries are enough where they are so exactly`, () => {
    const pz = 1 - 0.5 ** (1 / tries);
    assert.equal(countTries(Math.log(pz), 0.5), String(tries));
  });
}

test("tries are counted for what is certain, for what is rare, and for what never comes", () => {
  assert.equal(countTries(0, 0.99), "1");
  assert.equal(countTries(Math.log(1 / 3200), 0.5), "2,200"); // ln 2 × 3,200 = 2,218
  assert.equal(countTries(POWERS(-38), 0.5), "10³⁸");
  assert.equal(countTries(POWERS(-2046), 0.99), "10²⁰⁴⁷"); // ln 100 = 4.6 times as many as e^-x's own
  assert.equal(countTries(-Infinity, 0.5), "∞");
});

test("counts have commas", () => {
  assert.deepEqual([0, 999, 1000, 40504, 1234567].map(formatCount), ["0", "999", "1,000", "40,504", "1,234,567"]);
});
