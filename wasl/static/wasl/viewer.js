// Beside the viewer, in its window: a picture that is not whole yet wears a badge, one that cannot be shown is said to be
// so, and the reading page is told how many pictures were shown and how many of them are still partial; an earlier exam
// beside a new one is scrolled with it. Nothing of the viewer itself is changed.
"use strict";
(() => {
  const words = window.wasl;
  const me = crypto.randomUUID();
  const studies = new URLSearchParams(location.search).getAll("StudyInstanceUIDs").join(",").split(",");
  const channel = new BroadcastChannel("wasl-pixels");
  const whole = new Map(); // each picture that was shown here -> whether all of it has come
  const asked = new WeakMap(); // each viewport's element -> the picture that was last asked for there
  let told = "";
  let heard = false;

  const isWhole = (image) => image?.imageQualityStatus === window.cornerstone.Enums.ImageQualityStatus.FULL_RESOLUTION;

  // the pictures that a viewport is made of: the one of a stack, all of a volume
  function pictures(viewport) {
    const volumes = viewport.getAllVolumeIds?.() || [];
    if (!volumes.length) return [viewport.getCornerstoneImage?.()].filter(Boolean);
    const { cache } = window.cornerstone;
    return volumes.flatMap((id) => cache.getVolume(id)?.imageIds || []).map((id) => cache.getImage(id) || { imageId: id });
  }

  // what is said over a viewport; nothing, when the text is empty
  function badge(element, kind, text) {
    let sign = element.querySelector(`:scope > .${kind}`);
    if (!sign && !text) return;
    if (!sign) {
      sign = document.createElement("div");
      sign.className = kind;
      sign.setAttribute("role", "status");
      sign.dir = words.dir;
      sign.style.cssText =
        "position:absolute;inset-block-start:.5rem;left:50%;transform:translateX(-50%);z-index:20;pointer-events:none;" +
        "padding:.3rem .8rem;border-radius:.4rem;background:#ffd43b;color:#1a1a1a;font:600 .9rem/1.3 sans-serif;" +
        "max-inline-size:96%;inline-size:max-content;text-align:center";
      element.append(sign);
    }
    sign.hidden = !text;
    sign.style.display = text ? "" : "none";
    sign.textContent = text;
  }

  function look(element) {
    const viewport = window.cornerstone?.getEnabledElement(element)?.viewport;
    if (!viewport) return;
    const shown = pictures(viewport);
    for (const image of shown) whole.set(image.imageId, whole.get(image.imageId) || isWhole(image));
    badge(element, "wasl-partial", shown.some((image) => !whole.get(image.imageId)) ? words.partial : "");
    if (shown.some((image) => image.imageId === asked.get(element))) badge(element, "wasl-unshown", "");
    listen();
    tell();
  }

  // a picture that was scrolled past comes without being drawn again
  function came({ detail: { image } }) {
    if (!whole.has(image?.imageId) || !isWhole(image)) return;
    whole.set(image.imageId, true);
    for (const sign of document.querySelectorAll(".wasl-partial:not([hidden])")) look(sign.parentElement);
    tell();
  }

  // the viewport stays black, and would not say why: a video, or what no codec reads
  function failed({ detail: { imageId } }) {
    for (const { element } of window.cornerstone.getEnabledElements().map(({ viewport }) => viewport))
      if (asked.get(element) === imageId) badge(element, "wasl-unshown", words.unshown);
  }

  // where the first picture of a stack lies in its scanner, in mm
  function start(viewport) {
    const [image] = viewport.getImageIds?.() || [];
    return image && window.cornerstone.metaData.get("imagePlaneModule", image)?.imagePositionPatient;
  }

  // exams of different days have no place in common, and the viewer finds none: their stacks are laid beside each other
  // from their first pictures on
  function register({ target: element }) {
    const { cornerstone } = window;
    const mine = cornerstone?.getEnabledElement(element)?.viewport;
    const from = mine && start(mine);
    if (!from) return;
    for (const { viewport } of cornerstone.getEnabledElements()) {
      const to = viewport !== mine && start(viewport);
      if (!to || viewport.getFrameOfReferenceUID() === mine.getFrameOfReferenceUID()) continue;
      const { spatialRegistrationMetadataProvider: known } = cornerstone.utilities;
      const moved = (sign) => [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, ...to.map((at, axis) => sign * (at - from[axis])), 1];
      known.add([viewport.id, mine.id], moved(1));
      known.add([mine.id, viewport.id], moved(-1));
    }
  }

  function ask({ target, detail: { imageId } }) {
    asked.set(target, imageId);
    listen();
  }

  function listen() {
    if (heard) return;
    heard = true;
    window.cornerstone.eventTarget.addEventListener(window.cornerstone.Enums.Events.IMAGE_LOAD_ERROR, failed);
    window.cornerstone.eventTarget.addEventListener(window.cornerstone.Enums.Events.IMAGE_CACHE_IMAGE_ADDED, came);
    window.cornerstone.eventTarget.addEventListener(window.cornerstone.Enums.Events.IMAGE_LOADED, came);
  }

  function tell(again) {
    const partial = [...whole.values()].filter((all) => !all).length;
    const message = { from: me, studies, shown: whole.size, partial };
    if (!again && told === JSON.stringify(message)) return;
    told = JSON.stringify(message);
    channel.postMessage(message);
  }

  channel.addEventListener("message", ({ data }) => {
    if (data.ask && studies.includes(data.ask)) tell(true);
  });
  // the events of a viewport do not bubble, but are seen on their way down
  for (const name of ["CORNERSTONE_IMAGE_RENDERED", "CORNERSTONE_STACK_NEW_IMAGE", "CORNERSTONE_VOLUME_VIEWPORT_NEW_VOLUME"])
    document.addEventListener(name, ({ target }) => look(target), true);
  document.addEventListener("CORNERSTONE_VIEWPORT_NEW_IMAGE_SET", register, true);
  document.addEventListener("CORNERSTONE_PRE_STACK_NEW_IMAGE", ask, true);
  window.addEventListener("pagehide", () => channel.postMessage({ from: me, studies, gone: true }));
})();
