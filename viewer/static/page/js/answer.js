// ANSWER: cases with their best image, where in them, who voted; folded away what matches nowhere in space.
import { $, all, announce, clamp, dotted, fill, h, minus, on, quiet, s, short, whenReached } from './dom.js';
import { connection, Gone } from './api.js';
import { ask, cancel, headToHead, representation } from './ask.js';
import { findingsOf, referencesOf } from './findings.js';
import { thumbnailOf } from './pixels.js';
import { slices, view } from './look.js';
import { matchOf } from './marks.js';
import { open, recall, setQuestion, state, update, watch } from './state.js';
import { remember } from './strip.js';
/** @import { Answer, FoundImage, Hit } from './types.js' */

const SLOW_MS = 150;
const MOST = 100;
const MORE = 20;
const LONG = 80;  // characters of a cell that stand on the page unfolded

/** @type {{ hits: Hit[], answer: Answer | null, other: Answer | null }} */
const NONE = { hits: [], answer: null, other: null };
export const current = { ...NONE };
/** @type {{ open: (hit: Hit, how: 'compare' | 'why' | 'tag' | 'select') => void, answered: () => void }} */
let doing;

/** @param {typeof doing} told what is done with a hit, and once there is an answer */
export function start(told) {
  doing = told;
  watch((changed, isQuestion) => {
    const isScrolled = slices().some((slice) => slice.image.id === state.image);
    const isOther = changed('image', 'upload');
    if ((changed('image') && !isScrolled) || changed('upload', 'index')) clear();
    // Scrolling through slices asks nothing; a mark, a filter or another representation does.
    if (isQuestion ? isRefined() || state.asked || (!isOther && changed('like', 'unlike', 'concept')) : changed('k')) run();
    // Back before the mark, where nothing was asked.
    else if (isQuestion && !isOther) clear();
    if (changed('hit')) markCurrent();
  });
  on('ask-whole', 'click', () => (state.region ? update({ region: null, asked: true }, true) : run()));
  on(connection, 'back', () => { if (isOwed) again(); });
  whenReached('more-hits', more, () => current.answer && !all('.folded').length);
}

/** Whether more than an image is asked with. */
const isRefined = () => state.region || [state.like, state.unlike, state.concept].flat().length;

function clear() {
  cancel();
  setQuestion(false);
  isOwed = false;
  Object.assign(current, NONE);
  view.squares?.outline([]);
  $('more-hits').hidden = true;
  for (const id of ['hits', 'findings', 'references', 'answer-notes', 'answer-title']) fill(id);
  $('empty-answer').hidden = false;
  busy(false);
}

function more() {
  if (current.hits.length < state.k) return;
  recall();
  update({ k: Math.min(state.k + MORE, MOST) });
}

/** @param {boolean} isBusy */
function busy(isBusy) {
  $('answer').setAttribute('aria-busy', isBusy);
  $('bar').hidden = !isBusy;
}

/** Whether the last question has no answer, for the server was gone. */
let isOwed = false;

/** Asks once more what the answer that is shown was asked with, if anything was. */
export function again() {
  recall();
  if (isRefined() || state.asked) run();
}

export async function run() {
  if (!state.image && !state.upload) return;
  isOwed = false;
  // Of an image alone the address says so, which else means that it is looked at.
  update({ asked: !isRefined() });
  setQuestion(true);
  const timer = setTimeout(() => busy(true), SLOW_MS);
  try {
    for await (const found of ask((stage) => fill('progress', stage))) {
      if (found.__typename === 'AnswerFindings') {
        frame(Object.assign(/** @type {Answer} */ (current.answer), found));
        continue;
      }
      if (found.__typename === 'HeadToHead') (await headToHead()).show(found);
      else show(found);
      doing.answered();
      remember();
    }
  } catch (error) {
    isOwed = error instanceof Gone;
    if (isOwed) return;
    const { message } = /** @type {Error} */ (error);
    clear();
    $('empty-answer').hidden = true;
    fill('answer-notes', h('p.note.warn', message));
    announce(message);
    doing.answered();
  } finally {
    clearTimeout(timer);
    busy(false);
    fill('progress');
  }
}

