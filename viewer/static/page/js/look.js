// LOOK: the stack of the query, its slices or a whole slide, window and level, what is under the cursor, and the tools that mark.
import { $, chip, clamp, dotted, fill, h, later, link, minus, on, onNumbers, s } from './dom.js';
import { connection, fetchGiven, part } from './api.js';
import { Marker, outlineOf } from './marks.js';
import { imagePath, loadImage, loadPixels, prefetch, uploadPath } from './pixels.js';
import { outline, stackOf } from './queries.js';
import { lookAt, open, state, update, watch } from './state.js';
import { View } from './view.js';
import { valueAt } from './windowing.js';
import { askOf } from './ask.js';
/** @import { About, Image, Pixels, Slice, Window, XY } from './types.js' */

const AHEAD = 10;
const uploads = part('uploads');
export const slide = part('slide');

/** @type {{ slices: Slice[], at: number, frames: object[], name: string, slideLevels: number }} of a file that was dropped on the page, its frames and name */
const NOTHING = { slices: [], at: 0, frames: [], name: 'A file', slideLevels: 0 };
const stack = { ...NOTHING };
/** @type {XY[] | null} the part of a slide that is looked at once it is open */
let goal = null;
/** @type {View} */
export let view;
/** @type {Marker} */
export let marker;
const regionDrawing = s('g.region');
let shownPath = '';

export const slices = () => stack.slices;
export const currentSlice = () => stack.slices[stack.at] ?? null;
export const isOpen = () => Boolean(state.image || state.upload);

export function start() {
  view = new View($('stage'));
  view.drawn = () => { marker.upright(); hover(); };
  marker = new Marker(view, { done: marked, measured: (text) => fill('measured', text), spacing });
  view.drawing.append(regionDrawing, marker.preview, marker.ruler);
  pointers();
  view.onWheel(count, scroll);
  on('slider', 'input', () => goTo($('slider').valueAsNumber));
  on('heat', 'click', async () => { if (view.squares) await (await slide()).toggleHeat(view.squares); });
  onNumbers('window', ['width', 'level'], ([width, level]) => setWindow({ low: level - width / 2, high: level + width / 2 }));
  on('presets', 'change', () => { choosePreset(Number($('presets').value)); $('presets').value = ''; });
  watch(follow);
  on(connection, 'back', load);  // what was opened meanwhile
}

/** @returns {number[] | null} mm of a row and of a column */
const spacing = () => view.pixels?.about.spacing ?? currentSlice()?.image.spacingMm ?? null;

/** @param {import('./state.js').Changed} changed @param {boolean} isQuestion */
async function follow(changed, isQuestion) {
  // What was measured, or begun, is of the image that was there.
  if (changed('index', 'image', 'upload', 'frame')) marker.clear();
  if (changed('index', 'image', 'upload')) await load();
  else if (changed('frame')) await showSlice();
  else if (changed('window', 'invert')) rewindow();
  if (isQuestion && view.squares) (await slide()).toggleHeat(view.squares, false);
  if (changed('region', 'margin', 'image')) drawRegion();
}

/** Opens the stack of the image asked for, unless it is open. */
async function load() {
  $('empty-look').hidden = isOpen();
  const { image, upload } = state;
  const at = stack.slices.findIndex((slice) => slice.image.id === image);
  if (at >= 0) stack.at = at;
  else {
    // No other image's picture, place or labels may stay under the name of this one, while it comes or if it does not.
    Object.assign(stack, NOTHING);
    shownPath = '';
    view.clear();
    problem('');
    describe();
    try {
      const found = upload ? await (await fetchGiven(`/uploads/${encodeURIComponent(upload)}`)).json() : image && await stackOf({ image });
      if (state.image !== image || state.upload !== upload) return;  // another was opened meanwhile
      Object.assign(stack, found);
    } catch (error) {
      if (state.image === image) problem(/** @type {Error} */ (error).message);
    }
  }
  await showSlice();
}

/** @param {number} at place of the slice in the stack */
function goTo(at) {
  const to = clamp(at, 0, count() - 1);
  if (to === place()) return;
  if (stack.frames[to]) lookAt({ frame: to });
  else if (stack.slices[to]) lookAt({ image: stack.slices[to].image.id });
}

/** @param {number} step */
export const scroll = (step) => goTo(place() + step);

const count = () => stack.frames.length || stack.slices.length;
const place = () => (state.upload ? state.frame : stack.at);
/** @param {Slice} slice */
const pathOf = (slice) => imagePath(slice.image.key);

