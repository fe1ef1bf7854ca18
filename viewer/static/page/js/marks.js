// Marking on the image: box, polygon, brush and superpixel click become the region; ruler only measures.
import { s } from './dom.js';

/** @typedef {import('./types.js').Region} Region */
/** @typedef {import('./types.js').XY} XY */
/** @typedef {import('./view.js').View} View */

const CLOSE_PX = 9;
const MIN_PX = 3;
const BRUSH_PX = 14;

export const TOOLS = /** @type {const} */ (['box', 'polygon', 'brush', 'superpixel', 'ruler']);

export class Marker {
  /**
   * @param {View} view
   * @param {{ done: (region: Region | { strokes: XY[][], radius: number }) => void, measured: (text: string) => void,
   *   spacing: () => number[] | null }} tell
   */
  constructor(view, tell) {
    this.view = view;
    this.tell = tell;
    this.tool = 'box';
    /** @type {XY[]} */
    this.points = [];
    /** @type {XY[][]} */
    this.strokes = [];
    this.isDown = false;
    this.preview = s('g.preview');
    this.ruler = s('g.ruler');
  }

  /** @param {string} tool */
  choose(tool) {
    this.tool = tool;
    this.cancel();
  }

  cancel() {
    this.points = [];
    this.strokes = [];
    this.isDown = false;
    this.preview.replaceChildren();
  }

  /** @param {{x: number, y: number}} point @returns {XY} */
  inside(point) {
    const { cols, rows } = this.view.size;
    return [Math.min(Math.max(point.x, 0), cols), Math.min(Math.max(point.y, 0), rows)];
  }

  /** @param {PointerEvent} event */
  down(event) {
    const point = this.inside(this.view.pointOf(event));
    this.isDown = true;
    if (this.tool === 'polygon') {
      this.corner(point);
      return;
    }
    this.points = [point];
    if (this.tool === 'brush') this.strokes.push(this.points);
    if (this.tool === 'superpixel') {
      this.isDown = false;
      this.tell.done({ point });
    }
  }

  /** @param {XY} point */
  corner(point) {
    const [first] = this.points;
    const near = first && Math.hypot(first[0] - point[0], first[1] - point[1]) * this.view.zoom < CLOSE_PX;
    if (near && this.points.length > 2) {
      this.finish({ polygon: this.points.map(rounded) });
      return;
    }
    this.points.push(point);
    this.draw(point);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const point = this.inside(this.view.pointOf(event));
    if (this.tool === 'polygon' && this.points.length) this.draw(point);
    if (!this.isDown || this.tool === 'polygon') return;
    if (this.tool === 'brush') this.points.push(point);
    this.draw(point);
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.isDown) return;
    this.isDown = false;
    const point = this.inside(this.view.pointOf(event));
    if (this.tool === 'box') this.finishBox(point);
    if (this.tool === 'brush') this.finish({ strokes: this.strokes, radius: BRUSH_PX / this.view.zoom });
    if (this.tool === 'ruler') this.measure(point);
  }

  /** @param {XY} point */
  finishBox(point) {
    const box = boxOf(this.points[0], point);
    if (Math.min(box[2], box[3]) * this.view.zoom < MIN_PX || Math.min(box[2], box[3]) < 1) this.cancel();
    else this.finish({ box: box.map((value) => Math.round(value)) });
  }

  /** @param {any} region */
  finish(region) {
    this.cancel();
    this.tell.done(region);
  }

  /** @param {XY} point */
  measure(point) {
    const [from] = this.points;
    const spacing = this.tell.spacing();
    const [dx, dy] = [point[0] - from[0], point[1] - from[1]];
    const pixels = Math.hypot(dx, dy);
    if (pixels < 2) return;
    const text = spacing ? `${Math.hypot(dx * spacing[1], dy * spacing[0]).toFixed(1)} mm` : `${pixels.toFixed(0)} px`;
    this.ruler.replaceChildren(line(from, point), label(text, point, this.view.zoom));
    this.preview.replaceChildren();
    this.tell.measured(text);
  }

  /** @param {XY} point */
  draw(point) {
    const [from] = this.points;
    if (this.tool === 'box') {
      const [x, y, width, height] = boxOf(from, point);
      this.preview.replaceChildren(s('rect', { x, y, width, height }));
    } else if (this.tool === 'ruler') {
      this.preview.replaceChildren(line(from, point));
    } else if (this.tool === 'polygon') {
      const corner = s('circle', { cx: from[0], cy: from[1], r: CLOSE_PX / this.view.zoom });
      this.preview.replaceChildren(s('polyline', { points: [...this.points, point].join(' ') }), corner);
    } else {
      this.preview.replaceChildren(...this.strokes.map((points) => s('polyline.stroke', {
        points: points.join(' '), 'stroke-width': (2 * BRUSH_PX), 'stroke-linecap': 'round', 'stroke-linejoin': 'round',
      })));
    }
  }
}

/** @param {XY} a @param {XY} b @returns {number[]} x, y, width, height */
const boxOf = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
/** @param {XY} point @returns {XY} */
const rounded = ([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
/** @param {XY} a @param {XY} b */
const line = (a, b) => s('line', { x1: a[0], y1: a[1], x2: b[0], y2: b[1] });

/** @param {string} text @param {XY} at @param {number} zoom */
function label(text, at, zoom) {
  const node = s('text', { x: at[0] + 8 / zoom, y: at[1], 'font-size': 13 / zoom });
  node.textContent = text;
  return node;
}

/**
 * The strokes of the brush as a mask: a PNG of the image's size, white where marked.
 * @param {XY[][]} strokes @param {number} radius in pixels of the image @param {{cols: number, rows: number}} size
 * @returns {Promise<Blob>}
 */
export function maskOf(strokes, radius, size) {
  const canvas = Object.assign(document.createElement('canvas'), { width: size.cols, height: size.rows });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillRect(0, 0, size.cols, size.rows);
  Object.assign(context, { strokeStyle: '#fff', lineWidth: 2 * radius, lineCap: 'round', lineJoin: 'round' });
  for (const [first, ...others] of strokes) {
    context.beginPath();
    context.moveTo(...first);
    context.lineTo(first[0] + 0.01, first[1]);  // a tap alone is a dot
    for (const point of others) context.lineTo(...point);
    context.stroke();
  }
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The mask cannot be written.')))));
}

/** A closed outline with fewer corners, none of those left out more than `most` pixels away. @param {XY[]} points @returns {XY[]} */
export function simplified(points, most = 0.75) {
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
  return points.filter((_, i) => kept.has(i)).map(rounded);
}

/** Where a hit matches: turned as its geometry says, or its box. @param {import('./types.js').Hit} hit @returns {SVGElement[]} */
export const matchOf = (hit) => outlineOf(hit.quad ? { polygon: hit.quad } : { box: hit.box ?? undefined });

/** The outline of a region, drawn. @param {Region} region @returns {SVGElement[]} */
export function outlineOf(region) {
  if (region.box) return [s('rect', { x: region.box[0], y: region.box[1], width: region.box[2], height: region.box[3] })];
  if (region.polygon) return [s('polygon', { points: region.polygon.join(' ') })];
  return [];
}
