"""Splits that share no video."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from mmret.pipelines.annotate.mine import split_of

from .test_mine_pairs import clip

SHARES = {"train": 0.6, "dev": 0.1, "test": 0.3}


def hashes(count, seed=0):
    return [bytes(row).hex() for row in np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)]


def flipped(text, bits):
    raw = np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))
    raw[:bits] ^= 1
    return np.packbits(raw).tobytes().hex()


def test_shares_and_staying():
    clips = [clip(f"c{i}", f"film{i // 2}", 0, 10, one) for i, one in enumerate(hashes(2000))]
    found = split_of(clips, SHARES, 24, 0)
    counts = Counter(found.values())
    assert abs(counts["train"] / 1000 - 0.6) < 0.05
    assert abs(counts["dev"] / 1000 - 0.1) < 0.03
    assert split_of(clips[::-1], SHARES, 24, 0) == found
    fewer = split_of(clips[:600], SHARES, 24, 0)
    assert all(found[original] == split for original, split in fewer.items())
    assert split_of(clips, SHARES, 24, 1) != found
    assert set(split_of(clips, {"train": 0.0, "dev": 0.0, "test": 1.0}, 24, 0).values()) == {"test"}


def test_near_duplicates_tie_originals_in_chains():
    own = hashes(400)
    clips = [clip(f"c{i}", f"film{i}", 0, 10, one) for i, one in enumerate(own)]
    chains = [range(start, start + 4) for start in range(0, 400, 4)]
    links = [clip(f"{a}-{b}", f"film{b}", 20, 30, flipped(own[a], 24)) for chain in chains for a, b in pairwise(chain)]
    tied = split_of(clips + links, SHARES, 24, 0)
    assert all(len({tied[f"film{i}"] for i in chain}) == 1 for chain in chains)
    assert 150 < Counter(tied.values())["train"] < 330  # a group's share does not grow with its size
    loose = split_of(clips + links, SHARES, 23, 0)
    assert any(len({loose[f"film{i}"] for i in chain}) > 1 for chain in chains)
