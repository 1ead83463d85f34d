import { neutralise } from "../../../../byheart/pages/js/characters.mjs";
import { formatAddress, parseAddress, rememberAddress } from "./address.mjs";
import { Bar } from "./bar.mjs";
import { ChosenWindow } from "./chosen_window.mjs";
import { Colouring } from "./colouring.mjs";
import { Column } from "./column.mjs";
import { make, oncePerFrame } from "./elements.mjs";
import { Inspector } from "./inspector.mjs";
import { Keys } from "./keys.mjs";
import { Overlays } from "./overlays.mjs";
import { PassageList } from "./passage_list.mjs";
import { findPassages } from "./passages.mjs";
import { findRectangle, findUnit, findVisible } from "./pointing.mjs";
import { sayBands, sayThreshold } from "./says.mjs";
import { SearchBox } from "./search_box.mjs";
import { describeStrip, listSlips } from "./slips.mjs";
import { Strip } from "./strip.mjs";
import { Texts } from "./texts.mjs";
import { chooseScale } from "./thresholds.mjs";

const FRAMES_OF_CORRECTION = 3;

/** The reader of a report: one text at a time, what is chosen of it, and the parts that show it. */
export class Reader {
  constructor(section, report) {
    const find = (id) => section.querySelector(`#${id}`);
    Object.assign(this, { section, report, texts: new Texts(report), book: null });
    this.says = find("says");
    this.host = find("text");
    this.column = new Column(this.host, { onPainted: () => this.overlays.redraw() });
    this.overlays = new Overlays(this.column);
    this.strip = new Strip(find("strip"), { onGo: (point) => this.goTo(point) });
    this.inspector = new Inspector(find("window"), report, { onClose: () => this.chosen.letGo(), onLink: (point) => this.pin(point, true) });
    this.chosen = new ChosenWindow(this.inspector, this.overlays);
    this.passages = new PassageList(find("passages"), { onGo: (point) => this.pin(point, true) });
    this.search = new SearchBox({ onHits: (hits, here) => this.#markHits(hits, here), onGo: (point) => this.pin(point, true) });
    this.bar = new Bar(report, { onText: (id) => this.#choose(id), onChange: () => this.#recolour() });
    this.#listen();
    this.keys = new Keys(find("help-dialog"), find("help"), this.#listKeys(), () => this.#escape());
  }

  /** Opens what the address names, else the first text. */
  async open() {
    const place = parseAddress(location.hash);
    const entry = this.report.texts.find((text) => text.name === place?.name);
    await this.openText(entry ?? this.report.texts[0], entry ? place.point : null);
    if (entry && place.point === null) this.section.scrollIntoView();
    this.texts.loadControls().then(() => this.#say());
  }

  /** Shows a text, at a character if one is named. */
  async openText(entry, point = null) {
    this.entry = entry;
    const book = await this.texts.load(entry);
    if (this.entry !== entry) return;
    this.scale = chooseScale(this.report, entry);
    this.bar.show(entry, this.scale);
    this.book = book;
    this.strip.host.hidden = book === null;
    this.chosen.book = book;
    if (!book) {
      this.#showAbsent(entry);
      return;
    }
    this.column.show(book, !book.hasText);
    this.chosen.open(book);
    this.#recolour();
    this.#follow();
    if (point !== null) this.pin(Math.min(point, book.length - 1), true);
    else if (this.section.getBoundingClientRect().top < 0) this.section.scrollIntoView();
    await this.texts.loadDetail(book);
    if (this.book === book) this.chosen.draw();
  }

  /** Keeps the window over a character in the panel, and its link in the address; `go` brings it into view. */
  pin(point, go = false) {
    if (!this.book) return;
    this.chosen.pin(point);
    rememberAddress(formatAddress(this.entry.name, point));
    this.passages.mark(point);
    if (go) this.goTo(point);
  }

  /** Scrolls to a character, and corrects the place while blocks on the way get their true heights. */
  goTo(point) {
    const unit = this.#findShown(point);
    if (unit < 0) return;
    const correct = (frames) => {
      const box = findRectangle(this.column, unit);
      if (!box) return;
      const top = this.bar.height;
      scrollBy({ top: box.top - top - (innerHeight - top) / 4, behavior: "instant" });
      if (frames > 0) requestAnimationFrame(() => correct(frames - 1));
    };
    correct(FRAMES_OF_CORRECTION);
  }

  #listen() {
    const point = oncePerFrame(() => this.#point());
    this.host.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch" || event.buttons) return;
      this.pointer = event;
      point();
    });
    this.host.addEventListener("click", (event) => {
      if (!this.book || !getSelection().isCollapsed) return;
      const unit = findUnit(this.column, event.clientX, event.clientY);
      if (unit >= 0) this.pin(this.book.toPoint(unit));
    });
    new ResizeObserver(() => this.#makeRoomForSheet()).observe(this.inspector.panel);
    const follow = oncePerFrame(() => this.#follow());
    addEventListener("scroll", follow, { passive: true });
    addEventListener("resize", follow);
    addEventListener("hashchange", () => this.#goToAddress(location.hash));
    addEventListener("beforeprint", () => this.book && this.column.paintAll());
    // In a srcdoc frame a link to a fragment would leave for the parent's address.
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href^='#']");
      if (link && !event.defaultPrevented && this.#goToAddress(link.getAttribute("href"))) event.preventDefault();
    });
  }

  #goToAddress(hash) {
    const place = parseAddress(hash);
    const entry = place && this.report.texts.find((text) => text.name === place.name);
    if (!entry) {
      const target = hash.length > 1 ? document.getElementById(hash.slice(1)) : null;
      target?.scrollIntoView();
      return target !== null;
    }
    rememberAddress(hash);
    if (entry !== this.entry || !this.book) {
      this.openText(entry, place.point).then(() => place.point === null && this.section.scrollIntoView());
    } else if (place.point === null) this.section.scrollIntoView();
    else this.pin(Math.min(place.point, this.book.length - 1), true);
    return true;
  }

  #point() {
    if (!this.book || this.chosen.pinned) return;
    const unit = findUnit(this.column, this.pointer.clientX, this.pointer.clientY);
    if (unit >= 0) this.chosen.hover(this.book.toPoint(unit));
  }

  /** The strip of a phone ends where the sheet with the window begins. */
  #makeRoomForSheet() {
    const { panel } = this.inspector;
    const isSheet = getComputedStyle(panel).position === "fixed" && panel.classList.contains("open");
    this.section.style.setProperty("--sheet", isSheet ? `${panel.offsetHeight}px` : "0px");
  }

  #markHits(hits, here) {
    if (!this.book) return;
    const place = (spans) => spans.flatMap(({ start, stop }) => this.book.toUnits(start, stop));
    if (hits !== this.hits) this.overlays.set("hit", place(hits), 4);
    this.hits = hits;
    this.overlays.set("hit-here", here < 0 ? [] : place([hits[here]]), 5);
  }

  #recolour() {
    if (!this.book) return;
    this.colouring = new Colouring(this.book, this.bar.choice);
    const isBands = this.colouring.by === "bands";
    this.found = isBands ? this.colouring.findRuns() : findPassages(this.book, this.bar.threshold);
    this.column.paint(this.colouring);
    this.strip.paint(this.colouring, describeStrip(this.colouring, this.found));
    this.passages.show(this.colouring, this.found);
    if (this.chosen.pinned) this.passages.mark(this.chosen.pinned.point);
    this.search.show(this.book, this.colouring);
    this.overlays.set("slip", this.bar.slips.checked ? listSlips(this.colouring) : [], 1);
    this.#say();
  }

