// A whole slide on the canvas: squares of the level that the screen can show, those on screen only; hits and heat over it.
import { clamp, fill, press, s, turns } from './dom.js';
import { current } from './answer.js';
import { fetchFrom } from './api.js';
import { askOf } from './ask.js';
import { imagePath, loadImage } from './pixels.js';
import { query } from './queries.js';
/** @import { Hit, Image } from './types.js' */
/** @import { View } from './view.js' */

const SIDE = 256;
const KEPT = 600;
const AT_ONCE = 6;
const BAR_PX = 120;

const heatOf = query('heat', 'ask: Ask!, slide: ID!', 'Heat{address tiles low high}');

/** The squares of one slide on one view. */
export class Squares {
  /** @type {Map<string, ImageBitmap | null>} in the order of their last use; null: it cannot be read */
  kept = new Map();
  /** @type {string[]} squares on screen that are not here, the last one first */
  wanted = [];
  /** @type {Map<string, AbortController>} */
  running = new Map();
  /** @type {HTMLImageElement | null} */
  heat = null;
  drawing = s('g.on-slide');

  /** @param {View} view @param {Image} image the slide @param {number} levels */
  constructor(view, image, levels) {
    this.view = view;
    this.image = image;
    this.levels = levels;
    this.path = imagePath(image.key, undefined, 'slides');
    view.drawing.append(this.drawing);
  }

  /** @param {CanvasRenderingContext2D} context in pixels of the slide @param {number} scale pixels of the screen a pixel @param {number} left @param {number} top */
  draw(context, scale, left, top) {
    const { width, height } = context.canvas;
    const [x0, y0, x1, y1] = [-left / scale, -top / scale, (width - left) / scale, (height - top) / scale];
    const at = clamp(Math.round(Math.log2(1 / scale)), 0, this.levels - 1);
    const missing = [];
    // The coarsest below, so that what is still on its way is seen unsharp and not black.
    for (let level = this.levels - 1; level >= at; level--) {
      const step = SIDE * 2 ** level;
      for (let row = Math.max(Math.floor(y0 / step), 0); row * step < Math.min(y1, this.image.rows); row++) {
        for (let col = Math.max(Math.floor(x0 / step), 0); col * step < Math.min(x1, this.image.cols); col++) {
          const name = `${level}/${col}/${row}`;
          const square = this.kept.get(name);
          if (square === undefined) {
            const far = Math.hypot((col + 0.5) * step - (x0 + x1) / 2, (row + 0.5) * step - (y0 + y1) / 2);
            if (level === at || level === this.levels - 1) missing.push({ name, far });
          } else this.put(context, name, square, col * step, row * step, step);
        }
      }
    }
    if (this.heat) this.tint(context, this.heat);
    this.bar(context, scale);
    this.want(missing.sort((a, b) => b.far - a.far).map(({ name }) => name));
  }

  /** @param {CanvasRenderingContext2D} context @param {string} name @param {ImageBitmap | null} square @param {number} x @param {number} y @param {number} step */
  put(context, name, square, x, y, step) {
    const [width, height] = [Math.min(step, this.image.cols - x), Math.min(step, this.image.rows - y)];
    this.kept.delete(name);
    this.kept.set(name, square);
    if (square) {
      context.drawImage(square, x, y, width, height);
      return;
    }
    // It cannot be read: crossed out, since blank would look like glass.
    context.strokeStyle = '#d55e00';
    context.lineWidth = step / SIDE;
    context.stroke(new Path2D(`M${x} ${y}l${width} ${height}m0 ${-height}l${-width} ${height}`));
  }

  /** @param {CanvasRenderingContext2D} context @param {HTMLImageElement} heat */
  tint(context, heat) {
    Object.assign(context, { globalAlpha: 0.5, imageSmoothingEnabled: false });
    context.drawImage(heat, 0, 0, this.image.cols, this.image.rows);
    context.globalAlpha = 1;
  }

