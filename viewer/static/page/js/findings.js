// What was found among the best cases, and how sure that is; references for it.
import { h, quiet } from './dom.js';
import { thumbnailOf } from './pixels.js';
import { open } from './state.js';
/** @import { Finding, Findings, Reference } from './types.js' */

const MOST = 6;
const KINDS = /** @type {Record<string, string>} */ ({ case: 'Reference cases', web: 'Web', literature: 'Literature', anatomy: 'Anatomy' });

/** @param {Findings | null} findings */
export function findingsOf(findings) {
  if (!findings) return null;
  const { drawn, total, isUnlike, isAnotherKind, isEnough, notice, items, verdict } = findings;
  const isStrange = isUnlike || isAnotherKind;
  const said = isUnlike ? 'Unlike anything in this index' : isAnotherKind ? 'Another kind of image' : !isEnough && 'Not enough evidence';
  return h('section.findings', { 'aria-label': 'Findings' },
    h('h3', `Findings among ${drawn} of ${total} cases`),
    said && h('p.verdict', said),
    isStrange && h('p.note', notice),
    h('ul', items.slice(0, MOST).map(bar)),
    h('details', h('summary', 'How this is counted'), h('p.quiet', verdict), !isStrange && notice && h('p.quiet', notice)));
}

/** A p value that does not break at the end of a line. @param {number | null} p */
const pOf = (p) => `p ${p === null ? '–' : p < 0.001 ? '< .001' : p.toFixed(3).replace('0.', '.')}`.replaceAll(' ', '\u00a0');

/** One label: share among the best cases with its 95 % interval as a whisker. @param {Finding} item */
function bar({ label, share, low, high, times, adjusted, isSignificant, found, drawn, expected }) {
  const percent = (/** @type {number} */ part) => `${Math.round(part * 1000) / 10}%`;
  const line = h('span.bar', { 'aria-hidden': 'true' }, h('span.filled'), h('span.whisker'));
  line.firstChild.style.width = percent(share);
  Object.assign(line.lastChild.style, { left: percent(low), width: percent(high - low) });
  return h('li', { class: isSignificant ? 'sure' : 'unsure',
    title: `${found} of ${drawn} cases; ${expected.toFixed(1)} expected by chance; 95 % interval ${percent(low)} to ${percent(high)}; after Holm ${pOf(adjusted)}` },
  h('span.finding', label), h('span.evidence', line, h('span.count', `${found} of ${drawn}`),
    quiet(isSignificant ? `×${times.toFixed(1)}, ${pOf(adjusted)}` : 'not enough evidence')));
}

/** Sections of the references, by kind. @param {Reference[]} references */
export function referencesOf(references) {
  const kinds = [...new Set(references.map((one) => one.kind))];
  return kinds.length > 0 && h('section.references', { 'aria-label': 'References' }, kinds.map((kind) => h('details',
    h('summary', KINDS[kind] ?? kind), h('ul', references.filter((one) => one.kind === kind).map(entry)))));
}

/** @param {Reference} reference */
const entry = ({ title, label, bullets, text, image, picture, link, host }) => h('li',
  h('strong', title), quiet(` ${label}`),
  bullets.length ? h('ul.bullets', bullets.map((bullet) => h('li', bullet))) : h('p', text),
  image && picture && h('button.picture', { 'aria-label': `Open ${image}`, title: image, onclick: () => open({ image }) },
    thumbnailOf(picture)),
  link && h('a', { href: link, target: '_blank', rel: 'noopener noreferrer' }, `${host} ↗`));
