// Menus are <details>: this only closes them as people expect, and opens the search with "/".
"use strict";
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape")
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.getElementById("shell-search");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "notices") event.detail.target.scrollIntoView({ block: "nearest" });
});
// where the pages do not fit beside each other, the one that is open is seen
document.querySelector(".bar-nav .here")?.scrollIntoView({ block: "nearest", inline: "center" });
// A choice that fills a field: the people of the demonstration on the sign-in page.
document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-fill]");
  if (!choice) return;
  const field = document.getElementById(choice.dataset.fill);
  field.value = choice.dataset.value;
  const next = field.form.querySelector("input[type=password]") || field;
  next.focus();
});
