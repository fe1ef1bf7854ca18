// ANSWER: cases with their best image, where in them, who voted; folded away what matches nowhere in space.
import { $, announce, fill, h, iconButton, s, score, short } from './dom.js';
import { ask, cancel, currentIndex, namesOf } from './ask.js';
import { findingsOf, referencesOf } from './findings.js';
import { thumbnailOf } from './pixels.js';
import { slices } from './look.js';
import { matchOf } from './marks.js';
import { openImage, QUESTION, state, update, watch } from './state.js';
import { remember } from './strip.js';

/** @typedef {import('./types.js').Hit} Hit */
/** @typedef {import('./types.js').Answer} Answer */

const SLOW_MS = 150;
const MOST = 100;
const LONG = 80;  // characters of a cell that stand on the page unfolded
const HEADER = ['modality', 'body_part', 'age', 'sex'];

/** @type {{ hits: Hit[], answer: Answer | null, other: Answer | null }} */
export const current = { hits: [], answer: null, other: null };
/** @type {(hit: Hit, how: string) => void} */
let opener = () => {};
let answered = () => {};
/** @type {(hit: Hit) => void} */
let tagger = () => {};

/** @param {{ open: typeof opener, tag: typeof tagger, answered: () => void }} does */
export function start(does) {
  opener = does.open;
  answered = does.answered;
  tagger = does.tag;
  watch((what) => {
    const isScrolled = what.has('image') && slices().some((slice) => slice.image.id === state.image);
    if ((what.has('image') && !isScrolled) || what.has('upload') || what.has('index')) clear();
    if (QUESTION.some((name) => what.has(name))) changed(what);
    else if (what.has('k')) run();
    if (what.has('hit')) markCurrent();
  });
  $('ask-whole').addEventListener('click', () => run());
  $('more-hits').addEventListener('click', more);
  new IntersectionObserver(([entry]) => { if (entry.isIntersecting && current.answer && !$('hits').querySelector('.folded')) more(); }).observe($('more-hits'));
}

/** Whether more than an image is asked with. */
export const isRefined = () => state.region !== null || state.like.length > 0 || state.unlike.length > 0;

/** Scrolling through slices asks nothing; a mark, a filter or another representation does. @param {Set<string>} what */
function changed(what) {
  const isAnswered = current.answer !== null && !what.has('image') && !what.has('upload');
  if (isRefined() || isAnswered) run();
}

export function clear() {
  cancel();
  Object.assign(current, { hits: [], answer: null, other: null });
  $('more-hits').hidden = true;
  fill($('hits'));
  fill($('findings'));
  fill($('references'));
  fill($('answer-notes'));
  $('empty-answer').hidden = false;
  fill($('answer-title'), '');
  busy(false);
}

function more() {
  if (state.k < MOST && current.hits.length >= state.k) update({ k: Math.min(state.k + 20, MOST) });
}

/** @param {boolean} on */
function busy(on) {
  $('answer').setAttribute('aria-busy', String(on));
  $('bar').hidden = !on;
}

export async function run() {
  if (!state.image && !state.upload) return;
  const timer = setTimeout(() => busy(true), SLOW_MS);
  try {
    for await (const found of ask((progress) => fill($('progress'), progress.stage))) {
      if (found.__typename === 'Problem') showProblem(found.message);
      else if (found.__typename === 'HeadToHead') showBoth(found);
      else show(found);
      answered();
      remember();
    }
  } catch (error) {
    showProblem(/** @type {Error} */ (error).message);
  } finally {
    clearTimeout(timer);
    busy(false);
    fill($('progress'), '');
  }
}

/** @param {string} message */
function showProblem(message) {
  clear();
  $('empty-answer').hidden = true;
  fill($('answer-notes'), h('p.note.warn', {}, message));
  announce(message);
}

/** @param {Answer} answer */
function show(answer) {
  const isSame = JSON.stringify(current.answer?.hits) === JSON.stringify(answer.hits);
  const [seen, folded] = parted(answer);
  Object.assign(current, { answer, other: null, hits: [...seen, ...folded] });
  frame(answer);
  if (isSame) return;  // the same hits once more, now with findings
  fill($('hits'), ...listOf(seen, folded, answer));
  $('more-hits').hidden = answer.hits.length < state.k || state.k >= MOST;
  announce(answer.hits.length ? `${answer.hits.length} ${answer.hits[0].case ? 'cases' : 'hits'}. First: ${nameOf(answer.hits[0])}.` : 'No hit.');
}