/** @param {Answer} answer */
function show(answer) {
  const { hits } = answer;
  // Hits of a region without one inlier are folded away.
  const isParted = answer.isRegion && answer.canVerify && answer.nVerified > 0;
  const seen = hits.filter((hit) => !isParted || hit.inliers);
  const rest = hits.filter((hit) => !seen.includes(hit));
  Object.assign(current, { answer, other: null, hits: [...seen, ...rest] });
  frame(answer);
  fill('hits', h('ol.hits', seen.map((hit) => hitRow(hit, answer))),
    rest.length > 0 && h('details.folded', h('summary', `Nothing else here matches in space – show ${rest.length}`),
      h('ol.hits', rest.map((hit) => hitRow(hit, answer)))));
  announce(hits.length ? `${hits.length} ${hits[0].case ? 'cases' : 'hits'}. First: ${nameOf(hits[0])}.` : 'No hit.');
}

/** What stands around the hits: title, notes, findings, references. @param {Answer} answer */
export function frame(answer) {
  const { hits, by, tookMs } = answer;
  view.squares?.outline(current.hits);
  const unit = hits[0]?.case ? `cases by ${hits[0].case.column}` : 'images';
  $('empty-answer').hidden = true;
  $('more-hits').hidden = hits.length < state.k || state.k >= MOST;
  fill('answer-title', dotted([`${hits.length} ${unit}`, by.join(' + '), `${(tookMs / 1000).toFixed(2)} s`]));
  fill('answer-notes', [...new Set(answer.notes)].map((text) => h('p.note', text)),
    !hits.length && h('p.note.warn', 'No hit. Loosen the filter or mark another region.'));
  fill('findings', findingsOf(answer.findings));
  fill('references', referencesOf(answer.references));
}

/** @param {Hit} hit */
export const nameOf = (hit) => (hit.case ? `${hit.case.column} ${short(hit.case.value)}` : hit.image.id);

/** What was found: a case, else an image. @param {Hit} hit */
export const subject = (hit) => hit.case?.value ?? hit.image.id;

/** @param {Hit} hit @param {Answer} answer @param {string} [partner] what the other column says of it */
export function hitRow(hit, answer, partner = '') {
  const { image, rank } = hit;
  return h('li.hit', { 'data-id': image.id, 'data-of': subject(hit), 'aria-current': String(state.hit === image.id) },
    h('button.picture', { 'aria-label': `Compare with ${image.id}`, onclick: () => doing.open(hit, 'compare') }, thumbnail(hit)),
    h('div.hit-text',
      h('p.hit-head', h('strong', rank), h('span.score', { title: meaning(answer) }, minus(scoreOf(hit, answer))),
        image.labels.length > 0 && h('span.label', image.labels.join(', ')), partner && h('span.chip.shared', partner)),
      h('p.id', { title: image.id }, nameOf(hit), hit.case && hit.case.count > 1 && quiet(` ${hit.case.count} images`)),
      h('p.quiet.how', dotted([how(hit, answer), votes(hit), header(image)])),
      image.table.length > 0 && h('dl.table', image.table.map(({ name, value }) => [h('dt', name), h('dd', folded(value))])),
      hit.case && hit.case.images.length > 1 && h('p.strip', hit.case.images.slice(0, 8).map(({ key, id }) => thumbnailOf(key, id))),
      acts(hit)));
}

/** Fused scores of ranks differ little: three digits of them, wherever they begin. @param {Hit} hit @param {Answer} answer */
const scoreOf = ({ score }, { by }) => (by.length > 1 ? score.toPrecision(3) : score.toFixed(2));

/** @param {Answer} answer */
function meaning({ by }) {
  const what = by.length > 1 ? 'A score of fusion, from ranks or scores of each representation.' : representation(by[0])?.meaning ?? '';
  return `${what} It orders this one answer only.`;
}

