// LOOK: the stack of the query, its slices, window and level, what is under the cursor, and the tools that mark.
import { $, fill, h, later, s } from './dom.js';
import { connection, graphql, upload as send } from './api.js';
import { Marker, maskOf, outlineOf, simplified } from './marks.js';
import { imagePath, loadImage, loadPixels, prefetch, Unreadable, uploadPath } from './pixels.js';
import { OUTLINE, STACK } from './queries.js';
import { state, update, watch } from './state.js';
import { View } from './view.js';
import { valueAt } from './windowing.js';
import { askOf } from './ask.js';

/** @typedef {import('./types.js').Slice} Slice */
/** @typedef {import('./types.js').Pixels} Pixels */

const AHEAD = 10;
const GENERAL = [{ name: 'as indexed', low: NaN, high: NaN }, { name: 'full range', low: -Infinity, high: Infinity }];

/** @type {{ slices: Slice[], at: number, uploads: number, name: string }} */
const stack = { slices: [], at: 0, uploads: 0, name: '' };
/** @type {View} */
export let view;
/** @type {Marker} */
export let marker;
/** @type {SVGElement} */
const regionDrawing = s('g.region');
let shownPath = '';
let wheel = 0;

export const slices = () => stack.slices;
export const currentSlice = () => stack.slices[stack.at] ?? null;
export const isOpen = () => Boolean(state.image || state.upload);

export function start() {
  view = new View($('stage'));
  marker = new Marker(view, { done: marked, measured: (text) => fill($('measured'), text), spacing });
  view.drawing.append(regionDrawing, marker.preview, marker.ruler);
  pointers();
  $('slider').addEventListener('input', (/** @type {any} */ event) => goTo(Number(event.target.value)));
  $('presets').addEventListener('change', preset);
  watch(changed);
  connection.addEventListener('back', open);  // what was opened meanwhile
}

/** @returns {number[] | null} mm of a row and of a column */
function spacing() {
  return view.pixels?.about.spacing ?? currentSlice()?.image.spacingMm ?? null;
}

/** @param {Set<string>} what */
async function changed(what) {
  if (what.has('index') || what.has('image') || what.has('upload')) await open();
  else if (what.has('frame')) await showSlice();
  else if (what.has('window') || what.has('invert')) rewindow();
  if (what.has('region') || what.has('margin') || what.has('image')) drawRegion();
}

/** Opens the stack of the image asked for, unless it is open. */
async function open() {
  $('empty-look').hidden = isOpen();
  if (!isOpen()) return;
  const at = stack.slices.findIndex((slice) => slice.image.id === state.image);
  if (state.image && at >= 0) {
    stack.at = at;
  } else if (state.image) {
    const wanted = state.image;
    const { stack: found } = await graphql(STACK, { index: state.index, image: wanted });
    if (state.image !== wanted) return;  // another was opened meanwhile
    if (found.__typename === 'Problem' || found.message) {
      problem(found.message);
      return;
    }
    Object.assign(stack, found, { uploads: 0 });
  }
  slider();
  await showSlice();
}

/** A file dropped on the page: its frames are the stack. @param {string} name @param {number} frames */
export function openUpload(name, frames) {
  Object.assign(stack, { slices: [], at: 0, uploads: frames, name });
}

function slider() {
  const node = $('slider');
  node.max = String(count() - 1);
  node.value = String(place());
  $('slices').hidden = count() < 2;
}

/** @param {number} wanted place of the slice in the stack */
export function goTo(wanted) {
  const to = Math.min(Math.max(wanted, 0), count() - 1);
  if (state.upload) update({ frame: to, region: null });
  else if (stack.slices[to] && to !== stack.at) {
    stack.at = to;
    update({ image: stack.slices[to].image.id, region: null });
  }
}

/** @param {number} step */
export const scroll = (step) => goTo(place() + step);

const count = () => stack.uploads || stack.slices.length;
const place = () => (state.upload ? state.frame : stack.at);
const path = () => (state.upload ? uploadPath(state.upload, state.frame) : imagePath(state.index, stack.slices[stack.at].image.key));

async function showSlice() {
  if (!isOpen() || (!state.upload && !currentSlice())) return;
  const mine = path();
  shownPath = mine;
  slider();
  try {
    const pixels = await loadPixels(mine);
    if (mine !== shownPath) return;
    problem('');
    view.show(pixels, state.window ?? pixels.about.window, state.invert);
    presets(pixels);
    describe();
  } catch (error) {
    if (mine !== shownPath) return;
    await showFallback(mine, /** @type {Error} */ (error));
  }
  prefetch(neighbours());
}

