import { make } from "./elements.mjs";

/** Rows as CSV; a cell that a spreadsheet would compute begins with an apostrophe. */
export function formatCsv(header, rows) {
  return [header, ...rows].map((row) => row.map(formatCell).join(",")).join("\r\n") + "\r\n";
}

/** Hands a CSV file over: as a download, or in a dialog to copy from where the page stands in a frame, which blocks it. */
export function handOver(container, name, csv) {
  if (window.self !== window.top) {
    showForCopying(container, name, csv);
    return;
  }
  const address = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
  const link = make("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function showForCopying(container, name, csv) {
  const area = make("textarea", { readonly: true, "aria-label": name });
  area.value = csv;
  const said = make("span", { role: "status" });
  const copy = () => {
    area.select();
    said.textContent = document.execCommand("copy") ? " Copied." : " Press Ctrl+C.";
  };
  const dialog = make("dialog", { "aria-label": name });
  dialog.append(
    make("h2", {}, name),
    make("p", {}, "This frame lets no file out: copy it from here."),
    area,
    make("p", {}, make("button", { type: "button", onclick: copy }, "Copy"), " ", make("button", { type: "button", onclick: () => dialog.close() }, "Close"), said),
  );
  dialog.addEventListener("close", () => dialog.remove());
  container.append(dialog);
  dialog.showModal();
  area.select();
}

function formatCell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
