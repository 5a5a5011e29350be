// Time: a ruler, shots, a lane for each thing with how sure its detections are, and the playhead.

import {muteSpan} from "./actions.js";
import {beforeDrawing, clock, on, seek, select, shot, state, things, title} from "./store.js";

const canvas = document.getElementById("timeline");
const screen = canvas.getContext("2d");
const layer = document.createElement("canvas");  // all but the playhead, which alone moves in playback
const paint = layer.getContext("2d");
const LANE = 18, RULER = 22, NAMES = 92;
let first = 0, count = 0, scroll = 0, dragging = false;
let size = [0, 0];  // of the canvas in CSS pixels: to ask the browser for it is to have it lay out the page
let lanes = [], stale = true;
let silencing = null;  // a drag over the sound: {span, tone, at}

const dark = matchMedia("(prefers-color-scheme: dark)");
const colours = new Map();

function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
}

const x = (frame) => NAMES + (frame - first) / Math.max(1, count) * (size[0] - NAMES);
const clipped = (event) => Math.max(0, Math.min(state.info.times.length - 1, Math.floor(frameAt(event.offsetX))));
const frameAt = (pixel) => first + (pixel - NAMES) / (size[0] - NAMES) * count;

/** One lane for a person, or for a thing that belongs to nobody. */
function order() {
  const persons = new Map();
  for (const it of things()) {
    const name = it.person ?? it.key;
    if (!persons.has(name)) persons.set(name, []);
    persons.get(name).push(it);
  }
  lanes = [...persons.values()].sort((a, b) => a[0].first - b[0].first);
}

