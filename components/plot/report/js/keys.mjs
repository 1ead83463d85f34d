import { keep, recall } from "./address.mjs";
import { make } from "./elements.mjs";

const SWITCH = "keys";
const NAMES = { ArrowLeft: "←", ArrowRight: "→" };

/** The keys of the reader, {keys, says, act}, and the dialog that lists them and switches them off. */
export class Keys {
  constructor(dialog, button, bindings, onEscape) {
    this.dialog = dialog;
    this.areOn = recall(SWITCH, "on") === "on";
    this.actions = new Map(bindings.flatMap(({ keys, act }) => keys.map((key) => [key, act])));
    this.actions.set("?", () => this.#open());
    this.#fill(bindings);
    button.addEventListener("click", () => this.#open());
    document.addEventListener("keydown", (event) => this.#press(event, onEscape));
  }

  #press(event, onEscape) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (isTyping(event.target)) event.target.blur();
      onEscape();
      return;
    }
    if (!this.areOn || isTyping(event.target) || isMoving(event)) return;
    const act = this.actions.get(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #open() {
    if (!this.dialog.open) this.dialog.showModal();
  }

  #fill(bindings) {
    const rows = [...bindings, { keys: ["Esc"], says: "lets the window go" }, { keys: ["?"], says: "shows this" }];
    const list = rows.flatMap(({ keys, says }) => [
      make("dt", {}, ...keys.flatMap((key) => [make("kbd", {}, NAMES[key] ?? key), " "])),
      make("dd", {}, says),
    ]);
    const box = make("input", { type: "checkbox", onchange: () => this.#turn(box.checked) });
    box.checked = this.areOn;
    this.dialog.replaceChildren(
      make("h2", {}, "How to read this"),
      make("p", {}, "Point at a word: the window that is best over it appears, with a dotted line under its prompt and a solid one under its suffix. Click or tap to keep it. A click or drag on the strip goes there."),
      make("p", {}, "Hatched: no window asks for these characters. That is no zero."),
      make("dl", {}, ...list),
      make("p", {}, make("label", {}, box, " keys of one letter are on")),
      make("p", {}, make("button", { type: "button", onclick: () => this.dialog.close() }, "Close")),
    );
  }

  #turn(areOn) {
    this.areOn = areOn;
    keep(SWITCH, areOn ? "on" : "off");
  }
}

function isTyping(element) {
  return element.matches?.("input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable]") ?? false;
}

/** Whether an arrow moves something of its own: the slider. */
function isMoving(event) {
  return event.key.startsWith("Arrow") && (event.target.matches?.("input") ?? false);
}
