// The report editor. What is written is mirrored in this browser at once and saved on the server within two seconds; a
// text leaves the mirror only when the server has it. Nothing is lost when the browser dies, the network or the session.
"use strict";
const form = document.getElementById("editor");
const words = JSON.parse(document.getElementById("words").textContent);
const sentences = JSON.parse(document.getElementById("sentences").textContent);
const state = document.getElementById("editor-state");
const notices = document.getElementById("notices");
const sections = [...form.querySelectorAll("[data-section]")];
const language = document.getElementById("language");
const critical = document.getElementById("critical");
const criticalWhat = document.getElementById("critical_what");
const criticalCategory = document.getElementById("critical_category");
const followUp = document.getElementById("follow_up");
const FOLLOW_UP = ["what", "body", "amount", "unit", "reason"];
const followUpField = (name) => document.getElementById(`follow_up_${name}`);
const mirror = `wasl-draft-${form.dataset.key}`;
const lastSaved = `wasl-saved-${form.dataset.key}`; // the revision that this tab saw saved
const SAVE_AFTER = 1200; // milliseconds without a key
const SAVE_AT_LATEST = 2000; // milliseconds after the first key
const RETRY = 5000;
const ALIVE = 60000;

let revision = Number(form.dataset.revision);
const addresses = { sign: form.dataset.sign, issue: form.dataset.issue };
let asking = "sign"; // or "issue": what the dialog is about
let edits = 0; // counts what was written; a save that began before the last edit does not clean the mirror
let saved = 0;
let saving = null;
let timer = 0;
let deadline = 0;
let stopped = false; // the draft was changed elsewhere: a person decides first
let lastKey = Date.now();

function values() {
  return {
    sections: Object.fromEntries(sections.map((field) => [field.name, field.value])),
    language: language.value,
    critical: critical.checked,
    critical_what: criticalWhat.value,
    critical_category: Number(criticalCategory.value),
    follow_up: followUp.checked ? Object.fromEntries(FOLLOW_UP.map((name) => [name, followUpField(name).value])) : null,
  };
}

function fill(text) {
  for (const field of sections) field.value = text.sections[field.name] || "";
  language.value = text.language;
  critical.checked = text.critical;
  criticalWhat.value = text.critical_what || "";
  criticalCategory.value = String(text.critical_category || 1);
  followUp.checked = Boolean(text.follow_up);
  for (const name of FOLLOW_UP) followUpField(name).value = text.follow_up?.[name] || (name === "unit" ? "months" : "");
  speak();
  show();
}

function say(text, kind) {
  state.textContent = text;
  state.dataset.kind = kind;
}

function notice(text, kind, ...acts) {
  const box = document.createElement("div");
  box.className = `alert alert-${kind}`;
  box.setAttribute("role", "alert");
  const line = document.createElement("div");
  line.textContent = text;
  box.append(line, ...acts);
  notices.replaceChildren(box);
}

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn btn-sm ms-auto";
  made.textContent = text;
  made.addEventListener("click", () => {
    notices.replaceChildren();
    act();
  });
  return made;
}

// fields

function show() {
  document.getElementById("critical-more").hidden = !critical.checked;
  document.getElementById("follow-up-more").hidden = !followUp.checked;
}

function speak() {
  const arabic = language.value === "ar";
  for (const field of [...sections, criticalWhat]) {
    field.dir = arabic ? "rtl" : "ltr";
    field.lang = language.value;
  }
  const chooser = document.getElementById("template");
  chooser.replaceChildren(new Option("—", ""));
  words[language.value].templates.forEach((one, at) => chooser.add(new Option(one.name, String(at))));
  chooser.disabled = chooser.length === 1;
  const list = document.getElementById("phrase-list");
  list.replaceChildren();
  for (const [shortcut, text] of Object.entries(words[language.value].phrases)) {
    const item = document.createElement("li");
    const key = document.createElement("kbd");
    key.textContent = `;${shortcut}`;
    const put = document.createElement("button");
    put.type = "button";
    put.className = "btn btn-sm btn-link text-start";
    put.textContent = text;
    put.lang = language.value;
    put.dir = "auto";
    put.addEventListener("click", () => insert(text));
    item.append(key, " ", put);
    list.append(item);
  }
  document.getElementById("phrases").hidden = !list.children.length;
}

