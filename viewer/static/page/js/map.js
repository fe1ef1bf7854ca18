// The map of the collection: images that look alike lie close; the query and its hits are marked.
import { $, fill, h } from './dom.js';
import { listen } from './api.js';
import { chosen } from './ask.js';
import { current } from './answer.js';
import { thumbnailOf } from './pixels.js';
import { MAP } from './queries.js';
import { openImage, state } from './state.js';

/** @typedef {import('./types.js').CollectionMap} CollectionMap */
/** @typedef {import('./types.js').Place} Place */

const HUES = 8;
const NEAR_PX = 12;
/** @type {CollectionMap | null} */
let map = null;
let running = new AbortController();

export function start() {
  $('map-button').addEventListener('click', open);
  $('map-method').addEventListener('change', load);
  $('map-canvas').addEventListener('mousemove', (/** @type {MouseEvent} */ event) => peek(nearest(event)));
  $('map-canvas').addEventListener('click', (/** @type {MouseEvent} */ event) => choose(nearest(event)));
  $('map').addEventListener('close', () => running.abort());
}

function open() {
  $('map').showModal();
  load();
}

async function load() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  map = null;
  fill($('map-note'), 'drawing …');
  try {
    const variables = { index: state.index, by: chosen()?.[0] ?? null, method: $('map-method').value, where: state.where || null };
    for await (const { mapping } of listen(MAP, variables, signal)) {
      if (signal.aborted) return;
      if (mapping.__typename === 'Problem') fill($('map-note'), mapping.message);
      else if (mapping.__typename === 'Progress') fill($('map-note'), mapping.stage);
      else show(mapping);
    }
  } catch (error) {
    if (!signal.aborted) fill($('map-note'), /** @type {Error} */ (error).message);
  }
}

/** @param {CollectionMap} found */
function show(found) {
  map = found;
  fill($('map-note'), [`by ${found.by}`, found.isSample && 'a sample', found.caution].filter(Boolean).join(' · '));
  const labels = [...new Set(found.places.map((place) => place.label))].filter(Boolean).slice(0, HUES);
  fill($('map-legend'), ...labels.map((label, i) => h(`span.chip.hue${i}`, {}, label)), h('span.chip.query', {}, 'query'), h('span.chip.hit-mark', {}, 'hits'));
  draw(labels);
}

/** @param {string[]} labels */
function draw(labels) {
  if (!map) return;
  const canvas = $('map-canvas');
  const ratio = window.devicePixelRatio || 1;
  const size = canvas.clientWidth;
  Object.assign(canvas, { width: size * ratio, height: size * ratio });
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const hits = new Set(current.hits.map((hit) => hit.image.id));
  const dot = (/** @type {Place} */ place, /** @type {number} */ radius, /** @type {string} */ colour) => {
    context.fillStyle = style.getPropertyValue(colour);
    context.beginPath();
    context.arc(...spot(place, size), radius, 0, 7);
    context.fill();
  };
  for (const place of map.places) dot(place, 3, labels.includes(place.label) ? `--hue${labels.indexOf(place.label)}` : '--quiet');
  for (const place of map.places.filter((p) => hits.has(p.id))) dot(place, 5, '--right');
  for (const place of map.places.filter((p) => p.id === state.image)) dot(place, 7, '--warn');
}

/** @param {Place} place @param {number} size @returns {[number, number]} */
const spot = (place, size) => [12 + place.x * (size - 24), 12 + place.y * (size - 24)];

/** @param {MouseEvent} event @returns {Place | null} */
function nearest(event) {
  const bounds = $('map-canvas').getBoundingClientRect();
  let [best, least] = [/** @type {Place | null} */ (null), NEAR_PX];
  for (const place of map?.places ?? []) {
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
  fill($('map-peek'), thumbnailOf(state.index, place.key), h('span', {}, place.id, place.label && h('span.quiet', {}, ` ${place.label}`)));
}

/** @param {Place | null} place */
function choose(place) {
  if (!place) return;
  $('map').close();
  openImage(place.id);
}