  #say() {
    if (!this.book) return;
    const { report, colouring, found, scale } = this;
    const parts =
      colouring.by === "bands"
        ? sayBands(report, colouring, scale)
        : sayThreshold(report, colouring, found, scale, this.entry.role === "control" ? null : this.texts.measureControls(colouring.threshold));
    this.says.replaceChildren(...parts);
  }

  #follow() {
    if (!this.book || !this.column.blocks.length) return;
    const { start, stop } = findVisible(this.column, this.bar.height, innerHeight);
    this.strip.show(this.book.toPoint(start), this.book.toPoint(stop));
  }

  /** The unit of a character, or of the next that is shown. */
  #findShown(point) {
    const unit = this.book.toUnit(point);
    if (unit >= 0) return unit;
    const next = this.book.segments.find((segment) => segment.start >= point) ?? this.book.segments[this.book.segments.length - 1];
    return next ? next.unit : -1;
  }

  #showAbsent(entry) {
    this.column.clear();
    this.host.replaceChildren(make("p", { class: "message" }, `The page of 8 MB had no room for this text: its windows are in ${neutralise(entry.name)}/windows.parquet.`));
    this.passages.clear();
    this.says.replaceChildren();
    this.inspector.clear();
    this.search.leave();
  }

  #stepWindow(by) {
    const point = this.chosen.findNext(by);
    if (point >= 0) this.pin(point, true);
  }

  #escape() {
    if (this.chosen.pinned) this.chosen.letGo();
    else if (this.search.hits.length) this.search.clear();
  }

  #choose(id) {
    const entry = this.report.texts.find((text) => text.id === id);
    rememberAddress(`#${encodeURIComponent(entry.name)}`);
    this.openText(entry);
  }

  #listKeys() {
    return [
      { keys: ["j"], says: "next passage", act: () => this.passages.step(1) },
      { keys: ["k"], says: "passage before", act: () => this.passages.step(-1) },
      { keys: ["ArrowRight"], says: "next window", act: () => this.#stepWindow(1) },
      { keys: ["ArrowLeft"], says: "window before", act: () => this.#stepWindow(-1) },
      { keys: ["]"], says: "higher threshold", act: () => this.bar.step(1) },
      { keys: ["["], says: "lower threshold", act: () => this.bar.step(-1) },
      { keys: ["/"], says: "search", act: () => this.search.input.focus() },
      { keys: ["n"], says: "next hit", act: () => this.search.step(1) },
      { keys: ["N"], says: "hit before", act: () => this.search.step(-1) },
    ];
  }
}
