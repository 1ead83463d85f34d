/** The steps of colour and of the slider: the published thresholds, or the range of what was found. */

const SLIDER_STEPS = 12;

/**
 * @typedef {object} Scale
 * @property {number[]} ladder nats, ascending: where the four colours begin
 * @property {number[]} slider nats, ascending
 * @property {"published" | "controls" | "median"} from what its lowest step is
 */

/**
 * The scale of a text. All texts of a run have the published one as soon as a window of any of them reaches its lowest
 * step; where none does, a scale goes to the best window from t, or from the text's median where no control gives a t.
 * @param {object} report
 * @param {object} entry of the report's `texts`
 * @returns {Scale}
 */
export function chooseScale(report, entry) {
  const best = Math.max(...report.texts.map((text) => text.best?.log_p_z ?? -Infinity));
  const published = report.ladder.map(Math.log);
  if (best >= published[0] || best === -Infinity) {
    return { ladder: published, slider: report.slider.map(Math.log), from: "published" };
  }
  const t = [entry, ...report.texts].map((text) => text.bands?.t).find(Number.isFinite);
  const from = t < best ? "controls" : "median";
  const low = from === "controls" ? t : Math.min(best, entry.median_log_p_z ?? best);
  return { ladder: spread(low, best, published.length), slider: spread(low, best, SLIDER_STEPS), from };
}

/**
 * How many steps of a ladder a value reaches: 0 for no colour, up to the ladder's length.
 * @param {number} logPz
 * @param {number[]} ladder
 * @returns {number}
 */
export function stepOf(logPz, ladder) {
  let step = 0;
  while (step < ladder.length && logPz >= ladder[step]) step++;
  return step;
}

/** `count` values from `low`, evenly spaced, of which the next would be `high`. */
function spread(low, high, count) {
  return Array.from({ length: count }, (_, step) => low + (step * (high - low)) / count);
}