let lastSection = document.getElementById("section-findings");
function insert(text) {
  const field = lastSection;
  field.focus();
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  written();
}

function expand(event) {
  const field = event.target;
  if (event.key !== " " || !field.matches("textarea[data-section]")) return;
  const before = field.value.slice(0, field.selectionStart);
  const found = /(?:^|\s);(\S+)$/u.exec(before);
  const text = found && words[language.value].phrases[found[1]];
  if (!text) return;
  event.preventDefault();
  const start = before.length - found[1].length - 1;
  field.setRangeText(`${text} `, start, field.selectionStart, "end");
  written();
}

function chooseTemplate(event) {
  const one = words[language.value].templates[Number(event.target.value)];
  if (event.target.value === "" || !one) return;
  for (const field of sections) if (!field.value.trim()) field.value = one.sections[field.name] || "";
  notice(sentences.chosen, "info");
  event.target.value = "";
  written();
}

// saving

function written() {
  edits += 1;
  lastKey = Date.now();
  try {
    localStorage.setItem(mirror, JSON.stringify({ revision, at: Date.now(), text: values() }));
  } catch {
    // a full or forbidden store: the server's copy is then the only one
  }
  say(sentences.unsaved, "unsaved");
  if (stopped) return;
  deadline = deadline || Date.now() + SAVE_AT_LATEST;
  clearTimeout(timer);
  timer = setTimeout(save, Math.max(0, Math.min(SAVE_AFTER, deadline - Date.now())));
}

async function ask(address, body) {
  const answer = await fetch(address, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", "x-csrftoken": token() },
    body: body === undefined ? undefined : JSON.stringify(body),
    redirect: "manual",
    credentials: "same-origin",
  });
  if (answer.type === "opaqueredirect" || answer.status === 401) return { signedOut: true };
  const json = (answer.headers.get("content-type") || "").includes("json");
  if (!json) {
    if (answer.status === 403) return { signedOut: true }; // a session that ended takes its token with it
    throw new Error(String(answer.status));
  }
  return { ok: answer.ok, ...(await answer.json()) };
}

function token() {
  const cookie = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie);
  return cookie ? cookie[1] : form.querySelector("[name=csrfmiddlewaretoken]").value;
}

function save() {
  saving = saving || doSave().finally(() => {
    saving = null;
    if (edits > saved && !stopped && !timer) timer = setTimeout(save, 0);
  });
  return saving;
}

async function doSave() {
  clearTimeout(timer);
  timer = 0;
  deadline = 0;
  const upTo = edits;
  if (upTo === saved || stopped) return;
  say(sentences.saving, "saving");
  let answer;
  try {
    answer = await ask(form.dataset.save, { ...values(), revision });
  } catch {
    say(sentences.offline, "offline");
    timer = setTimeout(save, RETRY);
    return;
  }
  if (answer.signedOut) {
    signedOut();
    timer = setTimeout(save, RETRY);
    return;
  }
  if (!answer.ok) {
    refused(answer);
    return;
  }
  revision = answer.revision;
  sessionStorage.setItem(lastSaved, String(revision));
  addresses.sign = answer.sign;
  addresses.issue = answer.issue;
  saved = upTo;
  if (notices.querySelector(".signed-out")) notices.replaceChildren();
  if (edits === upTo) {
    localStorage.removeItem(mirror);
    say(`${sentences.saved} ${answer.saved_at}`, "saved");
  }
}

