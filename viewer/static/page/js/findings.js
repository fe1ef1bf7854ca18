// What was found among the best cases, and how sure that is; references for it.
import { h, pValue } from './dom.js';
import { update } from './state.js';

/** @typedef {import('./types.js').Findings} Findings */
/** @typedef {import('./types.js').Finding} Finding */
/** @typedef {import('./types.js').Reference} Reference */

const MOST = 6;

/** @param {Findings | null} findings @returns {Node[]} */
export function findingsOf(findings) {
  if (!findings) return [];
  const { items } = findings;
  return [h('section.findings', { 'aria-label': 'Findings' },
    h('h3', {}, `Findings among ${findings.drawn} of ${findings.total} cases`),
    findings.isUnlike && h('p.verdict', {}, 'Unlike anything in this index'),
    !findings.isUnlike && !findings.isEnough && h('p.verdict', {}, 'Not enough evidence'),
    findings.notice && h('p.note', {}, findings.notice),
    h('ul', {}, ...items.slice(0, MOST).map(bar)),
    h('details', {}, h('summary', {}, 'How this is counted'), h('p.quiet', {}, findings.verdict)))];
}

/** One label: share among the best cases with its 95 % interval as a whisker. @param {Finding} item */
function bar(item) {
  const width = (/** @type {number} */ share) => `${Math.round(share * 1000) / 10}%`;
  const line = h('span.bar', { 'aria-hidden': 'true' }, h('span.filled'), h('span.whisker'));
  line.firstChild.style.width = width(item.share);
  line.lastChild.style.left = width(item.low);
  line.lastChild.style.width = width(item.high - item.low);
  const certain = item.isSignificant ? `×${item.times.toFixed(1)}, p ${pValue(item.adjusted)}` : 'not enough evidence';
  return h('li', { class: item.isSignificant ? 'sure' : 'unsure',
    title: `${item.found} of ${item.drawn} cases; ${item.expected.toFixed(1)} expected by chance; 95 % interval ${width(item.low)} to ${width(item.high)}; p after Holm ${pValue(item.adjusted)}` },
  h('span.finding', {}, item.label), line, h('span.count', {}, `${item.found} of ${item.drawn}`), h('span.quiet', {}, certain));
}

/** Sections of the references, by kind. @param {Reference[]} references @returns {Node[]} */
export function referencesOf(references) {
  if (!references.length) return [];
  const titles = { case: 'Reference cases', web: 'Web', literature: 'Literature', anatomy: 'Anatomy' };
  const kinds = [...new Set(references.map((reference) => reference.kind))];
  return [h('section.references', { 'aria-label': 'References' }, ...kinds.map((kind) => h('details', {},
    h('summary', {}, /** @type {any} */ (titles)[kind] ?? kind),
    h('ul', {}, ...references.filter((reference) => reference.kind === kind).map(entry)))))];
}

/** @param {Reference} reference */
function entry(reference) {
  const { picture, link } = reference;
  return h('li', {}, h('strong', {}, reference.title), h('span.quiet', {}, ` ${reference.label}`),
    reference.bullets.length ? h('ul.bullets', {}, ...reference.bullets.map((bullet) => h('li', {}, bullet))) : h('p', {}, reference.text),
    picture && h('button.link', { type: 'button', onclick: () => update({ image: picture, upload: '', region: null, hit: '' }, { keep: true }) }, 'open the reference image'),
    link && h('a', { href: link, target: '_blank', rel: 'noopener noreferrer' }, `${reference.host} ↗`));
}
