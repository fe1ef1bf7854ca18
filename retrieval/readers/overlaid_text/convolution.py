"""The layers of the network that sees overlaid text, as kernels: float32, channels first, one core.

All sums run along rows of pixels, two or four channels at a time, so that they are vectors of neighbours in
memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel

Maps = NDArray[np.float32]
"""Channels, rows, cols."""

_FAST = {"contract", "reassoc", "nsz"}


@kernel(fastmath=_FAST)
def strided(maps: Maps, weights: Maps, bias: Maps, is_absolute: bool) -> Maps:
    """Return a convolution at every second position, and its absolute value or ReLU.

    Parameters
    ----------
    maps : (n_in, rows, cols), both even; outside are zeros.
    weights : (n_out, n_in, 4, 4), n_out even; the first tap is one above and left of the position.
    bias : (n_out,)

    Returns
    -------
    (n_out, rows / 2, cols / 2)
    """
    n_in, rows, cols = maps.shape
    n_out = len(weights)
    high, wide = rows // 2, cols // 2
    # Even and odd columns apart, with a zero at both ends.
    even = np.zeros((n_in, 4, wide + 1), np.float32)
    odd = np.zeros((n_in, 4, wide + 1), np.float32)
    total = np.empty((2, wide), np.float32)
    out = np.empty((n_out, high, wide), np.float32)
    for y in range(high):
        for c in range(n_in):
            for i in range(4):
                at = 2 * y + i - 1
                for x in range(wide):
                    even[c, i, x] = maps[c, at, 2 * x] if 0 <= at < rows else np.float32(0)
                    odd[c, i, x + 1] = maps[c, at, 2 * x + 1] if 0 <= at < rows else np.float32(0)
        for k in range(0, n_out, 2):
            for x in range(wide):
                total[0, x] = bias[k]
                total[1, x] = bias[k + 1]
            for c in range(n_in):
                for i in range(4):
                    p0, p1, p2, p3 = weights[k, c, i]
                    q0, q1, q2, q3 = weights[k + 1, c, i]
                    for x in range(wide):
                        a, b = odd[c, i, x], even[c, i, x]
                        d, e = odd[c, i, x + 1], even[c, i, x + 1]
                        total[0, x] += p0 * a + p1 * b + p2 * d + p3 * e
                        total[1, x] += q0 * a + q1 * b + q2 * d + q3 * e
            for j in range(2):
                for x in range(wide):
                    value = total[j, x]
                    out[k + j, y, x] = abs(value) if is_absolute else max(value, np.float32(0))
    return out


@kernel(fastmath=_FAST)
def block(maps: Maps, depth: Maps, mix: Maps, bias: Maps, stride: int, apart: int) -> Maps:
    """Convolve each channel by itself, then mix the channels at each position, and take ReLU.

    Parameters
    ----------
    maps : (n_in, rows, cols), n_in a multiple of four; outside are zeros.
    depth : (n_in, 3, 3)
    mix, bias : (n_out, n_in) and (n_out,), n_out even.
    stride : 1 or 2; with 2 every second position is kept, and rows and cols are even.
    apart : pixels between neighbouring taps.

    Returns
    -------
    (n_out, rows / stride, cols / stride)
    """
    n_in, rows, cols = maps.shape
    n_out = len(mix)
    high, wide = rows // stride, cols // stride
    lines = np.zeros((3, cols + 2 * apart), np.float32)
    # One row of all channels at a time: it stays in the first cache.
    own = np.zeros((n_in, wide), np.float32)
    total = np.empty((2, wide), np.float32)
    out = np.empty((n_out, high, wide), np.float32)
    for y in range(high):
        for c in range(n_in):
            for i in range(3):
                at = stride * y + (i - 1) * apart
                for x in range(cols):
                    lines[i, x + apart] = maps[c, at, x] if 0 <= at < rows else np.float32(0)
            _along(lines, depth[c], own[c], stride, apart)
        for k in range(0, n_out, 2):
            for x in range(wide):
                total[0, x] = bias[k]
                total[1, x] = bias[k + 1]
            for c in range(0, n_in, 4):
                p0, p1, p2, p3 = mix[k, c], mix[k, c + 1], mix[k, c + 2], mix[k, c + 3]
                q0, q1, q2, q3 = mix[k + 1, c], mix[k + 1, c + 1], mix[k + 1, c + 2], mix[k + 1, c + 3]
                for x in range(wide):
                    a, b, d, e = own[c, x], own[c + 1, x], own[c + 2, x], own[c + 3, x]
                    total[0, x] += p0 * a + p1 * b + p2 * d + p3 * e
                    total[1, x] += q0 * a + q1 * b + q2 * d + q3 * e
            for j in range(2):
                for x in range(wide):
                    out[k + j, y, x] = max(total[j, x], np.float32(0))
    return out


@kernel(fastmath=_FAST, inline="always")
def _along(lines: Maps, w: Maps, out: Maps, stride: int, apart: int) -> None:
    """Write the sums of three rows, weighted by (3, 3), at every position or every second."""
    a0, a1, a2 = w[0, 0], w[0, 1], w[0, 2]
    b0, b1, b2 = w[1, 0], w[1, 1], w[1, 2]
    c0, c1, c2 = w[2, 0], w[2, 1], w[2, 2]
    top, here, low = lines[0], lines[1], lines[2]
    # Written twice: with a stride that the compiler does not know nothing would become vectors.
    if stride == 1:
        for x in range(len(out)):
            near, far = x + apart, x + 2 * apart
            first = a0 * top[x] + a1 * top[near] + a2 * top[far]
            second = b0 * here[x] + b1 * here[near] + b2 * here[far]
            out[x] = first + second + c0 * low[x] + c1 * low[near] + c2 * low[far]
    else:
        for x in range(len(out)):
            at, near, far = 2 * x, 2 * x + apart, 2 * x + 2 * apart
            first = a0 * top[at] + a1 * top[near] + a2 * top[far]
            second = b0 * here[at] + b1 * here[near] + b2 * here[far]
            out[x] = first + second + c0 * low[at] + c1 * low[near] + c2 * low[far]
