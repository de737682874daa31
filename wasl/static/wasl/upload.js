// Sends files one by one: three at a time, each with its progress; what the archive has already is not sent again.
(() => {
  "use strict";
  const root = document.getElementById("upload");
  const words = root.dataset;
  const lines = document.getElementById("lines");
  const files = [];
  const count = { stored: 0, duplicate: 0, conflict: 0, refused: 0 };
  const AT_ONCE = 3, TRIES = 4, HASHED = 256 << 20, SHOWN = 400;
  const NOISE = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$|DICOMDIR$)/i;
  let running = 0, done = 0;

  function add(file, name) {
    if (NOISE.test(name)) return;
    const entry = { file, name, line: null, state: "waiting" };
    if (files.length < SHOWN) {
      entry.line = document.getElementById("line").content.firstElementChild.cloneNode(true);
      entry.line.querySelector(".sent-name bdi").textContent = name;
      lines.append(entry.line);
      say(entry, words.waiting, 0);
    }
    files.push(entry);
  }

  function say(entry, text, share, bad = false) {
    if (!entry.line && bad) {
      entry.line = document.getElementById("line").content.firstElementChild.cloneNode(true);
      entry.line.querySelector(".sent-name bdi").textContent = entry.name;
      lines.prepend(entry.line);
    }
    if (!entry.line) return;
    entry.line.querySelector(".sent-state").textContent = text;
    entry.line.querySelector("progress").value = share;
    entry.line.classList.toggle("bad", bad);
  }

  function sum() {
    document.getElementById("sent").hidden = files.length === 0;
    const shown = { done, all: files.length, ...count };
    document.getElementById("summary").textContent = document.getElementById("words").dataset.summary
      .replace(/\{(\w+)\}/g, (_, name) => shown[name].toLocaleString(document.documentElement.lang));
    document.getElementById("progress").max = files.length || 1;
    document.getElementById("progress").value = done;
    document.getElementById("again").hidden = running > 0 || !files.some((entry) => entry.state === "broken");
  }

  // the UID of a DICOM file and where its data set begins (PS3.10, 7.1), or null for what is not one
  function head(bytes) {
    const view = new DataView(bytes.buffer);
    const text = (from, length) => String.fromCharCode(...bytes.subarray(from, from + length)).replace(/[\0 ]+$/, "");
    if (bytes.length < 144 || text(128, 4) !== "DICM") return null;
    let at = 132, uid = "";
    while (at + 8 <= bytes.length && view.getUint16(at, true) === 2) {
      const element = view.getUint16(at + 2, true);
      const long = ["OB", "OW", "UN", "UT", "SQ"].includes(text(at + 4, 2));
      const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
      const value = at + (long ? 12 : 8);
      if (element === 3) uid = text(value, length);
      at = value + length;
    }
    return uid && at < bytes.length ? { uid, at } : null;
  }

  async function known(entry) {
    if (!window.crypto.subtle || entry.file.size > HASHED) return false;
    say(entry, words.looking, 0);
    const bytes = new Uint8Array(await entry.file.arrayBuffer());
    const found = head(bytes);
    if (!found) return false;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.subarray(found.at)));
    const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const answer = await fetch(words.known, {
      method: "POST", body: JSON.stringify({ [found.uid]: hex }),
      headers: { "content-type": "application/json", "x-csrftoken": words.token },
    });
    return answer.ok && (await answer.json()).known.length === 1;
  }

  function post(entry) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const query = new URLSearchParams({ place: words.place, language: words.language });
      request.open("POST", `/dicom-web/upload?${query}`);
      request.setRequestHeader("content-type", "application/octet-stream");
      request.upload.onprogress = (event) => say(entry, words.sending, event.loaded / (event.total || 1));
      request.onerror = () => reject(new Error());
      request.onload = () => {
        if (request.status >= 500) return reject(new Error());
        try {
          const answer = JSON.parse(request.responseText);
          return resolve(answer.error ? { stored: 0, duplicate: 0, conflict: 0, refused: [{ name: "", reason: answer.error }] } : answer);
        } catch {
          return reject(new Error());
        }
      };
      request.send(entry.file);
    });
  }

  function tell(entry, answer) {
    for (const what of ["stored", "duplicate", "conflict"]) count[what] += answer[what];
    count.refused += answer.refused.length;
    const inside = answer.refused.filter((one) => one.name);
    if (inside.length || answer.stored + answer.duplicate + answer.conflict > 1) {
      say(entry, words.opened, 1);
      for (const one of inside.slice(0, SHOWN)) {
        say({ name: `${entry.name} › ${one.name}`, line: null }, words.refused.replace("{reason}", () => one.reason), 1, true);
      }
    } else if (answer.refused.length) {
      say(entry, words.refused.replace("{reason}", () => answer.refused[0].reason), 1, true);
    } else {
      const what = ["conflict", "duplicate", "stored"].find((name) => answer[name]) || "stored";
      say(entry, words[what], 1, what === "conflict");
    }
    entry.state = "done";
  }

  async function send(entry) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (await known(entry)) return tell(entry, { stored: 0, duplicate: 1, conflict: 0, refused: [] });
        return tell(entry, await post(entry));
      } catch {
        if (attempt === TRIES) break;
        await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt));
      }
    }
    entry.state = "broken";
    return say(entry, words.broken, 0, true);
  }

  async function work() {
    running += 1;
    for (let entry; (entry = files.find((one) => one.state === "waiting")); ) {
      entry.state = "sending";
      await send(entry);
      if (entry.state === "done") done += 1;
      sum();
    }
    running -= 1;
    sum();
  }

  function start() {
    sum();
    while (running < AT_ONCE && files.some((entry) => entry.state === "waiting") && running < files.length) work();
  }

  async function walk(entry, path) {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return add(file, path + entry.name);
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return undefined;
      for (const one of some) await walk(one, `${path}${entry.name}/`);
    }
  }

  for (const id of ["files", "folder"]) {
    document.getElementById(id).addEventListener("change", (event) => {
      for (const file of event.target.files) add(file, file.webkitRelativePath || file.name);
      event.target.value = "";
      start();
    });
  }
  const drop = document.getElementById("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
    });
  }
  drop.addEventListener("drop", async (event) => {
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    for (const entry of entries) await walk(entry, "");
    start();
  });
  document.getElementById("again").addEventListener("click", () => {
    for (const entry of files) if (entry.state === "broken") entry.state = "waiting";
    start();
  });
  window.addEventListener("beforeunload", (event) => {
    if (running > 0) event.preventDefault();
  });
})();
