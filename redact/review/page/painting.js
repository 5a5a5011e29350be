// Painting along: while the clip plays, a held pointer hides what it follows, a key frame in each frame.

import {drawAlong} from "./actions.js";
import {on, set, state} from "./store.js";

const SHARE = 0.2;  // of the picture's shorter side: the box that is painted with, before it is sized
const hint = document.getElementById("hint");
let brush = null;  // its width and height, in pixels of the picture; kept from one painting to the next
const CLICK = 300;  // milliseconds; a pointer that is held for less, and moves little, wants no box
let painted = null;  // while the pointer is held: {keys, at, outline, start, since}

/** Begin at a point of a frame; like a box that is there already, if one is given. */
export function begin(at, size, like, outline) {
  brush = like ? [like[2] - like[0], like[3] - like[1]] : brush ?? [0, 1].map(() => SHARE * Math.min(...size));
  painted = {keys: [], at, outline, start: at, since: performance.now()};
  shows(state.frame);
  hint.textContent = "Painting along. Let go to keep it, Escape leaves it, the wheel sizes it.";
}

/** Whether the pointer paints. */
export const painting = () => painted !== null;

/** What is painted in the frame that is shown. */
export const brushBox = () => painted?.keys.at(-1)?.slice(1);

/** Another frame is shown: where the pointer is counts for it until the next one comes. */
export function shows(frame) {
  if (!painted) return;
  painted.keys.push([frame]);
  move(painted.at);
}

/** The pointer went to a point. */
export function move(at) {
  painted.at = at;
  const sides = [at[0] - brush[0] / 2, at[1] - brush[1] / 2, at[0] + brush[0] / 2, at[1] + brush[1] / 2];
  painted.keys.at(-1).splice(1, 4, ...sides.map((side) => Math.round(side * 10) / 10));
}

/** The box becomes larger, or smaller. */
export function resize(factor) {
  brush = brush.map((side) => Math.max(4, side * factor));
  move(painted.at);
}

/** The pointer was let go, or the clip ended: what was painted is kept; whether there was something. */
export async function finish() {
  const {keys, outline, since, start, at} = painted;
  leave();
  const away = Math.hypot(at[0] - start[0], at[1] - start[1]);
  if (keys.length < 2 || (away < 3 && performance.now() - since < CLICK)) return false;
  await drawAlong(keys, outline);
  return true;
}

/** Nothing of it is kept. */
export function leave() {
  if (painted) hint.textContent = "";
  painted = null;
  set({playing: false});
}

on("playing", () => { if (!state.playing && painted) finish(); });
on("info", () => { brush = painted = null; });
