"""What the follower takes from many boxes' points at once is what each box's own points say."""

import numpy as np
from numpy.typing import NDArray

from redact.core.geometry import Box
from redact.track import optical_flow as following

_COUNT = following._GRID**2


def _alone(
    points: NDArray[np.float32], moved: NDArray[np.float32], held: NDArray[np.bool_]
) -> tuple[float, float, float] | None:
    """One box by itself, in the plainest words."""
    if held.mean() < following._SURVIVORS:
        return None
    across, down = np.median(moved[held] - points[held], axis=0)
    first, second = np.triu_indices(int(held.sum()), 1)
    before = np.linalg.norm(points[held][first] - points[held][second], axis=1)
    after = np.linalg.norm(moved[held][first] - moved[held][second], axis=1)
    apart = before > 0.5
    scale = np.median(after[apart] / before[apart]) if apart.any() else np.float32(1)
    most = following._SCALE_STEP
    return float(across), float(down), float(np.clip(scale, 1 / most, most))


def test_all_boxes_at_once_move_as_each_alone_to_the_last_bit() -> None:
    chance = np.random.default_rng(7)
    boxes = [Box(x, y, x + side, y + side * 1.3) for x, y, side in chance.uniform(0.2, 90, (60, 3))]
    points = following._points(boxes)
    moved = (points * chance.uniform(0.8, 1.3) + chance.normal(0, 2, points.shape)).astype("f")
    held = chance.random(len(points)) < np.repeat(chance.random(60), _COUNT)
    steps = following._steps(points, moved, held)
    parts = [slice(i * _COUNT, (i + 1) * _COUNT) for i in range(60)]
    alone = [_alone(points[part], moved[part], held[part]) for part in parts]
    assert [step and (step.across, step.down, step.scale) for step in steps] == alone
    assert None in alone
    assert any(alone)


def test_points_lie_evenly_in_their_own_box() -> None:
    points = following._points([Box(0, 0, 8, 4), Box(100, 50, 108, 58)])
    assert points.shape == (2 * _COUNT, 2)
    assert points[:4].tolist() == [[1, 0.5], [3, 0.5], [5, 0.5], [7, 0.5]]
    assert points[_COUNT:].min(axis=0).tolist() == [101, 51]
    assert points[_COUNT:].max(axis=0).tolist() == [107, 57]


def test_points_in_one_spot_tell_no_size() -> None:
    points = np.zeros((_COUNT, 2), np.float32)
    (step,) = following._steps(points, points + 3, np.ones(_COUNT, bool))
    assert step == following._Step(3.0, 3.0, 1.0)
