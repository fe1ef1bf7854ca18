// COMPARE: the query left, a hit right, scrolled together by their match; why it was found; the hit laid over the query.
import { $, announce, chip, clamp, fill, h, on, press, s, tell, turns } from './dom.js';
import { askOf, representation } from './ask.js';
import { current, currentHit, nameOf } from './answer.js';
import { around, currentSlice, slide, slices, view, whereIn } from './look.js';
import { dot, matchOf } from './marks.js';
import { imagePath, loadImage, loadPixels, prefetch } from './pixels.js';
import { PROGRESS, query, stackOf, subscription } from './queries.js';
import { recall, state, update, watch } from './state.js';
import { View } from './view.js';
/** @import { Explanation, Hit, Pixels, Slice, SliceScore } from './types.js' */

const explaining = subscription('explaining', 'ask: Ask!, hit: ID!, by: String',
  `Explanation{isFaithful sentence heat pairs{query hit isVerified}} ${PROGRESS}`);
const sliceMatch = query('sliceMatch', 'ask: Ask!, hit: ID!', 'SliceMatch{best slices{score}}');
const AHEAD = 3;
const other = new View($('stage-hit'));
const outline = s('g.region');
const pairsHere = s('g.pairs');
const pairsThere = s('g.pairs');
/** @type {{ hit: Hit | null, slices: Slice[], at: number, start: number, startZ: number | null, matched: number, ask?: any, place?: string }} of a hit, and what found it from where */
const there = { hit: null, slices: [], at: 0, start: 0, startZ: null, matched: 0 };
const count = () => there.slices.length;
/** @type {Explanation | null} */
let explained = null;
/** @type {HTMLImageElement | null} */
let heat = null;
const begin = turns();
let timer = 0;
/** How often something else was asked for: what arrives later than that is not shown. */
let shifts = 0;

other.drawing.append(outline, pairsThere);
view.drawing.append(pairsHere);
other.onWheel(count, (step) => showThere(there.at + step));
on('close-compare', 'click', close);
on('toggle', 'click', toggle);
on('delay', 'input', () => { if (timer) { stopToggle(); toggle(); } });
const whyCurrent = () => { const hit = currentHit(); if (hit) why(hit); };
on('why', 'click', whyCurrent);
on('why-by', 'change', whyCurrent);
on('all-pairs', 'change', drawPairs);
on('hit-slide', 'click', onSlide);
on('slider-hit', 'input', () => showThere($('slider-hit').valueAsNumber));
on('stage-hit', 'pointerdown', ({ target, pointerId }) => target.setPointerCapture(pointerId));
on('stage-hit', 'pointermove', (event) => { if (event.buttons) other.pan(event.movementX, event.movementY); });
watch((changed, isQuestion) => {
  if (changed('image', 'frame')) follow();
  if (changed('upload', 'index') || (changed('region') && state.region && isQuestion)) close();
  if (changed('window', 'invert') && other.pixels) other.show(other.pixels, sharedWindow(other.pixels), state.invert);
});

export function close() {
  if (!there.hit) return;
  shifts++;
  clear();
  $('compare').hidden = true;
  Object.assign(there, { hit: null, slices: [] });
}

/** Forgets what was said of the last hit. */
function clear() {
  stopToggle();
  begin();
  explained = heat = other.above = null;
  fill(outline);
  fill('why-text');
  fill('curve');
  drawPairs();
}

/** @param {Hit} hit */
export async function open(hit) {
  recall();
  const turn = ++shifts;
  clear();
  // No other hit's picture may stay under the name of this one.
  other.clear();
  fill('hit-where');
  update({ hit: hit.image.id });
  Object.assign(there, { hit, ask: askOf(), place: placed() });
  $('compare').hidden = false;
  fill('hit-title', `${hit.rank}. ${nameOf(hit)}`);
  $('hit-slide').hidden = !hit.onSlide;
  fill('hit-labels', hit.image.labels.map((label) => chip(label)));
  const asked = [current.answer, current.other].filter((answer) => answer?.hits.some((one) => one.image.id === hit.image.id));
  // All that answered can be asked why, but those that keep points or windows to tell by tell sooner.
  const by = asked.flatMap((answer) => answer?.by ?? []).sort((one, two) => speed(two) - speed(one));
  fill('why-by', by.map((name) => h('option', { value: name }, `by ${name}`))).hidden = by.length < 2;
  const found = await stackOf({ image: hit.image.id });
  if (there.hit !== hit) return;
  Object.assign(there, {
    slices: found.slices, matched: found.at, at: found.at, start: slices().indexOf(currentSlice()), startZ: currentSlice()?.positionMm ?? null,
  });
  $('slices-hit').hidden = count() < 2;
  $('slider-hit').max = count() - 1;
  if (turn === shifts) await showThere(found.at);
  if (count() > 1) await curve(hit);
}