  /** A scale bar of a round length, at the lower left. @param {CanvasRenderingContext2D} context @param {number} scale */
  bar(context, scale) {
    const ratio = devicePixelRatio;
    const um = ((this.image.spacingMm?.[1] ?? 0) * 1000) / scale * ratio;  // of a CSS pixel
    if (!um) return;
    const unit = 10 ** Math.floor(Math.log10(BAR_PX * um));
    const length = unit * ([5, 2].find((n) => n * unit <= BAR_PX * um) ?? 1);
    const y = context.canvas.height / ratio - 14;
    context.save();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = '#000a';
    context.fillRect(8, y - 18, length / um + 12, 26);
    context.fillStyle = '#fff';
    context.fillRect(14, y, length / um, 3);
    context.font = '12px sans-serif';
    context.fillText(length >= 1000 ? `${length / 1000} mm` : `${length} µm`, 14, y - 5);
    context.restore();
  }

  /** @param {string[]} names the one to fetch first is the last */
  want(names) {
    this.wanted = names;
    for (const [name, fetching] of this.running) if (!names.includes(name)) fetching.abort();
    while (this.running.size < AT_ONCE) if (!this.fetchNext()) break;
  }

  fetchNext() {
    const name = this.wanted.pop();
    if (name === undefined) return false;
    if (this.running.has(name)) return true;
    const fetching = new AbortController();
    this.running.set(name, fetching);
    fetchFrom(`${this.path}/${name}`, { signal: fetching.signal })
      .then(async (response) => this.keep(name, response.ok ? await createImageBitmap(await response.blob()) : null))
      .catch(() => {})  // no longer wanted, or the server is gone, which a bar says
      .finally(() => { this.running.delete(name); this.fetchNext(); });
    return true;
  }

  /** @param {string} name @param {ImageBitmap | null} square */
  keep(name, square) {
    this.kept.set(name, square);
    if (this.kept.size > KEPT) {
      const [oldest, old] = /** @type {[string, ImageBitmap | null]} */ (this.kept.entries().next().value);
      this.kept.delete(oldest);
      old?.close();
    }
    this.view.redraw();
  }

  /** Outlines hits that are on this slide. @param {Hit[]} hits */
  outline(hits) {
    const here = hits.filter((hit) => hit.onSlide?.slide === this.image.id);
    fill(this.drawing, here.map((hit) => s('polygon', { points: hit.onSlide?.outline.join(' '), 'data-rank': hit.rank })));
  }

  /** Brings a part into the middle, a third of the screen wide. @param {import('./types.js').XY[]} outline */
  centre(outline) {
    const [xs, ys] = [0, 1].map((axis) => outline.map((corner) => corner[axis]));
    const [width, height] = [xs, ys].map((all) => Math.max(...all) - Math.min(...all));
    const { view } = this;
    view.zoom = Math.min(view.stage.clientWidth / width, view.stage.clientHeight / height) / 3;
    view.centre = { x: Math.min(...xs) + width / 2, y: Math.min(...ys) + height / 2 };
    view.isFitted = false;
    view.redraw();
  }

  close() {
    this.want([]);
    this.drawing.remove();
    for (const square of this.kept.values()) square?.close();
    this.kept.clear();
  }
}

/** Opens a slide on a view, unless it is there. @param {View} view @param {Image} image @param {number} levels */
export function openSlide(view, image, levels) {
  const { squares: before } = view;
  if (before?.image.key === image.key && before.image.id === image.id) return before;
  const squares = new Squares(view, image, levels);
  view.set({ squares }, image.cols, image.rows);
  squares.outline(current.hits);  // the answer may have come before
  return squares;
}

const begin = turns();

/** Where on the slide the question is: switched on and off by its button, and off by another question or slide. @param {Squares} squares */
export async function toggleHeat(squares, isOn = !squares.heat) {
  const signal = begin();
  let [heat, said] = [/** @type {HTMLImageElement | null} */ (null), ''];
  if (isOn) {
    fill('heat-note', 'asking …');
    try {
      const { address, tiles, low, high } = await heatOf({ ask: askOf(), slide: squares.image.id }, signal);
      heat = await loadImage(address);
      said = `${tiles} tiles, ${low.toFixed(3)} (dark) to ${high.toFixed(3)} (yellow)`;
    } catch (error) {
      said = /** @type {Error} */ (error).message;
    }
    if (signal.aborted) return;  // it is of the last question
  }
  squares.heat = heat;
  press('heat', Boolean(heat));
  fill('heat-note', said);
  squares.view.redraw();
}
