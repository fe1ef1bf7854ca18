// Pixels of images: raw 16-bit values for the canvas, small JPEGs for lists; fetched once, kept while there is room.
import { fetchFrom } from './api.js';

/** @typedef {import('./types.js').Pixels} Pixels */

const KEPT_BYTES = 384 * 2 ** 20;
const KEPT_BLOBS = 600;
const AT_ONCE = 6;
const ARRAYS = { int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

/** Raised when a file cannot be read any more: the thumbnail is shown, and this sentence. */
export class Unreadable extends Error {}

/** @type {Map<string, Promise<Pixels>>} in the order of their last use */
const kept = new Map();
/** @type {Map<string, number>} */
const sizes = new Map();

/** The folder of an image's pixels. @param {string} index @param {string} key */
export const imagePath = (index, key) => `/images/${encodeURIComponent(index)}/${encodeURIComponent(key)}`;
/** @param {string} id @param {number} frame */
export const uploadPath = (id, frame) => `/uploads/${encodeURIComponent(id)}/${frame}`;

/** @param {string} path folder of the image @returns {Promise<Pixels>} */
export function loadPixels(path) {
  const known = kept.get(path);
  if (known) {
    kept.delete(path);
    kept.set(path, known);
    return known;
  }
  const loading = fetchPixels(path);
  kept.set(path, loading);
  loading.then((pixels) => { sizes.set(path, pixels.data.byteLength); evict(); }, () => kept.delete(path));
  return loading;
}

/** @param {string} path @returns {Promise<Pixels>} */
async function fetchPixels(path) {
  const response = await fetchFrom(`${path}/pixels`);
  if (!response.ok) throw new Unreadable((await response.json()).message);
  const about = JSON.parse(response.headers.get('Semblance-Image') ?? 'null');
  const buffer = await response.arrayBuffer();
  return { about, data: new ARRAYS[/** @type {'int16'} */ (about.dtype)](buffer) };
}

function evict() {
  let total = 0;
  for (const bytes of sizes.values()) total += bytes;
  for (const path of kept.keys()) {
    if (total <= KEPT_BYTES) return;
    total -= sizes.get(path) ?? 0;
    sizes.delete(path);
    kept.delete(path);
  }
}

let wanted = 0;
/**
 * Fetches neighbours before they are asked for, nearest first, a few at a time; a newer call ends an older one.
 * @param {string[]} paths
 */
export async function prefetch(paths) {
  const mine = ++wanted;
  const queue = paths.filter((path) => !kept.has(path));
  const runner = async () => {
    while (queue.length && mine === wanted) await loadPixels(/** @type {string} */ (queue.shift())).catch(() => {});
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
}

/** @type {Map<string, Promise<string>>} */
const blobs = new Map();

/** The address of a picture as a blob, since an <img> cannot send the token. @param {string} path @returns {Promise<string>} */
export function blobAddress(path) {
  const known = blobs.get(path);
  if (known) return known;
  const loading = fetchFrom(path).then(async (response) => {
    if (!response.ok) throw new Unreadable('This image cannot be shown.');
    return URL.createObjectURL(await response.blob());
  });
  blobs.set(path, loading);
  loading.catch(() => blobs.delete(path));
  if (blobs.size > KEPT_BLOBS) {
    const [oldest, address] = /** @type {[string, Promise<string>]} */ (blobs.entries().next().value);
    blobs.delete(oldest);
    address.then(URL.revokeObjectURL, () => {});
  }
  return loading;
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    const image = /** @type {HTMLImageElement} */ (entry.target);
    seen.unobserve(image);
    blobAddress(/** @type {string} */ (image.dataset.path)).then((address) => { image.src = address; }, () => image.classList.add('broken'));
  }
}, { rootMargin: '300px' });

/** An <img> that loads when it comes near the screen. @param {string} path @param {string} alt */
function lazyImage(path, alt) {
  const image = new Image();
  image.alt = alt;
  image.dataset.path = path;
  image.decoding = 'async';
  image.draggable = false;
  seen.observe(image);
  return image;
}

/** The thumbnail of an image, in a list. @param {string} index @param {string} key @param {string} [alt] empty where text beside it says more */
export const thumbnailOf = (index, key, alt = '') => lazyImage(`${imagePath(index, key)}/thumbnail`, alt);

/** A decoded picture, to be drawn on a canvas. @param {string} path @returns {Promise<HTMLImageElement>} */
export async function loadImage(path) {
  const image = new Image();
  image.src = await blobAddress(path);
  await image.decode();
  return image;
}
