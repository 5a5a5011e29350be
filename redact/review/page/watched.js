// What was played as it will be published, for whoever signs; forgotten when something else is hidden.

import {on, state} from "./store.js";

let spans = [], look = null;

/** A frame was played; does nothing unless it was shown as published. */
export function played(frame) {
  if (state.view !== "published" && state.view !== "split") return;
  if (look !== state.plan.look) [spans, look] = [[], state.plan.look];
  const last = spans.at(-1);
  if (last && frame === last[1] + 1) last[1] = frame;
  else spans.push([frame, frame]);
}

/** First and last frame of each span, in order and without overlaps. */
export function watched() {
  if (look !== state.plan.look) return [];
  const found = [];
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

on("info", () => { spans = []; });