/** What LOOK shows. */
const placed = () => state.image + state.frame;

/** @param {string} name */
const speed = (name) => Number(representation(name)?.explains ?? false);

/** The slide of the hit, zoomed in on it; once more: the tile again. */
async function onSlide() {
  const { hit } = there;
  if (!hit?.onSlide || other.squares) {
    await showThere(there.at);
    return;
  }
  const turn = ++shifts;
  const [{ openSlide }, found] = await Promise.all([slide(), stackOf({ image: hit.onSlide.slide })]);
  if (turn !== shifts) return;
  other.above = null;
  fill(outline);
  pairsThere.toggleAttribute('hidden', true);
  const squares = openSlide(other, found.slices[0].image, found.slideLevels);
  squares.centre(hit.onSlide.outline);
  press('hit-slide', true);
}

/** @param {number} place */
async function showThere(place) {
  const turn = ++shifts;
  const at = clamp(place, 0, count() - 1);
  const { image, positionMm } = there.slices[at];
  there.at = at;
  press('hit-slide', false);
  $('slider-hit').value = at;
  const path = imagePath(image.key);
  try {
    const pixels = await loadPixels(path);
    if (turn !== shifts) return;
    other.show(pixels, sharedWindow(pixels), state.invert);
  } catch (error) {
    const fallback = await loadImage(`${path}/picture`).catch(() => null);
    if (turn !== shifts) return;
    tell(/** @type {Error} */ (error).message);
    other.set({ fallback }, image.cols, image.rows, image.spacingMm);
  }
  fill('hit-where', whereIn(at, count(), positionMm));
  const isMatched = image.id === there.hit?.image.id;
  fill(outline, isMatched && there.hit && matchOf(there.hit));
  const over = isMatched && heat;
  other.above = over ? (context) => context.drawImage(over, 0, 0, other.size.cols, other.size.rows) : null;
  pairsThere.toggleAttribute('hidden', !isMatched);
  prefetch(around(there.slices, at, AHEAD));
}

/** The window chosen for the query, where both have the same unit. @param {Pixels} pixels */
function sharedWindow({ about }) {
  return about.unit && about.unit === view.pixels?.about.unit ? state.window : null;
}

/** The query was scrolled: the hit goes as far along the normal, in mm where both know it, else in slices. */
function follow() {
  stopToggle();
  drawPairs();
  const at = slices().findIndex((one) => one.image.id === state.image);
  if (!there.hit || at < 0 || count() < 2) return;
  const z = currentSlice()?.positionMm ?? null;
  const anchor = there.slices[there.matched].positionMm;
  if (z === null || there.startZ === null || anchor === null) {
    showThere(there.matched + at - there.start);
    return;
  }
  const away = there.slices.map((slice) => Math.abs((slice.positionMm ?? 0) - (anchor + z - (there.startZ ?? 0))));
  showThere(away.indexOf(Math.min(...away)));
}

