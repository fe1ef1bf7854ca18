// The map of the collection: images that look alike lie close; the query and its hits are marked.
import { $, dotted, fill, h, on, quiet, turns } from './dom.js';
import { chosen } from './ask.js';
import { current } from './answer.js';
import { thumbnailOf } from './pixels.js';
import { PROGRESS, subscription } from './queries.js';
import { open, state } from './state.js';
/** @import { CollectionMap, Place } from './types.js' */

const mapping = subscription('mapping', 'by: String, method: String!, where: String',
  `Map{__typename by isSample caution places{id key x y label}} ${PROGRESS}`);
const HUES = 8;
const NEAR_PX = 12;
/** @type {Place[]} */
let places = [];
const begin = turns();
const canvas = $('map-canvas');

on('map-method', 'change', load);
on(canvas, 'mousemove', (event) => peek(nearest(event)));
on(canvas, 'click', (event) => choose(nearest(event)));
on('map', 'close', begin);

export function show() {
  $('map').showModal();
  load();
}

async function load() {
  const signal = begin();
  places = [];
  canvas.width = 0;  // no other map stays under what is said of this one
  fill('map-note', 'drawing …');
  try {
    for await (const found of mapping({ by: chosen()?.[0], method: $('map-method').value, where: state.where || null }, signal)) {
      if (signal.aborted) return;
      if (found.__typename === 'Progress') fill('map-note', found.stage);
      else draw(found);
    }
  } catch (error) {
    if (!signal.aborted) fill('map-note', /** @type {Error} */ (error).message);
  }
}

/** @param {CollectionMap} found */
function draw({ by, isSample, caution, places: found }) {
  places = found;
  fill('map-note', dotted([`by ${by}`, isSample && 'a sample', caution]));
  const labels = [...new Set(places.map((place) => place.label))].filter(Boolean).slice(0, HUES);
  fill('map-legend', labels.map((label, i) => h(`span.chip.hue${i}`, label)), h('span.chip.query', 'query'), h('span.chip.hit-mark', 'hits'));
  const ratio = devicePixelRatio;
  const size = canvas.clientWidth;
  Object.assign(canvas, { width: size * ratio, height: size * ratio });
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const dot = (/** @type {Place} */ place, /** @type {number} */ radius, /** @type {string} */ colour) => {
    context.fillStyle = style.getPropertyValue(colour);
    context.beginPath();
    context.arc(...spot(place, size), radius, 0, 7);
    context.fill();
  };
  for (const place of places) dot(place, 3, labels.includes(place.label) ? `--hue${labels.indexOf(place.label)}` : '--quiet');
  for (const place of places) if (current.hits.some((hit) => hit.image.id === place.id)) dot(place, 5, '--right');
  for (const place of places) if (place.id === state.image) dot(place, 7, '--warn');
}

/** @param {Place} place @param {number} size @returns {[number, number]} */
const spot = (place, size) => [12 + place.x * (size - 24), 12 + place.y * (size - 24)];

/** @param {MouseEvent} event @returns {Place | null} */
function nearest(event) {
  const bounds = canvas.getBoundingClientRect();
  let [best, least] = [/** @type {Place | null} */ (null), NEAR_PX];
  for (const place of places) {
    const [x, y] = spot(place, bounds.width);
    const away = Math.hypot(x - (event.clientX - bounds.left), y - (event.clientY - bounds.top));
    if (away < least) [best, least] = [place, away];
  }
  return best;
}

let peeked = '';
/** @param {Place | null} place */
function peek(place) {
  if (!place || place.id === peeked) return;
  peeked = place.id;
  fill('map-peek', thumbnailOf(place.key), h('span', place.id, place.label && quiet(` ${place.label}`)));
}

/** @param {Place | null} place */
function choose(place) {
  if (!place) return;
  $('map').close();
  open({ image: place.id });
}
