// What a computer can hold: the viewer keeps as many pictures as there is memory for, lets go of those that were looked at
// longest ago, and says so. On a small screen it says what that is not good for. It comes before the viewer does, so that
// no picture is asked for before there is room.
"use strict";
(() => {
  const { wasl } = window;
  const WIDEST = 4; // bytes of a pixel, whatever it is drawn from
  const SMALL = matchMedia("(max-width: 600px)");

  // a sentence at the foot of the window, until it is put away; each once
  const said = new Set();
  function say(kind, text) {
    if (said.has(kind)) return;
    said.add(kind);
    const note = document.createElement("div");
    note.className = `wasl-note wasl-${kind}`;
    note.setAttribute("role", "status");
    note.dir = wasl.dir;
    note.style.cssText =
      "position:fixed;inset-block-end:1rem;left:50%;transform:translateX(-50%);z-index:60;display:flex;gap:.75rem;" +
      "align-items:center;padding:.5rem .8rem;border-radius:.4rem;background:#ffd43b;color:#1a1a1a;" +
      "font:600 .9rem/1.4 sans-serif;max-inline-size:min(44rem,94vw);inline-size:max-content";
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = wasl.close;
    close.style.cssText =
      "flex:none;min-block-size:2rem;padding:.1rem .7rem;border:1px solid #1a1a1a;border-radius:.3rem;color:inherit";
    close.addEventListener("click", () => note.remove());
    note.append(Object.assign(document.createElement("span"), { textContent: text }), close);
    document.body.append(note);
  }

  // what a viewport is to show, in bytes: as many pictures as it has, each as large as the one that came
  function need(viewport) {
    const image = viewport?.getCornerstoneImage?.();
    return image ? image.sizeInBytes * (viewport.getImageIds?.().length || 1) : 0;
  }

  function look({ target }) {
    if (need(window.cornerstone?.getEnabledElement(target)?.viewport) > wasl.kept) say("much", wasl.much);
  }

  // whatever the computer has, two of the pictures that are looked at have room: one that has none would not be shown
  function room({ detail: { imageId } }) {
    const { cache, metaData } = window.cornerstone;
    const { rows, columns } = metaData.get("imagePixelModule", imageId) || {};
    const two = 2 * WIDEST * (rows * columns || 0);
    if (two <= wasl.kept) return;
    cache.setMaxCacheSize(cache.getMaxCacheSize() + two - wasl.kept);
    wasl.kept = two;
  }

  function removed() {
    const { cache } = window.cornerstone;
    if (cache.getCacheSize() > cache.getMaxCacheSize() / 2) say("much", wasl.much);
  }

  const bytes = ({ dimensions, dataType }) =>
    dimensions.reduce((all, side) => all * side, window[dataType]?.BYTES_PER_ELEMENT || 4);

  const shown = () =>
    new Set(window.cornerstone.getEnabledElements().flatMap(({ viewport }) => viewport.getAllVolumeIds?.() || []));

  // a volume goes once no viewport has it any more
  function drop(id) {
    const { cache } = window.cornerstone;
    if (shown().has(id)) setTimeout(() => drop(id), 250);
    else if (cache.getVolume(id)) cache.removeVolumeLoadObject(id);
  }

  // a volume that is not held whole is drawn with slices missing. So there is room for it beside the pictures, or it is not
  // shown at all, and the viewer goes back to single images
  function measure({ detail }) {
    const { cache } = window.cornerstone;
    const added = detail.volume.volumeId;
    const volumes = () => cache.getVolumes().filter(Boolean); // those that are only asked for are not there yet
    const all = () => volumes().reduce((sum, volume) => sum + bytes(volume), 0);
    const used = shown().add(added);
    if (all() > wasl.volumes)
      for (const { volumeId } of volumes()) if (!used.has(volumeId)) cache.removeVolumeLoadObject(volumeId);
    cache.setMaxCacheSize(wasl.kept + Math.min(all(), wasl.volumes));
    if (all() <= wasl.volumes) return;
    detail.volume.volume.cancelLoading?.();
    say("refused", wasl.refused);
    setTimeout(() => {
      window.commandsManager.runCommand("setHangingProtocol", { protocolId: "default" });
      drop(added);
    });
  }

  wasl.started.then(() => {
    const { eventTarget, Enums } = window.cornerstone;
    eventTarget.addEventListener(Enums.Events.IMAGE_CACHE_IMAGE_REMOVED, removed);
    eventTarget.addEventListener(Enums.Events.VOLUME_CACHE_VOLUME_ADDED, measure);
  });

  function mark() {
    let sign = document.querySelector("body > .wasl-small");
    if (!SMALL.matches) {
      sign?.remove();
      return;
    }
    if (sign) return;
    sign = document.createElement("p");
    sign.className = "wasl-small";
    sign.setAttribute("role", "note");
    sign.dir = wasl.dir;
    sign.textContent = wasl.small;
    sign.style.cssText =
      "position:fixed;inset-block-start:3.4rem;left:50%;transform:translateX(-50%);z-index:50;pointer-events:none;margin:0;" +
      "padding:.2rem .6rem;border-radius:.4rem;background:#1a1a1a;color:#ffd43b;border:1px solid #ffd43b;" +
      "font:600 .8rem/1.3 sans-serif;max-inline-size:94vw;inline-size:max-content;text-align:center";
    document.body.append(sign);
  }

  // the viewer lays its tools over its menu when there is no room beside it: they go to where its name was
  const style = document.createElement("style");
  style.textContent =
    '@media (max-width: 600px) { div:has(> [data-cy="return-to-work-list"]) ~ div:nth-of-type(3) ' +
    "{ left: .25rem !important; transform: translateY(-50%) !important } }";
  document.head.append(style);
  document.addEventListener("CORNERSTONE_PRE_STACK_NEW_IMAGE", room, true);
  document.addEventListener("CORNERSTONE_IMAGE_RENDERED", look, true);
  SMALL.addEventListener("change", mark);
  document.addEventListener("DOMContentLoaded", mark);
})();