/** @param {Hit} hit @param {Answer} answer */
function how({ inliers, box, extent, slices: matching }, { isRegion }) {
  const ends = extent && new Set([extent.start + 1, extent.end + 1]);
  return dotted([isRegion && (inliers ? `${inliers} inliers` : box && 'most alike part'),
    ends && `matching slices ${[...ends].join('–')}`, matching.length && `${matching.length} slices match`]);
}

/** @param {Hit} hit */
const votes = (hit) => hit.votes.length > 1 && hit.votes.map(({ by, rank }) => `${by}\u00a0${rank === null ? '–' : `#${rank}`}`).join(', ');

/** @param {FoundImage} image */
function header({ table, fields }) {
  const told = table.map((field) => field.name);
  return fields.filter(({ name }) => !told.includes(name)).map((field) => field.value).join(', ');
}

/** A cell of the label table; a report is folded. @param {string} value */
const folded = (value) => (value.length <= LONG ? value
  : h('details', h('summary', `${value.slice(0, LONG).replace(/\s+\S*$/, '')} …`), value));

/** @param {Hit} hit */
const thumbnail = (hit) => h('span.thumb', thumbnailOf(hit.image.key),
  s('svg', { viewBox: `0 0 ${hit.image.cols} ${hit.image.rows}`, 'aria-hidden': 'true' }, matchOf(hit)));

/** @param {Hit} hit */
function acts(hit) {
  const { id } = hit.image;
  const act = (/** @type {string} */ symbol, /** @type {string} */ does, /** @type {string} */ key, /** @type {() => void} */ onclick, props = {}) => {
    const label = `${does} hit ${hit.rank}`;
    return h('button.tool', { 'aria-label': label, title: `${label} (${key})`, 'aria-keyshortcuts': key, onclick, ...props },
      // A copy, not <use>, which has a tree of its own: 120 of these took a quarter of the browser's time for an answer.
      s('svg.icon', { 'aria-hidden': 'true', viewBox: '0 0 16 16' }, [...$(`icon-${symbol}`).children].map((part) => part.cloneNode())));
  };
  const refines = (/** @type {'like' | 'unlike'} */ side) => ({ 'aria-pressed': String(state[side].includes(id)) });
  return h('div.acts', { role: 'group', 'aria-label': `Hit ${hit.rank}` },
    act('plus', 'More like', 'l', () => refine(id, 'like'), refines('like')),
    act('minus', 'Less like', 'u', () => refine(id, 'unlike'), refines('unlike')),
    act('why', 'Why', 'w', () => doing.open(hit, 'why')),
    act('compare', 'Compare with', 'c', () => doing.open(hit, 'compare')),
    act('again', 'Ask with', 'a', () => askWith(hit)),
    act('tag', 'Tag', 't', () => doing.open(hit, 'tag')));
}

/** @param {Hit} hit */
function askWith({ image, box }) {
  open({ image: image.id, region: box && { box: box.map(Math.round) }, asked: !box, k: MORE });
}

/** @param {string} id @param {'like' | 'unlike'} side */
function refine(id, side) {
  const without = (/** @type {string[]} */ names) => names.filter((name) => name !== id);
  update({ like: without(state.like), unlike: without(state.unlike), ...!state[side].includes(id) && { [side]: [...state[side], id] } }, true);
}

function markCurrent() {
  for (const row of all('.hit')) row.setAttribute('aria-current', row.dataset.id === state.hit);
}

/** The next hit or the one before. @param {number} by */
export function step(by) {
  const { hits } = current;
  if (!hits.length) return;
  const hit = hits[clamp(hits.findIndex((one) => one.image.id === state.hit) + by, 0, hits.length - 1)];
  const row = all('.hit').find((one) => one.dataset.id === hit.image.id);
  row.closest('details')?.setAttribute('open', '');
  row.scrollIntoView({ block: 'nearest' });
  row.querySelector('button').focus({ preventScroll: true });
  doing.open(hit, $('compare').hidden ? 'select' : 'compare');
}

export const currentHit = () => [...current.hits, ...current.other?.hits ?? []].find((hit) => hit.image.id === state.hit);
