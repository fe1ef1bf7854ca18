// What is sent to the server as a file: images from outside, and the mask of a brush, whose outline comes back.
import { fetchGiven } from './api.js';
import { h } from './dom.js';
import { askOf } from './ask.js';
import { outline } from './queries.js';
/** @import { Region, XY } from './types.js' */

/**
 * The strokes of the brush as a mask: a PNG of the image's size, white where marked.
 * @param {XY[][]} strokes @param {number} radius in pixels of the image @param {{cols: number, rows: number}} size
 * @returns {Promise<Blob | null>}
 */
function maskOf(strokes, radius, size) {
  const canvas = h('canvas', { width: size.cols, height: size.rows });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillRect(0, 0, size.cols, size.rows);
  Object.assign(context, { strokeStyle: '#fff', lineWidth: 2 * radius, lineCap: 'round', lineJoin: 'round' });
  // With a step at its end, so that a tap alone is a dot.
  for (const points of strokes) context.stroke(new Path2D(`M${points.join(' ')}l.01 0`));
  // Of a canvas that is too large there is none, and the server says that it is no mask.
  return new Promise((resolve) => canvas.toBlob(resolve));
}

/** A closed outline with fewer corners, none of those left out more than `most` pixels away. @param {XY[]} points @returns {XY[]} */
function simplified(points, most = 0.75) {
  const kept = new Set([0, points.length - 1]);
  // Douglas and Peucker: the corner farthest from the line between two that stay, stays.
  const split = (/** @type {number} */ from, /** @type {number} */ to) => {
    const [[x0, y0], [x1, y1]] = [points[from], points[to]];
    const length = Math.hypot(x1 - x0, y1 - y0);
    let [far, at] = [most, 0];
    for (let i = from + 1; i < to; i++) {
      const [x, y] = points[i];
      const away = length ? Math.abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length : Math.hypot(x - x0, y - y0);
      if (away > far) [far, at] = [away, i];
    }
    if (at) { kept.add(at); split(from, at); split(at, to); }
  };
  split(0, points.length - 1);
  return points.filter((_, i) => kept.has(i));
}

/** @param {string} path @param {Blob | null} body @returns {Promise<any>} */
export async function upload(path, body) {
  const headers = { 'Content-Type': 'application/octet-stream' };
  return (await fetchGiven(path, { method: 'POST', body, headers })).json();
}

/** The region of the strokes of a brush. @param {XY[][]} strokes @param {number} radius @param {{cols: number, rows: number}} size @returns {Promise<Region>} */
export async function brushed(strokes, radius, size) {
  const { mask } = await upload('/masks', await maskOf(strokes, radius, size));
  const { polygons } = await outline({ ask: { ...askOf(), region: { mask } } });
  // Its outline, unlike the mask, stands in the address: a link to it works tomorrow, and for others.
  return polygons.length === 1 ? { polygon: simplified(polygons[0]) } : { mask };
}
