import { neutralise } from "../../../../byheart/pages/js/characters.mjs";
import { describeProbability, formatProbability } from "../../../../byheart/pages/js/words.mjs";
import { BANDS } from "./colouring.mjs";
import { make } from "./elements.mjs";

const FIRST_BAND = 2;

/** The bar over the text: which text, how it is coloured, above what threshold. */
export class Bar {
  constructor(report, { onText, onChange }) {
    this.report = report;
    this.onChange = onChange;
    const find = (id) => document.getElementById(id);
    Object.assign(this, {
      bar: find("bar"),
      texts: find("text-choice"),
      legend: find("legend"),
      slider: find("threshold"),
      value: find("threshold-value"),
      by: find("colour-by"),
      slips: find("slips"),
    });
    this.texts.replaceChildren(...report.texts.map((entry) => make("option", { value: entry.id }, nameText(entry))));
    this.texts.addEventListener("change", () => onText(this.texts.value));
    this.slider.addEventListener("input", () => this.#sayThreshold() || onChange());
    this.by.addEventListener("change", () => this.#drawLegend() || onChange());
    this.slips.addEventListener("change", onChange);
    new ResizeObserver(() => this.#measure()).observe(this.bar);
    this.#measure();
  }

  /** Fits the bar to a text: its scale, and whether it has bands; where nothing is extractable, they come first. */
  show(entry, scale) {
    Object.assign(this, { entry, scale, bands: new Set(BANDS.keys()) });
    this.texts.value = entry.id;
    const hasBands = entry.bands !== null;
    this.by.replaceChildren(
      make("option", { value: "p_z" }, "p_z"),
      make("option", { value: "bands", disabled: !hasBands }, hasBands ? "bands" : "bands (no control)"),
    );
    this.by.value = hasBands && scale.from !== "published" ? "bands" : "p_z";
    Object.assign(this.slider, { min: 0, max: scale.slider.length - 1, step: 1, value: 0 });
    this.#sayThreshold();
    this.#drawLegend();
  }

  /** What is chosen, as `Colouring` takes it. */
  get choice() {
    return { by: this.by.value, ladder: this.scale.ladder, threshold: this.threshold, bands: this.bands };
  }

  /** The threshold, nats. */
  get threshold() {
    return this.scale.slider[Number(this.slider.value)];
  }

  /** Moves the threshold by so many steps. */
  step(by) {
    if (this.slider.disabled) return;
    this.slider.value = Number(this.slider.value) + by;
    this.#sayThreshold();
    this.onChange();
  }

  #sayThreshold() {
    const text = formatThreshold(this.threshold);
    this.value.textContent = text;
    this.slider.setAttribute("aria-valuetext", `p_z at least ${text}: ${describeProbability(this.threshold)}`);
  }

  #drawLegend() {
    const isBands = this.by.value === "bands";
    this.slider.disabled = isBands;
    this.slider.closest(".control").hidden = isBands;
    this.legend.replaceChildren(...(isBands ? this.#makeBands() : this.#makeSteps()));
    this.legend.setAttribute("role", "group");
    this.legend.setAttribute("aria-label", isBands ? "Bands: press one to hide or show it" : "Colours by p_z");
  }

  #makeSteps() {
    const labels = this.scale.from === "published" ? labelPublished(this.scale.ladder) : labelFound(this.scale.ladder);
    return labels.map((label, step) => make("div", { class: "key" }, ...makeKey(step ? `step-${step}` : "", label)));
  }

  #makeBands() {
    return BANDS.map((band, number) => {
      if (number < FIRST_BAND) return make("div", { class: "key" }, ...makeKey(band.name, band.label));
      const toggle = (event) => {
        if (!this.bands.delete(number)) this.bands.add(number);
        event.currentTarget.setAttribute("aria-pressed", String(this.bands.has(number)));
        this.onChange();
      };
      const pressed = String(this.bands.has(number));
      return make("button", { type: "button", class: "key", "aria-pressed": pressed, onclick: toggle }, ...makeKey(band.name, band.label));
    });
  }

  #measure() {
    // On a phone the row before the legend scrolls away.
    const away = getComputedStyle(this.legend).order === "2" ? this.legend.offsetTop - this.bar.firstElementChild.offsetTop : 0;
    this.height = this.bar.offsetHeight - away;
    this.bar.parentElement.style.setProperty("--bar", `${this.height}px`);
    this.bar.parentElement.style.setProperty("--away", `${away}px`);
  }
}

/** A threshold as people write it: "0.1%", "50%", or a power of ten. */
export function formatThreshold(logThreshold) {
  const percent = 100 * Math.exp(logThreshold);
  return percent >= 0.0999 ? `${Number(percent.toPrecision(3))}%` : formatProbability(logThreshold);
}

/** A text's title with its role. */
function nameText(entry) {
  return `${neutralise(entry.title)}${entry.role === "control" ? " (control)" : ""}`;
}

function makeKey(name, label) {
  return [make("span", { class: `sample ${name}`, "aria-hidden": "true" }, "Aa"), make("span", { class: "label" }, label)];
}

function labelPublished(ladder) {
  const shares = ladder.map(formatThreshold);
  const between = shares.slice(1).map((share, index) => `${shares[index].slice(0, -1)}–${share}`);
  return [`< ${shares[0]}`, ...between, `≥ ${shares[shares.length - 1]}`];
}

function labelFound(ladder) {
  return [`< ${formatProbability(ladder[0])}`, ...ladder.map((step) => `≥ ${formatProbability(step)}`)];
}