/** What stands above the hits: title, notes, findings, references. @param {Answer} answer */
function frame(answer) {
  $('empty-answer').hidden = true;
  const unit = answer.hits[0]?.case ? `cases by ${answer.hits[0].case.column}` : 'images';
  fill($('answer-title'), `${answer.hits.length} ${unit} · ${answer.by.join(' + ')} · ${(answer.tookMs / 1000).toFixed(2)} s`);
  const nowhere = answer.isRegion && answer.canVerify && answer.nVerified === 0 && answer.hits.length > 0;
  fill($('answer-notes'), ...[...new Set(answer.notes)].map((text) => h('p.note', {}, text)),
    nowhere && h('p.note.warn', {}, 'Nothing in this index matches the region in space. What follows only looks alike.'),
    answer.hits.length === 0 && h('p.note.warn', {}, 'No hit. Loosen the filter, or ask with another region.'));
  fill($('findings'), ...findingsOf(answer.findings));
  fill($('references'), ...referencesOf(answer.references));
}

/** Hits of a region without one inlier are folded away. @param {Answer} answer @returns {[Hit[], Hit[]]} */
function parted(answer) {
  if (!answer.isRegion || !answer.canVerify || answer.nVerified === 0) return [answer.hits, []];
  return [answer.hits.filter((hit) => hit.inliers), answer.hits.filter((hit) => !hit.inliers)];
}

/** @param {Hit[]} seen @param {Hit[]} folded @param {Answer} answer */
function listOf(seen, folded, answer) {
  const rows = [h('ol.hits', {}, ...seen.map((hit) => hitRow(hit, answer)))];
  if (folded.length) {
    rows.push(h('details.folded', {}, h('summary', {}, `Nothing else here matches in space – show ${folded.length}`),
      h('ol.hits', {}, ...folded.map((hit) => hitRow(hit, answer)))));
  }
  return rows;
}

/** @param {Hit} hit */
export const nameOf = (hit) => (hit.case ? `${hit.case.column} ${short(hit.case.value)}` : hit.image.id);

/** @param {Hit} hit @param {Answer} answer @param {string} [partner] what the other column says of it */
function hitRow(hit, answer, partner = '') {
  const { image } = hit;
  return h('li.hit', { 'data-id': image.id, 'aria-current': String(state.hit === image.id) },
    h('button.picture', { type: 'button', 'aria-label': `Compare with ${image.id}`, onclick: () => opener(hit, 'compare') }, thumbnail(hit)),
    h('div.hit-text', {},
      h('p.hit-head', {}, h('strong', {}, `${hit.rank}`), h('span.score', { title: meaning(answer) }, score(hit.score)),
        image.labels.length ? h('span.label', {}, image.labels.join(', ')) : '', partner && h('span.chip.shared', {}, partner)),
      h('p.id', { title: image.id }, nameOf(hit), hit.case && hit.case.count > 1 ? h('span.quiet', {}, ` ${hit.case.count} images`) : ''),
      h('p.quiet.how', {}, [how(hit, answer), votes(hit), fields(image)].filter(Boolean).join(' · ')),
      tableOf(image), caseStrip(hit), acts(hit)));
}

/** @param {Answer} answer */
function meaning(answer) {
  const [name] = answer.by;
  const single = currentIndex()?.representations.find((r) => r.name === name)?.meaning ?? '';
  const what = answer.by.length > 1 ? 'A score of fusion, from ranks or scores of each representation.' : single;
  return `${what} It orders this one answer only.`;
}

/** @param {Hit} hit @param {Answer} answer */
function how(hit, answer) {
  const matching = hit.slices.length ? `${hit.slices.length} slices match` : '';
  if (!answer.isRegion) return matching;
  return hit.inliers ? `${hit.inliers} inliers` : hit.box ? 'most alike part' : matching;
}

