// What the viewers of this case show: on this page, on the second screen, in another tab. While one of their pictures is
// partial the page says so, and the server is told; it refuses the signature then.
"use strict";
const viewing = document.getElementById("pixels-state");
const STATE_AFTER = 800; // milliseconds: a picture that comes at once is no news
const viewers = new Map(); // window -> {shown, partial}
const channelOfPixels = new BroadcastChannel("wasl-pixels");
let statedPixels = "";
let pixelsTimer = 0;

function seenPixels() {
  const all = [...viewers.values()];
  return { shown: all.reduce((sum, one) => sum + one.shown, 0), partial: all.reduce((sum, one) => sum + one.partial, 0) };
}

function showPixels() {
  const { shown, partial } = seenPixels();
  viewing.hidden = !partial;
  viewing.textContent = partial ? viewing.dataset.words.replace("{partial}", partial).replace("{shown}", shown) : "";
}

// tell the server what is shown now; said again only when it changed what it means
async function statePixels() {
  clearTimeout(pixelsTimer);
  pixelsTimer = 0;
  const now = seenPixels();
  const meaning = `${now.shown > 0} ${now.partial > 0}`;
  if (meaning === statedPixels) return;
  const answer = await ask(viewing.dataset.state, now);
  if (answer.ok) statedPixels = meaning;
}

channelOfPixels.addEventListener("message", ({ data }) => {
  if (!data.studies?.includes(viewing.dataset.study)) return;
  if (data.gone) viewers.delete(data.from);
  else viewers.set(data.from, { shown: data.shown, partial: data.partial });
  showPixels();
  pixelsTimer = pixelsTimer || setTimeout(() => statePixels().catch(() => {}), STATE_AFTER);
});
channelOfPixels.postMessage({ ask: viewing.dataset.study });
