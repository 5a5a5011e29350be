// The picture: frames, outlines, the split view, zoom, and the pointer's work on boxes.

import {correct, draw} from "./actions.js";
import {notice} from "./dialogs.js";
import {ahead, frame, outlinesAt, outlinesNow, ready, revisionOfOutlines, widthFor} from "./frames.js";
import * as painting from "./painting.js";
import {clock, on, seek, select, set, state, thing} from "./store.js";
import {played} from "./watched.js";

const view = document.getElementById("view");
const canvas = document.getElementById("picture");
const paint = canvas.getContext("2d");
const HANDLE = 9;

let shown = null;  // the bitmaps on the canvas: {original, published, index}
let zoom = 1, middle = null;  // middle of the view in pixels of the picture
let split = 0.5;
let work = null;  // what the pointer or the keyboard is doing: {kind, box, ...}
let saving = null;  // what it has done, until that is saved: meanwhile it may do something else
let hover = null;

const size = () => (state.info.sizes.length > 1 ? state.info.sizes[state.frame] : state.info.sizes[0]);

/** Where the picture lies on the canvas, in CSS pixels. */
function layout() {
  const [width, height] = size();
  const [across, down] = [view.clientWidth, view.clientHeight];
  const scale = Math.min(across / width, down / height) * zoom;
  const at = zoom === 1 || !middle ? [width / 2, height / 2] : middle;
  return {scale, left: across / 2 - at[0] * scale, top: down / 2 - at[1] * scale};
}

function toPicture(event) {
  const {scale, left, top} = layout();
  const place = view.getBoundingClientRect();
  return [(event.clientX - place.left - left) / scale, (event.clientY - place.top - top) / scale];
}

/** The longer side of the picture: the server counts it, not the width. */
function longer() {
  return Math.max(...size());
}

function viewsNeeded() {
  if (state.view === "split") return ["original", "published"];
  return [state.view === "published" ? "published" : "original"];
}

let changed = false, failed = null;

/** Show the current frame as soon as it is there; of many in between, only the last is asked for. */
async function refresh() {
  changed = true;
  if (state.waiting) return;
  set({waiting: true});
  while (changed) {
    changed = false;
    await fetchCurrent();
  }
  set({waiting: false});
}

async function fetchCurrent() {
  if (!state.info) return;
  const {info, frame: index} = state;
  const width = widthFor(longer() * layout().scale * devicePixelRatio);
  try {
    const views = viewsNeeded();
    const found = await Promise.all(views.map((name) => frame(index, width, name)));
    if (info !== state.info || state.playing) return;
    shown = {index};
    failed = null;
    views.forEach((name, i) => { shown[name] = found[i]; });
    repaint();
    if (!state.painted) set({painted: true});
    if (!state.playing) views.forEach((name) => ahead(index, 2, width, name));
  } catch (error) {
    if (error.name === "AbortError" || index !== state.frame) return;
    if (failed === index) return notice(error.message, error.kind);
    [failed, changed] = [index, true];  // it may have been dropped for a place that nobody is at any more
  }
}

/** Draw what is there. */
export function repaint() {
  if (!state.info) return;
  const ratio = devicePixelRatio;
  const [across, down] = [view.clientWidth, view.clientHeight];
  if (canvas.width !== Math.round(across * ratio) || canvas.height !== Math.round(down * ratio)) {
    canvas.width = Math.round(across * ratio);
    canvas.height = Math.round(down * ratio);
  }
  paint.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint.clearRect(0, 0, across, down);
  if (!shown) return;
  const place = layout();
  const [width, height] = size();
  const base = shown[viewsNeeded()[0]] ?? shown.original ?? shown.published;
  paint.imageSmoothingQuality = state.playing ? "low" : "high";
  paint.drawImage(base, place.left, place.top, width * place.scale, height * place.scale);
  if (state.view === "split" && shown.published) drawSplit(place, width, height);
  if (state.view === "uncertain") dim(place);
  if (state.view !== "published" || work || state.selected.size) drawOutlines(place);
  const ghost = state.follow?.sightings.find(([at]) => at === shown.index);
  if (ghost) drawBox(place, ghost.slice(1), "new", false);
  for (const it of [saving, work]) if (it?.box) drawBox(place, it.box, "new", true);
  if (painting.painting()) drawBox(place, painting.brushBox(), "new", true, simpleOutline());
  if (work?.corners) drawCorners(place);
  canvas.dataset.frame = shown.index;
  canvas.dataset.outlines = `${shown.index} ${revisionOfOutlines(shown.index)}`;
}

