"""Lays rendered plates and negatives into a crop: perspective, light, shade, soft edges."""

from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator


def quad(rng: Rng, centre: tuple[float, float], width: float, height: float) -> np.ndarray:
    """A rectangle seen from a random direction, four corners [4, 2]."""
    chance = rng.random()
    side_on = chance < 0.2  # parked along the road, motorcycles: narrower than high
    yaw = rng.uniform(0.3, 0.75) if side_on else rng.uniform(0.75, 1.0) if chance < 0.5 else 1.0
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) / 2
    corners *= (width * yaw, height)
    lean = rng.normal(0, 0.12)
    corners[:, 1] += corners[:, 0] * lean * (1.5 / max(yaw, 0.5) if yaw < 1 else 0.5)
    far = min(0.5, rng.uniform(0, 0.25) * (1 - yaw) * 4)
    corners[corners[:, 0] > 0, 1] *= 1 - far * 0.5
    if rng.random() < 0.5:
        corners[:, 0] *= -1
        corners = corners[[1, 0, 3, 2]]
    angle = rng.normal(0, 0.07) if rng.random() < 0.8 else rng.uniform(-0.5, 0.5)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (corners @ turn + centre).astype(np.float32)


def bounds(corners: np.ndarray) -> np.ndarray:
    """The upright box around corners."""
    return np.concatenate((corners.min(0), corners.max(0))).astype(np.float32)


def shrink(texture: np.ndarray, height: float) -> np.ndarray:
    """A texture near the size it will have, so that warping does not alias."""
    share = 1.3 * height / texture.shape[0]
    if share >= 0.9:
        return texture
    size = (max(4, int(texture.shape[1] * share)), max(4, int(texture.shape[0] * share)))
    return cv2.resize(texture, size, interpolation=cv2.INTER_AREA)


def lay(rng: Rng, crop: np.ndarray, texture: np.ndarray, corners: np.ndarray) -> None:
    """Warps an RGBA texture onto four corners of the crop, lit as its surroundings."""
    size = crop.shape[0]
    x1, y1 = np.floor(np.clip(corners.min(0) - 1, 0, size)).astype(int)
    x2, y2 = np.ceil(np.clip(corners.max(0) + 1, 0, size)).astype(int)
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    texture = shrink(texture, float(np.linalg.norm(corners[3] - corners[0])))
    high, wide = texture.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, corners - np.float32([x1, y1]) - 0.5)
    warped = cv2.warpPerspective(texture, matrix, (int(x2 - x1), int(y2 - y1)))
    part = crop[y1:y2, x1:x2]
    alpha = warped[..., 3:].astype(np.float32) / 255
    # at dusk a plate is dark too, though retroreflection may make it shine
    light = np.clip(part.mean() / 110, 0.15, 1.3) if rng.random() < 0.8 else 1.0
    light *= np.exp(rng.normal(0, 0.25))
    ends = light * (1 + rng.uniform(-0.25, 0.25, 2))
    shade = np.linspace(ends[0], ends[1], part.shape[1], dtype=np.float32)[None, :, None]
    lit = np.minimum(warped[..., 2::-1] * shade + rng.uniform(0, 25), 255)
    crop[y1:y2, x1:x2] = part * (1 - alpha) + lit * alpha


def paint_over(crop: np.ndarray, box: np.ndarray) -> None:
    """Hides a real plate under the colours around it before another is laid there."""
    corner = crop.shape[1::-1]
    x1, y1 = np.clip(np.floor(box[:2]) - 1, 0, corner).astype(int)
    x2, y2 = np.clip(np.ceil(box[2:]) + 1, 0, corner).astype(int)
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    rows = (max(0, y1 - 2), min(crop.shape[0] - 1, y2 + 1))
    above = cv2.GaussianBlur(crop[rows[0] : rows[0] + 1, x1:x2], (9, 1), 0).astype(np.float32)
    below = cv2.GaussianBlur(crop[rows[1] : rows[1] + 1, x1:x2], (9, 1), 0).astype(np.float32)
    mix = np.linspace(0, 1, y2 - y1, dtype=np.float32)[:, None, None]
    crop[y1:y2, x1:x2] = above * (1 - mix) + below * mix