function repaint() {
  if (!state.info) return;
  const ratio = devicePixelRatio;
  const [width, height] = size.map((length) => Math.round(length * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    [canvas.width, canvas.height] = [layer.width, layer.height] = [width, height];
    stale = true;
  }
  if (stale) drawLayer(ratio);
  stale = false;
  screen.clearRect(0, 0, width, height);
  if (width && height) screen.drawImage(layer, 0, 0);
  screen.fillStyle = colour("--ink");
  screen.fillRect((x(state.frame) - 1) * ratio, 0, 2 * ratio, height);
  if (state.playing) return;  // nobody listens to that many times
  canvas.setAttribute("aria-valuemax", state.info.times.length - 1);
  canvas.setAttribute("aria-valuenow", state.frame);
  canvas.setAttribute("aria-valuetext", clock(state.info.times[state.frame]));
}

function drawLayer(ratio) {
  const [width, height] = size;
  paint.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint.clearRect(0, 0, width, height);
  paint.font = "11px system-ui, sans-serif";
  paint.textBaseline = "middle";
  drawRuler(width, height);
  const most = Math.ceil((height - above()) / LANE);
  if (state.info.sound) drawSound(width);
  lanes.slice(scroll, scroll + most).forEach((lane, row) => drawLane(lane, above() + row * LANE, width));
}

/** Pixels above the first lane: the ruler, and the sound if there is some. */
const above = () => RULER + (state.info?.sound ? LANE : 0);

function drawSound(width) {
  const [top, height] = [RULER + 3, LANE - 6];
  paint.fillStyle = colour("--soft");
  paint.fillText("sound", 16, RULER + LANE / 2);
  paint.globalAlpha = 0.25;
  paint.fillRect(NAMES, RULER + LANE / 2 - 1, width - NAMES, 2);
  paint.globalAlpha = 1;
  const spans = silencing ? [...state.plan.mutes, [...silencing.span].sort((a, b) => a - b)] : state.plan.mutes;
  for (const [from, to, tone] of spans) {
    const left = Math.max(NAMES, x(from));
    const right = Math.max(x(to + 1), left + 3);
    if (right < NAMES || left > width) continue;
    paint.fillStyle = colour(tone ? "--uncertain" : "--ink");
    paint.fillRect(left, top, right - left, height);
  }
}

function drawRuler(width, height) {
  const times = state.info.times;
  const span = times[Math.min(times.length - 1, Math.floor(first + count))] - times[Math.floor(first)] || 1;
  const step = [0.04, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600].find((s) => span / s < width / 90) ?? 1200;
  paint.strokeStyle = colour("--line");
  paint.fillStyle = colour("--soft");
  let due = -1;
  for (let i = Math.floor(first); i <= Math.min(times.length - 1, first + count); i++) {
    const slot = Math.floor((times[i] - times[0]) / step + 1e-6);
    if (slot > due) {
      due = slot;
      paint.beginPath();
      paint.moveTo(x(i), RULER - 6);
      paint.lineTo(x(i), height);
      paint.stroke();
      paint.fillText(clock(times[i], step < 1 ? 2 : 0), x(i) + 3, 8);
    }
  }
  paint.strokeStyle = colour("--soft");
  paint.setLineDash([3, 3]);
  for (const cut of state.info.cuts) {
    if (cut < first || cut > first + count) continue;
    paint.beginPath();
    paint.moveTo(x(cut), 0);
    paint.lineTo(x(cut), height);
    paint.stroke();
  }
  paint.setLineDash([]);
}

function drawLane(lane, top, width) {
  const chosen = lane.some((it) => state.selected.has(it.key));
  if (chosen) {
    paint.fillStyle = colour("--chosen");
    paint.fillRect(0, top, width, LANE);
  }
  paint.save();
  paint.beginPath();
  paint.rect(NAMES, top, width - NAMES, LANE);
  paint.clip();
  for (const it of lane) {
    const [from, to] = [x(it.first), Math.max(x(it.last + 1), x(it.first) + 3)];
    if (to < NAMES || from > width) continue;
    paint.fillStyle = colour(it.drawn ? "--region" : `--${it.state === "partly" ? "hidden" : it.state}`);
    paint.globalAlpha = it.state === "shown" ? 0.35 : 0.9;
    paint.fillRect(from, top + 3, to - from, LANE - 6);
    paint.globalAlpha = 1;
    if (it.doubt?.length > 1) drawDoubt(it, from, to, top);
    for (const [frame] of it.keys ?? []) {
      paint.fillStyle = colour("--ink");
      if (it.kind === "path") paint.fillRect(x(frame) - 2, top + LANE / 2 - 2, 4, 4);
    }
  }
  paint.restore();
  paint.fillStyle = colour(chosen ? "--ink" : "--soft");
  paint.fillText(lane[0].person ?? title(lane[0]), 16, top + LANE / 2, NAMES - 22);
  paint.fillStyle = state.info.kinds[lane[0].kind]?.colour ?? colour("--region");
  paint.fillRect(5, top + LANE / 2 - 3, 6, 6);
}

function drawDoubt(it, from, to, top) {
  paint.strokeStyle = colour("--spark");
  paint.lineWidth = 1;
  paint.beginPath();
  it.doubt.forEach((score, i) => {
    const at = from + (i + 0.5) / it.doubt.length * (to - from);
    const height = top + LANE - 4 - score * (LANE - 8);
    if (i) paint.lineTo(at, height);
    else paint.moveTo(at, height);
  });
  paint.stroke();
}

canvas.addEventListener("pointerdown", (event) => {
  if (!state.info) return;
  canvas.setPointerCapture(event.pointerId);
  if (state.info.sound && event.offsetY > RULER && event.offsetY < above() && event.offsetX >= NAMES) {
    silencing = {span: [clipped(event), clipped(event)], tone: event.shiftKey, at: event.offsetX};
    return;
  }
  const lane = lanes[scroll + Math.floor((event.offsetY - above()) / LANE)];
  if (event.offsetY > above() && lane) {
    const frame = frameAt(event.offsetX);
    const under = lane.filter((it) => event.offsetX < NAMES || (frame >= it.first && frame <= it.last + 1));
    if (under.length) select(under.map((it) => it.key));
  }
  if (event.offsetX >= NAMES) {
    dragging = true;
    seek(frameAt(event.offsetX));
  }
});
canvas.addEventListener("pointermove", (event) => {
  if (silencing) {
    silencing.span[1] = clipped(event);
    anew();
  }
  if (dragging) seek(frameAt(event.offsetX));
});
canvas.addEventListener("pointerup", (event) => {
  dragging = false;
  const done = silencing;
  silencing = null;
  if (done && Math.abs(event.offsetX - done.at) > 3) muteSpan(...done.span.sort((a, b) => a - b), done.tone);
  else if (done) seek(done.span[0]);
});
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const all = state.info.times.length;
  if (event.ctrlKey || event.metaKey) {
    const at = frameAt(event.offsetX);
    const share = (at - first) / Math.max(1, count);
    count = Math.max(10, Math.min(all, count * (event.deltaY < 0 ? 0.8 : 1.25)));
    first = Math.max(0, Math.min(all - count, at - share * count));
  } else if (event.shiftKey) {
    first = Math.max(0, Math.min(all - count, first + event.deltaY / 800 * count));
  } else {
    scroll = Math.max(0, Math.min(lanes.length - 1, scroll + Math.sign(event.deltaY)));
  }
  anew();
}, {passive: false});

const soon = beforeDrawing(repaint);

function anew() {
  stale = true;
  soon();
}

on("info", () => { first = 0; count = state.info?.times.length ?? 0; scroll = 0; });
on("plan", () => { order(); anew(); });
on("frame", () => {
  if (state.frame < first || state.frame > first + count) {
    first = Math.max(0, state.frame - count / 2);
    stale = true;
  }
  soon();
});
on("playing", soon);
on("selected", () => {
  const row = lanes.findIndex((lane) => lane.some((it) => state.selected.has(it.key)));
  const most = Math.floor((size[1] - above()) / LANE);
  if (row >= 0 && (row < scroll || row >= scroll + most)) scroll = Math.max(0, row - Math.floor(most / 2));
  anew();
});
new ResizeObserver(() => {
  size = [canvas.clientWidth, canvas.clientHeight];
  soon();
}).observe(canvas);
dark.addEventListener("change", () => {
  colours.clear();
  anew();
});

/** The frame before or after this one at which a shot begins. */
export function shotBoundary(direction) {
  const [from, to] = shot(state.frame);
  seek(direction > 0 ? to + 1 : state.frame > from ? from : shot(from - 1)[0]);
}
