// Dialogs and notices: rendering, signing, reasons, keys, and what goes wrong.

import {clock, on, set, state} from "./store.js";
import {watched} from "./watched.js";

const byId = (id) => document.getElementById(id);
const note = byId("notice");
let fading = 0;

/** One line about what was refused, or about what somebody else did. */
export function notice(text, kind = "") {
  note.replaceChildren(document.createTextNode(text));
  if (kind === "disk") {
    const load = document.createElement("button");
    load.type = "button";
    load.textContent = "Load it";
    load.addEventListener("click", async () => {
      const {reload} = await import("./actions.js");
      if (await reload()) note.hidden = true;
    });
    note.append(" ", load);
  }
  note.hidden = false;
  clearTimeout(fading);
  if (kind !== "disk") fading = setTimeout(() => { note.hidden = true; }, 6000);
  return false;
}

/** Ask for words in a dialog; gives null if it is left. */
function ask(dialog, input, ok, cancel) {
  return new Promise((resolve) => {
    const end = (value) => {
      dialog.close();
      resolve(value);
    };
    byId(ok).onclick = () => end(byId(input).value.trim());
    byId(cancel).onclick = () => end(null);
    dialog.oncancel = () => resolve(null);
    byId(input).onkeydown = (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        byId(ok).click();
      }
    };
    dialog.showModal();
    byId(input).focus();
    byId(input).select();
  });
}

export const askReason = () => ask(byId("note-dialog"), "note-text", "note-do", "note-cancel");

/** Render, and show how far it is. */
export async function showRendering(render) {
  byId("render-leaks").replaceChildren();
  byId("render-sign").hidden = true;
  byId("render-text").textContent = "Rendering…";
  byId("render-progress").hidden = false;
  byId("render-progress").removeAttribute("value");
  byId("render-dialog").showModal();
  if (!(await render())) byId("render-dialog").close();
}

const STAGES = {render: "Rendering", verify: "Checking", follow: "Following what the check found", again: "Rendering again"};

function tellJob() {
  const job = state.job;
  if (!job || job.number !== state.file) return;
  const progress = byId("render-progress");
  progress.hidden = !job.running;
  if (job.running) {
    byId("render-text").textContent = `${STAGES[job.stage] ?? job.stage}: ${job.done} of ${job.expected ?? "?"} frames`;
    if (job.expected) progress.value = job.done / job.expected;
    return;
  }
  const said = {rendered: `${job.output} is finished.`, "held back": `Held back as ${job.output}.`, failed: "Not rendered."};
  byId("render-text").textContent = `${said[job.outcome]} ${job.message}`;
  byId("render-sign").hidden = job.outcome !== "rendered";
  byId("render-leaks").replaceChildren(...job.leaks.map(([frame, seconds]) => {
    const item = document.createElement("li");
    item.textContent = `frame ${frame + 1}, ${seconds.toFixed(2)} s: somebody may still show; it is in the queue`;
    return item;
  }));
  if (byId("render-dialog").open && job.outcome === "rendered") byId("render-sign").focus();
}

/** Ask who signs. */
export async function askSignature() {
  if (byId("render-dialog").open) byId("render-dialog").close();
  const left = state.queue.length;
  const [seen, times] = [watched(), state.info.times];
  const played = seen.reduce((sum, [from, to]) => sum + times[to] - times[from], 0);
  byId("sign-text").textContent = [
    state.plan.result ? "You answer for the result as it was rendered." : "Nothing was rendered yet: you answer for the plan alone.",
    `Played as published: ${clock(played, 0)} of ${clock(times.at(-1), 0)}.`,
    left ? `${left} in the queue were not looked at.` : "All in the queue was looked at.",
  ].join(" ");
  byId("sign-name").value = state.by;
  const name = await ask(byId("sign-dialog"), "sign-name", "sign-do", "sign-cancel");
  if (name) set({by: name});
  return name;
}

/** All that was decided, each with a button that takes it back. */
export async function showActs(list, takeBack) {
  const items = (await list()).map(({numbers, words, counts, open}) => {
    const item = document.createElement("li");
    const text = document.createElement(counts ? "span" : "s");
    text.textContent = words.join("; ");
    item.append(text);
    if (!open) return item;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Take back";
    button.setAttribute("aria-label", `Take back: ${text.textContent}`);
    button.addEventListener("click", async () => {
      if (await takeBack(numbers)) showActs(list, takeBack);
      else byId("acts-dialog").close();  // the notice says why
    });
    item.append(button);
    return item;
  });
  byId("acts-list").replaceChildren(...items);
  byId("acts-none").hidden = items.length > 0;
  if (!byId("acts-dialog").open) byId("acts-dialog").showModal();
  else byId("acts-close").focus();
}

/** Tell what each key does. */
export function showKeys(keys) {
  byId("keys-list").replaceChildren(...keys.flatMap(([key, what]) => {
    const [name, text] = [document.createElement("dt"), document.createElement("dd")];
    name.textContent = key === " " ? "Space" : key.replace(/(?<![A-Za-z])[a-z]$/, (letter) => letter.toUpperCase());
    text.textContent = what;
    return [name, text];
  }));
  byId("keys-dialog").showModal();
}

/** Say that another tab has the plan, or that it is this one's again. */
export function showTab() {
  const dialog = byId("tab-dialog");
  if (!state.works && !dialog.open) dialog.showModal();
  else if (state.works && dialog.open) dialog.close();
}

export const showEnd = () => {
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  byId("end-dialog").showModal();
};

on("job", tellJob);
