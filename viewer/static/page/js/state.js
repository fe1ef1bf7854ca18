// What is asked, in one object; the address holds it all, so that reload, back and a shared link bring it back.
/** @import { State } from './types.js' */

/** Nothing asked. */
const ANEW = { image: '', upload: '', frame: 0, region: null, like: [], unlike: [], concept: [], asked: false, hit: '', window: null, invert: false };
/** @type {State} */
const EMPTY = {
  index: '', ...ANEW, margin: 0, throughMm: 0, volume: false, by: 'default', fusion: '', where: '', notSame: '', groupBy: '',
  k: 20,
};
/** Only what is seen changes with these; all others make another question. */
const VIEW = ['window', 'invert', 'hit', 'k', 'asked'];

/** @type {State} */
export const state = { ...EMPTY };
/** @type {((changed: Changed, isQuestion: boolean) => void)[]} */
const watchers = [];
/** @type {string[]} addresses of earlier marks and refinements */
const undone = [];

/**
 * @typedef {(...fields: (keyof State)[]) => boolean} Changed tells whether any of some fields has changed
 * @param {(changed: Changed, isQuestion: boolean) => void} watcher is told, and whether another question is asked
 */
export const watch = (watcher) => watchers.push(watcher);

/** @type {Partial<State>} where the answer that is shown was asked; other slices may be looked at meanwhile */
export let question = {};

/** Remembers where a question is asked, or that there is none. @param {boolean} isAsked */
export function setQuestion(isAsked) {
  const { image, upload, frame, region, asked } = state;
  question = isAsked ? { image, upload, frame, region, asked } : {};
}

/** Back to the slice and the mark of the answer that is shown: what refines, explains or keeps it is about them. */
export const recall = () => apply(question, false, true);

/** Another slice is looked at; nothing is asked. @param {Partial<State>} change */
export const lookAt = (change) => apply({ region: null, asked: false, ...change }, false, true);

/** @param {unknown} one @param {unknown} other */
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Changes the state, tells who watches, and writes the address. @param {Partial<State>} change @param {boolean} [isEntry] of its own in the history */
export function update(change, isEntry) {
  if (!Object.keys(change).some((key) => key in question || VIEW.includes(key))) recall();
  apply(change, isEntry);
}

/** @param {Partial<State>} change @param {boolean} [isEntry] @param {boolean} [isRecalled] nothing is asked */
function apply(change, isEntry, isRecalled) {
  const before = write();
  const keys = /** @type {(keyof State)[]} */ (Object.keys(change)).filter((key) => !isSame(change[key], state[key]));
  if (!keys.length) return;
  Object.assign(state, change);
  if (isEntry) undone.push(before);
  history[isEntry ? 'pushState' : 'replaceState'](null, '', `#${write()}`);
  for (const watcher of watchers) watcher((...fields) => fields.some((field) => keys.includes(field)), !isRecalled && (isEntry && state.asked || keys.some((key) => !VIEW.includes(key))));
}

/** Opens something, with nothing of the last question. @param {Partial<State>} change */
export const open = (change) => update({ ...ANEW, ...change }, true);

/** Back before the last mark or refinement. */
export function undo() {
  const before = undone.pop();
  if (before) update(read(before));
}

/** Takes the state of the address when the user goes back, or writes another one; that may name no index. */
export function fromAddress() {
  const wanted = read(location.hash.slice(1));
  update({ ...wanted, index: wanted.index || state.index });
}

/** The address of the state, or of one that differs from it. @param {Partial<State>} [change] */
export function write(change = {}) {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(/** @type {Record<string, any>} */ ({ ...state, ...change }))) {
    if (isSame(value, /** @type {any} */ (EMPTY)[key])) continue;
    // A mask lives in the server's memory only: a link to it would lead nowhere.
    if (key === 'region' && value.mask) continue;
    parts.set(key, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return String(parts);
}

/** @param {string} text of an address @returns {State} */
export function read(text) {
  /** @type {any} */
  const result = { ...EMPTY };
  for (const [key, value] of new URLSearchParams(text)) {
    if (!(key in EMPTY)) continue;
    try {
      const empty = result[key];
      const found = typeof empty === 'string' ? value : key === 'region' ? regionOf(value) : JSON.parse(value);
      // A damaged address: what is left of it is used.
      if (empty === null || found?.constructor === empty.constructor) result[key] = found;
    } catch { /* The same. */ }
  }
  return result;
}

/** A region of an address: as the page writes it, or the numbers of a box or polygon, as others do. @param {string} text */
function regionOf(text) {
  if (!/^[-\d.,]+$/.test(text)) return JSON.parse(text);
  const numbers = text.split(',').map(Number);
  if (numbers.length === 4) return { box: numbers };
  return { polygon: numbers.flatMap((x, i) => (i % 2 ? [] : [[x, numbers[i + 1] ?? 0]])) };
}
