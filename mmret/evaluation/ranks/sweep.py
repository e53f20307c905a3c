"""One pass over the scores of all queries, in blocks, with their candidates, in tiles, for all that is to be found out.

What is multiplied for one aim, such as ranks in galleries, is not multiplied again for another, such as ranks among all
documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from typing import Protocol

import numpy as np

from ...benchmarks.ragged import Ragged
from .candidates import Candidates, Tile
from .scorers import Block, Scorer

MAX_BYTES = 96 << 20
Score = Callable[[Tile], Block | None]


class Part(Protocol):
    """One block of queries on its way past the tiles of its candidates."""

    def add(self, tile: Tile, score: Score) -> None:
        """Take in a tile; `score` gives its block of scores, None where pairs are to be computed one by one."""

    def close(self) -> None:
        """All tiles have passed."""


class Aim(Protocol):
    """What a pass is to find out, among which candidates; `probes` must be among them."""

    candidates: Candidates
    probes: Ragged | None

    def open(self, block: slice) -> Part:
        """A block of queries begins."""


def sweep(scorer: Scorer, aims: Sequence[Aim], max_bytes: int = MAX_BYTES) -> None:
    """Lead all queries past all their candidates, within a budget for what is allocated beside the inputs."""
    width, rows = _tiling(scorer, sum(aim.candidates.row_bytes for aim in aims), max_bytes)
    for start in range(0, scorer.queries, rows):
        block = slice(start, min(start + rows, scorer.queries))
        score, parts = _once(scorer, block), [aim.open(block) for aim in aims]
        passing = (_tiles(aim, part, block, width) for aim, part in zip(aims, parts, strict=True))
        for tile, part in merge(*passing, key=lambda one: int(one[0].documents[0])):  # those of one place side by side
            part.add(tile, score)
        for part in parts:
            part.close()


def _tiles(aim: Aim, part: Part, block: slice, width: int) -> Iterator[tuple[Tile, Part]]:
    for tile in aim.candidates.tiles(block, width, aim.probes):
        yield tile, part


def _tiling(scorer: Scorer, listed: int, max_bytes: int) -> tuple[int, int]:
    """How many documents a tile and how many queries a block may have; the former a power of two.

    `listed`: bytes that a query's own lists take.
    """
    width = 1 << max(4, min(12, (max_bytes // 3 // scorer.row_bytes).bit_length() - 1))
    width = min(width, 1 << max(4, (scorer.documents - 1).bit_length()))
    row = (8 if scorer.wide else 4) * width + scorer.row_bytes + listed
    rows = max(16, min(1024, max_bytes // 2 // row))
    blocks = -(-scorer.queries // rows)
    return width, max(1, -(-scorer.queries // max(1, blocks)))


def _once(scorer: Scorer, block: slice) -> Score:
    """Scores of the block with a tile, remembered for who asks for the same documents next."""
    compute, last = scorer.block(block), None

    def score(tile: Tile) -> Block | None:
        nonlocal last
        if tile.sparse(block.stop - block.start):
            return None
        if last is None or not np.array_equal(last[0], tile.documents):
            last = None  # its room is used again
            last = tile.documents, compute(tile.where)
        return last[1]

    return score
