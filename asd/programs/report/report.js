// A click on a table's header sorts by that column, a second click the other way; totals and published rows stay last.
const number = text => parseFloat(text.replaceAll(",", ""));
const compare = (a, b) => isNaN(number(a)) || isNaN(number(b)) ? a.localeCompare(b) : number(a) - number(b);
function sort(header) {
  const row = header.parentNode, body = row.closest("table").tBodies[0], column = header.cellIndex;
  const sign = header.getAttribute("aria-sort") === "descending" ? 1 : -1;
  for (const other of row.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const text = r => r.cells[column].textContent.trim();
  const rank = (a, b) => !!a.className - !!b.className || sign * compare(text(a), text(b));
  body.append(...[...body.rows].sort(rank));
}
for (const header of document.querySelectorAll("th")) {
  header.tabIndex = 0;
  header.addEventListener("click", () => sort(header));
  header.addEventListener("keydown", event => { if (event.key === "Enter") sort(header); });
}
for (const audio of document.querySelectorAll("audio"))
  audio.addEventListener("play", () => document.querySelectorAll("audio").forEach(other => other !== audio && other.pause()));
