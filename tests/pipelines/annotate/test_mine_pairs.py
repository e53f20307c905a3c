"""Mining against a plain search of all pairs."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from mmret.pipelines.annotate.config import Mine
from mmret.pipelines.annotate.gates import Condition
from mmret.pipelines.annotate.mine import mine, pairs, similarity
from mmret.pipelines.annotate.mine.calibration import calibrate
from mmret.pipelines.annotate.mine.moments import Moments
from mmret.pipelines.annotate.records import Clip


def clip(name, original, start, end, phash="00" * 32):
    return Clip(
        id=name, original=original, start=start, end=end, fps=25, size=(64, 64), motion=1, richness=1, loudness=-20,
        phash=phash, sound_hash=phash, sha256="0" * 64, licence="CC0",
    )  # fmt: skip


def corpus(originals=12, each=6, seed=0):
    """Clips of 10 s that follow one another, alike in looks by scene and in sound by voice."""
    generator = np.random.default_rng(seed)
    clips = [clip(f"{o:02}-{i}", f"film{o}", 10.0 * i, 10.0 * i + 10) for o in range(originals) for i in range(each)]
    vectors = {}
    for space in ("visual", "audio"):
        centres = generator.standard_normal((5, 32))
        own = centres[generator.integers(0, 5, len(clips))] + 0.25 * generator.standard_normal((len(clips), 32))
        vectors[space] = (own / np.linalg.norm(own, axis=1, keepdims=True)).astype(np.float32)
    return clips, vectors


def by_hand(clips, vectors, texts, apart):
    """Unordered pairs of all clips that pass."""
    found = set()
    for (i, a), (j, b) in combinations(enumerate(clips), 2):
        same = a.original == b.original
        if same and max(a.start, b.start) - min(a.end, b.end) < apart:
            continue
        cosine = {space: np.float32([vectors[space][i] @ vectors[space][j]]) for space in vectors}
        conditions = [Condition.parse(text) for text in texts]
        if all(one.passes(cosine[one.space], np.array([same]))[0] for one in conditions):
            found.add((i, j))
    return found


PAPER = {
    "audio_center": ["visual > 0.9", "audio < 0.3"],
    "visual_center": ["visual < 0.7", "audio > 0.7 or same original"],
    "integrated": ["visual < 0.7", "audio < 0.3"],
}  # what the paper says for CLIP and CLAP, and ours of the same form
MANY = {**PAPER, "nearest": 500, "per_source": 1000, "per_target": 1000, "apart": 1.0, "sampled": 2000}


def mined(clips, vectors, **changes):
    settings = Mine(**(MANY | changes))
    return mine(Moments.of(clips, settings.seed), ["test"] * len(clips), vectors, settings)


@pytest.mark.parametrize("block", [7, 4096])
def test_all_pairs_that_pass_are_found(monkeypatch, block):
    """Whatever the blocks; with as many neighbours as there are clips none is missed."""
    monkeypatch.setattr(similarity, "BLOCK", block)
    monkeypatch.setattr(similarity, "PAIRS", 50)
    monkeypatch.setattr(pairs, "CHUNK", 64)
    clips, vectors = corpus()
    found = mined(clips, vectors, integrated=["visual < -1"])
    for some in found.taken[:2]:
        texts = pairs.gates_of(Mine(**PAPER))[some.kind]
        wanted = by_hand(clips, vectors, texts, 1.0)
        assert len(wanted) > 20
        if some.kind == "visual-center":
            wanted -= {tuple(sorted(pair)) for pair in found.taken[0].pairs.tolist()}
        assert {tuple(sorted(pair)) for pair in some.pairs.tolist()} == wanted
        assert len(some.pairs) == len(wanted)  # each in one direction
    assert found.funnel["audio-center"]["clips with more neighbours than looked at"] == 0


def test_never_the_same_moment():
    clips, vectors = corpus()
    place = {one.id: one for one in clips}
    for apart in (0.0, 1.0, 25.0):
        rows = list(mined(clips, vectors, apart=apart).rows())
        assert rows
        for row in rows:
            a, b = place[row.source], place[row.target]
            assert row.source != row.target
            assert a.original != b.original or max(a.start, b.start) - min(a.end, b.end) >= apart
    near = [
        row
        for row in mined(clips, vectors, apart=0.0).rows()
        if place[row.source].original == place[row.target].original
    ]
    assert any(abs(place[row.source].start - place[row.target].start) == 10 for row in near)  # adjacent, when allowed


def test_limits_and_directions():
    clips, vectors = corpus(30)
    rows = list(mined(clips, vectors, per_source=2, per_target=1).rows())
    for kind in ("audio-center", "visual-center", "integrated"):
        own = [row for row in rows if row.kind == kind]
        assert max(Counter(row.source for row in own).values()) == 2
        assert max(Counter(row.target for row in own).values()) == 1
    assert len({frozenset((row.source, row.target)) for row in rows}) == len(rows)
    forward = np.mean([row.source < row.target for row in mined(clips, vectors).rows()])
    assert 0.45 < forward < 0.55
    few = mined(clips, vectors, most=5)
    assert {len(some.pairs) for some in few.taken} == {5}
    counts = few.funnel["audio-center"]
    gone = sum(number for what, number in counts.items() if what.startswith("not ") or what == "the same moment")
    assert counts["candidates"] - gone == counts["passed, not drawn"] + counts["taken"]


def test_same_settings_same_pairs_and_another_seed_others():
    clips, vectors = corpus()
    one, again, other = (
        list(mined(clips, vectors, per_source=1, per_target=1, seed=seed).rows()) for seed in (0, 0, 1)
    )
    assert one == again
    assert {row.id for row in one} != {row.id for row in other}


def test_pairs_stay_within_a_split():
    clips, vectors = corpus()
    splits = ["train" if one.original < "film2" else "test" for one in clips]
    place = dict(zip((one.id for one in clips), splits, strict=True))
    settings = Mine(**MANY)
    rows = list(mine(Moments.of(clips, 0), splits, vectors, settings).rows())
    assert {row.split for row in rows} == {"train", "test"}
    assert all(place[row.source] == place[row.target] == row.split for row in rows)


def test_few_neighbours_are_told_of():
    clips, vectors = corpus(40)
    assert mined(clips, vectors, nearest=3).funnel["audio-center"]["clips with more neighbours than looked at"] > 100


def test_conditions():
    random = {"visual": np.linspace(0, 1, 101, dtype=np.float32), "audio": np.zeros(101, np.float32)}
    by_share = Condition.parse("visual > 90%").resolved(random)
    assert by_share.bound == pytest.approx(0.9)
    cosines, same = np.float32([0.91, 0.89, 0.1]), np.array([False, False, True])
    assert by_share.passes(cosines, same).tolist() == [True, False, False]
    loose = Condition.parse("visual > 90% or same original").resolved(random)
    assert loose.passes(cosines, same).tolist() == [True, False, True]
    assert str(Condition.parse("audio<0.3")) == "audio < 0.300"
    for wrong in ("visual = 0.9", "text > 0.9", "visual > 1.1", "audio < 101%", "visual > 0.9 or more", ""):
        with pytest.raises(ValueError, match=r"write such as|cosines lie"):
            Condition.parse(wrong)


def test_calibration_tells_shares_and_suggests():
    """In a space whose cosines crowd near 0.95 the paper's bound calls half of all pairs alike."""
    generator = np.random.default_rng(0)
    crowded = generator.normal(0.9, 0.03, 10_000).clip(-1, 1).astype(np.float32)
    spread = generator.normal(0.3, 0.2, 10_000).clip(-1, 1).astype(np.float32)
    same = np.zeros(10_000, bool)
    gates = {"audio-center": ["visual > 0.9", "audio < 0.3"]}
    told = calibrate({"visual": crowded, "audio": spread}, same, gates)
    visual, audio = told.conditions["audio-center"]
    assert visual.share == pytest.approx(0.5, abs=0.02)
    assert visual.suggested == "visual > 99%"
    assert audio.suggested == ""
    assert told.together["audio-center"] == pytest.approx(0.25, abs=0.02)
    assert told.spaces["visual"].quantiles[0.5] == pytest.approx(0.9, abs=0.002)
    assert sum(told.spaces["audio"].counts) == 10_000
    nothing = calibrate({"visual": spread - 0.1, "audio": spread}, same, {"audio-center": ["visual > 1"]})
    assert nothing.conditions["audio-center"][0].suggested == "visual > 99%"
