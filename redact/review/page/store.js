// What the page knows, and who is told when it changes.

const STEP_BACK = 30;  // frames; whoever goes back further does not go on from there backwards
const listeners = new Map();

export const state = {
  files: [], file: 0, info: null, plan: null,
  frame: 0, back: false, painted: false, waiting: false, view: "original", tool: "path", playing: false,
  selected: new Set(),  // names: t12 for a track, rNAME for a drawn region
  queue: [], place: -1, job: null, follow: null, works: false, by: "",
  mark: null,  // the frame from which the sound is to be silent
};

/** Call a function whenever something of that name changes. */
export function on(name, hear) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(hear);
}

/** Change some of it, and tell of each change by name. */
export function set(changes) {
  Object.assign(state, changes);
  for (const name of Object.keys(changes)) (listeners.get(name) ?? []).forEach((hear) => hear());
}

/** A frame within the clip. */
function clamp(frame) {
  return Math.max(0, Math.min(frame, state.info.times.length - 1));
}

/** A function that does something once before the screen is drawn next, however often it is called. */
export function beforeDrawing(act) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; act(); });
  };
}

/** Go to a frame. */
export function seek(frame) {
  if (!state.info) return;
  const next = clamp(Math.round(frame));
  state.back = next < state.frame && next >= state.frame - STEP_BACK;
  set({frame: next});
}

/** Select things by name. */
export function select(names) {
  set({selected: new Set(names)});
}

let known = {plan: null, all: [], byKey: new Map()};

function looked() {
  const plan = state.plan;
  if (known.plan !== plan) {  // there may be thousands
    const drawn = plan.regions.map((r) => ({...r, key: `r${r.name}`, drawn: true}));
    const all = [...drawn, ...plan.tracks.map((t) => ({...t, key: `t${t.id}`, drawn: false}))];
    known = {plan, all, byKey: new Map(all.map((it) => [it.key, it]))};
  }
  return known;
}

/** All things, drawn ones first, each with its name. */
export function things() {
  return state.plan ? looked().all : [];
}

/** The thing of that name. */
export function thing(key) {
  return state.plan ? looked().byKey.get(key) : undefined;
}

/** Seconds as minutes and seconds. */
export function clock(seconds, digits = 2) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(digits).padStart(digits ? 3 + digits : 2, "0")}`;
}

/** What a thing is called. */
export function title(it) {
  if (it.drawn) return `${it.kind === "zone" ? "Zone" : "Box"} ${it.name}`;
  const kind = it.kind[0].toUpperCase() + it.kind.slice(1);
  return it.person ? `${it.person} (${it.kind} ${it.id})` : `${kind} ${it.id}`;
}

/** The shot that a frame is in: its first and last frame. */
export function shot(frame) {
  const cuts = state.info.cuts;
  const first = cuts.filter((cut) => cut <= frame).at(-1) ?? 0;
  const next = cuts.find((cut) => cut > frame) ?? state.info.times.length;
  return [first, next - 1];
}
