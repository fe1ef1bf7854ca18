// COMPARE: the query left, a hit right, scrolled together by their match; why it was found; the hit laid over the query.
import { $, announce, fill, h, s } from './dom.js';
import { graphql } from './api.js';
import { askOf } from './ask.js';
import { current, currentHit, nameOf } from './answer.js';
import { currentSlice, slices, view } from './look.js';
import { matchOf } from './marks.js';
import { imagePath, loadImage, loadPixels, prefetch } from './pixels.js';
import { EXPLAIN, SLICE_MATCH, STACK } from './queries.js';
import { state, update, watch } from './state.js';
import { View } from './view.js';

/** @typedef {import('./types.js').Hit} Hit */
/** @typedef {import('./types.js').Slice} Slice */
/** @typedef {import('./types.js').Explanation} Explanation */
/** @typedef {import('./types.js').SliceScore} SliceScore */

/** @type {View} */
let other;
const outline = s('g.region');
const pairsHere = s('g.pairs');
const pairsThere = s('g.pairs');
/** @type {{ hit: Hit | null, slices: Slice[], at: number, start: number, startZ: number | null, matched: number }} */
const there = { hit: null, slices: [], at: 0, start: 0, startZ: null, matched: 0 };
/** @type {Explanation | null} */
let explained = null;
/** @type {HTMLImageElement | null} */
let heat = null;
/** @type {CanvasImageSource | null} */
let warped = null;
let timer = 0;
let isHitUp = false;
let onlyVerified = true;

export function start() {
  other = new View($('stage-hit'));
  other.drawing.append(outline, pairsThere);
  view.drawing.append(pairsHere);
  $('close-compare').addEventListener('click', close);
  $('toggle').addEventListener('click', toggle);
  $('delay').addEventListener('input', () => { if (timer) { stopToggle(); toggle(); } });
  $('why').addEventListener('click', () => { const hit = currentHit(); if (hit) why(hit); });
  $('all-pairs').addEventListener('change', () => { onlyVerified = !$('all-pairs').checked; drawPairs(); });
  $('slider-hit').addEventListener('input', () => showThere(Number($('slider-hit').value)));
  $('stage-hit').addEventListener('wheel', (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    if (event.ctrlKey || there.slices.length < 2) other.zoomBy(Math.exp(-event.deltaY / 400));
    else showThere(there.at + Math.sign(event.deltaY));
  }, { passive: false });
  let held = false;
  $('stage-hit').addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => { held = true; $('stage-hit').setPointerCapture(event.pointerId); });
  $('stage-hit').addEventListener('pointermove', (/** @type {PointerEvent} */ event) => { if (held) other.pan(event.movementX, event.movementY); });
  $('stage-hit').addEventListener('pointerup', () => { held = false; });
  watch((what) => {
    if (what.has('image') && there.hit) follow();
    if (what.has('upload') || what.has('index') || what.has('region')) close();
    if (what.has('window') || what.has('invert')) rewindow();
  });
}

export const isOpen = () => !$('compare').hidden;

export function close() {
  stopToggle();
  $('compare').hidden = true;
  $('look').classList.remove('split');
  Object.assign(there, { hit: null, slices: [] });
  explained = heat = warped = null;
  outline.replaceChildren();
  other.above = null;
  drawPairs();
}

/** @param {Hit} hit */
export async function open(hit) {
  stopToggle();
  explained = heat = warped = null;
  drawPairs();
  fill($('why-text'));
  fill($('curve'));
  update({ hit: hit.image.id });
  $('compare').hidden = false;
  $('look').classList.add('split');
  fill($('hit-title'), `${hit.rank}. ${nameOf(hit)}`);
  fill($('hit-labels'), ...hit.image.labels.map((label) => h('span.chip', {}, label)));
  $('toggle').disabled = false;
  const { stack } = await graphql(STACK, { index: state.index, image: hit.image.id });
  if (state.hit !== hit.image.id) return;
  const found = stack.slices ?? [{ image: hit.image, positionMm: null }];
  const at = stack.at ?? 0;
  Object.assign(there, {
    hit, slices: found, at, matched: at, start: slices().findIndex((slice) => slice.image.id === state.image),
    startZ: currentSlice()?.positionMm ?? null,
  });
  $('slices-hit').hidden = found.length < 2;
  $('slider-hit').max = String(found.length - 1);
  await showThere(at);
  if (found.length > 1) curve(hit);
}