/** The file is gone: what the index kept of it, and why. @param {string} mine @param {Error} error */
async function showFallback(mine, error) {
  if (!(error instanceof Unreadable)) throw error;
  problem(`${error.message} Shown is what the index kept.`);
  const image = currentSlice()?.image;
  const picture = await loadImage(`${mine}/picture`).catch(() => null);
  if (picture && mine === shownPath) view.showPicture(picture, image?.cols ?? picture.width, image?.rows ?? picture.height);
  describe();
}

function neighbours() {
  const found = [];
  for (let step = 1; step <= AHEAD; step++) {
    for (const at of [stack.at + step, stack.at - step]) {
      const slice = stack.slices[at];
      if (slice) found.push(imagePath(state.index, slice.image.key));
    }
  }
  return found;
}

/** @param {string} text */
function problem(text) {
  $('look-problem').hidden = !text;
  fill($('look-problem'), text);
}

function rewindow() {
  if (!view.pixels) return;
  view.show(view.pixels, state.window ?? view.pixels.about.window, state.invert);
  describe();
}

/** What is shown: name, slice, position, window. */
function describe() {
  const image = currentSlice()?.image;
  const about = view.pixels?.about;
  const position = currentSlice()?.positionMm;
  const slice = count() > 1 ? `slice ${place() + 1}/${count()}` : '';
  const height = position !== null && position !== undefined ? `z ${position.toFixed(1).replace('-', '−')} mm` : '';
  fill($('look-title'), state.upload ? `${stack.name} (not in the index)` : image?.id ?? '');
  fill($('where-am-i'), [slice, height].filter(Boolean).join(' · '));
  $('stage').setAttribute('aria-label', [state.upload ? stack.name : image?.id ?? '', slice, height].filter(Boolean).join(', '));
  const shown = view.window;
  fill($('window-values'), about && about.channels === 1
    ? `C ${number((shown.low + shown.high) / 2)} W ${number(shown.high - shown.low)}` : '');
  fill($('labels'), ...(image?.labels ?? []).map((label) => h('span.chip', {}, label)));
}

/** @param {number} value */
const number = (value) => (Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3)).replace('-', '−');

/** @param {Pixels} pixels */
function presets(pixels) {
  const all = [...GENERAL, ...pixels.about.presets];
  const node = $('presets');
  if (node.dataset.names !== String(all.map((p) => p.name))) {
    node.dataset.names = String(all.map((p) => p.name));
    fill(node, h('option', { value: '' }, 'window'), ...all.map((p, i) => h('option', { value: String(i) }, `${i + 1} ${p.name}`)));
  }
  node.disabled = pixels.about.channels !== 1;
}

function preset() {
  const at = $('presets').value;
  if (at !== '') choosePreset(Number(at));
  $('presets').value = '';
}

/** @param {number} at from 0 */
export function choosePreset(at) {
  const about = view.pixels?.about;
  if (!about || about.channels !== 1) return;
  const chosen = [...GENERAL, ...about.presets][at];
  if (!chosen) return;
  writeWindow.cancel();
  view.window = about.window;  // what a drag left, not yet in the state
  rewindow();
  if (Number.isNaN(chosen.low)) update({ window: null });
  else if (chosen.low === -Infinity) update({ window: { low: about.min, high: Math.max(about.max, about.min + 1e-3) } });
  else update({ window: { low: chosen.low, high: chosen.high } });
}

const writeWindow = later((/** @type {any} */ shown) => update({ window: shown }), 150);

/** Drag right: wider window; drag down: darker. @param {number} dx @param {number} dy */
function dragWindow(dx, dy) {
  const about = view.pixels?.about;
  if (!about || about.channels !== 1) return;
  const { low, high } = view.window;
  const unit = Math.max(high - low, (about.max - about.min) / 2000, 1e-6) / 300;
  const width = Math.max(high - low + dx * unit * 2, unit);
  const centre = (low + high) / 2 + dy * unit;
  view.window = { low: centre - width / 2, high: centre + width / 2 };
  view.redraw();
  describe();
  writeWindow(view.window);
}

