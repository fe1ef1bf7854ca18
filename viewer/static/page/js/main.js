// The start of the page: token, indexes, panes, and what is said when the server is gone or has more images.
import { $, announce, fill, h } from './dom.js';
import { connection, Gone, graphql, listen, takeToken } from './api.js';
import { currentIndex, known, namesOf } from './ask.js';
import * as answer from './answer.js';
import * as browse from './browse.js';
import * as compare from './compare.js';
import * as keep from './keep.js';
import * as keys from './keys.js';
import * as look from './look.js';
import * as map from './map.js';
import { INDEXES, LOCATE, STATE } from './queries.js';
import { fromAddress, read, state, update, watch } from './state.js';

/** @typedef {import('./types.js').Index} Index */

const CHOICES = [['default', 'default'], ['words', 'visual words'], ['deep', 'deep'], ['both', 'words and deep'], ['headToHead', 'head to head']];

async function start() {
  takeToken();
  bars();
  look.start();
  answer.start({ open: openHit, tag: (hit) => keep.tagImage(hit.image.id), answered });
  compare.start();
  browse.start();
  keep.start();
  map.start();
  keys.start();
  controls();
  const { indexes } = await graphql(INDEXES);
  known.indexes = indexes;
  // In one step, so that a question in the address is asked once.
  const wanted = { ...read(location.hash.slice(1)), ...await located() };
  const isKnown = indexes.some((/** @type {Index} */ index) => index.id === wanted.index);
  update({ ...wanted, index: isKnown ? wanted.index : indexes[0]?.id ?? '' });
  // A mark and likes are asked as they come; a hit alone means that the whole image was.
  if (state.hit && !answer.isRefined()) await answer.run();
  follow();
}

/** Where the study or the series of an address is, as an archive's viewer names them: by UID. @returns {Promise<Partial<import('./types.js').State>>} */
async function located() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const [study, series, z] = ['study', 'series', 'z'].map((name) => parts.get(name));
  if (!study && !series) return {};
  const { locate } = await graphql(LOCATE, { study, series, zMm: z === null ? null : Number(z) });
  if (locate.message) keep.tell(locate.message);
  return locate.image ? locate : { region: null };
}

/** Where there is room for one pane only, the answer comes to the front. */
function answered() {
  if (matchMedia('(max-width: 899px)').matches && !state.hit) keys.tab('answer');
}

/** @param {import('./types.js').Hit} hit @param {string} how */
function openHit(hit, how) {
  if (how === 'select') update({ hit: hit.image.id });
  else if (how === 'why') compare.why(hit);
  else compare.open(hit);
  if (how !== 'select') keys.tab('look');
}

function bars() {
  connection.addEventListener('gone', () => { $('gone').hidden = false; announce('The server does not answer.'); });
  connection.addEventListener('back', () => { $('gone').hidden = true; announce('The server is back.'); follow(); });
  connection.addEventListener('refused', () => { $('refused').hidden = false; });
  window.addEventListener('popstate', fromAddress);
  window.addEventListener('unhandledrejection', (event) => {
    if (event.reason instanceof Gone) event.preventDefault();
    else keep.tell(event.reason?.message ?? String(event.reason));
  });
}