/** @param {Hit} hit */
function votes(hit) {
  if (hit.votes.length < 2) return '';
  return hit.votes.map((vote) => `${vote.by} ${vote.rank === null ? '–' : `#${vote.rank}`}`).join(', ');
}

/** What of the header tells cases apart at a glance. @param {import('./types.js').Image} image */
function fields(image) {
  const told = new Set(image.table.map((field) => field.name));
  return image.fields.filter((field) => HEADER.includes(field.name) && !told.has(field.name)).map((field) => field.value).join(', ');
}

/** What the label table says of an image; a report is folded. @param {import('./types.js').Image} image */
function tableOf(image) {
  if (!image.table.length) return null;
  return h('dl.table', {}, ...image.table.flatMap(({ name, value }) => [h('dt', {}, name), h('dd', {}, value.length <= LONG ? value
    : h('details', {}, h('summary', {}, `${value.slice(0, LONG).replace(/\s+\S*$/, '')} …`), value))]));
}

/** @param {Hit} hit */
function thumbnail(hit) {
  const { image } = hit;
  const marks = matchOf(hit);
  return h('span.thumb', {}, thumbnailOf(state.index, image.key),
    marks.length > 0 && s('svg', { viewBox: `0 0 ${image.cols} ${image.rows}`, 'aria-hidden': 'true', preserveAspectRatio: 'xMidYMid meet' }, ...marks));
}

/** The other images of a case. @param {Hit} hit */
function caseStrip(hit) {
  if (!hit.case || hit.case.images.length < 2) return null;
  return h('p.strip', {}, ...hit.case.images.slice(0, 8).map((image) => thumbnailOf(state.index, image.key, image.id)));
}

/** @param {Hit} hit */
function acts(hit) {
  const { id } = hit.image;
  const explains = current.answer?.by.some((name) => currentIndex()?.representations.find((r) => r.name === name)?.explains);
  return h('div.acts', { role: 'group', 'aria-label': `Hit ${hit.rank}` },
    iconButton('plus', `More like hit ${hit.rank}`, () => refine(id, 'like'), { 'aria-pressed': String(state.like.includes(id)) }),
    iconButton('minus', `Less like hit ${hit.rank}`, () => refine(id, 'unlike'), { 'aria-pressed': String(state.unlike.includes(id)) }),
    iconButton('why', `Why hit ${hit.rank}`, () => opener(hit, 'why'), { disabled: !explains }),
    iconButton('compare', `Compare with hit ${hit.rank}`, () => opener(hit, 'compare')),
    iconButton('again', `Ask with hit ${hit.rank}`, () => askWith(hit)),
    iconButton('tag', `Tag hit ${hit.rank}`, () => tagger(hit)));
}

/** @param {Hit} hit */
export function askWith(hit) {
  const region = hit.box ? { box: hit.box.map(Math.round) } : null;
  openImage(hit.image.id, { region, k: 20 });
  if (!region) run();
}

/** @param {string} id @param {'like' | 'unlike'} side */
export function refine(id, side) {
  const toggled = state[side].includes(id) ? state[side].filter((other) => other !== id) : [...state[side], id];
  const other = side === 'like' ? 'unlike' : 'like';
  update(/** @type {any} */ ({ [side]: toggled, [other]: state[other].filter((name) => name !== id) }), { keep: true });
}

/** Two columns for one question; what both found is joined by a line. @param {import('./types.js').HeadToHead} both */
function showBoth(both) {
  Object.assign(current, { answer: both.first, other: both.second, hits: both.first.hits });
  frame(both.first);
  const shared = new Set(both.shared);
  const column = (/** @type {Answer} */ answer, /** @type {Answer} */ other, /** @type {string} */ title) => h('section', { 'aria-label': title },
    h('h3', {}, title), h('ol.hits', {}, ...answer.hits.map((hit) => {
      const partner = shared.has(hit.image.id) && other.hits.find((there) => there.image.id === hit.image.id);
      return hitRow(hit, answer, partner ? `also #${partner.rank}` : '');
    })));
  const lines = s('svg.lines', { 'aria-hidden': 'true' });
  fill($('answer-title'), `Head to head · ${Math.round(both.share * 100)} % of the hits are shared`);
  fill($('hits'), h('div.both', {}, column(both.first, both.second, `Visual words: ${namesOf('words').join(' + ')}`), lines,
    column(both.second, both.first, `Deep: ${namesOf('deep').join(' + ')}`)));
  $('more-hits').hidden = both.first.hits.length < state.k || state.k >= MOST;
  join(lines, both.shared);
  new ResizeObserver(() => join(lines, both.shared)).observe(lines);
  announce(`Head to head: ${both.shared.length} hits are shared.`);
}

/** @param {SVGElement} lines @param {string[]} shared */
function join(lines, shared) {
  const bounds = lines.getBoundingClientRect();
  const [left, right] = [...$('hits').querySelectorAll('.both > section')];
  const middle = (/** @type {Element} */ side, /** @type {string} */ id) => {
    const found = side.querySelector(`[data-id="${CSS.escape(id)}"]`)?.getBoundingClientRect();
    return found ? found.top + found.height / 2 - bounds.top : null;
  };
  lines.replaceChildren(...shared.flatMap((id) => {
    const [y1, y2] = [middle(left, id), middle(right, id)];
    return y1 === null || y2 === null ? [] : [s('line', { x1: 0, y1, x2: bounds.width, y2 })];
  }));
}

function markCurrent() {
  for (const row of $('hits').querySelectorAll('.hit')) row.setAttribute('aria-current', String(row.dataset.id === state.hit));
}

/** The next or the one before, for the keys j and k. @param {number} by */
export function step(by) {
  const { hits } = current;
  if (!hits.length) return;
  const at = hits.findIndex((hit) => hit.image.id === state.hit);
  const hit = hits[Math.min(Math.max(at + by, 0), hits.length - 1)];
  const row = $('hits').querySelector(`.hit[data-id="${CSS.escape(hit.image.id)}"]`);
  const folded = row?.closest('details');
  if (folded) folded.open = true;
  row?.scrollIntoView({ block: 'nearest' });
  row?.querySelector('button')?.focus({ preventScroll: true });
  opener(hit, $('compare').hidden ? 'select' : 'compare');
}

/** @returns {Hit | undefined} */
export const currentHit = () => current.hits.find((hit) => hit.image.id === state.hit) ?? current.other?.hits.find((hit) => hit.image.id === state.hit);
