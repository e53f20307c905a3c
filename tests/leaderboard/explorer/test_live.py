from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmret.errors import InputError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.live import Live, LiveSearch

from ...conftest import write_clip
from ...evaluation.wordy import wordy
from .conftest import Echo


@pytest.fixture(scope="module")
def settings(cache: Path) -> Settings:
    return Settings(cache=cache, workers=1, cost_items=0)


@pytest.fixture
def tabled(tables: Study, settings: Settings) -> Iterator[Live]:
    with Live(tables, settings) as live:
        yield live


@pytest.mark.parametrize("system", [0, 1])
def test_a_query_of_the_benchmark_finds_what_the_run_lists(tables: Study, tabled: Live, system: int) -> None:
    facts = tables.facts("global")
    search = tabled.search(tables.systems[system].model)
    for query in (0, 17, 246):
        found = search.search(tables.benchmark.queries[query], k=12)
        listing = facts.listing(system, query, 12)
        assert listing is not None
        assert found.documents.tolist() == [hit.document for hit in listing.top]
        assert found.scores.astype(np.float32).tolist() == [np.float32(hit.score) for hit in listing.top]
        assert min(found.embedding, found.searching) >= 0


def test_late_interaction_searches_too(settings: Settings) -> None:
    benchmark = wordy(galleries=0)
    study = Study.of([evaluate(benchmark, "words", settings)], lambda view: benchmark)
    with LiveSearch(study, "words", settings=settings) as search:
        for query in range(5):
            listing = study.facts("global").listing(0, query, 7)
            assert listing is not None
            found = search.search(benchmark.queries[query], k=7)
            assert found.documents.tolist() == [hit.document for hit in listing.top]
        assert len(search.search(benchmark.queries[0], k=500).documents) == len(benchmark.documents)
        assert not search.mixes
        with pytest.raises(InputError, match="scores by 'maxsim'"):
            search.search(benchmark.queries[0], {"text": 1.0})


def test_documents_are_embedded_once(clips: Study, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with LiveSearch(clips, "echo", settings=settings):
        pass
    monkeypatch.setattr(Echo, "embed", lambda *_: pytest.fail("embedded again"))
    with LiveSearch(clips, "echo", settings=settings) as search:
        monkeypatch.undo()
        assert search.reads == {"video"}


def test_weights_mix_the_vectors_of_each_modality(clips: Study, settings: Settings) -> None:
    query = clips.benchmark.queries[3]
    with LiveSearch(clips, "random", settings=settings) as search:
        text, video = (search.search(query.keep([one]), k=144) for one in ("text", "video"))
        alone = search.search(query, {"text": 2.0, "video": 0.0}, k=144)
        assert alone.documents.tolist() == text.documents.tolist()
        mixed = search.search(query, {"text": 1.0, "video": 3.0, "image": 9.0}, k=144)
        by_document = [one.scores[np.argsort(one.documents)] for one in (text, video)]
        sums = by_document[0] + 3 * by_document[1]
        # The query's vector is brought to length 1, the same for every document.
        ratio = mixed.scores[np.argsort(mixed.documents)] / sums
        assert ratio.std() < 1e-4 * ratio.mean()
        assert mixed.documents.tolist() == np.argsort(-sums, kind="stable").tolist()
        for wrong, words in (
            ({"text": -1.0}, "at least 0"),
            ({"text": float("nan")}, "at least 0"),
            ({"smell": 1.0}, "unknown modality 'smell'"),
            ({"image": 1.0}, "nothing of the query has a weight"),
            ({}, "nothing of the query has a weight"),
        ):
            with pytest.raises(InputError, match=words):
                search.search(query, wrong)


def test_a_second_look_at_a_query_embeds_nothing(
    clips: Study, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = clips.benchmark.queries[3]
    with LiveSearch(clips, "random", settings=settings) as search:
        before = search.search(query, {"text": 1.0, "video": 1.0}).documents
        monkeypatch.setattr(type(search.model), "embed", None)
        assert search.search(query, {"text": 1.0, "video": 1.0}).documents.tolist() == before.tolist()
        assert search.search(query, {"text": 1.0, "video": 0.1}).documents.tolist() != before.tolist()


def test_files_become_queries(clips: Study, settings: Settings, tmp_path: Path) -> None:
    loud, mute = write_clip(tmp_path / "loud.mp4"), write_clip(tmp_path / "mute.mp4", tone=None)
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    own = clips.benchmark.documents[5].video
    assert own is not None
    with LiveSearch(clips, "echo", settings=settings) as search:
        assert search.item("a dog", loud).modalities == {"text", "video", "audio"}
        assert search.item("", mute).modalities == {"video"}
        assert search.item(" a dog ", tmp_path / "red.png").modalities == {"text", "image"}
        assert search.item(" a dog ").text == "a dog"
        copy = shutil.copy(own.path, tmp_path / "copy.mp4")
        assert search.search(search.item("", Path(copy))).documents[0] == 5
        (tmp_path / "bad.mp4").write_bytes(loud.read_bytes()[:3000])
        for text, file, words in (
            ("", None, "an empty query"),
            ("  ", None, "an empty query"),
            ("x", tmp_path / "bad.mp4", "bad.mp4: "),
            ("x", tmp_path / "none.mp4", "the file is missing"),
        ):
            with pytest.raises(InputError, match=words):
                search.item(text, file)
        with pytest.raises(InputError, match="echo reads video of a query"):
            search.search(Item("q", "a dog"))


def test_models_of_the_study_come_first_and_run_as_they_were_evaluated(clips: Study, settings: Settings) -> None:
    result = evaluate(clips.benchmark, "random", replace(settings, seed=7))
    study = Study.of([result], lambda view: clips.benchmark)
    with Live(study, settings) as live:
        assert live.models()[0] == "random"
        assert {"text", "bm25"} <= set(live.models())
        search = live.search("random")
        assert search.model.preprocessing["seed"] == 7
        assert live.search("random") is search
        query = clips.benchmark.queries[0]
        facts = study.facts("gallery")
        listing = facts.listing(0, 0, 60)
        assert listing is not None
        found = search.search(query, k=144).documents.tolist()
        listed = [hit.document for hit in listing.top]
        assert [document for document in found if document in listed] == listed
        with pytest.raises(InputError, match="unknown model 'nobody'"):
            live.search("nobody")


def test_tables_are_searched_in_the_view_that_is_asked_for(tabled: Live, tables: Study) -> None:
    search = tabled.search("bm25", "title=text,content=none")
    titles = [(item.text or "").casefold() for item in search.benchmark.documents]
    words = next(title for title in titles if len(title.split()) > 3)
    found = search.search(search.item(words), k=1)
    assert titles[found.documents[0]] == words
    with pytest.raises(InputError, match="scores by 'pairs'"):
        search.search(search.item(words), {"text": 1.0})
