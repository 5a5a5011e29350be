// What a person should look at, most doubtful first, and the walk through it.

import {accept, decide} from "./actions.js";
import {on, seek, select, set, state, things} from "./store.js";

const text = document.getElementById("queue-text");

/** Why each thing is to be looked at; in that order they come. */
function reasons(it) {
  if (it.drawn || it.looked) return null;
  if (it.state === "uncertain") return [1, "uncertain: is it somebody?", it.best];
  if (it.jump !== null) return [2, "jumps: is it the same one?", it.jump];
  if (it.ends) return [3, "ends within a shot: where does it go?", it.last];
  return null;
}

function build() {
  const leaks = state.job && !state.job.running && state.job.number === state.file ? state.job.leaks : [];
  const found = leaks.map(([frame, , box], i) => ({key: `leak${i}`, rank: 0, why: "the check found somebody", frame, box}));
  for (const it of things()) {
    const why = reasons(it);
    if (why) found.push({key: it.key, rank: why[0], why: why[1], frame: why[2], score: it.score});
  }
  found.sort((a, b) => a.rank - b.rank || (a.rank === 1 ? b.score - a.score : a.frame - b.frame));
  const key = state.queue[state.place]?.key;
  const place = found.findIndex((it) => it.key === key);
  state.queue = found;
  state.place = place >= 0 ? place : Math.min(state.place, found.length - 1);
  say();
}

function say() {
  const left = state.queue.length;
  const it = state.queue[state.place];
  if (!state.info) text.textContent = "";
  else if (!left) text.textContent = "all looked at";
  else text.textContent = it ? `${left} left to look at · ${it.why}` : `${left} left to look at`;
}

/** Go to a place in the queue. */
export function go(place) {
  if (!state.queue.length) return;
  set({place: (place + state.queue.length) % state.queue.length});
  const it = state.queue[state.place];
  seek(it.frame);
  select(it.key.startsWith("leak") ? [] : [it.key]);
  say();
}

/** Decide about what is selected; from the queue, the next one follows. */
export async function settle(what) {
  if (!state.selected.size) return;
  const key = state.queue[state.place]?.key;
  const walking = state.selected.size === 1 && state.selected.has(key);
  const place = state.place;
  const done = await (what === "accept" ? accept() : decide(what));
  if (done && walking && state.queue.length) go(Math.min(place, state.queue.length - 1));
  else if (done && walking) select([]);
}

on("plan", build);
on("job", () => {
  if (state.job?.leaks?.length) state.place = -1;  // what the check found comes first
  build();
});

/** Begin with what is most doubtful, or with the first frame. */
export function begin() {
  build();
  if (state.queue.length && state.queue[0].rank <= 2) go(0);
  else seek(0);
}
