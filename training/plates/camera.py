"""What light, lens, sensor and compression do to a crop."""

from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator


def tone(rng: Rng, crop: np.ndarray) -> np.ndarray:
    """Brightness, contrast, gamma and colour cast in one table per channel."""
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    dark = rng.random() < 0.2
    gamma = rng.uniform(1.2, 2.8) if dark else np.exp(rng.normal(0, 0.25))
    gain = rng.uniform(0.35, 0.9) if dark else rng.uniform(0.75, 1.3)
    if rng.random() < 0.06:  # over-exposed
        gamma, gain = rng.uniform(0.4, 1.0), rng.uniform(1.2, 2.2)
    table = np.empty((256, 1, 3), np.float32)
    spread = float(rng.choice([0.04, 0.25], p=[0.75, 0.25]))
    for channel in range(3):
        curve = levels ** (gamma * np.exp(rng.normal(0, spread / 2))) * gain
        table[:, 0, channel] = curve * np.exp(rng.normal(0, spread)) + rng.uniform(-0.06, 0.06)
    table = (np.clip(table, 0, 1) * 255).astype(np.uint8)
    crop = cv2.LUT(crop, table)
    if rng.random() < 0.15:
        crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < 0.04:
        crop = crop[..., ::-1].copy()
    return crop


def motion_kernel(rng: Rng, length: int) -> np.ndarray:
    """A line of the given length in a random direction."""
    kernel = np.zeros((length, length), np.float32)
    middle = length / 2 - 0.5
    angle = rng.uniform(0, np.pi) if rng.random() < 0.5 else rng.normal(0, 0.15)
    step = np.array([np.cos(angle), np.sin(angle)]) * middle
    ends = [(round(middle + s * step[0]), round(middle + s * step[1])) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return kernel / kernel.sum()


def lens(rng: Rng, crop: np.ndarray) -> np.ndarray:
    """Out of focus, moved, or scaled up from too few pixels."""
    kind = rng.random()
    if kind < 0.18:
        return cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.5, 2.0))
    if kind < 0.32:
        return cv2.filter2D(crop, -1, motion_kernel(rng, int(rng.integers(3, 10))))
    if kind < 0.5:
        height, width = crop.shape[:2]
        share = rng.uniform(0.4, 0.85)
        small = cv2.resize(crop, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if kind < 0.6:
        soft = cv2.GaussianBlur(crop, (0, 0), 1.5)
        return cv2.addWeighted(crop, 1.8, soft, -0.8, 0)
    return crop


class Noise:
    """Sensor noise, drawn once and added from random places of a large field."""

    def __init__(self, rng: Rng, size: int) -> None:
        self.field = rng.normal(0, 32, (2 * size, 2 * size, 3)).astype(np.int8)

    def add(self, rng: Rng, crop: np.ndarray) -> np.ndarray:
        """Adds noise of a random strength."""
        height, width = crop.shape[:2]
        y, x = rng.integers(0, height), rng.integers(0, width)
        part = self.field[y : y + height, x : x + width]
        strength = float(rng.choice([0.06, 0.15, 0.4], p=[0.5, 0.35, 0.15]))
        return cv2.addWeighted(crop, 1.0, part, strength, 0, dtype=cv2.CV_8U)


def compress(rng: Rng, crop: np.ndarray) -> np.ndarray:
    """JPEG of a random quality."""
    quality = int(rng.integers(15, 90))
    _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def take(rng: Rng, crop: np.ndarray, noise: Noise) -> np.ndarray:
    """The whole way from scene to file, every step by chance."""
    if rng.random() < 0.75:
        crop = tone(rng, crop)
    crop = lens(rng, crop)
    if rng.random() < 0.4:
        crop = noise.add(rng, crop)
    if rng.random() < 0.4:
        crop = compress(rng, crop)
    return crop