/** @param {number} place */
async function showThere(place) {
  const at = Math.min(Math.max(place, 0), there.slices.length - 1);
  const slice = there.slices[at];
  if (!slice) return;
  there.at = at;
  $('slider-hit').value = String(at);
  const path = imagePath(state.index, slice.image.key);
  const mm = slice.positionMm === null ? '' : ` · z ${slice.positionMm.toFixed(1).replace('-', '−')} mm`;
  fill($('hit-where'), there.slices.length > 1 ? `slice ${at + 1}/${there.slices.length}${mm}` : '');
  try {
    const pixels = await loadPixels(path);
    if (there.at !== at) return;
    other.show(pixels, sharedWindow(pixels), state.invert);
  } catch {
    const picture = await loadImage(`${path}/picture`);
    other.showPicture(picture, slice.image.cols, slice.image.rows);
  }
  const { hit } = there;
  const isMatched = hit !== null && slice.image.id === hit.image.id;
  outline.replaceChildren(...(isMatched ? matchOf(hit) : []));
  const over = heat;
  other.above = isMatched && over ? (context) => context.drawImage(over, 0, 0, other.size.cols, other.size.rows) : null;
  pairsThere.setAttribute('visibility', isMatched ? 'visible' : 'hidden');
  prefetch([1, -1, 2, -2, 3, -3].flatMap((step) => (there.slices[at + step] ? [imagePath(state.index, there.slices[at + step].image.key)] : [])));
}

/** The window chosen for the query, where both have the same unit. @param {import('./types.js').Pixels} pixels */
function sharedWindow(pixels) {
  const same = view.pixels && view.pixels.about.unit === pixels.about.unit && pixels.about.unit !== null;
  return state.window && same ? state.window : pixels.about.window;
}

function rewindow() {
  if (there.hit && other.pixels) other.show(other.pixels, sharedWindow(other.pixels), state.invert);
}

/** The query was scrolled: the hit goes as far along the normal, in mm where both know it, else in slices. */
function follow() {
  const mine = slices();
  const at = mine.findIndex((slice) => slice.image.id === state.image);
  if (at < 0 || there.slices.length < 2) return;
  const z = currentSlice()?.positionMm;
  const anchor = there.slices[there.matched]?.positionMm;
  if (z === null || z === undefined || there.startZ === null || anchor === null || anchor === undefined) {
    showThere(there.matched + at - there.start);
    return;
  }
  const wanted = anchor + z - there.startZ;
  let best = 0;
  there.slices.forEach((slice, i) => {
    if (Math.abs((slice.positionMm ?? 0) - wanted) < Math.abs((there.slices[best].positionMm ?? 0) - wanted)) best = i;
  });
  showThere(best);
}

