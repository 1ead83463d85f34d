/** Tables of the class `sortable`: a click on a head sorts the rows, another one the other way round. */

/**
 * The order of rows by the values of one column: numbers by size, the rest by their words, and empty ones always last.
 * @param {string[]} values of each row
 * @param {boolean} descending
 * @returns {number[]} the rows' indices; equals keep their order
 */
export function orderRows(values, descending) {
  const sign = descending ? -1 : 1;
  const areNumbers = values.every((value) => value === "" || Number.isFinite(Number(value)));
  const compare = (a, b) => (areNumbers ? Number(a) - Number(b) : a.localeCompare(b));
  return values
    .map((_, row) => row)
    .sort((a, b) => {
      if (values[a] === "" || values[b] === "") return (values[a] === "") - (values[b] === "");
      return sign * compare(values[a], values[b]);
    });
}

/** Makes the heads of all sortable tables buttons; a head of the class `plain` stays as it is. */
export function makeTablesSortable(root) {
  for (const table of root.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    if (body.rows.length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.classList.contains("plain")) return;
      const button = root.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sortBy(heads, column, body));
    });
  }
}

function sortBy(heads, column, body) {
  const before = heads[column].getAttribute("aria-sort");
  const descending = before ? before === "ascending" : column > 0; // numbers from the largest, the first column as it was
  const rows = [...body.rows];
  const values = rows.map((row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim());
  body.append(...orderRows(values, descending).map((row) => rows[row]));
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
}