function drawSplit(place, width, height) {
  const at = place.left + width * place.scale * split;
  paint.save();
  paint.beginPath();
  paint.rect(at, 0, view.clientWidth, view.clientHeight);
  paint.clip();
  paint.drawImage(shown.published, place.left, place.top, width * place.scale, height * place.scale);
  paint.restore();
  paint.fillStyle = "#fff";
  paint.fillRect(at - 1, place.top, 2, height * place.scale);
  paint.beginPath();
  paint.arc(at, view.clientHeight / 2, 7, 0, 7);
  paint.fill();
}

const COLOURS = {hidden: "#34d399", uncertain: "#fbbf24", shown: "#fb7185", new: "#fff", region: "#93a8ff"};
const DASHES = {hidden: [], uncertain: [7, 4], shown: [2, 4], new: [4, 3], region: []};

/** All but what is uncertain lies in the dark. */
function dim(place) {
  const [width, height] = size().map((side) => side * place.scale);
  paint.beginPath();
  paint.rect(place.left, place.top, width, height);
  for (const [, , what, l, t, r, b] of outlinesAt(shown.index, repaint) ?? []) {
    if (what === "uncertain") paint.rect(place.left + r * place.scale, place.top + t * place.scale, (l - r) * place.scale, (b - t) * place.scale);
  }
  paint.fillStyle = "rgba(0,0,0,.6)";
  paint.fill();  // holes go round the other way
}

function traceShape([left, top, width, height], outline) {
  paint.beginPath();
  if (outline === "ellipse") paint.ellipse(left + width / 2, top + height / 2, width / 2, height / 2, 0, 0, 7);
  else if (Array.isArray(outline)) {
    for (const [x, y] of outline) paint.lineTo(left + x * width, top + y * height);
    paint.closePath();
  } else paint.rect(left, top, width, height);
}

function drawBox(place, [left, top, right, bottom], look, chosen, outline = "box") {
  const box = [place.left + left * place.scale, place.top + top * place.scale,
    (right - left) * place.scale, (bottom - top) * place.scale];
  traceShape(box, outline);
  paint.setLineDash([]);
  paint.lineWidth = chosen ? 5 : 4;
  paint.strokeStyle = "rgba(0,0,0,.55)";
  paint.stroke();
  paint.setLineDash(DASHES[look]);
  paint.lineWidth = chosen ? 3 : 2;
  paint.strokeStyle = COLOURS[look];
  paint.stroke();
  paint.setLineDash([]);
  if (chosen) {
    paint.fillStyle = COLOURS[look];
    for (const x of [box[0], box[0] + box[2]]) {
      for (const y of [box[1], box[1] + box[3]]) paint.fillRect(x - 4, y - 4, 8, 8);
    }
  }
}

function drawOutlines(place) {
  const here = outlinesAt(shown.index, repaint) ?? [];
  for (const [key, kind, what, ...box] of here) {
    const chosen = state.selected.has(key);
    if (work?.key === key || saving?.key === key) continue;
    if (state.view === "published" && !chosen) continue;
    if (state.view === "uncertain" && what !== "uncertain" && !chosen) continue;
    const look = kind === "region" ? "region" : what;
    drawBox(place, box, look, chosen || hover === key, thing(key)?.outline);
  }
}