/** How like each slice of the hit is: bars above its slider. @param {Hit} hit */
async function curve(hit) {
  const { sliceMatch } = await graphql(SLICE_MATCH, { index: state.index, ask: askOf(), hit: hit.image.id });
  if (there.hit !== hit || sliceMatch.__typename === 'Problem') return;
  /** @type {SliceScore[]} */
  const scores = sliceMatch.slices;
  const values = scores.map((slice) => slice.score);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const width = 100 / scores.length;
  fill($('curve'), s('svg', { viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': `Slice ${sliceMatch.best + 1} matches best` },
    ...scores.map((slice, i) => {
      const height = 2 + (22 * (slice.score - low)) / (high - low || 1);
      return s(i === sliceMatch.best ? 'rect.best' : 'rect', { x: i * width, y: 24 - height, width: width * 0.9, height });
    })));
}

/** What made the hit: heat over it, correspondences, and whether the explanation is faithful. @param {Hit} hit */
export async function why(hit) {
  if (!isOpen() || there.hit?.image.id !== hit.image.id) await open(hit);
  fill($('why-text'), 'explaining …');
  const { explain } = await graphql(EXPLAIN, { index: state.index, ask: askOf(), hit: hit.image.id, by: current.answer?.by[0] ?? null });
  if (there.hit?.image.id !== hit.image.id) return;
  if (explain.__typename === 'Problem') {
    fill($('why-text'), explain.message);
    return;
  }
  explained = explain;
  heat = await loadImage(explain.heat);
  fill($('why-text'), h('span', { class: explain.isFaithful ? 'sure' : 'unsure' }, explain.isFaithful ? 'Faithful. ' : 'Not shown to be faithful. '), explain.sentence);
  announce(explain.sentence);
  drawPairs();
  await showThere(there.slices.findIndex((slice) => slice.image.id === hit.image.id));
}

/** Correspondences: the same number, and colour, on both sides. */
function drawPairs() {
  const pairs = (explained?.pairs ?? []).filter((pair) => pair.isVerified || !onlyVerified);
  $('pairs-choice').hidden = !explained?.pairs.length;
  fill($('pairs-count'), `${pairs.length} correspondences`);
  const dot = (/** @type {number[]} */ [cx, cy], /** @type {number} */ zoom, /** @type {boolean} */ sure) => s(sure ? 'circle.sure' : 'circle', { cx, cy, r: 3.5 / zoom });
  pairsHere.replaceChildren(...pairs.map((pair) => dot(pair.query, view.zoom, pair.isVerified)));
  pairsThere.replaceChildren(...pairs.map((pair) => dot(pair.hit, other?.zoom ?? 1, pair.isVerified)));
}

/** The hit laid over the query and the two alternating in place, as its geometry says. */
export async function toggle() {
  if (timer) {
    stopToggle();
    return;
  }
  const { hit } = there;
  if (!hit) return;
  const picture = await loadImage(`${imagePath(state.index, hit.image.key)}/picture`);
  if (there.hit !== hit) return;
  warped = picture;
  const found = hit.transform;
  fill($('toggle-note'), found ? 'laid over by the verified geometry' : hit.box && state.region?.box ? 'laid over by the boxes (not verified)' : 'laid over by size (not verified)');
  const matrix = inverse(found ?? bySize(hit));
  $('toggle').setAttribute('aria-pressed', 'true');
  view.above = (context) => {
    if (!isHitUp || !warped) return;
    const { cols, rows } = hit.image;
    context.save();
    context.transform(matrix[0], matrix[3], matrix[1], matrix[4], matrix[2], matrix[5]);
    context.drawImage(warped, 0, 0, cols, rows);
    context.restore();
  };
  const flip = () => { isHitUp = !isHitUp; view.redraw(); };
  flip();
  timer = window.setInterval(flip, Number($('delay').value));
}

function stopToggle() {
  clearInterval(timer);
  timer = 0;
  isHitUp = false;
  $('toggle').setAttribute('aria-pressed', 'false');
  fill($('toggle-note'), '');
  if (!view) return;
  view.above = null;
  view.redraw();
}

/** Query box onto hit box, or image onto image. @param {Hit} hit @returns {number[]} */
function bySize(hit) {
  const from = state.region?.box && hit.box ? state.region.box : [0, 0, view.size.cols, view.size.rows];
  const to = state.region?.box && hit.box ? hit.box : [0, 0, hit.image.cols, hit.image.rows];
  const [sx, sy] = [to[2] / from[2], to[3] / from[3]];
  return [sx, 0, to[0] - sx * from[0], 0, sy, to[1] - sy * from[1]];
}

/** Of x' = a x + b y + c, y' = d x + e y + f. @param {number[]} m @returns {number[]} */
function inverse([a, b, c, d, e, f]) {
  const det = a * e - b * d;
  return [e / det, -b / det, (b * f - e * c) / det, -d / det, a / det, (d * c - a * f) / det];
}
