// Begins the page, and joins its parts.

import * as actions from "./actions.js";
import {get, listen} from "./api.js";
import * as dialogs from "./dialogs.js";
import "./list.js";
import * as picture from "./picture.js";
import * as queue from "./queue.js";
import {on, seek, select, set, state, thing} from "./store.js";
import {shotBoundary} from "./timeline.js";

const byId = (id) => document.getElementById(id);

async function sign() {
  const by = await dialogs.askSignature();
  if (by) await actions.sign(by);
}

async function reason() {
  if (!state.selected.size) return dialogs.notice("select what the reason is about");
  const text = await dialogs.askReason();
  if (text) await actions.note(text);
}

const decisions = () => dialogs.showActs(actions.acts, actions.takeBack);
const render = () => dialogs.showRendering(actions.render);
const step = (by) => seek(state.frame + by);

function second(direction) {
  const due = state.info.times[state.frame] + direction;
  const found = state.info.times.findIndex((time) => time >= due - 1e-6);
  seek(found < 0 ? state.info.times.length - 1 : found);
}

/** What each key does; `?` shows this table. A key with Ctrl is written so. */
const KEYS = [
  ["?", "these keys", () => dialogs.showKeys(KEYS)],
  [" ", "play or stop", picture.play],
  ["ArrowLeft", "frame back", () => step(-1)],
  ["ArrowRight", "frame on", () => step(1)],
  ["Shift ArrowLeft", "second back", () => second(-1)],
  ["Shift ArrowRight", "second on", () => second(1)],
  ["PageUp", "shot back", () => shotBoundary(-1)],
  ["PageDown", "shot on", () => shotBoundary(1)],
  ["Home", "first frame", () => seek(0)],
  ["End", "last frame", () => seek(state.info.times.length - 1)],
  ["j", "on in the queue", () => queue.go(state.place + 1)],
  ["k", "back in the queue", () => queue.go(state.place - 1)],
  ["h", "hide what is selected", () => queue.settle("hide")],
  ["s", "show what is selected", () => queue.settle("show")],
  ["Enter", "leave it as it is: looked at", () => queue.settle("accept")],
  ["x", "split the track at this frame", actions.split],
  ["f", "follow the drawn box both ways, or stop that", actions.follow],
  ["[", "what is selected begins at this frame", () => actions.trim("start")],
  ["]", "what is selected ends at this frame", () => actions.trim("end")],
  ["p", "the selected tracks are one person", actions.join],
  ["g", "select all that seem to be the same person", alike],
  ["n", "reason", reason],
  ["b", "place a box or polygon with the keyboard; of what is selected, or a new one", () => actions.afterwards(() => picture.placeByKeys("path"))],
  ["z", "the next box is a zone for the whole clip", () => set({tool: state.tool === "zone" ? "path" : "zone"})],
  ["Shift Z", "place a zone with the keyboard", () => actions.afterwards(() => picture.placeByKeys("zone"))],
  ["Delete", "take a drawn region away", () => [...state.selected].every((key) => key[0] === "r") && actions.decide("show")],
  ["1", "original", () => set({view: "original"})],
  ["2", "as published", () => set({view: "published"})],
  ["3", "split view", () => set({view: "split"})],
  ["4", "only what is uncertain", () => set({view: "uncertain"})],
  ["m", "the sound is silent from this frame; again: until this frame", () => actions.mute(false)],
  ["Shift M", "the same with a tone", () => actions.mute(true)],
  ["d", "all that was decided; each act can be taken back", decisions],
  ["r", "render and check", render],
  ["Ctrl z", "undo", actions.undo],
  ["Ctrl Shift Z", "redo", actions.redo],
  ["Ctrl y", "redo", actions.redo],
  ["Escape", "select nothing", () => { select([]); set({tool: "path", mark: null}); }],
];
const LOOK_UP = new Map(KEYS.map(([key, , act]) => [key, act]));

function alike() {
  const [key] = state.selected;
  const it = thing(key);
  if (!it?.alike) return dialogs.notice("nothing else seems to be the same person");
  select(state.plan.tracks.filter((other) => other.alike === it.alike).map((other) => `t${other.id}`));
}

