// Several viewer windows of one person in one browser, one on each monitor: the slice, the greys and the cursor of the
// window under the hand are those of the others. They speak through the browser alone; nothing goes to the server.
"use strict";
(() => {
  const { wasl } = window;
  const PARALLEL = 0.99; // of the directions in which two planes look
  const ABSOLUTE = ["CT"]; // modalities whose values mean the same in every series: Hounsfield units
  const me = crypto.randomUUID();
  const studies = new URLSearchParams(location.search).getAll("StudyInstanceUIDs").join(",").split(",");
  const channel = new BroadcastChannel(`wasl-together-${wasl.person}`);
  const placed = new WeakMap(); // each stack of pictures -> where each lies along the direction in which it is scrolled
  let together = true;
  let leads = false; // whether the last hand that did anything did it in this window: the others follow it
  let hand = null; // where the mouse is in this window
  let last = []; // where the mouse was last
  let cursor = null; // where the other window's cursor is, in the patient

  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const minus = (a, b) => a.map((value, axis) => value - b[axis]);
  const viewports = () => window.cornerstone?.getEnabledElements().map(({ viewport }) => viewport) || [];
  const viewportOf = (element) => window.cornerstone?.getEnabledElement(element)?.viewport;

  // the plane of a picture of a stack: its place, its direction, whose coordinates these are
  function plane(imageId) {
    const found = window.cornerstone.metaData.get("imagePlaneModule", imageId);
    if (!found?.imagePositionPatient || !found.rowCosines || !found.columnCosines || !found.frameOfReferenceUID) return null;
    const normal = cross([...found.rowCosines], [...found.columnCosines]);
    return { point: [...found.imagePositionPatient], normal, space: found.frameOfReferenceUID };
  }

  // the plane that a viewport shows; a stack may already be asked for another picture than it shows
  function shown(viewport, imageId = viewport.getCurrentImageId?.()) {
    if (!viewport.getAllVolumeIds?.().length) return imageId ? plane(imageId) : null;
    const { focalPoint, viewPlaneNormal } = viewport.getCamera();
    return { point: [...focalPoint], normal: [...viewPlaneNormal], space: viewport.getFrameOfReferenceUID() };
  }

  const seriesOf = (imageId) => window.cornerstone.metaData.get("generalSeriesModule", imageId) || {};

  function say(message) {
    if (together && leads) channel.postMessage({ from: me, studies, ...message });
  }

  function sayPlace(viewport, imageId) {
    if (viewport) say({ place: { image: imageId || viewport.getCurrentImageId?.(), ...shown(viewport, imageId) } });
  }

  function sayGreys(viewport, range, invert) {
    const image = viewport?.getCurrentImageId?.();
    if (!image || !range) return;
    const { modality, seriesInstanceUID: series } = seriesOf(image);
    say({ greys: { modality, series, lower: range.lower, upper: range.upper, invert: Boolean(invert) } });
  }

  // which picture of a stack lies nearest to a plane that is parallel to it
  function nearest(viewport, { point, normal, space }) {
    const images = viewport.getImageIds();
    if (!placed.has(images)) {
      const planes = images.map(plane);
      placed.set(images, planes.every(Boolean) ? planes : []);
    }
    const planes = placed.get(images);
    if (!planes.length || planes[0].space !== space || Math.abs(dot(planes[0].normal, normal)) < PARALLEL) return -1;
    const far = planes.map((one) => Math.abs(dot(minus(one.point, point), planes[0].normal)));
    return far.indexOf(Math.min(...far));
  }

  // a viewport shows this plane too, where it has it
  function go(viewport, place) {
    if (viewport.getAllVolumeIds?.().length) {
      const mine = shown(viewport);
      if (mine.space !== place.space || Math.abs(dot(mine.normal, place.normal)) < PARALLEL) return;
      const far = dot(minus(place.point, mine.point), mine.normal);
      viewport.jumpToWorld(mine.point.map((value, axis) => value + far * mine.normal[axis]));
      return;
    }
    const images = viewport.getImageIds?.() || [];
    const itself = images.indexOf(place.image);
    const index = itself >= 0 || !place.point ? itself : nearest(viewport, place);
    if (index >= 0 && index !== viewport.getTargetImageIdIndex?.()) viewport.setImageIdIndex(index);
  }

  // greys are taken over where their values mean the same: in the series itself, and where they are absolute
  function dye(viewport, { modality, series, lower, upper, invert }) {
    const image = viewport.getCurrentImageId?.();
    if (!image) return;
    const mine = seriesOf(image);
    if (mine.seriesInstanceUID !== series && (mine.modality !== modality || !ABSOLUTE.includes(modality))) return;
    viewport.setProperties({ voiRange: { lower, upper }, invert });
    viewport.render();
  }

  // the other window's cursor: over every picture that has this place, faint where the place lies in front of or behind it
  function draw(viewport) {
    const { element } = viewport;
    let mark = element.querySelector(":scope > .wasl-cursor");
    const mine = cursor && shown(viewport);
    if (!mine || mine.space !== cursor.space) {
      mark?.remove();
      return;
    }
    if (!mark) {
      mark = document.createElement("div");
      mark.className = "wasl-cursor";
      mark.setAttribute("aria-hidden", "true");
      mark.style.cssText =
        "position:absolute;inset-block-start:0;left:0;z-index:19;pointer-events:none;inline-size:25px;block-size:25px;" +
        "filter:drop-shadow(0 0 1px #000);background:linear-gradient(#ffd43b,#ffd43b) center/25px 1px no-repeat,linear-gradient(#ffd43b,#ffd43b) center/1px 25px no-repeat";
      element.append(mark);
    }
    const [x, y] = viewport.worldToCanvas(cursor.point);
    const away = Math.abs(dot(minus(cursor.point, mine.point), mine.normal));
    mark.style.transform = `translate(${x - 12}px,${y - 12}px)`;
    mark.style.opacity = away <= thick(viewport) ? "1" : "0.35";
  }

  // how far from a shown plane a place still lies in it
  function thick(viewport) {
    const image = viewport.getCurrentImageId?.();
    return (image && window.cornerstone.metaData.get("imagePlaneModule", image)?.sliceThickness) || 1;
  }

  function sayCursor({ target, clientX, clientY, shiftKey, buttons }) {
    hand = { target, clientX, clientY };
    const viewport = viewports().find(({ element }) => element.contains(target));
    if (!viewport) {
      say({ cursor: null });
      return;
    }
    const mine = shown(viewport);
    if (!mine?.space) return;
    const box = viewport.canvas.getBoundingClientRect();
    const point = [...viewport.canvasToWorld([clientX - box.left, clientY - box.top])];
    say({ cursor: { point, space: mine.space }, bring: shiftKey && !buttons });
  }

  // with the shift key the others go to the slice in which the cursor is, whichever way they are cut
  function bring(viewport, { point, space }) {
    const mine = shown(viewport);
    if (mine?.space === space) go(viewport, { ...mine, point, image: null });
  }

  // who just opened a window sees there what is in front of the reader here
  function tellAll() {
    const active = window.services.viewportGridService.getActiveViewportId();
    const viewport = viewports().find(({ id }) => id === active);
    const { voiRange, invert } = viewport?.getProperties?.() || {};
    sayPlace(viewport);
    sayGreys(viewport, voiRange, invert);
  }

  function hear({ data }) {
    if (!together || !data.studies.some((study) => studies.includes(study))) return;
    if (data.ask) {
      tellAll();
      return;
    }
    leads = false;
    for (const viewport of viewports()) {
      if (data.place) go(viewport, data.place);
      if (data.greys) dye(viewport, data.greys);
      if (data.bring && data.cursor) bring(viewport, data.cursor);
    }
    if (data.cursor === undefined) return;
    cursor = data.cursor;
    for (const viewport of viewports()) draw(viewport);
  }

  // the browser also says that the mouse moved when something else moved under it: that is no hand
  function lead({ type, clientX, clientY }) {
    const still = type === "pointermove" && clientX === last[0] && clientY === last[1];
    if (type === "pointermove") last = [clientX, clientY];
    if (leads || still) return;
    leads = true;
    cursor = null;
    for (const viewport of viewports()) draw(viewport);
  }

  // a window of a process of its own: what one loads or decodes does not hold up the other
  wasl.openSecond = () => window.open(location.href, "_blank", "popup,noopener,width=1280,height=960");
  wasl.turnTogether = () => {
    together = !together;
    if (!together) channel.postMessage({ from: me, studies, cursor: null });
    window.services.toolbarService.refreshToolbarState({ viewportId: window.services.viewportGridService.getActiveViewportId() });
  };
  wasl.turnedOn = (button) => button === "wasl-together" && together;

  channel.addEventListener("message", hear);
  for (const act of ["pointerdown", "pointermove", "wheel", "keydown"])
    window.addEventListener(act, lead, { capture: true, passive: true });
  window.addEventListener("pointermove", sayCursor, { capture: true, passive: true });
  document.documentElement.addEventListener("pointerleave", () => {
    hand = null;
    say({ cursor: null });
  });
  window.addEventListener("pagehide", () => say({ cursor: null }));
  // the events of a viewport do not bubble, but are seen on their way down
  const on = (name, act) => document.addEventListener(`CORNERSTONE_${name}`, act, true);
  on("PRE_STACK_NEW_IMAGE", ({ target, detail }) => sayPlace(viewportOf(target), detail.imageId));
  on("VOLUME_NEW_IMAGE", ({ target }) => sayPlace(viewportOf(target)));
  on("VOI_MODIFIED", ({ target, detail }) => sayGreys(viewportOf(target), detail.range, detail.invert));
  // what is drawn anew lies elsewhere under the mouse that did not move, and under the other window's cursor
  on("IMAGE_RENDERED", ({ target }) => {
    if (cursor) draw(viewportOf(target));
    else if (leads && target.contains(hand?.target)) sayCursor(hand);
  });
  on("VIEWPORT_NEW_IMAGE_SET", () => leads || channel.postMessage({ from: me, studies, ask: true }));
})();
