import { makeTablesSortable } from "../../../../byheart/pages/js/table.mjs";
import { make } from "./elements.mjs";
import { Reader } from "./reader.mjs";

/** Starts the reader of the page's data, or says in a sentence why there is none. */
function startReader() {
  const section = document.getElementById("reader");
  const data = document.getElementById("report");
  if (!section || !data) return;
  section.hidden = false;
  if (typeof DecompressionStream === "undefined") {
    const sentence = "This browser is too old to unpack the text (it lacks DecompressionStream): Chrome 103, Firefox 113 or Safari 16.4 can show it.";
    section.replaceChildren(make("p", { class: "message" }, sentence));
    return;
  }
  const reader = new Reader(section, JSON.parse(data.textContent));
  reader.open().catch((error) => {
    document.getElementById("text").replaceChildren(make("p", { class: "message" }, `The text could not be unpacked: ${error.message}`));
    throw error;
  });
}

makeTablesSortable(document);
startReader();
