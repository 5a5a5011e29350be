// What a person can do: each act becomes edits of the plan, in the plan file at once.

import {get, post} from "./api.js";
import {seek, select, set, shot, state, thing, things} from "./store.js";
import {notice} from "./dialogs.js";
import {watched} from "./watched.js";

let waiting = Promise.resolve(), correcting = Promise.resolve();

async function send(act, body) {
  try {
    set({plan: await post(`files/${state.file}/${act}`, {revision: state.plan.revision, by: state.by, ...body})});
    return true;
  } catch (error) {
    notice(error.message, error.kind);
    return false;
  }
}

/** One act after the other: each is meant for the state after the one before. */
function inTurn(work) {
  waiting = waiting.then(work, work);
  return waiting;
}

/** Wait until all acts are done. */
export const settled = () => correcting.then(() => waiting).then(() => true);

/** Do something that needs the plan as it is after the acts before. */
export const afterwards = (work) => inTurn(work);

/** The plan as the server has it, after something that this page did not do itself. */
export const refetch = () => inTurn(async () => set({plan: await get(`files/${state.file}/plan`)}));

/** Add one act. */
export function add(edits) {
  return inTurn(() => (edits.length ? send("edits", {edits}) : true));
}

/** All acts, the last one first, in words. */
export const acts = () => inTurn(async () => (await get(`files/${state.file}/plan`)).acts);

/** Take an act back, whatever was decided since: the numbers of its edits. */
export const takeBack = (numbers) => add(numbers.toReversed().map((number) => ({edit: "revoke", number})));

export const undo = () => inTurn(() => (state.plan.edits ? send("undo", {}) : true));
export const redo = () => inTurn(() => (state.plan.undone ? send("redo", {}) : true));
export const render = () => inTurn(() => send("render", {}));
export const reload = () => inTurn(() => send("reload", {}));
export const sign = (by) => inTurn(() => send("sign", {by, watched: watched()}));
export const end = () => post("end", {});

/** Hide what this file's zones hide in all files of its size. */
export const copyZones = () => inTurn(async () => await send("copy", {}) && notice("the zones are in all files of this size"));

/** The sound becomes silent, or a tone: from the frame of the first call to that of the second. */
export function mute(tone) {
  if (!state.info.sound) return notice("there is no sound");
  if (state.mark === null) return set({mark: state.frame});
  const [from, to] = [state.mark, state.frame].sort((a, b) => a - b);
  set({mark: null});
  return muteSpan(from, to, tone);
}

/** The sound becomes silent, or a tone, from one frame to another. */
export const muteSpan = (from, to, tone) => add([{edit: "mute", from, to, tone}]);

function target(key) {
  return key[0] === "t" ? {track: Number(key.slice(1))} : {region: key.slice(1)};
}

/** Hide or show all that is selected, for its whole time. */
export function decide(edit, reason = "") {
  const said = [...state.selected].map((key) => ({edit, ...target(key), ...(reason && {reason})}));
  return add(said);
}

export const accept = () => add([...state.selected].map((key) => ({edit: "accept", ...target(key)})));

/** Words about what is selected. */
export function note(text) {
  return add([...state.selected].map((key) => ({edit: "note", ...target(key), text})));
}

/** Split the selected track at this frame; the new part is selected. */
export async function split() {
  const [key] = state.selected;
  if (state.selected.size !== 1 || key[0] !== "t") return notice("select one track to split");
  return addAndSelect([{edit: "split", ...target(key), frame: state.frame}]);
}

/** Make some edits; what is new by them is selected. */
async function addAndSelect(edits) {
  const before = new Set(things().map((it) => it.key));
  if (!(await add(edits))) return false;
  select(things().map((it) => it.key).filter((key) => !before.has(key)));
  return true;
}

