// The pictures of a study shared with somebody outside: one at a time, scrolled through by wheel, finger or keys.
"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  const every = JSON.parse(document.getElementById("pictures").textContent);
  const img = viewer.querySelector("img"), said = viewer.querySelector("[role=status]");
  const slice = document.getElementById("slice"), place = viewer.querySelector("output");
  const levels = document.getElementById("window"), buttons = [...viewer.querySelectorAll("[data-series]")];
  const NEAR = 4, KEPT = 300;
  const kept = new Map(); // address -> promise of an object URL; the oldest goes first
  let frames = [];

  const address = (at) => frames[at] + (levels && !levels.hidden && levels.value ? `?window=${levels.value}` : "");

  // the hour or the share may be over: then the page itself says so
  async function leave() {
    const page = await (await fetch(location.pathname)).text();
    if (!page.includes('id="viewer"')) location.reload();
  }

  function load(where) {
    if (!kept.has(where)) {
      kept.set(where, fetch(where).then(async (answer) => {
        if (answer.status === 404) await leave();
        if (!answer.ok) throw new Error(String(answer.status));
        return URL.createObjectURL(await answer.blob());
      }));
      if (kept.size > KEPT) {
        const [oldest, url] = kept.entries().next().value;
        kept.delete(oldest);
        url.then(URL.revokeObjectURL, () => {});
      }
    }
    return kept.get(where);
  }

  async function show() {
    const at = Number(slice.value) - 1, where = address(at);
    place.textContent = `${at + 1} / ${frames.length}`;
    let url = "";
    try {
      url = await load(where);
    } catch {
      kept.delete(where);
    }
    if (where !== address(Number(slice.value) - 1)) return; // somebody scrolled on meanwhile
    said.textContent = url ? "" : viewer.dataset.failed;
    said.hidden = Boolean(url);
    img.hidden = !url;
    if (url) img.src = url;
    img.alt = place.textContent;
    for (let near = 1; near <= NEAR; near += 1)
      for (const other of [at + near, at - near]) if (frames[other]) load(address(other)).catch(() => {});
  }

  function choose(number) {
    const { series, ct, images } = every[number];
    if (levels) levels.hidden = !ct;
    frames = images.flatMap(([uid, count]) =>
      Array.from({ length: count }, (_, one) => `series/${series}/instances/${uid}/frames/${one + 1}`));
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === number)));
    slice.max = frames.length;
    slice.value = Math.ceil(frames.length / 2);
    show();
  }

  buttons.forEach((button, at) => button.addEventListener("click", () => choose(at)));
  slice.addEventListener("input", show);
  levels?.addEventListener("change", show);
  viewer.querySelector(".shared-stage").addEventListener("wheel", (event) => {
    event.preventDefault();
    slice.value = Number(slice.value) + Math.sign(event.deltaY);
    show();
  }, { passive: false });
  choose(0);
})();
