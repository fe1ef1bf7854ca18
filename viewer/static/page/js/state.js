// What is asked, in one object; the address holds it all, so that reload, back and a shared link bring it back.

/** @typedef {import('./types.js').State} State */

/** @type {State} */
const EMPTY = {
  index: '', image: '', upload: '', frame: 0, region: null, margin: 0, volume: false, by: 'default', fusion: 'rrf', where: '',
  notSame: '', groupBy: '', like: [], unlike: [], window: null, invert: false, hit: '', k: 20,
};
/** A change of one of these is another question. */
export const QUESTION = ['index', 'image', 'upload', 'frame', 'region', 'margin', 'volume', 'by', 'fusion', 'where', 'notSame',
  'groupBy', 'like', 'unlike'];

/** @type {State} */
export const state = { ...EMPTY };
/** @type {Set<(changed: Set<string>) => void>} */
const watchers = new Set();
/** @type {string[]} addresses of earlier marks and refinements */
const undone = [];

/** @param {(changed: Set<string>) => void} watcher */
export const watch = (watcher) => watchers.add(watcher);

/**
 * Changes the state, tells who watches, and writes the address.
 * @param {Partial<State>} change
 * @param {{ keep?: boolean }} [how] keep: an entry of its own in the history (another question)
 */
export function update(change, { keep = false } = {}) {
  const before = write();
  const changed = new Set(Object.keys(change).filter((key) => {
    const name = /** @type {keyof State} */ (key);
    return JSON.stringify(state[name]) !== JSON.stringify(change[name]);
  }));
  if (!changed.size) return;
  Object.assign(state, change);
  if (keep) undone.push(before);
  if (keep) history.pushState(null, '', `#${write()}`);
  else history.replaceState(null, '', `#${write()}`);
  for (const watcher of watchers) watcher(changed);
}

/** Opens an image, with nothing of the last question. @param {string} image @param {Partial<State>} [more] */
export const openImage = (image, more = {}) => update({ image, upload: '', region: null, like: [], unlike: [], hit: '', ...more }, { keep: true });

/** Back before the last mark or refinement. */
export function undo() {
  const before = undone.pop();
  if (before !== undefined) update(read(before));
}

/** Takes the state of the address: at the start, and when the user goes back. */
export function fromAddress() {
  update(read(location.hash.slice(1)));
}

/** The address of the state, or of one that differs from it. @param {Partial<State>} [change] @returns {string} */
export function write(change = {}) {
  const written = { ...state, ...change };
  const parts = new URLSearchParams();
  for (const [key, empty] of Object.entries(EMPTY)) {
    const value = written[/** @type {keyof State} */ (key)];
    if (JSON.stringify(value) === JSON.stringify(empty)) continue;
    // A mask and an upload live in the server's memory only: a link to them would lead nowhere.
    if (key === 'region' && value && /** @type {any} */ (value).mask) continue;
    parts.set(key, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return String(parts);
}

/** @param {string} text of an address @returns {State} */
export function read(text) {
  const result = /** @type {any} */ ({ ...EMPTY });
  for (const [key, value] of new URLSearchParams(text)) {
    if (!(key in EMPTY)) continue;
    const empty = /** @type {any} */ (EMPTY)[key];
    try {
      result[key] = typeof empty === 'string' ? value : key === 'region' ? regionOf(value) : JSON.parse(value);
    } catch { /* A damaged address: what is left of it is used. */ }
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
