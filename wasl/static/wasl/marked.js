// The key images of the reports on this study, as their readers showed them: a list, and each opened in its window with
// what was drawn on it. That is drawn over the picture, to the letter as it was signed: the viewer would measure it anew,
// and take it for a measurement of who looks.
"use strict";
(() => {
  const { wasl } = window;
  const { words } = wasl.marked;
  const { make, button, PLAIN } = wasl.page;
  const SVG = "http://www.w3.org/2000/svg";
  const COLOUR = "#ffd43b";
  const SOON = 100; // milliseconds
  const PATIENCE = 300; // times
  const query = new URLSearchParams(location.search);
  const studies = query.getAll("StudyInstanceUIDs").join(",").split(",").filter(Boolean);
  const wait = () => new Promise((done) => setTimeout(done, SOON));
  let images; // those of the studies that are open here
  let open = null; // the one whose drawings are shown
  let shownAt = 0;
  let dialog;

  async function ask() {
    const all = await Promise.all(
      studies.map(async (study) => {
        const answer = await fetch(`/radiology/marked/?study=${encodeURIComponent(study)}`);
        if (!answer.ok) throw new Error(String(answer.status));
        return (await answer.json()).images;
      }),
    );
    return all.flat();
  }

  // drawing

  const node = (name, values) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
    return made;
  };

  // where a pixel's place lies on the screen
  function onScreen(viewport) {
    const { imageData } = viewport.getImageData();
    return ([x, y]) => viewport.worldToCanvas(imageData.indexToWorld([x - 0.5, y - 0.5, 0]));
  }

  function round([a, b, c, d]) {
    const turns = Array.from({ length: 97 }, (_, step) => (2 * Math.PI * step) / 96);
    return turns.map((turn) =>
      [0, 1].map(
        (axis) =>
          (a[axis] + b[axis]) / 2 +
          ((b[axis] - a[axis]) / 2) * Math.cos(turn) +
          ((d[axis] - c[axis]) / 2) * Math.sin(turn),
      ),
    );
  }

  const SHAPES = {
    line: (points) => points,
    closed: (points) => [...points, points[0]],
    ellipse: round,
    arrow: (points) => points,
    point: (points) => points,
  };

  // the head of an arrow, as large at every zoom
  function head([tip, end]) {
    const back = Math.atan2(end[1] - tip[1], end[0] - tip[0]);
    const edge = (turn) => [tip[0] + 14 * Math.cos(back + turn), tip[1] + 14 * Math.sin(back + turn)];
    return [edge(0.45), tip, edge(-0.45)];
  }

  function lines({ kind, points }, place) {
    const at = SHAPES[kind](points).map(place);
    if (kind === "arrow") return [at, head(at)];
    const [[x, y]] = at;
    return kind === "point" ? [[[x - 6, y], [x + 6, y]], [[x, y - 6], [x, y + 6]]] : [at];
  }

  function letters({ text, at }, place) {
    const [x, y] = place(at);
    const box = node("text", { x, y, fill: COLOUR, stroke: "#000", "stroke-width": 3, "paint-order": "stroke" });
    box.style.cssText = "font:600 14px/1.2 sans-serif;unicode-bidi:plaintext";
    text.split("\n").forEach((row, number) => {
      const part = node("tspan", { x, dy: number ? "1.2em" : "1em" });
      part.textContent = row;
      box.append(part);
    });
    return box;
  }

  // a text that would leave the viewport is moved back into it
  function keepWithin(text, { width, height }) {
    const box = text.getBBox();
    const moved = (start, size, most) => Math.max(-start, Math.min(0, most - start - size));
    text.setAttribute("transform", `translate(${moved(box.x, box.width, width)} ${moved(box.y, box.height, height)})`);
  }

  function paint(element) {
    const viewport = window.cornerstone?.getEnabledElement(element)?.viewport;
    const imageId = viewport?.getCurrentImageId?.();
    let sheet = element.querySelector(":scope > .wasl-marked");
    const shown = open && imageId && !viewport.getAllVolumeIds?.().length && wasl.imageOf(imageId);
    if (!shown || shown.instance !== open.instance || shown.frame !== open.frame) {
      sheet?.remove();
      return;
    }
    if (!sheet) {
      sheet = node("svg", { class: "wasl-marked", role: "img" });
      sheet.style.cssText = "position:absolute;inset:0;inline-size:100%;block-size:100%;z-index:18;pointer-events:none";
      element.append(sheet);
    }
    const place = onScreen(viewport);
    const texts = open.drawings.filter(({ text }) => text);
    sheet.setAttribute("aria-label", [words.drawn, ...texts.map(({ text }) => text)].join(" "));
    const paths = open.drawings.flatMap((drawing) => lines(drawing, place)).map((points) => points.map(String).join(" "));
    const stroke = (points, colour, width) =>
      node("polyline", { points, fill: "none", stroke: colour, "stroke-width": width, "stroke-linejoin": "round" });
    sheet.replaceChildren(
      ...paths.map((points) => stroke(points, "#000", 4)),
      ...paths.map((points) => stroke(points, COLOUR, 2)),
      ...texts.map((drawing) => letters(drawing, place)),
    );
    for (const text of sheet.querySelectorAll("text")) keepWithin(text, viewport.canvas.getBoundingClientRect());
  }

  const paintAll = () => window.cornerstone.getEnabledElements().forEach(({ viewport }) => paint(viewport.element));

  // opening

  async function comes(what) {
    for (let times = 0; times < PATIENCE; times += 1) {
      const found = what();
      if (found) return found;
      await wait();
    }
    throw words.missing;
  }

  function setOf({ instance }) {
    const holds = (set) => [...(set.images || []), ...(set.instances || [])].some((one) => one.SOPInstanceUID === instance);
    return window.services?.displaySetService.getActiveDisplaySets().find((set) => set.numImageFrames && holds(set));
  }

  function indexIn(viewport, { instance, frame }) {
    if (viewport?.getAllVolumeIds?.().length) return -1;
    const here = (imageId) => {
      const one = wasl.imageOf(imageId);
      return one.instance === instance && one.frame === frame;
    };
    return viewport?.getImageIds?.().findIndex(here) ?? -1;
  }

  // the viewport that shows an image, and its picture; asked for again as long as the viewer goes elsewhere
  function reached(image) {
    const viewport = wasl.viewportInUse();
    const index = indexIn(viewport, image);
    if (index < 0) return null;
    const picture = viewport.getCornerstoneImage();
    if (picture?.imageId === viewport.getImageIds()[index]) return [viewport, picture];
    if (viewport.getTargetImageIdIndex() !== index) viewport.setImageIdIndex(index);
    return null;
  }

  async function show(image) {
    shownAt = Date.now();
    const set = await comes(() => setOf(image));
    await comes(wasl.viewportInUse);
    const { viewportGridService: grid } = window.services;
    if (indexIn(wasl.viewportInUse(), image) < 0)
      grid.setDisplaySetsForViewports([
        {
          viewportId: grid.getActiveViewportId(),
          displaySetInstanceUIDs: [set.displaySetInstanceUID],
          viewportOptions: { viewportType: "stack" },
        },
      ]);
    const [viewport, picture] = await comes(() => reached(image));
    viewport.resetProperties();
    viewport.setProperties(wasl.greysOf(image, picture));
    open = image;
    viewport.render();
    paintAll();
  }

  // the list

  async function choose(image) {
    dialog?.close();
    try {
      await show(image);
    } catch (why) {
      say(typeof why === "string" ? why : words.failed);
    }
  }

  function hide() {
    open = null;
    paintAll();
    dialog.close();
  }

  function item(image, number) {
    const name = make("span", {}, `${number + 1}. `, make("bdi", { text: image.said || words.image }));
    const signed = `${image.by} · ${image.at}${image.preliminary ? ` · ${words.preliminary}` : ""}`;
    const line = button("", () => choose(image), "background:none;color:#fff;inline-size:100%;text-align:start");
    line.append(name, make("br"), make("bdi", { text: signed, style: "color:#bdc1c6" }));
    if (image === open) line.setAttribute("aria-current", "true");
    return make("li", {}, line);
  }

  function raise(...inside) {
    dialog?.remove();
    dialog = wasl.page.dialog("wasl-marked-list", "wasl-marked-title", ...inside);
    dialog.showModal();
  }

  function say(text) {
    raise(make("p", { id: "wasl-marked-title", text, style: "margin:0" }), button(wasl.close, () => dialog.close(), PLAIN));
  }

  wasl.openMarked = async () => {
    try {
      images ||= await ask();
    } catch {
      say(words.failed);
      return;
    }
    if (!images.length) {
      say(words.none);
      return;
    }
    raise(
      make("h2", { id: "wasl-marked-title", text: words.title, style: "margin:0;font-size:1.15rem;font-weight:600" }),
      make("ol", { style: "list-style:none;margin:0;padding:0;display:grid;gap:.5rem" }, ...images.map(item)),
      make("div", { style: "display:flex;flex-wrap:wrap;gap:.75rem" },
        open && button(words.hide, hide), button(wasl.close, () => dialog.close(), PLAIN)),
    );
  };

  // the events of a viewport do not bubble, but are seen on their way down
  for (const name of ["CORNERSTONE_IMAGE_RENDERED", "CORNERSTONE_STACK_NEW_IMAGE"])
    document.addEventListener(name, ({ target }) => paint(target), true);

  // the viewer lays out its pictures anew while it starts, and forgets what it showed, until a hand does something
  document.addEventListener(
    "CORNERSTONE_VIEWPORT_NEW_IMAGE_SET",
    () => {
      if (open && wasl.touched < shownAt) choose(open);
    },
    true,
  );

  // from a report, one of them is opened at once
  const wanted = query.get("marked");
  if (wanted)
    wasl.started.then(async () => {
      try {
        images = await ask();
        const image = images.find(({ id }) => id === wanted);
        if (image) await show(image);
        else say(words.missing);
      } catch (why) {
        say(typeof why === "string" ? why : words.failed);
      }
    });
})();