/** What lies under a point: the smallest box there, selected ones first, and which corner of it. */
function hit([x, y]) {
  const near = HANDLE / layout().scale;
  const here = (outlinesAt(state.frame, repaint) ?? []);
  const inside = here.filter(([, , , l, t, r, b]) => x >= l - near && x <= r + near && y >= t - near && y <= b + near);
  inside.sort((a, b) => (state.selected.has(b[0]) - state.selected.has(a[0])) || area(a) - area(b));
  const found = inside[0];
  if (!found) return null;
  const [key, , , l, t, r, b] = found;
  const corner = [Math.abs(x - l) < near ? 0 : Math.abs(x - r) < near ? 2 : null,
    Math.abs(y - t) < near ? 1 : Math.abs(y - b) < near ? 3 : null];
  return {key, box: [l, t, r, b], corner: corner[0] !== null && corner[1] !== null ? corner : null};
}

const area = ([, , , l, t, r, b]) => (r - l) * (b - t);

const tidy = ([l, t, r, b]) => [Math.min(l, r), Math.min(t, b), Math.max(l, r), Math.max(t, b)].map((v) => Math.round(v * 10) / 10);

view.addEventListener("pointerdown", (event) => {
  if (!state.info || (event.button !== 0 && event.button !== 1)) return;
  if (shown?.index !== state.frame) return;  // nobody draws on a frame that is not the one shown
  view.setPointerCapture(event.pointerId);
  const at = toPicture(event);
  const {scale, left} = layout();
  const edge = left + size()[0] * scale * split;
  if (state.view === "split" && Math.abs(event.clientX - view.getBoundingClientRect().left - edge) < 10) {
    work = {kind: "split"};
  } else if (event.button === 1 || event.altKey) {
    work = {kind: "pan", at, from: middle ?? size().map((side) => side / 2)};
  } else {
    const under = event.shiftKey ? null : hit(at);
    if (state.playing && state.tool === "path") {
      painting.begin(at, size(), chosenHere()?.slice(3), simpleOutline());
    } else if (work?.corners || (outlineChosen() === "polygon" && !(under && state.tool === "path"))) {
      corner(at);
    } else if (under && state.tool === "path") {
      work = {kind: under.corner ? "size" : "move", key: under.key, start: under.box, box: null, corner: under.corner, at, add: event.ctrlKey || event.metaKey};
    } else {
      work = {kind: "draw", at, box: null};
    }
  }
  event.preventDefault();
  view.focus();
});

view.addEventListener("pointermove", (event) => {
  if (!state.info) return;
  const at = toPicture(event);
  if (painting.painting()) {
    painting.move(at);
    return repaint();
  }
  if (work?.corners) {
    work.at = at;
    return repaint();
  }
  if (!work || work.keyboard) {
    const under = hit(at);
    view.style.cursor = under ? (under.corner ? "nwse-resize" : "move") : "crosshair";
    if (hover !== (under?.key ?? null)) {
      hover = under?.key ?? null;
      repaint();
    }
    return;
  }
  if (work.kind === "split") {
    split = Math.max(0, Math.min(1, at[0] / size()[0]));
  } else if (work.kind === "pan") {
    middle = [work.from[0] - (at[0] - work.at[0]), work.from[1] - (at[1] - work.at[1])];
    work.from = middle;
  } else {
    const [dx, dy] = [at[0] - work.at[0], at[1] - work.at[1]];
    if (!work.box && Math.hypot(dx, dy) * layout().scale < 4) return;  // a click
    if (work.kind === "draw") work.box = tidy([...work.at, ...at]);
    else if (work.kind === "move") work.box = tidy(work.start.map((v, i) => v + (i % 2 ? dy : dx)));
    else work.box = tidy(work.start.map((v, i) => (i === work.corner[0] ? at[0] : i === work.corner[1] ? at[1] : v)));
  }
  repaint();
});

