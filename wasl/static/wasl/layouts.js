// The dialog of the viewer in which a reader keeps how the series lie, for themselves or for their hospital, or forgets it.
"use strict";
(() => {
  const { wasl } = window;
  const { words, address, ask, studies, told } = wasl.layouts;
  const ABSOLUTE = ["CT"]; // modalities whose values mean the same in every exam: Hounsfield units
  const BUTTON =
    "min-block-size:2.5rem;padding:.3rem 1rem;border:1px solid #8ab4f8;border-radius:.4rem;font:inherit;cursor:pointer;";
  const FIELD =
    "inline-size:100%;min-block-size:2.5rem;padding:.3rem .6rem;border:1px solid #9aa0a6;border-radius:.4rem;" +
    "background:#111;color:#fff;font:inherit";
  const LINK = "color:#8ab4f8;text-decoration:underline";
  const PLAIN = "background:none;color:#fff";
  const DANGER = "background:none;color:#ff8a80;border-color:#ff8a80";
  let dialog;

  function make(tag, { style, text, ...values } = {}, ...inside) {
    const element = Object.assign(document.createElement(tag), values);
    if (style) element.style.cssText = style;
    if (text !== undefined) element.textContent = text;
    element.append(...inside.filter(Boolean));
    return element;
  }

  const button = (text, act, style = "") => make("button", { type: "button", text, onclick: act, style: BUTTON + style });

  // a dialog over the viewer, told by the element of this id; gone when it is closed
  function raise(className, title, ...inside) {
    const made = make("dialog", {
      className, dir: wasl.dir,
      style:
        "margin:auto;inline-size:min(30rem,94vw);max-block-size:90vh;overflow:auto;padding:1.25rem;border:1px solid #5f6368;" +
        "border-radius:.6rem;background:#1f2228;color:#fff;font:400 1rem/1.5 sans-serif;text-align:start",
    }, ...inside);
    made.setAttribute("aria-labelledby", title);
    // the viewer's own keys are not for who writes here
    for (const name of ["keydown", "keyup", "keypress"]) made.addEventListener(name, (event) => event.stopPropagation());
    made.addEventListener("close", () => made.remove());
    document.body.append(made);
    made.style.display = "grid";
    made.style.gap = "1rem";
    return made;
  }

  wasl.page = { make, button, dialog: raise, PLAIN }; // what other dialogs are made of

  // the greys of a viewport, where they mean the same in another exam
  function greys(id, modality) {
    const viewport = window.services.cornerstoneViewportService.getCornerstoneViewport(id);
    const { lower, upper } = viewport?.getProperties?.().voiRange || {};
    if (upper === undefined || !ABSOLUTE.includes(modality)) return null;
    const { windowCenter, windowWidth } = window.cornerstone.utilities.windowLevel.toWindowLevel(lower, upper);
    return windowWidth >= 1 ? [windowCenter, windowWidth] : null;
  }

  // what stands in a viewport; throws the sentence that says why it cannot be kept
  function boxOf({ viewportId, displaySetInstanceUIDs }) {
    const { displaySetService } = window.services;
    const sets = (displaySetInstanceUIDs || []).filter(Boolean).map((uid) => displaySetService.getDisplaySetByUID(uid));
    if (!sets.length) return null;
    const viewport = window.services.cornerstoneViewportService.getCornerstoneViewport(viewportId);
    if (sets.length > 1 || !sets[0].numImageFrames || viewport?.getAllVolumeIds?.().length) throw words.volumes;
    const study = studies.indexOf(sets[0].StudyInstanceUID);
    if (study < 0 || study > 1) throw words.others;
    return { ...told(sets[0]), earlier: study === 1, window: greys(viewportId, sets[0].Modality) };
  }

  // how the series lie now
  function arrangement() {
    const { viewports, layout } = window.services.viewportGridService.getState();
    const [rows, columns] = [layout.numRows, layout.numCols];
    const boxes = Array(rows * columns).fill(null);
    for (const viewport of viewports.values()) {
      const { x, y, width, height } = viewport;
      if (Math.abs(width * columns - 1) > 0.01 || Math.abs(height * rows - 1) > 0.01) throw words.volumes;
      boxes[Math.round(y * rows) * columns + Math.round(x * columns)] = boxOf(viewport);
    }
    if (boxes.every((box) => !box)) throw words.nothing;
    return { rows, columns, boxes };
  }

  async function send(where, body) {
    const headers = { "x-csrftoken": wasl.laid.token, ...(body && { "content-type": "application/json" }) };
    const answer = await fetch(where, { method: "POST", headers, body: body && JSON.stringify(body) });
    const said = body ? await answer.json().catch(() => ({})) : {};
    if (!answer.ok) throw said.sentence || words.failed;
    return said;
  }

  function status(text, wrong) {
    const line = dialog.querySelector("[role=status]");
    line.textContent = text;
    line.style.color = wrong ? "#ff8a80" : "#b9f6ca";
  }

  // do something, and say what became of it
  async function act(what, done) {
    try {
      await what();
      show();
      dialog.querySelector("[name=name]").focus(); // what had the keyboard before is made anew
      status(done);
    } catch (why) {
      status(typeof why === "string" ? why : words.failed, true);
    }
  }

  const save = () =>
    act(async () => {
      const name = dialog.querySelector("[name=name]").value;
      const shared = Boolean(dialog.querySelector("[name=shared]")?.checked);
      wasl.laid = await send(address, { name, shared, ...arrangement() });
    }, words.saved);

  const forget = (which) =>
    act(async () => {
      await send(wasl.laid[which].forget);
      wasl.laid[which] = null;
    }, words.forgotten);

  // one that is kept: what it is called, whether it is used, and how it is forgotten
  function kept(which, label, may) {
    const found = wasl.laid[which];
    if (!found) return null;
    const name = make("bdi", { text: found.name, style: "font-weight:600" });
    const line = make("p", { style: "margin:0;flex:1 1 12rem" }, `${label} `, name, found.used ? "" : ` (${words.unused})`);
    return make("div", { style: "display:flex;flex-wrap:wrap;gap:.5rem;align-items:center" }, line,
      may && button(words.forget, () => forget(which), DANGER));
  }

  function show() {
    const { kind, own, shared, may_share: share } = wasl.laid;
    const field = make("input", {
      id: "wasl-layout-name", name: "name", value: own?.name || kind.slice(0, 64), required: true, maxLength: 64,
      autocomplete: "off", dir: "auto", style: FIELD,
    });
    const box = share && make("label", { style: "display:flex;gap:.5rem;align-items:center;min-block-size:2rem" },
      make("input", { type: "checkbox", name: "shared", style: "inline-size:1.1rem;block-size:1.1rem" }), words.shared);
    const onsubmit = (event) => {
      event.preventDefault();
      save();
    };
    const form = make("form", { onsubmit, style: "display:grid;gap:.75rem" },
      make("label", { htmlFor: "wasl-layout-name", text: words.name, style: "font-weight:600" }), field, box,
      make("button", { type: "submit", text: words.save, style: BUTTON + "background:#8ab4f8;color:#10131a;font-weight:600" }));
    dialog.replaceChildren(
      make("h2", { id: "wasl-layout-title", text: words.title, style: "margin:0;font-size:1.15rem;font-weight:600" }),
      make("p", { style: "margin:0" }, `${words.kind} `, make("bdi", { text: kind, style: "font-weight:600" }),
        wasl.layouts.earlier ? ` · ${words.beside}` : ""),
      form, kept("own", words.own, true) || "", kept("shared", words.hospitals, share) || "",
      make("p", { role: "status", style: "margin:0;min-block-size:1.4em" }),
      make("div", { style: "display:flex;flex-wrap:wrap;gap:.75rem;justify-content:space-between;align-items:center" },
        make("a", { href: wasl.laid.list, target: "_blank", rel: "noopener", text: words.all, style: LINK }),
        button(wasl.close, () => dialog.close(), PLAIN)),
    );
  }

  wasl.openLayout = async () => {
    wasl.laid ||= await ask(); // it may have come too late when the viewer started
    dialog?.remove();
    dialog = raise("wasl-layout", "wasl-layout-title");
    if (wasl.laid?.may_save) show();
    else {
      const text = wasl.laid ? words.none : words.failed;
      dialog.append(
        make("p", { id: "wasl-layout-title", text, style: "margin:0" }),
        button(wasl.close, () => dialog.close(), PLAIN),
      );
    }
    dialog.showModal();
  };
})();
