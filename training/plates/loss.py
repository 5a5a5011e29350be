"""Task-aligned assignment of points to plates, quality-focal and GIoU losses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .network import STRIDES

PLATE, IGNORED, LOOSE = 0, 1, 2
CANDIDATES = 9
DOUBTFUL = 0.4


def points_of(size: int) -> tuple[Tensor, Tensor]:
    """Centres [P, 2] and strides [P] of all grid points of a square input."""
    centres, strides = [], []
    for stride in STRIDES:
        line = (torch.arange(size // stride) + 0.5) * stride
        y, x = torch.meshgrid(line, line, indexing="ij")
        centres.append(torch.stack((x.flatten(), y.flatten()), 1))
        strides.append(torch.full((len(line) ** 2,), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and GIoU of boxes [..., 4], broadcast against each other."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inner = (high - low).clamp(min=0).prod(-1)
    area = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inner
    low, high = torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:])
    hull = (high - low).prod(-1).clamp(min=1e-6)
    iou = inner / area.clamp(min=1e-6)
    return iou, iou - (hull - area) / hull


def inside(points: Tensor, boxes: Tensor) -> Tensor:
    """Which points [P, 2] lie in which boxes [M, 4], as [M, P]."""
    beyond = (points >= boxes[:, None, :2]) & (points <= boxes[:, None, 2:])
    return beyond.all(-1)


def assign(
    scores: Tensor, boxes: Tensor, plates: Tensor, points: Tensor, strides: Tensor
) -> tuple[Tensor, Tensor]:
    """For one picture: each point's plate (-1: none) and its target score."""
    target = scores.new_zeros(len(points))
    owner = torch.full((len(points),), -1, dtype=torch.long)
    if not len(plates):
        return owner, target
    centre = (plates[:, None, :2] + plates[:, None, 2:]) / 2
    # a plate smaller than a cell still gets the points around its centre
    reach = torch.maximum((plates[:, 2:] - plates[:, :2])[:, None] / 2, 0.8 * strides[:, None])
    allowed = ((points - centre).abs() <= reach).all(-1)
    iou, _ = overlap(boxes[None], plates[:, None])
    fit = (scores[None].sqrt() * iou.pow(4) + 1e-9) * allowed
    chosen = torch.zeros_like(allowed)
    chosen.scatter_(1, fit.topk(min(CANDIDATES, fit.shape[1]), 1).indices, True)
    fit = fit * (chosen & allowed)
    best, index = fit.max(0)
    positive = best > 0
    owner[positive] = index[positive]
    # the best point of a plate is asked for its own IoU, the others for less
    share = fit / fit.max(1, keepdim=True).values.clamp(min=1e-9)
    peak = (iou * (fit > 0)).max(1, keepdim=True).values
    target[positive] = (share * peak).gather(0, index[None])[0][positive]
    return owner, target


def detection_loss(
    logits: Tensor,
    boxes: Tensor,
    labels: list[tuple[Tensor, Tensor]],
    grid: tuple[Tensor, Tensor],
    spare: bool,
    box_weight: float,
) -> tuple[Tensor, Tensor]:
    """Score and box loss of a batch; `spare` forgives doubtful hits in loosely labelled parts."""
    points, strides = grid
    scores = logits.detach().sigmoid()
    targets, weights, found, wanted, trust = [], [], [], [], []
    for n, (truth, kinds) in enumerate(labels):
        plates = truth[kinds == PLATE]
        with torch.no_grad():
            owner, target = assign(scores[n], boxes[n].detach(), plates, points, strides)
            weight = torch.ones_like(target)
            free = owner < 0
            weight[inside(points, truth[kinds == IGNORED]).any(0) & free] = 0.0
            if spare:
                loose = inside(points, truth[kinds == LOOSE]).any(0)
                weight[loose & free & (scores[n] > DOUBTFUL)] = 0.0
        targets.append(target)
        weights.append(weight)
        hit = owner >= 0
        found.append(boxes[n][hit])
        wanted.append(plates[owner[hit]])
        trust.append(target[hit])
    target, weight = torch.stack(targets), torch.stack(weights)
    total = target.sum().clamp(min=1.0)
    plain = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    score_loss = (plain * (target - logits.sigmoid()).square() * weight).sum() / total
    _, giou = overlap(torch.cat(found), torch.cat(wanted))
    box_loss = ((1 - giou) * torch.cat(trust)).sum() / total
    return score_loss, box_weight * box_loss
