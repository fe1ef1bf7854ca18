// One image on a canvas: zoom, pan, window, and a drawing (SVG) over it in pixels of the image.
import { clamp, fill, h, on, s } from './dom.js';
import { greyTable, paint } from './windowing.js';
/** @import { Pixels, Window } from './types.js' */

export class View {
  drawing = s('g');
  table = new Uint32Array(65536);
  tableOf = '';
  /** @type {ImageData | null} */
  scratch = null;
  /** @type {Pixels | null} */
  pixels = null;
  /** @type {import('./slide.js').Squares | null} in place of pixels, of a whole slide */
  squares = null;
  /** @type {HTMLImageElement | null} in place of pixels when the file is gone */
  fallback = null;
  /** @type {Window} */
  window = { low: 0, high: 255 };
  invert = false;
  size = { cols: 1, rows: 1 };
  zoom = 1;
  least = 1;
  /** How much taller than wide pixels are: mm of a row by mm of a column. */
  tall = 1;
  centre = { x: 0, y: 0 };
  isFitted = true;
  /** @type {((context: CanvasRenderingContext2D) => void) | null} draws above the image, in its pixels */
  above = null;
  pending = 0;
  drawn = () => {};

  /** @param {HTMLElement} stage holds the canvas and the drawing */
  constructor(stage) {
    this.stage = stage;
    /** @type {HTMLCanvasElement} */
    this.canvas = h('canvas', { 'aria-hidden': 'true' });
    fill(stage, this.canvas, s('svg.drawing', { 'aria-hidden': 'true' }, this.drawing));
    const flat = (/** @type {HTMLCanvasElement} */ canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false }));
    this.context = flat(this.canvas);
    /** @type {HTMLCanvasElement} */
    this.buffer = h('canvas');
    this.bufferContext = flat(this.buffer);
    new ResizeObserver(() => { if (this.isFitted) this.fit(); else this.redraw(); }).observe(stage);
  }

  /** @param {Pixels} pixels @param {Window | null} shown null: as the index shows it @param {boolean} invert */
  show(pixels, shown, invert) {
    const { about } = pixels;
    this.window = shown ?? about.window;
    this.invert = invert !== about.inverted;
    this.set({ pixels }, about.cols, about.rows, about.spacing);
  }

  /** @param {Partial<View>} what is shown: pixels, squares or a fallback @param {number} cols @param {number} rows @param {number[] | null} [spacing] mm of a row and of a column */
  set(what, cols, rows, spacing) {
    this.clear();
    Object.assign(this, what);
    const isOther = cols !== this.size.cols || rows !== this.size.rows;
    this.size = { cols, rows };
    this.tall = spacing ? spacing[0] / spacing[1] : 1;
    if (isOther || this.isFitted) this.fit();
  }

  /** Whether there is an image to mark on. */
  get isShown() {
    return this.pixels || this.squares || this.fallback;
  }

  /** Shows nothing. */
  clear() {
    this.squares?.close();
    this.pixels = this.fallback = this.squares = null;
    this.redraw();
  }

  fit() {
    const { stage: { clientWidth, clientHeight }, size: { cols, rows } } = this;
    this.isFitted = true;
    this.zoom = this.least = Math.max(Math.min(clientWidth / cols, clientHeight / rows / this.tall), 1e-3);
    this.centre = { x: cols / 2, y: rows / 2 };
    this.redraw();
  }

  /** Zooms so that the image's pixel under a place of the screen stays there. @param {number} factor @param {{x: number, y: number}} [at] */
  zoomBy(factor, at = this.middle) {
    const before = this.toImage(at);
    this.zoom = clamp(this.zoom * factor, Math.min(0.02, this.least / 2), 40);
    const after = this.toImage(at);
    this.centre.x += before.x - after.x;
    this.centre.y += before.y - after.y;
    this.isFitted = false;
    this.redraw();
  }

  /** @param {number} dx @param {number} dy in CSS pixels */
  pan(dx, dy) {
    this.centre.x -= dx / this.zoom;
    this.centre.y -= dy / this.zoom / this.tall;
    this.isFitted = false;
    this.redraw();
  }

  /** Of the stage, in CSS pixels. */
  get middle() {
    return { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 };
  }

  /** CSS pixels of the stage → pixels of the image. @param {{x: number, y: number}} place */
  toImage({ x, y }) {
    const { middle, centre, zoom, tall } = this;
    return { x: centre.x + (x - middle.x) / zoom, y: centre.y + (y - middle.y) / zoom / tall };
  }

  /** Of the window → CSS pixels of the stage. @param {{clientX: number, clientY: number}} event */
  placeOf({ clientX, clientY }) {
    const { left, top } = this.stage.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  /** Of the window → pixels of the image. @param {{clientX: number, clientY: number}} event */
  pointOf(event) {
    return this.toImage(this.placeOf(event));
  }

  /** The wheel scrolls through slices; with ctrl, or where there is one only, it zooms. @param {() => number} count @param {(step: number) => void} scroll */
  onWheel(count, scroll) {
    let moved = 0;
    on(this.stage, 'wheel', (event) => {
      event.preventDefault();
      if (event.ctrlKey || count() < 2) {
        this.zoomBy(Math.exp(-event.deltaY / 400), this.placeOf(event));
        return;
      }
      // One step a notch of the wheel; a touchpad's small movements add up to one.
      moved += event.deltaY;
      const step = Math.abs(event.deltaY) >= 50 ? Math.sign(event.deltaY) : Math.trunc(moved / 30);
      if (step) { moved = 0; scroll(step); }
    }, { passive: false });
  }

  redraw() {
    if (!this.pending) this.pending = requestAnimationFrame(() => { this.pending = 0; this.draw(); });
  }

  draw() {
    const { canvas, context, stage, centre, zoom } = this;
    const ratio = devicePixelRatio;
    const width = Math.round(stage.clientWidth * ratio);
    const height = Math.round(stage.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const scale = zoom * ratio;
    const left = width / 2 - centre.x * scale;
    const down = scale * this.tall;
    const top = height / 2 - centre.y * down;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillRect(0, 0, width, height);
    context.setTransform(scale, 0, 0, down, left, top);
    context.imageSmoothingEnabled = scale < 6;
    if (this.pixels) this.drawPixels(this.pixels, scale, down, left, top);
    else if (this.squares) this.squares.draw(context, scale, left, top);
    else if (this.fallback) context.drawImage(this.fallback, 0, 0, this.size.cols, this.size.rows);
    this.above?.(context);
    this.drawing.setAttribute('transform', `matrix(${zoom} 0 0 ${down / ratio} ${left / ratio} ${top / ratio})`);
    this.drawn();
  }

  /** Only what is on screen, and no more pixels than the screen has. @param {Pixels} pixels @param {number} scale pixels of the screen a column @param {number} down and a row @param {number} left @param {number} top */
  drawPixels(pixels, scale, down, left, top) {
    const { about } = pixels;
    const x0 = Math.max(Math.floor(-left / scale), 0);
    const y0 = Math.max(Math.floor(-top / down), 0);
    const x1 = Math.min(Math.ceil((this.canvas.width - left) / scale), about.cols);
    const y1 = Math.min(Math.ceil((this.canvas.height - top) / down), about.rows);
    const stride = Math.max(Math.floor(1 / Math.max(scale, down)), 1);
    const width = Math.ceil((x1 - x0) / stride);
    const height = Math.ceil((y1 - y0) / stride);
    if (width <= 0 || height <= 0) return;
    const key = `${this.window.low} ${this.window.high} ${this.invert} ${about.dtype} ${about.slope} ${about.intercept}`;
    if (about.channels === 1 && key !== this.tableOf) {
      greyTable(about, this.window, this.invert, this.table);
      this.tableOf = key;
    }
    if (this.scratch?.width !== width || this.scratch.height !== height) {
      this.scratch = new ImageData(width, height);
      Object.assign(this.buffer, { width, height });
    }
    paint(pixels, this.table, new Uint32Array(this.scratch.data.buffer), { x0, y0, stride, width, height });
    this.bufferContext.putImageData(this.scratch, 0, 0);
    this.context.drawImage(this.buffer, x0, y0, width * stride, height * stride);
  }
}
