import { make, oncePerFrame } from "./elements.mjs";
import { UNMEASURED } from "./colouring.mjs";

const LINE = 3;
const INKED = 2;
const LABEL_GAP = 13;
const ROOM_FOR_MARKS = 30;
const NARROW = 48;

/** The whole text in tiny lines, coloured; a frame shows where the reader is, and a click or drag goes there. */
export class Strip {
  constructor(host, { onGo }) {
    this.host = host;
    this.canvas = host.querySelector("canvas") ?? host.appendChild(make("canvas"));
    this.frame = host.appendChild(make("div", { class: "frame" }));
    this.marks = host.appendChild(make("div"));
    this.draw = oncePerFrame(() => this.#draw());
    this.#follow(onGo);
    new ResizeObserver(this.draw).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.draw);
  }

  /** Paints a book; `sentence` says it to who cannot see it. */
  paint(colouring, sentence) {
    this.colouring = colouring;
    this.host.setAttribute("aria-label", sentence);
    this.draw();
  }

  /** Frames the characters [start, stop). */
  show(start, stop) {
    this.shown = [start, stop];
    this.#placeFrame();
  }

  #draw() {
    if (!this.colouring) return;
    const style = getComputedStyle(this.host);
    const inner = this.host.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    this.width = Math.max(8, Math.floor(inner < NARROW ? inner : inner - ROOM_FOR_MARKS));
    this.lines = Math.max(1, Math.floor((this.host.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)) / LINE));
    this.perCell = this.colouring.book.length / (this.width * this.lines);
    const scale = devicePixelRatio || 1;
    this.canvas.width = this.width * scale;
    this.canvas.height = this.lines * LINE * scale;
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.lines * LINE}px`;
    const context = this.canvas.getContext("2d");
    context.scale(scale, scale);
    this.#drawLines(context, style);
    this.#placeMarks();
    this.#placeFrame();
  }

  #drawLines(context, style) {
    const colour = (name) => style.getPropertyValue(name).trim();
    const colours = { easy: colour("--map-2"), [UNMEASURED]: colour("--hatching") };
    for (let step = 1; step <= 4; step += 1) colours[`step-${step}`] = colour(`--map-${step}`);
    context.fillStyle = colour("--page");
    context.fillRect(0, 0, this.width, this.lines * LINE);
    for (const { start, stop, name } of this.colouring.segments(0, this.colouring.book.length)) {
      if (!name) continue;
      context.fillStyle = colours[name];
      // A cell has the colour of the character at its middle: its area is then the share.
      const last = Math.ceil(stop / this.perCell - 0.5);
      for (let cell = Math.ceil(start / this.perCell - 0.5); cell < last; ) {
        const line = Math.floor(cell / this.width);
        const end = Math.min(last, (line + 1) * this.width);
        const inked = name === "easy" ? INKED / 2 : INKED;
        context.fillRect(cell - line * this.width, line * LINE, end - cell, inked);
        cell = end;
      }
    }
    context.strokeStyle = colour("--line");
    context.strokeRect(0.5, 0.5, this.width - 1, this.lines * LINE - 1);
  }

  #placeMarks() {
    let free = -LABEL_GAP;
    const marks = [];
    for (const [number, title, start] of this.colouring.book.entry.chapters) {
      const top = this.#findTop(start);
      if (top < free) continue;
      const label = make("span", { class: "mark", "aria-hidden": "true" }, String(number ?? title));
      label.style.top = `${this.canvas.offsetTop + top}px`;
      label.style.left = `${this.canvas.offsetLeft + this.width + 4}px`;
      marks.push(label);
      free = top + LABEL_GAP;
    }
    this.marks.replaceChildren(...marks);
  }

  #placeFrame() {
    if (!this.shown || !this.perCell) return;
    const top = this.#findTop(this.shown[0]);
    const bottom = Math.max(top + 2 * LINE, this.#findTop(this.shown[1]) + LINE);
    Object.assign(this.frame.style, {
      top: `${this.canvas.offsetTop + top - 3}px`,
      height: `${bottom - top + 4}px`,
      left: `${this.canvas.offsetLeft - 4}px`,
      width: `${this.width + 8}px`,
    });
  }

  #findTop(point) {
    return Math.min(this.lines - 1, Math.floor(point / this.perCell / this.width)) * LINE;
  }

  #follow(onGo) {
    const go = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const line = Math.min(this.lines - 1, Math.max(0, Math.floor((event.clientY - box.top) / LINE)));
      const column = Math.min(this.width - 1, Math.max(0, event.clientX - box.left));
      onGo(Math.min(this.colouring.book.length - 1, Math.floor((line * this.width + column) * this.perCell)));
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      go(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.canvas.hasPointerCapture(event.pointerId)) go(event);
    });
  }
}
