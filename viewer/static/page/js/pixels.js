// Pixels of images: raw 16-bit values for the canvas, small JPEGs for lists; fetched once, kept while there is room.
import { fetchGiven, tokenOf } from './api.js';
import { h } from './dom.js';
import { state } from './state.js';
/** @import { Pixels } from './types.js' */

const KEPT_BYTES = 384 * 2 ** 20;
const KEPT_BLOBS = 600;
const AT_ONCE = 6;
const ARRAYS = { int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

/**
 * Fetches once, and keeps what was used last while there is room.
 * @template T
 * @param {(path: string) => Promise<T>} fetching
 * @param {number} room @param {(one: T) => number} size in the unit of room @param {(one: T) => void} [drop] lets one go
 */
function keeping(fetching, room, size, drop = () => {}) {
  /** @type {Map<string, { loading: Promise<T>, size: number }>} in the order of their last use */
  const kept = new Map();
  let total = 0;
  const make = (/** @type {string} */ path) => {
    const made = { loading: fetching(path), size: 0 };
    made.loading.then((one) => {
      if (kept.get(path) !== made) return;
      made.size = size(one);
      total += made.size;
      for (const [oldest, old] of kept) {
        if (total <= room) return;
        kept.delete(oldest);
        total -= old.size;
        old.loading.then(drop, () => {});
      }
    }, () => kept.delete(path));
    return made;
  };
  return (/** @type {string} */ path) => {
    const found = kept.get(path) ?? make(path);
    kept.delete(path);
    kept.set(path, found);
    return found.loading;
  };
}

/** The folder of an image's pixels, or of a slide's squares. @param {string} key */
export const imagePath = (key, index = state.index, kind = 'images') => `/${kind}/${encodeURIComponent(index)}/${encodeURIComponent(key)}`;
/** @param {string} id @param {number} frame */
export const uploadPath = (id, frame) => `/uploads/${encodeURIComponent(id)}/${frame}`;

/** The values of an image in a folder. */
export const loadPixels = keeping(async (path) => {
  const response = await fetchGiven(`${path}/pixels`);
  const about = JSON.parse(response.headers.get('Semblance-Image') ?? 'null');
  return /** @type {Pixels} */ ({ about, data: new ARRAYS[/** @type {'int16'} */ (about.dtype)](await response.arrayBuffer()) });
}, KEPT_BYTES, ({ data }) => data.byteLength);

let wanted = 0;
/** Fetches neighbours before they are asked for, a few at a time; a newer call ends an older one. @param {string[]} paths nearest first; they are taken out */
export async function prefetch(paths) {
  const mine = ++wanted;
  const runner = async () => {
    while (paths.length && mine === wanted) await loadPixels(/** @type {string} */ (paths.shift())).catch(() => {});
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
}

/** The address of a picture as a blob: an <img> cannot send the token. */
const blobAddress = keeping(async (path) => {
  const response = await fetchGiven(path);
  return URL.createObjectURL(await response.blob());
}, KEPT_BLOBS, () => 1, URL.revokeObjectURL);

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    const image = /** @type {HTMLImageElement} */ (entry.target);
    seen.unobserve(image);
    blobAddress(image.dataset.path ?? '').then((address) => { image.src = address; }, () => image.dispatchEvent(new Event('error')));
  }
}, { rootMargin: '300px' });

/** The thumbnail of an image in a list, fetched when it comes near the screen. @param {string} key @param {string} [alt] empty where text beside it says more @param {string} [index] another one */
export function thumbnailOf(key, alt = '', index) {
  const path = `${imagePath(key, index)}/thumbnail`;
  const image = h('img', { alt, loading: 'lazy', decoding: 'async', draggable: 'false', onerror: () => image.classList.add('broken') });
  // Without a token the browser fetches by itself, which takes it a fraction of the time.
  if (!tokenOf()) image.src = path;
  else {
    image.dataset.path = path;
    seen.observe(image);
  }
  return image;
}

/** A decoded picture, to be drawn on a canvas. @param {string} path */
export async function loadImage(path) {
  const image = new Image();
  image.src = await blobAddress(path);
  await image.decode();
  return image;
}
