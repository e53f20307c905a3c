"""Galleries: what they are made of, and what does not change them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mmret.pipelines.annotate.config import Export
from mmret.pipelines.annotate.export import galleries
from mmret.pipelines.annotate.mine.moments import Moments

from ..test_mine_pairs import clip

FILMS, CLIPS = 20, 15
PARTS = {
    "target": 1, "source": 1, "of the source's original": 5, "like the target in picture, not in sound": 10,
    "like the target in sound, not in picture": 10, "drawn at random": 13,
}  # fmt: skip


@pytest.fixture(scope="module")
def moments():
    clips = [clip(f"c{i:03}", f"film{i // CLIPS}", 10.0 * (i % CLIPS), 10.0 * (i % CLIPS) + 9) for i in range(300)]
    return Moments.of(clips, 0)


@pytest.fixture(scope="module")
def vectors():
    generator = np.random.default_rng(0)
    made = {space: generator.standard_normal((FILMS * CLIPS, 8)).astype(np.float32) for space in ("visual", "audio")}
    return {space: own / np.linalg.norm(own, axis=1, keepdims=True) for space, own in made.items()}


def made(moments, vectors, pairs, **changes):
    settings = Export(**{"gallery": 40, "same_original": 5, "alike": 10, **changes})
    return list(galleries(moments, vectors, np.asarray(pairs), settings))


def test_what_a_gallery_is_made_of(moments, vectors):
    source, target = 20, 150
    (one,) = made(moments, vectors, [[source, target]])
    assert one.parts == PARTS
    assert len(one.rows) == len(set(one.rows.tolist())) == 40
    assert one.rows.tolist() == sorted(one.rows.tolist())
    held = set(one.rows.tolist())
    # Of the source's original those nearest in time; 20 is the sixth of 15 clips.
    assert {18, 19, 20, 21, 22} <= held
    assert {target, source} <= held
    near = {space: own @ own[target] for space, own in vectors.items()}
    for like, unlike in (("visual", "audio"), ("audio", "visual")):
        far = np.flatnonzero(near[unlike] <= np.median(near[unlike]))
        best = far[np.argsort(-near[like][far])][:5]
        assert set(best.tolist()) <= held


def test_other_queries_and_their_order_change_nothing(moments, vectors):
    pairs = [[20, 150], [3, 90], [77, 200], [250, 1]]
    together = {tuple(pair): one.rows.tolist() for pair, one in zip(pairs, made(moments, vectors, pairs), strict=True)}
    for pair in pairs:
        (alone,) = made(moments, vectors, [pair])
        assert alone.rows.tolist() == together[tuple(pair)]
    assert len({tuple(rows) for rows in together.values()}) == 4


def test_a_seed_draws_others(moments, vectors):
    other = Moments(moments.ids, moments.original, moments.start, moments.end, moments.key + np.uint64(1))
    (one,), (two,) = made(moments, vectors, [[20, 150]]), made(other, vectors, [[20, 150]])
    common = set(one.rows.tolist()) & set(two.rows.tolist())
    assert 27 <= len(common) < 40  # all but what is drawn at random


def test_random_clips_are_spread_evenly(moments, vectors):
    pairs = [[i, (i * 7 + 31) % 300] for i in range(0, 300, 2)]
    drawn = Counter()
    for one in made(moments, vectors, pairs, same_original=0, alike=0, gallery=32):
        assert one.parts["drawn at random"] == 30
        drawn.update(one.rows.tolist())
    assert len(drawn) == 300
    assert max(drawn.values()) < 35  # 15 on average, and each is source or target once or twice


def test_few_clips_are_all_there(moments, vectors):
    few = np.arange(12)
    some = moments.take(few)
    (one,) = made(some, {space: own[few] for space, own in vectors.items()}, [[0, 11]])
    assert one.rows.tolist() == list(range(12))
    assert sum(one.parts.values()) == 12
    (two,) = made(some, {space: own[few] for space, own in vectors.items()}, [[0, 11]], gallery=2)
    assert two.rows.tolist() == [0, 11]


def test_clips_without_a_vector_are_no_hard_distractors(moments, vectors):
    bare = {space: own.copy() for space, own in vectors.items()}
    bare["audio"][100:] = 0
    first, second = made(moments, bare, [[20, 50], [20, 150]], same_original=0)
    assert first.parts["like the target in picture, not in sound"] == 10
    assert second.parts["like the target in picture, not in sound"] == 0  # its own sound is unknown
    assert sum(second.parts.values()) == 40