/** The controls of the head and of the pane in the middle. */
function controls() {
  const change = (/** @type {string} */ id, /** @type {(node: any) => Partial<import('./types.js').State>} */ of) => {
    $(id).addEventListener('change', () => update(of($(id)), { keep: true }));
  };
  change('index', (node) => ({ index: node.value, image: '', upload: '', region: null, like: [], unlike: [], hit: '', where: '', by: 'default', groupBy: '', notSame: '' }));
  change('by', (node) => ({ by: node.value }));
  change('fusion', (node) => ({ fusion: node.value }));
  change('group-by', (node) => ({ groupBy: node.value }));
  change('not-same', (node) => ({ notSame: node.value }));
  change('volume', (node) => ({ volume: node.checked }));
  change('margin', (node) => ({ margin: Math.max(Number(node.value) || 0, 0) }));
  $('reset').addEventListener('click', () => { update({ window: null, invert: false }); look.view.fit(); });
  $('invert').addEventListener('click', () => update({ invert: !state.invert }));
  $('undo').addEventListener('click', () => history.back());
  $('help-button').addEventListener('click', () => $('help').showModal());
  $('take').addEventListener('click', () => { $('fresh').hidden = true; update({ where: state.where }); answer.run(); });
  $('numbers').addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    const box = ['x', 'y', 'w', 'h'].map((name) => Number($(`box-${name}`).value));
    if (box[2] > 0 && box[3] > 0) update({ region: { box } }, { keep: true });
  });
  for (const button of document.querySelectorAll('[data-tab-of]')) {
    button.addEventListener('click', () => keys.tab(/** @type {HTMLElement} */ (button).dataset.tabOf ?? 'look'));
  }
  $('theme').addEventListener('click', theme);
  document.documentElement.dataset.theme = localStorage.getItem('semblance-theme') ?? '';
  watch((what) => {
    if (what.has('index')) choices();
    for (const [id, key] of [['by', 'by'], ['fusion', 'fusion'], ['group-by', 'groupBy'], ['not-same', 'notSame'], ['margin', 'margin']]) {
      $(id).value = /** @type {any} */ (state)[key];
    }
    $('volume').checked = state.volume;
    if (what.has('image') || what.has('upload')) keys.tab('look');
    $('ask-whole').disabled = !state.image && !state.upload;
  });
  keys.tab('browse');
}

function theme() {
  const isLight = getComputedStyle(document.documentElement).getPropertyValue('--ground').trim() === '#fafaf8';
  document.documentElement.dataset.theme = isLight ? 'dark' : 'light';
  localStorage.setItem('semblance-theme', document.documentElement.dataset.theme);
}

/** What this index can be asked by. */
function choices() {
  const index = currentIndex();
  fill($('index'), ...known.indexes.map((one) => h('option', { value: one.id, selected: one.id === state.index }, `${one.name} (${one.images.toLocaleString('en')})`)));
  if (!index) return;
  const can = { default: true, words: namesOf('words').length, deep: namesOf('deep').length };
  const families = CHOICES.filter(([name]) => /** @type {any} */ (can)[name] ?? (can.words && can.deep));
  const option = (/** @type {string[]} */ [value, text]) => h('option', { value }, value === 'default' ? `default: ${index.defaults.join(' + ')}` : text);
  const loading = (/** @type {any} */ one) => [one.name, one.isLoaded ? one.name : `${one.name} (loading)`];
  fill($('by'), ...families.map((/** @type {any} */ c) => option(c)), h('optgroup', { label: 'one representation' }, ...index.representations.map((one) => option(/** @type {any} */ (loading(one))))));
  $('by').value = state.by;
  const columns = (/** @type {string} */ none) => [h('option', { value: '' }, none), ...index.columns.map((name) => h('option', { value: name }, name))];
  fill($('group-by'), ...columns('no grouping'));
  fill($('not-same'), ...columns('all'));
  $('group-by').value = state.groupBy;
  $('not-same').value = state.notSame;
  $('empty-index').hidden = index.images > 0;
  const slow = index.representations.filter((one) => !one.isLoaded).map((one) => one.name);
  fill($('loading'), slow.length ? `${slow.join(', ')} loading …` : '');
}

/** Follows commits of the indexes and the loading of networks, until the server is gone. */
async function follow() {
  try {
    for await (const { state: news } of listen(STATE, {}, new AbortController().signal)) {
      const before = currentIndex();
      known.indexes = news.indexes;
      const after = currentIndex();
      choices();
      if (!before || !after || before.commit === after.commit) continue;
      const more = after.images - before.images;
      fill($('fresh-text'), more > 0 ? `${more} new image${more > 1 ? 's' : ''}.` : 'The index has changed.');
      $('fresh').hidden = false;
    }
  } catch (error) {
    if (!(error instanceof Gone)) setTimeout(follow, 3000);
  }
}

start().catch((error) => { if (!(error instanceof Gone)) keep.tell(error.message); });