async function showSlice() {
  const slice = currentSlice();
  Object.assign($('slider'), { max: count() - 1, value: place() });
  $('slices').hidden = count() < 2;
  document.body.classList.toggle('slide', stack.slideLevels > 0);
  if (!state.upload && !slice) return;
  const mine = state.upload ? uploadPath(state.upload, state.frame) : pathOf(slice);
  shownPath = mine;
  if (slice && stack.slideLevels) {
    await showSlide(slice.image);
    return;
  }
  try {
    const pixels = await loadPixels(mine);
    if (mine !== shownPath) return;
    problem('');
    showPixels(pixels);
    listPresets(pixels.about);
  } catch (error) {
    // Whatever went wrong: no other image's picture may stay under the name of this one.
    await showKept(mine, /** @type {Error} */ (error).message);
    if (mine !== shownPath) return;
  }
  describe();
  prefetch(around(stack.slices, stack.at, AHEAD));
}

/** @param {Image} image a whole slide */
async function showSlide(image) {
  const squares = (await slide()).openSlide(view, image, stack.slideLevels);
  if (marker.tool === 'brush' || marker.tool === 'superpixel') marker.choose('box');  // they need all pixels
  if (goal) squares.centre(goal);
  goal = null;
  problem('');
  describe();
}

/** From a tile to its slide. @param {Image} image */
function slideLink({ groups, fields }) {
  const found = groups.find(({ name }) => name === 'slide');
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((key) => Number(fields.find(({ name }) => name === key)?.value));
  return found && width > 0 && link('on its slide', () => {
    goal = [[x, y], [x + width, y + height]];
    open({ image: found.value });
  });
}

/** The addresses of the slices around one, nearest first. @param {Slice[]} among @param {number} at @param {number} most */
export function around(among, at, most) {
  return Array.from({ length: most }, (_, i) => [among[at + i + 1], among[at - i - 1]]).flat().filter(Boolean).map(pathOf);
}

/** No values can be had: what the index kept of the image, if anything, and why. @param {string} mine @param {string} why */
async function showKept(mine, why) {
  const image = currentSlice()?.image;
  const picture = await loadImage(`${mine}/picture`).catch(() => null);
  if (mine !== shownPath) return;
  problem(picture ? why + '. Shown is what the index has.' : why);
  if (picture) view.set({ fallback: picture }, image?.cols ?? picture.width, image?.rows ?? picture.height, image?.spacingMm);
  else view.clear();
}

/** @param {string} text */
function problem(text) {
  fill('look-problem', text).hidden = !text;
}

/** @param {Pixels} pixels */
const showPixels = (pixels) => view.show(pixels, state.window, state.invert);

function rewindow() {
  if (!view.pixels) return;
  showPixels(view.pixels);
  describe();
}

/** Where a slice of a stack is. @param {number} at @param {number} of @param {number | null | undefined} mm */
export const whereIn = (at, of, mm) => dotted([of > 1 && `slice ${at + 1}/${of}`, typeof mm === 'number' && `z ${minus(mm.toFixed(1))} mm`]);

/** What is shown: name, slice, position, window. */
function describe() {
  const slice = currentSlice();
  const name = state.upload ? `${stack.name} (not in the index)` : slice?.image.id ?? (state.image || 'Image');
  const where = whereIn(place(), count(), slice?.positionMm);
  const [width, level] = windowShown();
  fill('look-title', name);
  fill('where-am-i', where);
  $('stage').setAttribute('aria-label', dotted([name, where]));
  fill('window-values', isGrey() && `W ${number(width)} L ${number(level)}`);
  $('window-width').value = width;
  $('window-level').value = level;
  fill('labels', slice?.image.labels.map((label) => chip(label)), slice && !stack.slideLevels && slideLink(slice.image));
}

/** Width and level. That of a DICOM file counts whole numbers, both ends of them (PS3.3 C.11.2.1.2.1). */
function windowShown() {
  const { low, high } = view.window;
  const more = Number(view.window === view.pixels?.about.window && Math.abs((low + high) % 2) === 1);
  return [high - low + more, (low + high + more) / 2];
}

/** @param {number} value */
const number = (value) => minus(Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3));

const isGrey = () => view.pixels?.about.channels === 1;

/** @param {About} about @returns {({ name: string } & Partial<Window>)[]} */
const windowsOf = ({ min, max, presets }) => [{ name: 'as indexed' }, { name: 'full range', low: min, high: Math.max(max, min + 1e-3) }, ...presets];

/** @param {About} about */
function listPresets(about) {
  const names = ['window', ...windowsOf(about).map(({ name }, i) => `${i + 1} ${name}`)];
  const node = $('presets');
  if (node.textContent !== names.join('')) fill(node, names.map((name, i) => h('option', { value: i ? i - 1 : '' }, name)));
  node.disabled = !isGrey();
}

/** @param {number} at from 0 */
export function choosePreset(at) {
  if (!view.pixels || !isGrey()) return;
  const { name, ...shown } = windowsOf(view.pixels.about)[at] ?? {};
  if (name) setWindow('low' in shown ? /** @type {Window} */ (shown) : null);
}

/** @param {Window | null} shown null: as indexed */
function setWindow(shown) {
  writeWindow.cancel();
  rewindow();  // what a drag left is not in the state yet
  update({ window: shown });
}