view.addEventListener("pointercancel", () => painting.painting() && painting.finish());
view.addEventListener("pointerup", async (event) => {
  if (painting.painting()) {
    const under = hit(toPicture(event));
    if (!(await painting.finish())) select(under ? [under.key] : []);
    return;
  }
  const done = work;
  if (!done || done.keyboard || done.corners) return;
  work = null;
  if (done.box) {
    await commit(done);
  } else if (done.key) {
    const chosen = new Set(done.add ? state.selected : []);
    if (done.add && chosen.has(done.key)) chosen.delete(done.key);
    else chosen.add(done.key);
    select(chosen);
  } else if (done.kind === "draw") {
    select([]);
  }
  repaint();
});

// a polygon: a click for each corner, closed at the first one or with Enter

const outlineChosen = () => document.getElementById("outline").value;
const simpleOutline = () => (outlineChosen() === "ellipse" ? "ellipse" : "box");

/** What is selected, where it is in this frame, as far as that is known here. */
function chosenHere() {
  const [key] = state.selected.size === 1 ? state.selected : [null];
  return key && outlinesAt(state.frame, repaint)?.find(([name]) => name === key);
}

const CORNER_HINT = "Click each corner, or go there with the arrows and press Space. Enter closes it, Backspace takes one back, Escape leaves it.";

function corner(at) {
  const corners = work?.corners ?? [];
  const near = corners.length > 2 && Math.hypot(at[0] - corners[0][0], at[1] - corners[0][1]) * layout().scale < HANDLE;
  if (near) return close();
  work = {corners: [...corners, at], at};
  document.getElementById("hint").textContent = CORNER_HINT;
  repaint();
}

function drawCorners(place) {
  paint.beginPath();
  for (const [x, y] of [...work.corners, work.at]) paint.lineTo(place.left + x * place.scale, place.top + y * place.scale);
  paint.lineWidth = 2;
  paint.strokeStyle = COLOURS.new;
  paint.setLineDash(DASHES.new);
  paint.stroke();
  paint.setLineDash([]);
  const [x, y] = [place.left + work.at[0] * place.scale, place.top + work.at[1] * place.scale];
  paint.strokeRect(x - 5, y - 5, 10, 10);
}

async function close() {
  const corners = work.corners.map((it) => it.map((value) => Math.round(value * 10) / 10));
  const [across, down] = [0, 1].map((axis) => corners.map((it) => it[axis]));
  const box = tidy([Math.min(...across), Math.min(...down), Math.max(...across), Math.max(...down)]);
  const share = (value, from, to) => Math.round(Math.max(0, Math.min(1, (value - from) / (to - from))) * 1e4) / 1e4;
  leaveCorners();
  if (corners.length < 3 || box[2] <= box[0] || box[3] <= box[1]) return notice("a polygon has three corners or more");
  const outline = corners.map(([x, y]) => [share(x, box[0], box[2]), share(y, box[1], box[3])]);
  await commit({box, outline});
}

function leaveCorners() {
  work = null;
  document.getElementById("hint").textContent = "";
  repaint();
}

/** A key while a polygon is drawn. */
function cornerKey(event) {
  const move = moveOf(event);
  if (move) work.at = [work.at[0] + move[0], work.at[1] + move[1]];
  else if (event.key === " ") corner(work.at);
  else if (event.key === "Enter") close();
  else if (event.key === "Escape" || (event.key === "Backspace" && work.corners.length < 2)) leaveCorners();
  else if (event.key === "Backspace") work.corners.pop();
  else return;
  event.preventDefault();
  repaint();
}

async function commit(done) {
  saving = done;
  try {
    if (done.key) await correct(done.key, done.box);
    else await draw(done.box, state.tool, done.outline ?? simpleOutline());
  } finally {
    if (saving === done) saving = null;
  }
  if (state.tool === "zone") set({tool: "path"});
  refresh();
}