/** How like each slice of the hit is: bars above its slider. @param {Hit} hit */
async function curve(hit) {
  /** @type {{ best: number, slices: SliceScore[] }} */
  const { best, slices: scored } = await sliceMatch({ ask: there.ask, hit: hit.image.id });
  if (there.hit !== hit) return;
  const scores = scored.map((slice) => slice.score);
  // What was left out of the ranking, such as an image that is not liked, has no score: a gap.
  const known = scores.filter((score) => score !== null);
  const { start = best, end = best } = hit.extent ?? {};
  const low = Math.min(...known);
  const range = Math.max(...known) - low || 1;
  const width = 100 / scores.length;
  fill('curve', s('svg', { viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': `Slice ${best + 1} matches best` },
    scores.map((value, i) => {
      const height = value === null ? 0 : 2 + (22 * (value - low)) / range;
      return s(i === best ? 'rect.best' : i >= start && i <= end ? 'rect.matched' : 'rect', { x: i * width, y: 24 - height, width: width * 0.9, height });
    })));
}

/** What made the hit: heat over it, correspondences, and whether the explanation is faithful. @param {Hit} hit */
export async function why(hit) {
  recall();
  if (there.hit !== hit) await open(hit);
  const signal = begin();
  try {
    for await (const found of explaining({ ask: there.ask, hit: hit.image.id, by: $('why-by').value || null }, signal)) {
      if (found.__typename === 'Progress') fill('why-text', found.total ? `${found.stage}: ${found.done} of ${found.total}` : 'explaining …');
      else [explained, heat] = [found, await loadImage(found.heat)];
      if (signal.aborted) return;  // another is explained meanwhile
    }
  } catch (error) {
    if (!signal.aborted) fill('why-text', /** @type {Error} */ (error).message);
    return;
  }
  const { isFaithful, sentence } = /** @type {Explanation} */ (explained);
  fill('why-text', h('span', { class: isFaithful ? 'sure' : 'unsure' }, isFaithful ? 'Faithful. ' : 'Not shown to be faithful. '), sentence);
  announce(sentence);
  drawPairs();
  await showThere(there.slices.findIndex((one) => one.image.id === hit.image.id));
}

/** Correspondences, on both sides. */
function drawPairs() {
  pairsHere.toggleAttribute('hidden', placed() !== there.place);
  const every = explained?.pairs ?? [];
  const pairs = every.filter((pair) => pair.isVerified || $('all-pairs').checked);
  $('pairs-choice').hidden = !every.length;
  fill('pairs-count', `${pairs.length} correspondences`);
  for (const [drawing, side] of /** @type {const} */ ([[pairsHere, 'query'], [pairsThere, 'hit']])) {
    fill(drawing, pairs.map((pair) => dot(pair[side], pair.isVerified ? 'sure' : 'pair')));
  }
}

/** The hit laid over the query and the two alternating in place, as its geometry says. */
async function toggle() {
  const { hit } = there;
  if (timer || !hit) {
    stopToggle();
    return;
  }
  recall();
  const picture = await loadImage(`${imagePath(hit.image.key)}/picture`);
  if (there.hit !== hit || placed() !== there.place) return;
  const { cols, rows } = hit.image;
  const boxes = (hit.box || view.squares) && state.region?.box;
  const matrix = hit.transform ? ofTransform(hit.transform)
    : ontoBox((boxes && hit.box) || [0, 0, cols, rows], boxes || [0, 0, view.size.cols, view.size.rows]);
  const how = hit.transform ? 'the verified geometry' : `${boxes ? 'the boxes' : 'size'} (not verified)`;
  fill('toggle-note', `laid over by ${how}`);
  press('toggle', true);
  let isHitUp = false;
  view.above = (context) => {
    if (!isHitUp) return;
    context.save();
    context.setTransform(context.getTransform().multiply(matrix));
    context.drawImage(picture, 0, 0, cols, rows);
    context.restore();
  };
  const flip = () => { isHitUp = !isHitUp; view.redraw(); };
  flip();
  timer = window.setInterval(flip, Number($('delay').value));
}

function stopToggle() {
  clearInterval(timer);
  timer = 0;
  press('toggle', false);
  fill('toggle-note');
  view.above = null;
  view.redraw();
}

/** Back from hit to query, given x' = a x + b y + c, y' = d x + e y + f from query to hit. @param {number[]} transform */
const ofTransform = ([a, b, c, d, e, f]) => new DOMMatrix([a, d, b, e, c, f]).inverse();

/** @param {number[]} from @param {number[]} to boxes */
const ontoBox = (from, to) => new DOMMatrix().translate(to[0], to[1]).scale(to[2] / from[2], to[3] / from[3]).translate(-from[0], -from[1]);