/** All selected tracks are one person. */
export function join() {
  const tracks = [...state.selected].filter((key) => key[0] === "t").map((key) => Number(key.slice(1)));
  if (tracks.length < 2) return notice("select two tracks or more to join");
  const known = state.plan.tracks.filter((it) => tracks.includes(it.id) && it.person);
  const others = new Set(state.plan.tracks.map((track) => track.person));
  let number = 1;
  while (others.has(`Person ${number}`)) number += 1;
  return add([{edit: "join", tracks, person: known[0]?.person ?? `Person ${number}`}]);
}

/** The selection begins, or ends, at this frame. */
export function trim(end) {
  const [key] = state.selected;
  const it = state.selected.size === 1 && thing(key);
  if (!it) return notice("select one thing to trim");
  if (it.drawn) {
    return redraw(it, end === "start" ? {first: state.frame, whole: false} : {last: state.frame, whole: false});
  }
  const span = end === "start" ? {from: state.frame, to: null} : {from: null, to: state.frame};
  return addAndSelect([{edit: "trim", ...target(key), ...span}]);
}

/** Draw a new region: a path whose first key is here, to the end of the shot; or a zone. */
export async function draw(box, tool, outline) {
  const edit = {edit: "hide", outline};
  if (tool === "zone") Object.assign(edit, {box});
  else Object.assign(edit, {keys: [[state.frame, ...box]], from: state.frame, to: shot(state.frame)[1]});
  await addAndSelect([edit]);
}

/** Draw a new region along a key frame in each frame. */
export const drawAlong = (keys, outline) =>
  addAndSelect([{edit: "hide", outline, keys, from: keys[0][0], to: keys.at(-1)[0]}]);

/** A region drawn anew in place of the one before, which is shown: its own edit stays in the list. */
function redrawn(it, changes) {
  const now = {...it, ...changes};
  const edit = {edit: "hide", outline: now.outline, ...(now.style && {style: now.style})};
  const span = {from: Math.min(now.first, now.last), to: Math.max(now.first, now.last)};
  if (now.kind === "zone") Object.assign(edit, {box: now.keys[0].slice(1)}, now.whole ? {} : span);
  else Object.assign(edit, {keys: now.keys}, now.followed.length ? {followed: now.followed} : {}, span);
  return [edit, {edit: "show", region: it.name}];
}

const successors = new Map();  // of regions that were drawn anew: outlines of before name the old ones

/** Draw a region anew, and select it. */
async function redraw(it, changes) {
  if (!(await addAndSelect(redrawn(it, changes)))) return false;
  const [key] = state.selected;
  if (key) successors.set(it.key, key);
  return true;
}

/** Correct where something is at this frame; its neighbours follow. */
export function correct(key, box) {
  const at = state.frame;
  correcting = correcting.then(() => waiting).then(() => correctAt(key, box, at));
  return correcting;
}

async function correctAt(key, box, at) {
  let name = key;
  while (!thing(name) && successors.has(name)) name = successors.get(name);
  const it = thing(name);
  if (!it) return notice("this is no longer there; drag it again");
  if (!it.drawn) {
    const pad = state.info.pads[it.kind];
    const [across, down] = [(box[2] - box[0]) * pad / (1 + 2 * pad), (box[3] - box[1]) * pad / (1 + 2 * pad)];
    const inner = [box[0] + across, box[1] + down, box[2] - across, box[3] - down];
    await add([{edit: "correct", ...target(name), frame: at, box: inner}]);
    return;
  }
  const others = it.kind === "zone" ? [] : it.keys.filter(([frame]) => frame !== at);
  const keys = it.kind === "zone" ? [[0, ...box]] : [...others, [at, ...box]].sort((a, b) => a[0] - b[0]);
  const span = {last: Math.max(it.last, at), first: Math.min(it.first, at)};
  await redraw(it, {keys, followed: bent(it, box, at), ...span});
}

/**
 * What was followed around this frame, moved as much as the box is here; at the next key frames it stays.
 * Beyond a frame in which nothing was followed, nobody knows that it drifted.
 */
