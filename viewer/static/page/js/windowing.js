// From 16-bit values to grey on the screen: a table of all 65,536 values, applied to the pixels on screen only.
/** @import { About, Pixels, Window } from './types.js' */

const OPAQUE = 0xff000000;
const GREY = 0x010101;

/**
 * The grey of every stored value, as RGBA in a little-endian word; value = stored · slope + intercept.
 * @param {About} about @param {Window} shown in the units of values @param {boolean} invert
 * @param {Uint32Array} [table] to be written again
 * @returns {Uint32Array} indexed by the stored value as an unsigned 16-bit number
 */
export function greyTable(about, shown, invert, table = new Uint32Array(65536)) {
  const isSigned = about.dtype === 'int16';
  const width = Math.max(shown.high - shown.low, 1e-6);
  const step = (255 * about.slope) / width;
  let grey = (255 * (about.intercept - shown.low)) / width + (isSigned ? -32768 * step : 0);
  // From the smallest stored value up; int16 −32768 is the unsigned 32768, so the index wraps around once.
  for (let i = 0, at = isSigned ? 32768 : 0; i < 65536; i++, at = (at + 1) & 65535, grey += step) {
    const clipped = grey <= 0 ? 0 : grey >= 255 ? 255 : (grey + 0.5) | 0;
    table[at] = OPAQUE | ((invert ? 255 - clipped : clipped) * GREY);
  }
  return table;
}

/**
 * Paints rows y0..y1 and columns x0..x1, every `stride`-th pixel, into `out`.
 * @param {Pixels} pixels @param {Uint32Array} table @param {Uint32Array} out of at least width · height words
 * @param {{ x0: number, y0: number, width: number, height: number, stride: number }} part in pixels of the output
 */
export function paint(pixels, table, out, part) {
  const { data, about: { channels, cols } } = pixels;
  const { x0, y0, width, height, stride } = part;
  const isColour = channels === 3;
  // The table is indexed by unsigned numbers: the same bytes, read so.
  const values = isColour ? data : new Uint16Array(data.buffer);
  for (let y = 0, at = 0; y < height; y++) {
    let from = ((y0 + y * stride) * cols + x0) * channels;
    for (let x = 0; x < width; x++, from += channels * stride) {
      out[at++] = isColour ? OPAQUE | (values[from + 2] << 16) | (values[from + 1] << 8) | values[from] : table[values[from]];
    }
  }
}

/** The value under a place in the image: a number, or [r, g, b]. @param {Pixels} pixels @param {number} x @param {number} y */
export function valueAt(pixels, x, y) {
  const { about, data } = pixels;
  const col = Math.floor(x);
  const row = Math.floor(y);
  const at = row * about.cols + col;
  if (about.channels === 3) return [data[3 * at], data[3 * at + 1], data[3 * at + 2]];
  return data[at] * about.slope + about.intercept;
}
