// The worklist from the keyboard: N goes to the next case, J and K choose another, Enter opens it.
"use strict";
let chosen = "";
function lines() {
  return [...document.querySelectorAll("#readings .case-line[data-key]")];
}
function choose(line) {
  for (const other of lines()) other.classList.toggle("chosen", other === line);
  chosen = line.dataset.key;
  line.scrollIntoView({ block: "nearest" });
  const act = line.querySelector("[data-open], a");
  if (act) act.focus({ preventScroll: true });
}
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.toLowerCase() === "n") {
    const next = document.querySelector("[data-next]");
    if (next) next.focus();
    return;
  }
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (!step) return;
  const all = lines();
  if (!all.length) return;
  event.preventDefault();
  const at = all.findIndex((line) => line.dataset.key === chosen);
  choose(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
});
// the list is swapped while it lives: what was chosen stays chosen
document.addEventListener("htmx:afterSwap", () => {
  const line = lines().find((one) => one.dataset.key === chosen);
  if (line) choose(line);
});
