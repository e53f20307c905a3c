"""Large pictures in overlapping tiles: text detectors shrink what is larger than they take, and small print is lost."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""`(n, 4, 2)`: the corners of boxes, clockwise from the upper left, x before y, in pixels."""

SIDE = 1920  # of a tile, pixels
OVERLAP = 160  # more than a line is high: what one tile cuts, the next one shows whole


def tiles(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of tiles that cover a picture: none above `SIDE`, neighbours share `OVERLAP` or more."""
    for top in _starts(height):
        for left in _starts(width):
            yield left, top, min(left + SIDE, width), min(top + SIDE, height)


def _starts(length: int) -> list[int]:
    count = max(1, math.ceil((length - OVERLAP) / (SIDE - OVERLAP)))
    return [0] if count == 1 else [round(i * (length - SIDE) / (count - 1)) for i in range(count)]


def joined(found: list[Boxes]) -> Boxes:
    """The boxes of all tiles, in the picture's coordinates; boxes of one text in several tiles become one.

    Two boxes of different tiles are of one text where they share half the height of the lower and, of the width, half
    that height or half the narrower: text that runs over a cut overlaps in the strip which both tiles show.
    """
    boxes = np.concatenate([*found, np.zeros((0, 4, 2), np.float32)])
    if len(found) == 1:
        return boxes
    tile = np.repeat(np.arange(len(found)), [len(each) for each in found])
    low, high = boxes.min(1), boxes.max(1)
    group = _groups(low, high, tile)
    return np.stack([_union(boxes[group == name]) for name in dict.fromkeys(group.tolist())]) if len(boxes) else boxes


def _groups(low: Boxes, high: Boxes, tile: NDArray[np.intp]) -> NDArray[np.intp]:
    """A label for each box, equal for boxes of one text; corners `low` and `high` are `(n, 2)`."""
    group = np.arange(len(low))
    size = high - low
    order = np.argsort(low[:, 1], kind="stable")
    tops = low[order, 1]
    for place, i in enumerate(order):
        near = order[place + 1 : np.searchsorted(tops, high[i, 1])]
        near = near[tile[near] != tile[i]]
        shared = np.minimum(high[near], high[i]) - np.maximum(low[near], low[i])
        lower = np.minimum(size[near, 1], size[i, 1])
        narrower = np.minimum(size[near, 0], size[i, 0])
        same = (shared[:, 1] > lower / 2) & (shared[:, 0] > np.minimum(lower, narrower) / 2)
        for j in near[same]:
            group[group == group[j]] = group[i]
    return group


def _union(boxes: Boxes) -> Boxes:
    """The box around boxes `(n, 4, 2)`; a single one keeps its slant."""
    if len(boxes) == 1:
        return boxes[0]
    (left, top), (right, bottom) = boxes.min((0, 1)), boxes.max((0, 1))
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