const writeWindow = later((shown) => update({ window: shown }), 150);

/** Drag right: wider window; drag down: darker. @param {number} dx @param {number} dy */
function dragWindow(dx, dy) {
  if (!view.pixels || !isGrey()) return;
  const { about } = view.pixels;
  const { low, high } = view.window;
  const unit = Math.max(high - low, (about.max - about.min) / 2000, 1e-6) / 300;
  const width = Math.max(high - low + dx * unit * 2, unit);
  const centre = (low + high) / 2 + dy * unit;
  view.window = { low: centre - width / 2, high: centre + width / 2 };
  view.redraw();
  describe();
  writeWindow(view.window);
}

const AWAY = { clientX: NaN, clientY: NaN };
let cursor = AWAY;

/** What is under the cursor: also where the image has moved, and not the cursor. */
function hover() {
  const { x, y } = view.pointOf(cursor);
  const { pixels, squares, size } = view;
  const found = pixels && valueAt(pixels, x, y);
  const mm = spacing();
  const [times, digits, unit] = squares ? [1000, 0, 'µm'] : [1, 1, 'mm'];
  const where = mm && `${[x * mm[1], y * mm[0]].map((far) => (far * times).toFixed(digits)).join(', ')} ${unit}`;
  const value = Array.isArray(found) ? `rgb ${found.join(' ')}` : pixels && `${pixels.about.unit ?? 'value'} ${number(/** @type {number} */ (found))}`;
  fill('under', view.isShown && x >= 0 && y >= 0 && x < size.cols && y < size.rows && dotted([`x ${Math.floor(x)} y ${Math.floor(y)}`, where, value]));
}

let isPanning = false;
/** @param {boolean} isOn */
export function setPanning(isOn) {
  isPanning = isOn;
  $('stage').classList.toggle('panning', isOn);
}

function pointers() {
  const stage = $('stage');
  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();
  let how = '';
  on(stage, 'contextmenu', (event) => event.preventDefault());
  on(stage, 'pointerdown', (event) => {
    if (!view.isShown) return;
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    how = fingers.size > 1 || event.button === 1 || isPanning ? 'pan' : event.button === 2 ? 'window' : 'mark';
    if (how === 'mark') marker.down(event);
    else marker.cancel();
  });
  on(stage, 'pointermove pointerleave', (event) => {
    cursor = event.type === 'pointermove' ? event : AWAY;
    hover();
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (marker.tool === 'polygon') marker.move(event);
      return;
    }
    const other = [...fingers.values()].find((finger) => finger !== before);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (how === 'window') dragWindow(dx, dy);
    else if (how === 'mark') marker.move(event);
    else if (other) pinch(before, event, other);
    else view.pan(dx, dy);
    fingers.set(event.pointerId, event);
  });
  on(stage, 'pointerup pointercancel', (event) => {
    if (fingers.delete(event.pointerId) && how === 'mark' && event.type === 'pointerup') marker.up(event);
  });
}

/** Two fingers: zoom by their distance, pan by their middle. @param {PointerEvent} before @param {PointerEvent} now @param {PointerEvent} other */
function pinch(before, now, other) {
  const span = (/** @type {PointerEvent} */ one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
  const middle = { clientX: (now.clientX + other.clientX) / 2, clientY: (now.clientY + other.clientY) / 2 };
  view.zoomBy(span(now) / span(before), view.placeOf(middle));
  view.pan((now.clientX - before.clientX) / 2, (now.clientY - before.clientY) / 2);
}

/** The mark is finished: it is the question. @param {any} region */
async function marked(region) {
  const { strokes, radius } = region;
  const mine = shownPath;
  const found = strokes ? await (await uploads()).brushed(strokes, radius, view.size) : region;
  if (mine === shownPath) update({ region: found }, true);  // another slice is looked at meanwhile
}

/** Draws the region as it was marked; all but a plain box then as the server takes it. */
async function drawRegion() {
  const { region, margin } = state;
  fill(regionDrawing, region && outlineOf(region));
  fill('area');
  if (!region || !isOpen()) return;
  const [x, y, width, height] = region.box ?? [];
  const isPlain = !view.squares && !margin && x >= 0 && y >= 0 && x + width <= view.size.cols && y + height <= view.size.rows;
  const mm = spacing();
  const found = isPlain ? { pixels: width * height, areaMm2: mm && width * height * mm[0] * mm[1] } : await outline({ ask: askOf() }).catch(() => null);  // the answer says why
  if (state.region !== region || !found) return;
  if (!isPlain) fill(regionDrawing, found.polygons.map((/** @type {XY[]} */ polygon) => outlineOf({ polygon })));
  fill('area', found.areaMm2 ? (found.areaMm2 < 0.1 ? `${(found.areaMm2 * 1e6).toFixed(0)} µm²` : `${number(found.areaMm2)} mm²`) : `${found.pixels} px`);
}
