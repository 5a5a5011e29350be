// Frames and outlines from the server, a few kept in memory, the next ones asked for ahead.

import {get, picture} from "./api.js";
import {state} from "./store.js";

const WIDTHS = [160, 480, 960, 1440, 1920, 4096];
const MOST = 32e6;  // pixels of decoded frames that are kept
const CHUNK = 100;  // frames whose outlines come at once, as the server gives them
const kept = new Map();
let pixels = 0;
const coming = new Map();
const chunks = new Map();

/** The width in which the server gives a picture at least as wide. */
export function widthFor(pixels) {
  const longest = Math.max(...state.info.size);
  const wanted = WIDTHS.find((width) => width >= pixels) ?? WIDTHS.at(-1);
  return Math.min(wanted, WIDTHS.find((width) => width >= longest) ?? WIDTHS.at(-1));
}

function key(index, width, view) {
  return `${state.file}/${view === "published" ? state.plan.revision : 0}/${view}/${width}/${index}`;
}

/** A frame that is there already. */
export function ready(index, width, view) {
  return kept.get(key(index, width, view));
}

/** A frame, once it has come. */
export function frame(index, width, view) {
  const name = key(index, width, view);
  const found = kept.get(name);
  if (found) {
    kept.delete(name);
    kept.set(name, found);
    return Promise.resolve(found);
  }
  if (!coming.has(name)) {
    const r = view === "published" ? state.plan.revision : 0;
    const back = state.back && !state.playing ? "&d=back" : "";
    const place = `files/${state.file}/frames/${index}?w=${width}&v=${view}&r=${r}${back}`;
    const made = picture(place).then((bitmap) => {
      kept.set(name, bitmap);
      pixels += bitmap.width * bitmap.height;
      while (pixels > MOST && kept.size > 2) {
        const [oldest, old] = kept.entries().next().value;
        kept.delete(oldest);
        pixels -= old.width * old.height;
        old.close();
      }
      return bitmap;
    }).finally(() => coming.delete(name));
    coming.set(name, made);
  }
  return coming.get(name);
}

/** Ask for some frames after one, or before it, without waiting. */
export function ahead(index, count, width, view) {
  const step = state.back && !state.playing ? -1 : 1;
  for (let i = 1; i <= count; i++) {
    const next = index + i * step;
    if (coming.size >= 3 || next < 0 || next >= state.info.times.length) return;
    if (!ready(next, width, view)) frame(next, width, view).catch(() => {});
  }
}

const chunkName = (index) => `${state.file}/${index - (index % CHUNK)}`;

/** What is where in a frame as the plan is now, once it has come. */
export async function outlinesNow(index) {
  const first = index - (index % CHUNK);
  const chunk = chunks.get(chunkName(index));
  if (chunk?.fresh && chunk.revision === state.plan.revision) return chunk.frames[index - first];
  const said = await get(`files/${state.file}/outlines/${first}`);
  return said.frames[index - first] ?? [];
}

/** What is where in a frame, if it has come; it is asked for if not. */
export function outlinesAt(index, whenHere) {
  const {revision} = state.plan;
  const first = index - (index % CHUNK), name = chunkName(index);
  const chunk = chunks.get(name);
  if (!chunk || chunk.revision !== revision) {
    const old = chunk?.frames;  // shown until the new ones are there
    chunks.set(name, {revision, frames: old});
    get(`files/${state.file}/outlines/${first}`).then((said) => {
      // kept as what was asked for: a page that is behind the server must not ask for ever
      chunks.set(name, {revision, frames: said.frames, fresh: said.revision === revision});
      whenHere();
    }).catch(() => chunks.delete(name));
    return old?.[index - first];
  }
  return chunk.frames?.[index - first];
}

/** The revision of the plan that the outlines of a frame are of, as far as they are here. */
export const revisionOfOutlines = (index) => {
  const chunk = chunks.get(chunkName(index));
  return chunk?.fresh ? chunk.revision : null;
};
