// The page of the tables. The form holds the view and the address repeats it, so that a link restores it. What needs
// other figures is asked of the server (fields with data-ask); filters, columns and order are matters of this page.
const find = (selector) => element.querySelector(selector);
const all = (selector, within = element) => [...within.querySelectorAll(selector)];
const LOCAL = ["q", "size", "open", "since", "until", "unranked", "sort", "order"];
const SILENT = "The server did not answer; try again.";
let asked = 0;

function view() {
  const said = new URLSearchParams();
  for (const [name, value] of new FormData(find("form.view"))) if (value && name !== "column") said.append(name, value);
  const tracks = all("[name=track]");
  if (tracks.every((box) => box.checked)) said.delete("track");
  for (const box of all("[name=column]")) if (!box.checked) said.append("hide", box.value);
  return said;
}

function restore() {
  if (!find("form.view")) return;
  const said = new URLSearchParams(location.search);
  for (const name of LOCAL) if (said.has(name)) find(`form.view [name=${name}]`).value = said.get(name);
  for (const box of all("[name=column]")) box.checked = !said.getAll("hide").includes(box.value);
  apply();
}

function wanted(row, said) {
  const within = (value, low, high) => (!low || value >= low) && (!high || value <= high);
  const [least, most] = (said.get("size") ?? "").split("-");
  if (least && (!row.dataset.parameters || !within(Number(row.dataset.parameters), Number(least), Number(most)))) return false;
  if (said.get("open") && row.dataset.open !== said.get("open")) return false;
  if (said.get("unranked") && row.classList.contains("unranked")) return false;
  if ((said.get("since") || said.get("until")) && !row.dataset.date) return false;
  if (!within(row.dataset.date, said.get("since"), said.get("until"))) return false;
  const words = (said.get("q") ?? "").toLowerCase().split(/\s+/);
  const text = row.querySelector("th").textContent.toLowerCase();
  return words.every((word) => text.includes(word));
}

// Rows without a value come last in either direction, and equal ones keep the order in which the server sent them.
function sort(table, key, order) {
  const heads = all("thead th", table);
  const place = heads.findIndex((head) => head.dataset.column === key);
  if (place < 0) return;
  order = order === "descending" ? order : "ascending";
  const number = "number" in heads[place].dataset;
  const sign = order === "descending" ? -1 : 1;
  const value = (row) => row.cells[place].dataset.sort;
  const compare = (a, b) => (number ? a - b : a.localeCompare(b));
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.forEach((row, i) => (row.dataset.place ??= i));
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined) || a.dataset.place - b.dataset.place;
    return sign * compare(x, y) || a.dataset.place - b.dataset.place;
  });
  body.append(...rows);
  table.dataset.sorted = key;
  for (const head of heads) {
    if (head.dataset.column === key) head.setAttribute("aria-sort", order);
    else head.removeAttribute("aria-sort");
  }
}

function apply() {
  const said = view();
  const hidden = said.getAll("hide");
  let shown = 0, there = 0;
  for (const table of all("table.ranking")) {
    sort(table, said.get("sort") || "rank", said.get("order"));
    const keys = all("thead th", table).map((head) => head.dataset.column);
    for (const row of table.rows) keys.forEach((key, i) => (row.cells[i].hidden = hidden.includes(key)));
    for (const row of table.tBodies[0].rows) {
      row.hidden = !wanted(row, said);
      there += 1;
      shown += !row.hidden;
    }
  }
  find("output.shown").textContent = `${shown} of ${there} rows`;
  for (const button of all("form.compare button")) {
    button.disabled = chosen(button.form) < button.dataset.least || chosen(button.form) > button.dataset.most;
  }
}

const chosen = (form) => [...form.elements].filter((field) => field.name === "id" && field.checked).length;

async function ask(said, move) {
  const number = ++asked;
  const focused = document.activeElement?.id;
  history[move](null, "", `?${said}`);
  element.setAttribute("aria-busy", "true");
  try {
    const page = await server.show(said.toString());
    if (number !== asked) return;
    if (typeof page !== "string") throw new Error("no page");
    find(".page").outerHTML = page;
    arrive();
    restore();
    document.getElementById(focused)?.focus();
  } catch {
    find("output.shown").textContent = SILENT;
  } finally {
    if (number === asked) element.removeAttribute("aria-busy");
  }
}

element.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    ask(new URLSearchParams(link.search), "pushState");
  }
  const form = event.target.closest("button[data-form]")?.dataset.form;
  if (form) save(form);
  const head = event.target.closest("thead button")?.closest("th");
  if (head) {
    const first = head.dataset.first;
    const turned = first === "ascending" ? "descending" : "ascending";
    find("[name=sort]").value = head.dataset.column;
    find("[name=order]").value = head.getAttribute("aria-sort") === first ? turned : first;
    change();
  }
});

const ENDING = { csv: "csv", markdown: "md", latex: "tex" };

async function save(form) {
  const said = view();
  const text = await server.save(`${said}&form=${form}`).catch(() => null);
  if (typeof text !== "string") return (find("output.shown").textContent = SILENT);
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  Object.assign(document.createElement("a"), { href: address, download: `${said.get("benchmark")}.${ENDING[form]}` }).click();
  URL.revokeObjectURL(address);
}

function change() {
  history.replaceState(null, "", `?${view()}`);
  apply();
}

element.addEventListener("input", (event) => {
  if (event.target.name === "id") apply();
  else if (!event.target.closest("form.view")) return;
  else if ("ask" in event.target.dataset) ask(view(), "replaceState");
  else change();
});
element.addEventListener("submit", (event) => event.target.matches("form.view") && event.preventDefault());
element.addEventListener("reset", () => setTimeout(change));
window.addEventListener("popstate", () => ask(new URLSearchParams(location.search), "replaceState"));
watch("value", restore);
restore();
