// Marking on the image: box, polygon, brush and superpixel click become the region; ruler only measures.
import { clamp, fill, s } from './dom.js';
/** @import { Hit, Region, XY } from './types.js' */
/** @import { View } from './view.js' */

const CLOSE_PX = 9;
const MIN_PX = 3;
const BRUSH_PX = 14;

export class Marker {
  tool = 'box';
  /** @type {XY[]} */
  points = [];
  /** @type {XY[][]} */
  strokes = [];
  isDown = false;
  preview = s('g.preview');
  ruler = s('g.ruler');
  /** @type {SVGElement | undefined} of the ruler */
  text;
  /** @type {XY} where it is */
  end = [0, 0];

  /**
   * @param {View} view
   * @param {{ done: (region: Region | { strokes: XY[][], radius: number }) => void, measured: (text: string) => void,
   *   spacing: () => number[] | null }} tell
   */
  constructor(view, tell) {
    this.view = view;
    this.tell = tell;
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
    fill(this.preview);
  }

  /** Forgets what was begun and what was measured. */
  clear() {
    this.cancel();
    fill(this.ruler);
    this.tell.measured('');
  }

  /** Where it is, inside the image. @param {PointerEvent} event @returns {XY} */
  placeOf(event) {
    const { x, y } = this.view.pointOf(event);
    const { cols, rows } = this.view.size;
    return [clamp(x, 0, cols), clamp(y, 0, rows)];
  }

  /** @param {PointerEvent} event */
  down(event) {
    const point = this.placeOf(event);
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
    const { zoom, tall } = this.view;
    const near = first && Math.hypot(first[0] - point[0], (first[1] - point[1]) * tall) * zoom < CLOSE_PX;
    if (near && this.points.length > 2) {
      this.finish({ polygon: this.points.map(rounded) });
      return;
    }
    this.points.push(point);
    this.draw(point);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const point = this.placeOf(event);
    if (this.tool === 'polygon' && this.points.length) this.draw(point);
    if (!this.isDown || this.tool === 'polygon') return;
    if (this.tool === 'brush') this.points.push(point);
    this.draw(point);
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.isDown) return;
    this.isDown = false;
    const point = this.placeOf(event);
    if (this.tool === 'box') this.finishBox(point);
    if (this.tool === 'brush') this.finish({ strokes: this.strokes, radius: BRUSH_PX / this.view.zoom });
    if (this.tool === 'ruler') this.measure(point);
  }

  /** @param {XY} point */
  finishBox(point) {
    const box = boxOf(this.points[0], point);
    const side = Math.min(box[2], box[3]);
    if (side * this.view.zoom < MIN_PX || side < 1) this.cancel();
    else this.finish({ box: box.map(Math.round) });
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
    const mm = spacing && Math.hypot(dx * spacing[1], dy * spacing[0]);
    const text = !mm ? `${pixels.toFixed(0)} px` : mm < 0.5 ? `${(mm * 1000).toFixed(0)} µm` : `${mm.toFixed(1)} mm`;
    this.text = s('text', { x: 8 }, text);
    this.end = point;
    fill(this.ruler, line(from, point), this.text);
    fill(this.preview);
    this.upright();
    this.tell.measured(text);
  }

  /** Keeps what is written on the image as it is, however that is zoomed and stretched. */
  upright() {
    const { zoom, tall } = this.view;
    this.text?.setAttribute('transform', `translate(${this.end}) scale(${1 / zoom} ${1 / zoom / tall})`);
  }

  /** @param {XY} point */
  draw(point) {
    const [from] = this.points;
    if (this.tool === 'box') {
      fill(this.preview, rect(boxOf(from, point)));
    } else if (this.tool === 'ruler') {
      fill(this.preview, line(from, point));
    } else if (this.tool === 'polygon') {
      fill(this.preview, s('polyline', { points: [...this.points, point].join(' ') }), dot(from, 'corner'));
    } else {
      fill(this.preview, this.strokes.map((points) => s('polyline.stroke', { points: points.join(' ') })));
    }
  }
}

/** @param {XY} a @param {XY} b @returns {number[]} x, y, width, height */
const boxOf = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
/** @param {XY} point @returns {XY} */
const rounded = ([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
/** @param {XY} a @param {XY} b */
const line = (a, b) => s('line', { x1: a[0], y1: a[1], x2: b[0], y2: b[1] });

/** A dot, whose size on the screen is of the style. @param {XY} at @param {string} kind */
export const dot = (at, kind) => s(`path.${kind}`, { d: `M${at}h0` });

/** Where a hit matches: turned as its geometry says, or its box. @param {Hit} hit */
export const matchOf = (hit) => outlineOf(hit.quad ? { polygon: hit.quad } : { box: hit.box ?? undefined });

/** The outline of a region, drawn. @param {Region} region @returns {SVGElement[]} */
export function outlineOf({ box, polygon }) {
  if (box) return [rect(box)];
  return polygon ? [s('polygon', { points: polygon.join(' ') })] : [];
}

/** @param {number[]} box */
const rect = ([x, y, width, height]) => s('rect', { x, y, width, height });
