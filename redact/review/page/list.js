// People and things: a card for each, with where it is best to be seen, and what is decided.

import {placing} from "./picture.js";
import {beforeDrawing, clock, on, seek, select, state, things, title} from "./store.js";

const list = document.getElementById("cards");
const filter = document.getElementById("filter");
const sort = document.getElementById("sort");
const HEIGHT = 84;  // of a card, in CSS pixels, as in the style
let order = [], anchor = null, current = 0;
let counts = new Map();  // tracks that seem to be of one person, by the first of them

const seen = new Map();  // cards that are drawn, by name

function wanted(it) {
  if (filter.value === "all") return true;
  if (filter.value === "region") return it.drawn;
  if (filter.value in state.info.kinds) return it.kind === filter.value;
  if (filter.value === "here") return it.first <= state.frame && state.frame <= it.last;
  return it.state === filter.value || (it.state === "partly" && filter.value !== "uncertain");
}

const BY = {
  time: (a, b) => a.first - b.first,
  doubt: (a, b) => (a.score ?? 1) - (b.score ?? 1),
  size: (a, b) => (b.height ?? 0) - (a.height ?? 0),
};

/** The filter offers each kind that the plan has. */
function offerKinds() {
  const present = new Set(state.plan?.tracks.map((it) => it.kind));
  const offered = Object.entries(state.info.kinds).filter(([kind]) => present.has(kind) || filter.value === kind);
  const group = document.getElementById("filter-kinds");
  group.replaceChildren(...offered.map(([kind, {names}]) => new Option(names, kind, false, filter.value === kind)));
  group.hidden = offered.length < 2;
}

/** One person's tracks stay together, at the place of the first of them. */
function arrange() {
  const found = things().filter(wanted).sort(BY[sort.value]);
  const groups = new Map();
  counts = new Map();
  for (const {alike} of things()) if (alike) counts.set(alike, (counts.get(alike) ?? 0) + 1);
  for (const it of found) {
    const name = it.person ?? it.alike ?? it.key;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(it);
  }
  order = [...groups.values()].flat();
}

const fillSoon = beforeDrawing(fill);

/** Only cards that can be seen are in the document: there may be thousands. */
function fill() {
  list.style.setProperty("--rows", order.length);
  const from = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - 3);
  const to = Math.min(order.length, Math.ceil((list.scrollTop + list.clientHeight) / HEIGHT) + 3);
  const here = new Set(order.slice(from, to).map((it) => it.key));
  for (const [key, card] of seen) {
    if (!here.has(key)) {
      card.remove();
      seen.delete(key);
    }
  }
  for (let row = from; row < to; row++) {
    const it = order[row];
    let card = seen.get(it.key);
    if (!card) {
      card = make(it);
      seen.set(it.key, card);
      list.append(card);
    }
    update(card, it, row);
  }
  fetchCrop();
  const marked = order[current];
  if (marked && seen.has(marked.key)) list.setAttribute("aria-activedescendant", seen.get(marked.key).id);
  else list.removeAttribute("aria-activedescendant");
}

let fetching = false;

/** One crop at a time: a browser has few connections, and neither an act nor a frame must wait for crops. */
function fetchCrop() {
  if (fetching || !state.painted || state.waiting) return;
  const next = [...seen.values()].find((card) => card.dataset.crop && !card.firstChild.src)?.firstChild;
  if (!next) return;
  fetching = true;
  next.onload = next.onerror = () => {
    fetching = false;
    fetchCrop();
  };
  next.src = next.parentElement.dataset.crop;
}

function make(it) {
  const card = document.createElement("li");
  card.className = "card";
  card.setAttribute("role", "option");
  card.id = `card-${it.key.replace(/[^\w-]/g, (c) => `_${c.codePointAt(0)}`)}`;
  card.dataset.key = it.key;
  const crop = document.createElement(it.drawn ? "span" : "img");
  crop.className = "crop";
  if (!it.drawn) {
    crop.alt = "";
    crop.decoding = "async";
    card.dataset.crop = `files/${state.file}/crops/${it.id}`;
  }
  const words = document.createElement("div");
  for (const name of ["title", "span", "what"]) {
    const line = document.createElement("span");
    line.className = name;
    words.append(line);
  }
  card.append(crop, words);
  return card;
}