/** @param {PointerEvent | MouseEvent} event */
function hover(event) {
  const { x, y } = view.pointOf(event);
  const found = view.pixels && valueAt(view.pixels, x, y);
  if (!found) {
    fill($('under'), '');
    return;
  }
  const mm = spacing();
  const where = `x ${Math.floor(x)} y ${Math.floor(y)}${mm ? ` · ${(x * mm[1]).toFixed(1)}, ${(y * mm[0]).toFixed(1)} mm` : ''}`;
  const value = Array.isArray(found) ? `rgb ${found.join(' ')}` : `${view.pixels?.about.unit ?? 'value'} ${number(found)}`;
  fill($('under'), `${where} · ${value}`);
}

export let isPanning = false;
/** @param {boolean} on */
export const setPanning = (on) => { isPanning = on; $('stage').classList.toggle('panning', on); };

function pointers() {
  const stage = $('stage');
  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();
  let how = '';
  stage.addEventListener('contextmenu', (/** @type {Event} */ event) => event.preventDefault());
  stage.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
    if (!isOpen()) return;
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    how = fingers.size > 1 || event.button === 1 || isPanning ? 'pan' : event.button === 2 ? 'window' : 'mark';
    if (how === 'mark') marker.down(event);
    else marker.cancel();
  });
  stage.addEventListener('pointermove', (/** @type {PointerEvent} */ event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (marker.tool === 'polygon') marker.move(event);
      hover(event);
      return;
    }
    const others = [...fingers.values()].filter((finger) => finger.pointerId !== event.pointerId);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (how === 'window') dragWindow(dx, dy);
    else if (how === 'mark') marker.move(event);
    else if (others.length) pinch(before, event, others[0]);
    else view.pan(dx, dy);
    fingers.set(event.pointerId, event);
  });
  for (const end of ['pointerup', 'pointercancel']) {
    stage.addEventListener(end, (/** @type {PointerEvent} */ event) => {
      if (fingers.delete(event.pointerId) && how === 'mark' && end === 'pointerup') marker.up(event);
    });
  }
  stage.addEventListener('wheel', (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const bounds = stage.getBoundingClientRect();
    const at = { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
    if (event.ctrlKey || count() < 2) {
      view.zoomBy(Math.exp(-event.deltaY / 400), at);
      return;
    }
    // One step a notch of the wheel; a touchpad's small movements add up to one.
    wheel += event.deltaY;
    const step = Math.abs(event.deltaY) >= 50 ? Math.sign(event.deltaY) : Math.trunc(wheel / 30);
    if (step) { wheel = 0; scroll(step); }
  }, { passive: false });
}

/** Two fingers: zoom by their distance, pan by their middle. @param {PointerEvent} before @param {PointerEvent} now @param {PointerEvent} other */
function pinch(before, now, other) {
  const span = (/** @type {PointerEvent} */ a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY) || 1;
  const bounds = $('stage').getBoundingClientRect();
  const at = { x: (now.clientX + other.clientX) / 2 - bounds.left, y: (now.clientY + other.clientY) / 2 - bounds.top };
  view.zoomBy(span(now) / span(before), at);
  view.pan((now.clientX - before.clientX) / 2, (now.clientY - before.clientY) / 2);
}

/** The mark is finished: it is the question. @param {any} region */
async function marked(region) {
  if (region.strokes) {
    const { mask } = await send('/masks', await maskOf(region.strokes, region.radius, view.size));
    const { region: found } = await graphql(OUTLINE, { index: state.index, ask: { ...askOf(), region: { mask } } });
    // Its outline, unlike the mask, stands in the address: a link to it works tomorrow, and for others.
    if (found.polygons?.length === 1) update({ region: { polygon: simplified(found.polygons[0]) } }, { keep: true });
    else update({ region: { mask } }, { keep: true });
  } else update({ region }, { keep: true });
}

/** Draws the region at once as it was marked, then as the server takes it (superpixel, brush, margin). */
async function drawRegion() {
  const { region } = state;
  regionDrawing.replaceChildren(...(region ? outlineOf(region) : []));
  fill($('area'), '');
  if (!region || !isOpen()) return;
  const { region: found } = await graphql(OUTLINE, { index: state.index, ask: askOf() });
  if (state.region !== region || found.__typename === 'Problem') return;
  regionDrawing.replaceChildren(...found.polygons.map((/** @type {number[][]} */ points) => s('polygon', { points: points.join(' ') })));
  fill($('area'), found.areaMm2 ? `${found.areaMm2.toFixed(0)} mm²` : `${found.pixels} px`);
}
