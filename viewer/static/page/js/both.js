// HEAD TO HEAD: two columns for one question; what both found is joined by a line.
import { announce, fill, h, s } from './dom.js';
import { current, frame, hitRow, subject } from './answer.js';
import { askOf, namesOf } from './ask.js';
import { findingsOf, referencesOf } from './findings.js';
import { ANSWER, query } from './queries.js';
/** @import { Answer, HeadToHead } from './types.js' */

const headToHead = query('headToHead', 'ask: Ask!, first: [String!]!, second: [String!]!',
  `HeadToHead{__typename shared share first{${ANSWER}} second{${ANSWER}}}`);

/** @param {AbortSignal} signal @returns {Promise<HeadToHead>} */
export const ask = (signal) => headToHead({ ask: askOf(), first: namesOf('words'), second: namesOf('deep') }, signal);

/** @param {HeadToHead} both */
export function show({ first, second, shared, share }) {
  const { hits } = second.hits.length > first.hits.length ? second : first;
  Object.assign(current, { answer: first, other: second, hits });
  // What each found has its place above its hits; there is more if either has, and no hit if neither has one.
  frame({ ...first, hits, notes: [...first.notes, ...second.notes], findings: null, references: [] });
  const lines = s('svg.lines', { 'aria-hidden': 'true' });
  const left = column('Visual words', first, second);
  const right = column('Deep', second, first);
  announce(fill('answer-title', `Head to head · ${Math.round(share * 100)} % of the hits are shared`).textContent);
  fill('hits', h('div.both', left, lines, right));
  // Drawn again whenever a row grows.
  new ResizeObserver(() => fill(lines, shared.map((one) => join(lines, left, right, one)))).observe(lines);
}

/** @param {string} title @param {Answer} answer @param {Answer} other */
const column = (title, answer, other) => h('section', { 'aria-label': title },
  h('h3', `${title}: ${answer.by.join(' + ')}`), findingsOf(answer.findings), referencesOf(answer.references), h('ol.hits', answer.hits.map((hit) => {
    const partner = other.hits.find((there) => subject(there) === subject(hit));
    return hitRow(hit, answer, partner && `also #${partner.rank}`);
  })));

/** @param {SVGElement} lines @param {Element} left @param {Element} right @param {string} one image or case */
function join(lines, left, right, one) {
  const bounds = lines.getBoundingClientRect();
  const [y1, y2] = [left, right].map((side) => {
    const { top, height } = /** @type {Element} */ (side.querySelector(`[data-of="${CSS.escape(one)}"]`)).getBoundingClientRect();
    return top + height / 2 - bounds.top;
  });
  return s('line', { x1: 0, y1, x2: bounds.width, y2 });
}