function signedOut() {
  say(sentences.unsaved, "offline");
  if (notices.querySelector(".signed-out")) return;
  const link = document.createElement("a");
  link.className = "btn btn-sm ms-auto signed-out";
  link.href = `${form.dataset.signIn}?next=${encodeURIComponent(location.pathname)}`;
  link.target = "_blank";
  link.textContent = sentences.sign_in;
  notice(sentences.signed_out, "warning", link);
}

function refused(answer) {
  stopped = true;
  say(sentences.unsaved, "offline");
  if (answer.refusal !== "DraftChanged") {
    notice(answer.sentence, "danger");
    for (const [name, sentence] of Object.entries(answer.fields || {})) wrong(name, sentence);
    return;
  }
  notice(sentences.changed, "warning", button(sentences.keep_mine, keepMine), button(sentences.take_other, takeOther));
}

async function keepMine() {
  const other = await ask(form.dataset.save);
  revision = other.revision;
  stopped = false;
  edits += 1;
  save();
}

async function takeOther() {
  take(await ask(form.dataset.save));
}

function take(other) {
  revision = other.revision;
  fill({ critical: false, critical_what: "", language: language.value, ...other });
  saved = edits;
  stopped = false;
  localStorage.removeItem(mirror);
  say(sentences.saved, "saved");
}

// the page that one left saved a text when this one was on its way with an older one
async function takeNewer() {
  const other = await ask(form.dataset.save);
  if (other.revision > revision && edits === saved) take(other);
}

function restore() {
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem(mirror));
  } catch {
    kept = null;
  }
  if (!kept || JSON.stringify(kept.text) === JSON.stringify(values())) {
    localStorage.removeItem(mirror);
    if (Number(sessionStorage.getItem(lastSaved)) > revision) takeNewer().catch(() => say(sentences.offline, "offline"));
    return;
  }
  const put = () => {
    fill(kept.text);
    written();
  };
  if (kept.revision === revision) {
    put();
    notice(sentences.restored, "info");
  } else {
    notice(sentences.changed, "warning", button(sentences.keep_mine, put), button(sentences.take_other, () => localStorage.removeItem(mirror)));
  }
}

// signing

function wrong(name, sentence) {
  const field = form.elements[name];
  const line = document.getElementById(`error-${name}`);
  if (field) {
    field.classList.add("is-invalid");
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }
  if (line) {
    line.textContent = sentence;
    line.hidden = false;
  }
}

function right() {
  for (const field of form.querySelectorAll(".is-invalid")) {
    field.classList.remove("is-invalid");
    field.removeAttribute("aria-invalid");
  }
  for (const line of form.querySelectorAll(".errorlist")) line.hidden = true;
}

const confirmBox = document.getElementById("confirm");
function askTo(act) {
  asking = act;
  for (const part of confirmBox.querySelectorAll("[data-act]")) part.hidden = part.dataset.act !== act;
  right();
  document.getElementById("confirm-conclusion").textContent = form.elements.conclusion.value;
  const warning = document.getElementById("confirm-critical");
  warning.hidden = !critical.checked || !criticalWhat.value.trim();
  warning.querySelector("span").textContent = `${criticalWhat.value} · ${criticalCategory.selectedOptions[0].text}`;
  confirmBox.returnValue = "no";
  confirmBox.showModal();
}

async function savedAll() {
  if (edits === saved && !addresses.sign) edits += 1; // nothing was written yet: the first text is saved as it stands
  await save();
  await save();
  return edits === saved && Boolean(addresses.sign);
}

async function sign() {
  if (!(await savedAll())) return;
  let answer;
  try {
    await statePixels(); // what the viewers show at this moment
    answer = await ask(addresses[asking], { revision });
  } catch {
    say(sentences.offline, "offline");
    return;
  }
  if (answer.signedOut) signedOut();
  else if (answer.ok) location.assign(answer.address);
  else {
    notice(answer.sentence, "danger", ...(answer.refusal === "DisplayNotChecked" ? [displayLink()] : []));
    for (const [name, sentence] of Object.entries(answer.fields || {})) wrong(name, sentence);
  }
}

