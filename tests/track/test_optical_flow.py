"""The motions of many boxes at once are those of each box by itself."""

import numpy as np
from numpy.typing import NDArray

from redact.core.geometry import Box
from redact.track import optical_flow

_COUNT = optical_flow._GRID**2


def _alone(
    points: NDArray[np.float32], moved: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[float, float, float] | None:
    """One box's motion by itself, in the plainest words."""
    if valid.mean() < optical_flow._MIN_VALID_SHARE:
        return None
    across, down = np.median(moved[valid] - points[valid], axis=0)
    first, second = np.triu_indices(int(valid.sum()), 1)
    before = np.linalg.norm(points[valid][first] - points[valid][second], axis=1)
    after = np.linalg.norm(moved[valid][first] - moved[valid][second], axis=1)
    usable = before > 0.5
    scale = np.median(after[usable] / before[usable]) if usable.any() else np.float32(1)
    most = optical_flow._MAX_SCALE_STEP
    return float(across), float(down), float(np.clip(scale, 1 / most, most))


def test_all_boxes_at_once_move_as_each_alone_to_the_last_bit() -> None:
    chance = np.random.default_rng(7)
    boxes = [Box(x, y, x + side, y + side * 1.3) for x, y, side in chance.uniform(0.2, 90, (60, 3))]
    points = optical_flow._grid_points(boxes)
    moved = (points * chance.uniform(0.8, 1.3) + chance.normal(0, 2, points.shape)).astype("f")
    valid = chance.random(len(points)) < np.repeat(chance.random(60), _COUNT)
    motions = optical_flow._box_motions(points, moved, valid)
    parts = [slice(i * _COUNT, (i + 1) * _COUNT) for i in range(60)]
    alone = [_alone(points[part], moved[part], valid[part]) for part in parts]
    assert [motion and (motion.across, motion.down, motion.scale) for motion in motions] == alone
    assert None in alone
    assert any(alone)


def test_points_lie_evenly_in_their_own_box() -> None:
    points = optical_flow._grid_points([Box(0, 0, 8, 4), Box(100, 50, 108, 58)])
    assert points.shape == (2 * _COUNT, 2)
    assert points[:4].tolist() == [[1, 0.5], [3, 0.5], [5, 0.5], [7, 0.5]]
    assert points[_COUNT:].min(axis=0).tolist() == [101, 51]
    assert points[_COUNT:].max(axis=0).tolist() == [107, 57]


def test_points_in_one_spot_tell_no_scale() -> None:
    points = np.zeros((_COUNT, 2), np.float32)
    (motion,) = optical_flow._box_motions(points, points + 3, np.ones(_COUNT, bool))
    assert motion == optical_flow._Motion(3.0, 3.0, 1.0)
