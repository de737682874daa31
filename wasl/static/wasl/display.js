// The check of the display: one picture at a time, answered by arrow keys or by a finger. Without this script the
// pictures stand one below the other, and are answered all the same.
"use strict";
const begin = document.getElementById("begin-check");
if (begin) {
  begin.elements.width.value = Math.round(screen.width * devicePixelRatio);
  begin.elements.height.value = Math.round(screen.height * devicePixelRatio);
}

const pattern = document.getElementById("pattern");
if (pattern) {
  const pictures = [...pattern.querySelectorAll("[data-picture]")];
  const back = document.getElementById("picture-back");
  const KEYS = { ArrowUp: "up", ArrowRight: "right", ArrowDown: "down", ArrowLeft: "left", 0: "unseen" };
  let at = Math.max(0, pictures.findIndex((picture) => !picture.querySelector(":checked")));
  let sent = false;

  // a pixel of a picture is one of the screen, whatever the browser's zoom
  function size() {
    for (const image of pattern.querySelectorAll("img")) image.style.width = `${image.naturalWidth / devicePixelRatio}px`;
  }

  function show() {
    pictures.forEach((picture, number) => (picture.hidden = number !== at));
    back.hidden = at === 0;
    pictures[at].focus({ preventScroll: true }); // not a button: the space bar would press it
  }

  function answer(place) {
    if (sent) return;
    pictures[at].querySelector(`[value=${place}]`).checked = true;
    if (at + 1 < pictures.length) {
      at += 1;
      show();
    } else {
      sent = true;
      pattern.submit();
    }
  }

  for (const picture of pictures) picture.tabIndex = -1;
  document.getElementById("content").classList.add("one-by-one");
  pattern.addEventListener("click", (event) => {
    if (event.target.matches("input[type=radio]")) answer(event.target.value);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = KEYS[event.key];
    if (place) {
      event.preventDefault(); // the arrows would walk through the radio buttons
      answer(place);
    } else if (event.key === "Backspace" && at > 0) {
      event.preventDefault();
      at -= 1;
      show();
    }
  });
  back.addEventListener("click", () => {
    at -= 1;
    show();
  });
  window.addEventListener("resize", size);
  if (document.readyState === "complete") size();
  else window.addEventListener("load", size);
  show();
}
