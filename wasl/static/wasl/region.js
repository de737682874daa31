// A region is its reader's while they are at work: who types, points or scrolls, here or in the viewer, says so each minute.
"use strict";
const ALIVE = 60000; // milliseconds
const SIGNS = ["keydown", "pointermove", "pointerdown", "wheel"];
let touched = Date.now();

function watch(where) {
  for (const sign of SIGNS) where.addEventListener(sign, () => (touched = Date.now()), { passive: true });
}

watch(document);
const images = document.querySelector(".desk-images iframe");
images.addEventListener("load", () => watch(images.contentDocument)); // of this very site
setInterval(() => {
  if (Date.now() - touched < 10 * ALIVE) htmx.trigger("#alive", "alive");
}, ALIVE);