const SAID = {hidden: "hidden", shown: "shown", uncertain: "uncertain, not hidden", partly: "hidden in part"};

function update(card, it, row) {
  card.style.setProperty("--row", row);
  const chosen = state.selected.has(it.key);
  card.setAttribute("aria-selected", chosen);
  card.setAttribute("aria-posinset", row + 1);
  card.setAttribute("aria-setsize", order.length);
  card.classList.toggle("current", row === current);
  card.dataset.state = it.drawn ? "region" : it.state;
  const times = state.info.times;
  card.querySelector(".title").textContent = title(it);
  card.style.setProperty("--kind", state.info.kinds[it.kind]?.colour ?? "transparent");
  card.querySelector(".span").textContent = `${clock(times[it.first], 1)} – ${clock(times[it.last], 1)}`;
  const alike = it.alike ? counts.get(it.alike) : 0;
  const jump = it.jump === null || it.jump === undefined ? "" : " · jumps";
  const looked = it.looked && it.state !== "partly" ? " · looked at" : "";
  const style = it.style ? ` · ${it.style}` : "";
  card.querySelector(".what").textContent = SAID[it.state] + style + looked + jump + (alike > 1 ? ` · ${alike} alike` : "");
}

function choose(row, event) {
  current = Math.max(0, Math.min(row, order.length - 1));
  const it = order[current];
  if (!it) return;
  const chosen = new Set(event.ctrlKey || event.metaKey ? state.selected : []);
  if (event.shiftKey && anchor !== null) {
    const [from, to] = [Math.min(anchor, current), Math.max(anchor, current)];
    order.slice(from, to + 1).forEach((other) => chosen.add(other.key));
  } else {
    anchor = current;
    if (chosen.has(it.key)) chosen.delete(it.key);
    else chosen.add(it.key);
    seek(it.jump ?? it.best ?? it.first);
  }
  select(chosen);
}

// a marquee: drag over cards to select them
let marquee = null;
list.addEventListener("pointerdown", (event) => {
  const card = event.target.closest(".card");
  if (!card || event.button !== 0) return;
  event.preventDefault();
  list.focus();
  marquee = order.findIndex((it) => it.key === card.dataset.key);
  choose(marquee, event);
});
list.addEventListener("pointermove", (event) => {
  if (marquee === null || event.buttons !== 1) return;
  const card = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".card");
  const row = card ? order.findIndex((it) => it.key === card.dataset.key) : -1;
  if (row >= 0 && row !== current) {
    current = row;
    const [from, to] = [Math.min(marquee, row), Math.max(marquee, row)];
    select(order.slice(from, to + 1).map((it) => it.key));
  }
});
addEventListener("pointerup", () => { marquee = null; });

list.addEventListener("keydown", (event) => {
  const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8};
  if (event.key in steps && !placing()) {
    choose(current + steps[event.key], event);
    reveal(order[current]?.key);
    event.preventDefault();
    event.stopPropagation();
  }
});

function reveal(key) {
  const row = order.findIndex((it) => it.key === key);
  if (row < 0) return;
  const top = row * HEIGHT;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
}

function rebuild() {
  arrange();
  fill();
}

function clear() {
  for (const card of seen.values()) card.remove();
  seen.clear();
  current = 0;
  anchor = null;
}

on("info", clear);
on("painted", fill);  // the picture comes first
on("waiting", fetchCrop);
on("plan", () => {
  offerKinds();
  rebuild();
});
on("selected", () => {
  if (state.selected.size === 1) {
    const [key] = state.selected;
    const row = order.findIndex((it) => it.key === key);
    if (row >= 0) {
      current = row;
      if (marquee === null) anchor = row;
    }
    reveal(key);
  }
  fillSoon();
});
on("frame", () => { if (filter.value === "here") rebuild(); });
filter.addEventListener("change", rebuild);
sort.addEventListener("change", rebuild);
list.addEventListener("scroll", fillSoon);
new ResizeObserver(fill).observe(list);