function bent({keys, followed}, box, at) {
  const points = [...followed, ...keys].sort((a, b) => a[0] - b[0]);  // of two in one frame the key counts
  const known = new Set(points.map(([frame]) => frame));
  let from = at, to = at;
  while (known.has(from - 1)) from -= 1;
  while (known.has(to + 1)) to += 1;
  const before = keys.findLast(([frame]) => frame < at)?.[0], after = keys.find(([frame]) => frame > at)?.[0];
  const old = sidesAt(points, at);
  return followed.map(([frame, ...sides]) => {
    if (frame < from || frame > to) return [frame, ...sides];
    const end = frame < at ? before : after;
    const share = end === undefined ? 1 : Math.max(0, (frame - end) / (at - end));
    const [l, t, r, b] = sides.map((side, i) => side + share * (box[i] - old[i]));
    return [frame, Math.min(l, r), Math.min(t, b), Math.max(l, r), Math.max(t, b)];
  });
}

/** The sides of a path at a frame, in a straight line between two of its points. */
function sidesAt(points, at) {
  const before = points.findLast(([frame]) => frame <= at) ?? points[0];
  const after = points.find(([frame]) => frame >= at) ?? points.at(-1);
  const share = after[0] > before[0] ? (at - before[0]) / (after[0] - before[0]) : 0;
  return before.slice(1).map((side, i) => side + share * (after[i + 1] - side));
}

let following = null;

/** Follow the drawn region from this frame both ways; stop it if it is on its way. */
export function follow() {
  if (following) {
    following = null;
    set({follow: null});
    return post(`files/${state.file}/stop`, {revision: state.plan.revision, by: ""});
  }
  const [key] = state.selected;
  const it = state.selected.size === 1 && thing(key);
  const at = it && it.drawn && it.kind === "path" && it.keys.find(([frame]) => frame === state.frame);
  if (!at) return notice("select a box that you drew, in the frame in which you drew it");
  following = {region: it.name, sightings: []};
  set({follow: following});
  return inTurn(() => send("follow", {box: at.slice(1), frame: at[0], region: it.name}));
}

/** A part of the path has come; at the end it becomes the region's. */
export async function followed(part) {
  if (!following || part.region !== following.region || part.file !== state.file) return;
  following.sightings.push(...part.sightings);
  set({follow: following});
  if (!part.done) return;
  const it = thing(`r${following.region}`);
  const [on, back] = part.ends.map(([why, frame]) => (why === "lost" ? frame : null));
  const held = ([frame]) => (on === null || frame <= on) && (back === null || frame >= back);
  const seen = following.sightings.filter(held).sort((a, b) => a[0] - b[0]);
  following = null;
  set({follow: null});
  if (part.message || !it || seen.length < 2) return notice(part.message || "it could not be followed");
  const hard = new Set(it.keys.map(([frame]) => frame));
  const all = new Map([...it.followed, ...seen].map((one) => [one[0], one]));
  const soft = [...all.values()].filter(([frame]) => !hard.has(frame)).sort((a, b) => a[0] - b[0]);
  const first = Math.min(seen[0][0], it.keys[0][0]);
  const last = Math.max(seen.at(-1)[0], it.keys.at(-1)[0]);  // where hold was lost, more was drawn
  const changes = {
    followed: soft,
    first: back === null ? first : Math.min(first, it.first),
    last: on === null ? last : Math.max(last, it.last),
  };
  if (await redraw(it, changes)) {
    const lost = [on, back].filter((frame) => frame !== null);
    if (lost.length) {
      seek(lost[0]);
      notice(`followed; hold was lost at frame ${lost.map((frame) => frame + 1).join(" and ")}: drag the box to where it is next`);
    }
  }
}

/** Another style: of what is selected, or of everything. */
export function restyle(style) {
  const targets = state.selected.size ? [...state.selected].map(target) : [{}];
  return add(targets.map((it) => ({edit: "style", style, ...it})));
}

/** Open a file. */
export async function open(number) {
  const info = await get(`files/${number}`);
  set({file: number, info, plan: info, by: state.by || info.by, frame: 0, mark: null, painted: false, selected: new Set(), place: -1});
}
