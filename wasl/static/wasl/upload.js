// Sends files one by one: three at a time, each with its progress; what the archive has already is not sent again, and a
// large file goes in pieces, which go on where they ended when the line was cut or the page opened anew.
(() => {
  "use strict";
  const root = document.getElementById("upload");
  const words = root.dataset;
  const lines = document.getElementById("lines");
  const files = [];
  const count = { stored: 0, duplicate: 0, conflict: 0, refused: 0, ignored: 0 };
  const AT_ONCE = 3, TRIES = 4, SHOWN = 400;
  const HASHED = 64 << 20, HEAD = 1 << 16, LOOKED = 50; // bytes read at once, bytes of a header, images of a question
  const IN_PIECES = 16 << 20, PIECE = 8 << 20;
  const TUS = { "tus-resumable": "1.0.0" };
  const NOISE = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$|DICOMDIR$)/i;
  let running = 0, done = 0, looking = null;

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

  // numbers as all pages write them: the Maghreb's Arabic has the digits of French
  const digits = `${document.documentElement.lang}-u-nu-latn`;

  function sum() {
    document.getElementById("sent").hidden = files.length === 0;
    const shown = { done, all: files.length, ...count };
    document.getElementById("summary").textContent = document.getElementById("words").dataset.summary
      .replace(/\{(\w+)\}/g, (_, name) => shown[name].toLocaleString(digits));
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

  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // what names an image to the archive: its UID, and its digest or, of a large file, its size
  async function named(file) {
    const large = file.size > HASHED;
    const bytes = new Uint8Array(await (large ? file.slice(0, HEAD) : file).arrayBuffer());
    const found = head(bytes);
    if (!found) return null;
    return [found.uid, large ? file.size : hex(await crypto.subtle.digest("SHA-256", bytes.subarray(found.at)))];
  }

  // asks of the next files together which of them the archive has
  async function look() {
    const some = [];
    let size = 0;
    for (const entry of files) {
      if (entry.known !== undefined || entry.state === "done") continue;
      size += Math.min(entry.file.size, HASHED);
      if (some.length && (size > HASHED || some.length === LOOKED)) break;
      some.push(entry);
    }
    const asked = new Map();
    for (const entry of some) {
      say(entry, words.looking, 0);
      const name = await named(entry.file).catch(() => null);
      if (name) asked.set(entry, name);
    }
    let known = [];
    if (asked.size) {
      const answer = await fetch(words.known, {
        method: "POST", body: JSON.stringify(Object.fromEntries(asked.values())),
        headers: { "content-type": "application/json", "x-csrftoken": words.token },
      });
      if (answer.ok) ({ known } = await answer.json());
    }
    for (const entry of some) entry.known = asked.has(entry) && known.includes(asked.get(entry)[0]);
  }

  async function known(entry) {
    if (!window.crypto.subtle) return false;
    while (entry.known === undefined) {
      looking ||= look().finally(() => { looking = null; });
      await looking;
    }
    return entry.known;
  }

  const query = () => new URLSearchParams({
    place: words.place, language: words.language, ...(words.disc ? { disc: words.disc } : {}),
  });

  // one request with a body, its progress told; resolves with the request, whatever its status below 500
  function carry(method, url, headers, body, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onerror = () => reject(new Error());
      request.onload = () => (request.status >= 500 && request.status !== 507 ? reject(new Error()) : resolve(request));
      request.send(body);
    });
  }

  function account(request) {
    const answer = JSON.parse(request.responseText);
    const refused = { stored: 0, duplicate: 0, conflict: 0, ignored: 0, refused: [{ name: "", reason: answer.error }] };
    return answer.error ? refused : answer;
  }

  async function post(entry) {
    const { file } = entry;
    if (file.size > IN_PIECES) return inPieces(entry);
    return account(await carry("POST", `/dicom-web/upload?${query()}`, { "content-type": "application/octet-stream" },
      file, (sent) => say(entry, words.sending, sent / (file.size || 1))));
  }

  // where this browser remembers a part of this file; nothing in it says what the file is called
  async function shelf(file) {
    if (!window.crypto.subtle) return null;
    const text = [file.name, file.size, file.lastModified, words.place, words.disc || ""].join("/");
    return `wasl.part.${hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))}`;
  }

  // where a part of this file is and how far, a new one if there is none
  async function part(entry, kept) {
    entry.part ||= kept && localStorage.getItem(kept);
    if (entry.part) {
      const answer = await fetch(entry.part, { method: "HEAD", headers: TUS });
      if (answer.ok) return Number(answer.headers.get("upload-offset"));
      if (answer.status !== 404) throw new Error();
    }
    const request = await carry("POST", "/dicom-web/upload/parts", { ...TUS, "upload-length": entry.file.size }, null, () => {});
    if (request.status !== 201) return request;
    entry.part = request.getResponseHeader("location");
    if (kept) localStorage.setItem(kept, entry.part);
    return 0;
  }

  async function inPieces(entry) {
    const { file } = entry;
    const kept = await shelf(file);
    let at = await part(entry, kept);
    while (typeof at === "number") {
      const from = at;
      say(entry, words.sending, from / file.size);
      const request = await carry("PATCH", `${entry.part}?${query()}`,
        { ...TUS, "content-type": "application/offset+octet-stream", "upload-offset": from },
        file.slice(from, from + PIECE), (sent) => say(entry, words.sending, (from + sent) / file.size));
      if (request.status === 204 || request.status === 409) {
        at = Number(request.getResponseHeader("upload-offset"));
        entry.tries = request.status === 204 ? 0 : entry.tries + 1;
        if (entry.tries > TRIES) throw new Error(); // somebody else sends it, from another window
        continue;
      }
      if (kept) localStorage.removeItem(kept);
      entry.part = null;
      return account(request);
    }
    return account(at);
  }

  function tell(entry, answer) {
    for (const what of ["stored", "duplicate", "conflict"]) count[what] += answer[what];
    count.ignored += answer.ignored || 0;
    count.refused += answer.refused.length;
    const inside = answer.refused.filter((one) => one.name);
    if (answer.ignored === 1 && !answer.stored && !answer.duplicate && !inside.length) {
      if (entry.line) entry.line.remove(); // a disc's own program or manual
    } else if (inside.length || answer.stored + answer.duplicate + answer.conflict + answer.ignored > 1) {
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
    for (entry.tries = 1; ; entry.tries += 1) {
      try {
        if (await known(entry)) return tell(entry, { stored: 0, duplicate: 1, conflict: 0, ignored: 0, refused: [] });
        return tell(entry, await post(entry));
      } catch {
        if (entry.tries >= TRIES) break;
        say(entry, words.waiting, 0);
        await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** entry.tries));
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
    if (running === 0) root.dispatchEvent(new CustomEvent("sent", { bubbles: true, detail: { ...count } }));
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
  function again() {
    for (const entry of files) if (entry.state === "broken") entry.state = "waiting";
    start();
  }
  document.getElementById("again").addEventListener("click", again);
  window.addEventListener("online", again);
  window.addEventListener("beforeunload", (event) => {
    if (running > 0) event.preventDefault();
  });
})();