def recolour(rng: Rng, crop: np.ndarray, box: np.ndarray) -> None:
    """Turns what a box holds into its negative, or tints it, or both."""
    corner = crop.shape[1::-1]
    x1, y1 = np.clip(np.round(box[:2]), 0, corner).astype(int)
    x2, y2 = np.clip(np.round(box[2:]), 0, corner).astype(int)
    part = crop[y1:y2, x1:x2].astype(np.float32)
    if part.size == 0:
        return
    chance = rng.random()
    if chance < 0.65:
        low, high = np.percentile(part, 3), np.percentile(part, 97)
        part = np.clip(low + high - part, 0, 255)
    if chance > 0.4:
        part = part * rng.uniform(0.25, 1.0, 3).astype(np.float32)
    crop[y1:y2, x1:x2] = part


def glare(rng: Rng, crop: np.ndarray, box: np.ndarray) -> None:
    """Lets the light in and around a box run over: white clips, characters all but vanish."""
    size, middle, span = crop.shape[0], (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    reach = span * rng.uniform(1.0, 1.6) / 2  # whole in here, less and less up to twice as far
    x1, y1 = np.clip(np.floor(middle - 2 * reach), 0, size).astype(int)
    x2, y2 = np.clip(np.ceil(middle + 2 * reach), 0, size).astype(int)
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    across = np.abs(np.arange(x1, x2) + 0.5 - middle[0]) / reach[0]
    down = np.abs(np.arange(y1, y2) + 0.5 - middle[1]) / reach[1]
    far = np.maximum(across[None, :], down[:, None])
    near = np.clip(2 - far, 0, 1)[..., None].astype(np.float32)
    part = crop[y1:y2, x1:x2].astype(np.float32)
    top = max(40.0, float(np.percentile(part, 90)))
    lit = np.minimum(part * (255 / top * rng.uniform(0.9, 1.6)), 255)
    lit = 255 - (255 - lit) * rng.uniform(0.08, 0.7)  # the veil: dark is not dark any more
    crop[y1:y2, x1:x2] = part + (lit - part) * near


def body(rng: Rng, crop: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Something like a vehicle around a plate laid at a free place; the box it covers."""
    centre, span = corners.mean(0), corners.max(0) - corners.min(0)
    paint = rng.integers(5, 250, 3)
    size, covered = crop.shape[0], np.zeros(4, np.float32)
    for share, change in ((rng.uniform(1.6, 3.5), 1.0), (rng.uniform(1.05, 1.3), 0.5)):
        reach = span * np.array([share, share * rng.uniform(1.0, 2.0)]) / 2
        x1, y1 = np.clip(centre - reach, 0, size).astype(int)
        x2, y2 = np.clip(centre + reach, 0, size).astype(int)
        ramp = np.linspace(1, rng.uniform(0.4, 1.2), max(1, y2 - y1))[:, None, None] * change
        crop[y1:y2, x1:x2] = np.clip(paint * ramp, 0, 255)
        if change == 1.0:
            covered = np.float32([x1, y1, x2, y2])
        if rng.random() < 0.5:
            break
    return covered


def shapes(rng: Rng, crop: np.ndarray) -> None:
    """Heaps of round and angular patches: what clothes, faces and rooms are made of, roughly."""
    size = crop.shape[0]
    for _ in range(int(rng.integers(3, 30))):
        layer = crop.copy()
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        reach = np.exp(rng.uniform(np.log(8), np.log(0.5 * size), 2)).astype(int)
        centre = rng.integers(0, size, 2)
        angle = float(rng.uniform(0, 180))
        if rng.random() < 0.6:
            axes = (int(reach[0]), int(reach[1]))
            middle = (int(centre[0]), int(centre[1]))
            cv2.ellipse(layer, middle, axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = centre + rng.uniform(-1, 1, (int(rng.integers(3, 7)), 2)) * reach
            cv2.fillPoly(layer, [corners.astype(np.int32)], colour, cv2.LINE_AA)
        cover = float(rng.uniform(0.4, 1.0))
        cv2.addWeighted(layer, cover, crop, 1 - cover, 0, dst=crop)