function displayLink() {
  const link = document.createElement("a");
  link.className = "btn btn-sm ms-auto";
  link.href = form.dataset.display;
  link.textContent = sentences.check_display;
  return link;
}

// what changed since the preliminary report is seen on a page of its own, and signed there
async function finalise() {
  if (!(await savedAll())) return;
  try {
    await statePixels();
  } catch {
    say(sentences.offline, "offline");
    return;
  }
  location.assign(finaliseButton.dataset.address);
}

// the desk around the editor

async function alive() {
  if (!form.dataset.keep || Date.now() - lastKey > 10 * ALIVE) return;
  try {
    const answer = await ask(form.dataset.keep, {});
    if (answer.signedOut) signedOut();
    else if (!answer.ok) notice(answer.sentence, "warning");
  } catch {
    say(sentences.offline, "offline");
  }
}

function dark() {
  const now = document.documentElement.dataset.bsTheme !== "dark";
  document.documentElement.dataset.bsTheme = now ? "dark" : "light";
  document.getElementById("dark").setAttribute("aria-pressed", String(now));
}

form.addEventListener("input", (event) => {
  if (event.target.id !== "template") written();
});
form.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-section]")) lastSection = event.target;
});
form.addEventListener("keydown", expand);
form.addEventListener("submit", (event) => event.preventDefault());
language.addEventListener("change", speak);
critical.addEventListener("change", show);
followUp.addEventListener("change", show);
document.getElementById("template").addEventListener("change", chooseTemplate);
const finaliseButton = document.getElementById("finalise");
const signButton = document.getElementById("sign");
const issueButton = document.getElementById("issue");
if (finaliseButton) finaliseButton.addEventListener("click", finalise);
if (signButton) signButton.addEventListener("click", () => askTo("sign"));
if (issueButton) issueButton.addEventListener("click", () => askTo("issue"));
confirmBox.addEventListener("close", () => {
  if (confirmBox.returnValue === "yes") sign();
});
document.getElementById("dark").addEventListener("click", dark);
document.getElementById("second-screen").addEventListener("click", (event) => {
  window.secondScreen = window.open(event.currentTarget.dataset.address, "viewer", "popup,width=1280,height=960");
});
const handBack = document.getElementById("hand-back");
if (handBack)
  handBack.addEventListener("submit", async (event) => {
    event.preventDefault();
    await save();
    if (edits === saved) handBack.submit();
  });
// what changes the draft on the server waits until the text is there
document.addEventListener("submit", async (event) => {
  if (!event.target.matches("[data-saved-first]")) return;
  event.preventDefault();
  await save();
  if (edits === saved) event.target.submit();
});
document.addEventListener("keydown", (event) => {
  lastKey = Date.now();
  if (event.altKey && !event.ctrlKey && /^Digit[1-6]$/.test(event.code)) {
    event.preventDefault();
    sections[Number(event.code.slice(5)) - 1].focus();
  } else if (event.ctrlKey && event.key === "s") {
    event.preventDefault();
    save();
  } else if (event.ctrlKey && event.key === "Enter") {
    event.preventDefault();
    (finaliseButton || signButton || issueButton).click();
  }
});
document.addEventListener("pointermove", () => {
  lastKey = Date.now();
});
// key images are kept with the draft, whose revision they may begin
document.addEventListener("htmx:afterSwap", () => {
  const images = document.getElementById("key-images");
  if (images && revision === 0) revision = Number(images.dataset.revision);
});
window.addEventListener("online", save);
window.addEventListener("focus", save);
window.addEventListener("pagehide", () => {
  if (edits > saved && !stopped)
    fetch(form.dataset.save, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrftoken": token() },
      body: JSON.stringify({ ...values(), revision }),
      keepalive: true,
    });
});
setInterval(alive, ALIVE);
speak();
show();
restore();
statePixels().catch(() => {}); // what an earlier window said does not hold any more
