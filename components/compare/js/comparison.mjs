import { describeColumn, findColumn, findSpan, nameTop } from "./columns.mjs";

const page = document.querySelector("main");

function getKind() {
  return page.dataset.shown === "bands" ? "bands" : "p_z";
}

function choose(level) {
  page.dataset.chosen = level;
  page.dataset.shown = level === "above_controls" ? "bands" : "p_z";
}

/** Moves the line of one text to a column, and reads all its models there; -1 takes the line away. */
function showColumn(section, column) {
  const kind = getKind();
  const line = section.querySelector(".line");
  const readout = section.querySelector(".readout");
  const strips = [...section.querySelectorAll(`svg[data-kind="${kind}"]`)];
  line.hidden = column < 0 || !strips.length;
  if (line.hidden) {
    readout.textContent = "";
    return;
  }
  const columns = strips[0].dataset.tops.length;
  const box = strips[0].getBoundingClientRect();
  const frame = section.querySelector(".strips").getBoundingClientRect();
  line.style.left = `${box.left - frame.left + (box.width * (column + 0.5)) / columns}px`;
  const models = strips.map((strip) => ({
    name: strip.closest(".model").dataset.model,
    top: nameTop(strip.dataset.tops, column, kind),
  }));
  readout.textContent = describeColumn(findSpan(column, columns, Number(section.dataset.characters)), models);
}

function followPointer(section) {
  const area = section.querySelector(".strips");
  let column = -1;
  const count = () => section.querySelector("svg[data-tops]").dataset.tops.length;
  const show = (next) => showColumn(section, (column = next));
  area.addEventListener("pointermove", (event) => {
    const strip = section.querySelector(`svg[data-kind="${getKind()}"]`);
    const box = strip?.getBoundingClientRect();
    if (!box || event.clientX < box.left || event.clientX > box.right) return show(-1);
    show(findColumn((event.clientX - box.left) / box.width, count()));
  });
  area.addEventListener("pointerleave", () => show(-1));
  area.addEventListener("blur", () => show(-1));
  area.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (event.key === "Escape") show(-1);
    if (!step) return;
    event.preventDefault();
    show(Math.min(Math.max(column + step, 0), count() - 1));
  });
  area.tabIndex = 0;
}

for (const element of document.querySelectorAll(".scripted")) element.hidden = false;
for (const input of document.querySelectorAll("input[name=level]")) {
  input.addEventListener("change", () => choose(input.value));
}
for (const section of document.querySelectorAll("section.text")) followPointer(section);
choose(page.dataset.chosen);
