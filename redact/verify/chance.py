"""How likely chance alone makes two fine structures correlate.

Neighbouring pixels are not independent, so a region of n pixels holds fewer independent samples
than n. The variance of the correlation of two unrelated stationary fields is the sum of the
products of their autocorrelations, divided by n (Bartlett, "Some aspects of the time-correlation
problem in regard to tests of significance", J. R. Stat. Soc. 98, 1935; here in two dimensions and
over a mask).
"""

from __future__ import annotations

from math import atanh, sqrt

import cv2
import numpy as np

from redact.hide.masks import Field, Mask

_MOST_INDEPENDENT = 0.4
"""Share of the pixels that can be independent: what a 5x5 high-pass filter leaves is no noise."""


def standard_score(original: Field, written: Field, mask: Mask) -> float:
    """By how many standard deviations a correlation is above what chance makes of it.

    Args:
        original: (rows, columns), the source's fine structure, whose mean is about 0.
        written: The output's, of the same shape.
        mask: Which pixels count.

    Returns:
        The Fisher transform of the correlation in units of its deviation for unrelated fields of
        these autocorrelations; 0 if one of them is flat.
    """
    x, y = original * mask, written * mask
    energy, left = float(np.vdot(x, x)), float(np.vdot(y, y))
    if not energy or not left:
        return 0.0
    correlation = float(np.vdot(x, y)) / sqrt(energy * left)
    independent = _independent_samples(x, y, mask)
    return atanh(max(-0.9999, min(0.9999, correlation))) * sqrt(max(1.0, independent - 3))


def _independent_samples(x: Field, y: Field, mask: Mask) -> float:
    """How many independent pairs of samples tell the correlation of two masked fields."""
    size = tuple(cv2.getOptimalDFTSize(2 * side) for side in x.shape)
    of_x, of_y, pairs = (_autocovariance(field, size) for field in (x, y, mask.astype(np.float32)))
    variance = float((of_x * of_y / np.maximum(pairs, 1)).sum()) / float(of_x[0, 0] * of_y[0, 0])
    most = _MOST_INDEPENDENT * float(pairs[0, 0])
    return min(most, 1 / variance) if variance > 0 else most


def _autocovariance(field: Field, size: tuple[int, ...]) -> Field:
    """Sums of products of the field with itself at every shift, none wrapped around."""
    spectrum = np.fft.rfft2(field, size)
    return np.asarray(np.fft.irfft2(np.abs(spectrum) ** 2, size), np.float32)