addEventListener("keydown", (event) => {
  if (!state.info || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea")) return;
  if (picture.placing()) return picture.placeKey(event);
  if (event.target.matches("button") && [" ", "Enter"].includes(event.key)) return;
  const ctrl = event.ctrlKey || event.metaKey ? "Ctrl " : "";
  const key = ctrl && event.shiftKey ? event.key.toUpperCase() : event.key;
  const shifted = event.shiftKey && (key.length > 1 || ctrl || /[A-Z]/.test(key)) ? "Shift " : "";
  const act = LOOK_UP.get(`${ctrl}${shifted}${key}`) ?? (ctrl ? null : LOOK_UP.get(`${shifted}${key.toLowerCase()}`));
  if (!act) return;
  event.preventDefault();
  act();
});

const clicks = {
  undo: actions.undo, redo: actions.redo, decisions, render, sign, help: () => dialogs.showKeys(KEYS),
  previous: () => step(-1), next: () => step(1), play: picture.play,
  "queue-on": () => queue.go(state.place + 1), "queue-back": () => queue.go(state.place - 1),
  hide: () => queue.settle("hide"), show: () => queue.settle("show"), accept: () => queue.settle("accept"),
  split: actions.split, follow: actions.follow, alike, join: actions.join, note: reason,
  "trim-start": () => actions.trim("start"), "trim-end": () => actions.trim("end"),
  "render-sign": sign, "tab-take": take,
  mute: () => actions.mute(false), tone: () => actions.mute(true), copy: actions.copyZones,
};
for (const [id, act] of Object.entries(clicks)) byId(id).addEventListener("click", () => act());
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => set({view: button.dataset.view}));
}
for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => set({tool: button.dataset.tool}));
}
byId("by").addEventListener("change", (event) => set({by: event.target.value.trim()}));
on("by", () => { byId("by").value = state.by; });
on("mark", () => {
  byId("hint").textContent = state.mark === null ? "" : "Silent from here. M again at its end; Escape leaves it.";
});
byId("style").addEventListener("change", (event) => actions.restyle(event.target.value));
byId("files").addEventListener("change", (event) => open(Number(event.target.value)));

on("view", () => press("view", state.view));
on("tool", () => press("tool", state.tool));
on("playing", () => {
  byId("play").textContent = state.playing ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", state.playing ? "Stop" : "Play");
});

function press(what, value) {
  for (const button of document.querySelectorAll(`[data-${what}]`)) {
    button.setAttribute("aria-pressed", button.dataset[what] === value);
  }
}

on("plan", () => {
  const plan = state.plan;
  byId("undo").disabled = !plan.edits;
  byId("redo").disabled = !plan.undone;
  showStyle();
  const signed = plan.signed ? `signed by ${plan.signed.by}` : plan.state;
  byId("state").textContent = signed;
  byId("state").dataset.state = plan.state;
  const option = byId("files").options[state.file];
  if (option) option.textContent = `${state.files[state.file].name} · ${plan.state}`;
});
/** The style of what is selected, or of everything; none where several differ. */
function showStyle() {
  const chosen = [...state.selected].map(thing).filter(Boolean);
  const styles = new Set(chosen.map((it) => it.style ?? state.plan.style));
  byId("style-of").textContent = chosen.length ? "Style of selection" : "Style of all";
  byId("style").value = chosen.length ? (styles.size === 1 ? [...styles][0] : "") : state.plan.style;
}

on("follow", () => {
  const found = state.follow?.sightings.length;
  byId("hint").textContent = state.follow ? `Following: ${found} frames. F stops it.` : "";
});
on("info", () => {
  byId("file-name").textContent = state.info.name;
  byId("sound-tools").hidden = !state.info.sound;
  document.title = `${state.info.name} · redact review`;
});
on("selected", showStyle);
on("selected", () => {
  const none = !state.selected.size;
  for (const id of ["hide", "show", "accept", "split", "trim-start", "trim-end", "join", "alike", "follow", "note"]) {
    byId(id).disabled = none;
  }
});

async function open(number) {
  try {
    await actions.open(number);
    queue.begin();
    document.body.dataset.ready = "true";
  } catch (error) {
    dialogs.notice(error.message, error.kind);
  }
}

let events = null;
function connect(taking) {
  events?.close();
  events = listen({
    tab: async ({works}) => {
      const first = works && !state.works;
      set({works});
      dialogs.showTab();
      if (first) await begin();
    },
    job: (job) => set({job}),
    follow: actions.followed,
    plan: ({file}) => (file === state.file ? actions.refetch() : listFiles()),
    alike: ({file, problem}) => {
      if (file !== state.file) return;
      if (problem) dialogs.notice(problem);
      else actions.refetch();
    },
    disk: ({file}) => file === state.file && dialogs.notice("Somebody else has changed the plan file; nothing of theirs is overwritten.", "disk"),
    end: () => {
      events.close();
      dialogs.showEnd();
    },
  }, taking);
}

function take() {
  connect(true);
}

async function listFiles() {
  const {files} = await get("files");
  set({files});
  const options = files.map(({name, state: how, number}) => new Option(`${name} · ${how}`, number, false, number === state.file));
  byId("files").replaceChildren(...options);
  byId("files-label").hidden = byId("copy").hidden = files.length < 2;
  byId("file-name").parentElement.classList.toggle("unseen", files.length > 1);  // the list says it
}

async function begin() {
  await listFiles();
  await open(state.file);
}

connect(false);