view.addEventListener("wheel", (event) => {
  if (!state.info) return;
  event.preventDefault();
  if (painting.painting()) {
    painting.resize(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    return repaint();
  }
  const at = toPicture(event);
  const before = zoom;
  zoom = Math.max(1, Math.min(16, zoom * (event.deltaY < 0 ? 1.2 : 1 / 1.2)));
  const from = middle ?? size().map((side) => side / 2);
  middle = from.map((v, i) => at[i] + (v - at[i]) * before / zoom);
  refresh();
}, {passive: false});

/** Begin to place a box or a polygon with the keyboard: a new one, or the selected one. */
export async function placeByKeys(tool) {
  set({tool});
  const [key] = state.selected.size === 1 ? state.selected : [null];
  const here = tool === "path" && key && (await outlinesNow(state.frame)).find(([name]) => name === key);
  const [width, height] = size();
  if (outlineChosen() === "polygon" && !here) {
    work = {corners: [], at: [width / 2, height / 2]};
    document.getElementById("hint").textContent = CORNER_HINT;
    return repaint();
  }
  const box = here ? here.slice(3) : [width * 0.4, height * 0.4, width * 0.6, height * 0.6];
  work = {keyboard: true, key: here ? key : null, box};
  document.getElementById("hint").textContent = "Arrows move the box, Shift and arrows size it, Enter keeps it, Escape leaves it.";
  repaint();
}

/** Whether something is being drawn that keys are for. */
export function placing() {
  return Boolean(work?.keyboard || work?.corners || painting.painting());
}

/** How far an arrow goes, in pixels of the picture; little with Ctrl. */
function moveOf(event) {
  const step = event.ctrlKey ? 1 : 0.025 * Math.max(...size());
  return {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
}

/** A key while something is being drawn. */
export async function placeKey(event) {
  if (painting.painting()) {
    if (event.key === "Escape") painting.leave();
    else if (event.key === " ") set({playing: false});
    return event.preventDefault();
  }
  if (work.corners) return cornerKey(event);
  const move = moveOf(event);
  if (move) {
    const [l, t, r, b] = work.box;
    work.box = event.shiftKey ? tidy([l, t, Math.max(l + 2, r + move[0]), Math.max(t + 2, b + move[1])])
      : tidy([l + move[0], t + move[1], r + move[0], b + move[1]]);
  } else if (event.key === "Enter" || event.key === "Escape") {
    const done = work;
    work = null;
    document.getElementById("hint").textContent = "";
    if (event.key === "Enter") await commit(done);
  } else {
    return;
  }
  event.preventDefault();
  repaint();
}

// playing

let started = 0, startFrame = 0;

/** Play, or stop. */
export function play() {
  set({playing: !state.playing});
  if (!state.playing) return;
  if (state.frame >= state.info.times.length - 1) seek(0);
  [started, startFrame] = [performance.now(), state.frame];
  requestAnimationFrame(step);
}

function step(now) {
  if (!state.playing) return;
  const speed = Number(document.getElementById("speed").value);
  const times = state.info.times;
  const width = widthFor(longer() * layout().scale * devicePixelRatio);
  const views = viewsNeeded();
  const next = state.frame + 1;
  views.forEach((name) => ahead(state.frame, 4, width, name));
  if (next >= times.length) {
    set({playing: false});
    return;
  }
  const due = started + 1000 * (times[next] - times[startFrame]) / speed;
  const bitmaps = views.map((name) => ready(next, width, name));
  if (now >= due - 4 && bitmaps.every(Boolean)) {
    shown = {index: next};
    views.forEach((name, i) => { shown[name] = bitmaps[i]; });
    set({frame: next});
    painting.shows(next);
    played(next);
    repaint();
    if (now - due > 250) [started, startFrame] = [now, next];  // late: every frame is shown, slower
  }
  requestAnimationFrame(step);
}

on("frame", () => {
  document.getElementById("place").textContent =
    `${clock(state.info.times[state.frame])} · frame ${state.frame + 1} of ${state.info.times.length}`;
  if (!state.playing) refresh();
});
on("plan", () => { refresh(); });
on("view", refresh);
on("selected", repaint);
on("painted", () => view.toggleAttribute("data-painted", state.painted));
on("info", () => { zoom = 1; middle = null; shown = null; });
new ResizeObserver(() => refresh()).observe(view);
