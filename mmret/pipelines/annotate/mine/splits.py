"""Train, dev and test with no video in common, nor one that shows the same in another copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ....benchmarks.duplicates.pictures import BITS, near_hashes
from ....items import text_digest
from ..records import Clip, Split

SPLITS: tuple[Split, ...] = ("train", "dev", "test")


def split_of(clips: Sequence[Clip], shares: Mapping[Split, float], near_bits: int, seed: int) -> dict[str, Split]:
    """The split of each original.

    Parameters
    ----------
    clips: of all originals; two originals with clips whose hashes differ in at most `near_bits` of 256 bits stand
        together, as do those linked by others.
    shares: of the originals that are to fall into each split, in sum 1.

    A group falls where a hash of the name of one of its originals says, the one whose other hash is least. So a video
    keeps its split when others are added, unless they tie it to another group; and shares are kept on average, not to
    the letter.
    """
    originals = sorted({clip.original for clip in clips})
    groups = _groups(clips, originals, near_bits)
    speaker: dict[int, str] = {}
    for original, group in sorted(zip(originals, groups, strict=True), key=lambda one: _draw(f"{seed}:{one[0]}")):
        speaker.setdefault(group, original)
    fallen = {group: _fallen(_draw(f"{seed} falls:{original}"), shares) for group, original in speaker.items()}
    return {original: fallen[group] for original, group in zip(originals, groups, strict=True)}


def _groups(clips: Sequence[Clip], originals: Sequence[str], near_bits: int) -> list[int]:
    """A number for each original, equal for those that are linked by near-duplicates."""
    number = {original: i for i, original in enumerate(originals)}
    place = np.array([number[clip.original] for clip in clips], np.int64)
    hashes = np.array([list(bytes.fromhex(clip.phash)) for clip in clips], np.uint8).reshape(-1, BITS // 8)
    # Clips of one original often look alike; only what links two originals is kept.
    links = {
        (one, other)
        for a, b, _ in near_hashes(hashes, distance=near_bits)
        if (one := int(place[a])) != (other := int(place[b]))
    }
    ends = np.array(sorted(links), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(len(originals),) * 2)
    groups: list[int] = connected_components(graph, directed=False)[1].tolist()
    return groups


def _draw(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int(text_digest(text)[:12], 16) / 2**48


def _fallen(draw: float, shares: Mapping[Split, float]) -> Split:
    wanted = [split for split in SPLITS if shares.get(split, 0) > 0]
    ends = np.cumsum([shares[split] for split in wanted])
    return wanted[min(int(np.searchsorted(ends, draw, side="right")), len(wanted) - 1)]
