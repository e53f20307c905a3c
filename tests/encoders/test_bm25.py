"""bm25 against bm25s itself, and what it makes of texts without words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.encoders import Options, create_encoder, fingerprint
from mmret.encoders.bm25 import BM25
from mmret.errors import InputError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media
from mmret.media import Workers

from ..conftest import write_clip
from ..evaluation.wordy import wordy


@pytest.fixture
def options(workers: Workers) -> Options:
    return Options(workers)


def made(options: Options, **choices: str) -> BM25:
    model = create_encoder("bm25", replace(options, choices=choices))
    assert isinstance(model, BM25)
    return model


def items(*texts: str) -> list[Item]:
    return [Item(str(i), text=text) for i, text in enumerate(texts)]


@pytest.mark.parametrize("variant", ["lucene", "robertson", "atire", "bm25l", "bm25+"])
def test_scores_are_those_of_bm25s(options: Options, variant: str) -> None:
    import bm25s

    benchmark = wordy()
    ours = made(options, variant=variant, k1="1.2", b="0.6", tokens="words")
    ours.index(benchmark.documents)
    scores = ours.score(benchmark.queries, benchmark.documents)

    theirs = bm25s.BM25(k1=1.2, b=0.6, method=variant, dtype="float64")
    theirs.index(bm25s.tokenize([str(one.text) for one in benchmark.documents], show_progress=False))
    for query, row in zip(benchmark.queries, scores, strict=True):
        (tokens,) = bm25s.tokenize([str(query.text)], return_ids=False, show_progress=False)
        expected = theirs.get_scores(tokens) if tokens else np.zeros(30)
        np.testing.assert_allclose(row, expected, rtol=1e-12)
    assert scores.any()


def test_a_score_does_not_depend_on_the_call(options: Options) -> None:
    benchmark = wordy()
    model = made(options)
    model.index(benchmark.documents)
    whole = model.score(benchmark.queries, benchmark.documents)
    some = model.score(benchmark.queries[3:4], benchmark.documents[::-2])
    np.testing.assert_array_equal(some[0], whole[3, ::-2])


def test_rare_words_count_more_and_all_documents_are_counted(options: Options) -> None:
    documents = items("red dog", "red cat", "blue cat", "red cat")
    model = made(options)
    model.index(documents)
    scores = model.score(items("dog", "red", "blue"), documents)
    assert scores[0].argmax() == 0
    assert scores[0, 0] > scores[1, 0]
    assert scores[1, 1] == scores[1, 3]
    model.index(documents[:3])
    assert model.score(items("red"), documents[:1])[0, 0] > scores[1, 0]  # rarer among fewer


def test_single_digits_and_scripts_without_spaces_are_words(options: Options) -> None:
    documents = items("total 7 units", "total 8 units", "销售总额", "人口数量")
    queries = items("units 7", "总额是多少")
    model = made(options)
    model.index(documents)
    assert model.score(queries, documents).argmax(1).tolist() == [0, 2]
    words = made(options, tokens="words")
    words.index(documents)
    assert words.score(queries, documents)[1].max() == 0


@pytest.mark.parametrize("documents", [["", "?"], ["", "dog"]])
def test_texts_without_words_score_nothing(options: Options, documents: list[str]) -> None:
    model = made(options)
    model.index(items(*documents))
    scores = model.score(items("", "the", "dog"), items(*documents))
    assert scores.shape == (3, 2)
    assert not scores[:2].any()
    assert not scores[2, 0]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"variant": "best"}, "variant cannot be 'best'; choose from: lucene"),
        ({"k1": "much"}, "k1 must be a number of at least 0, not 'much'"),
        ({"b": "nan"}, "b must be a number"),
        ({"stemmer": "klingon"}, "PyStemmer|unknown stemmer"),
        ({"window": "3"}, "no window to choose"),
    ],
)
def test_choices_it_does_not_know_are_refused(options: Options, choices: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(options, **choices)


def test_settings_tell_models_apart_and_a_result_can_be_made(options: Options, tmp_path: Path) -> None:
    assert fingerprint(made(options)) != fingerprint(made(options, k1="2"))
    result = evaluate(wordy(), "bm25", Settings(cache=tmp_path))
    scores = result.record["scores"]["gallery"]["all"]
    assert scores["R@5"]["value"] > scores["R@5"]["random"]
    assert result.record["settings"]["resolved"]["preprocessing"]["variant"] == "lucene"


def test_the_sound_of_documents_is_read_as_words(options: Options, tmp_path: Path) -> None:
    """Captions count beside the text a document has, and put the result in a track of its own."""
    folder = tmp_path / "clips"
    folder.mkdir()
    sounds = {name: write_clip(folder / f"{name}.mp4", tone=tone) for name, tone in (("low", 200.0), ("high", 900.0))}
    given = tmp_path / "captions.csv"
    given.write_text("id,caption\nlow,a dog barks\nhigh,an organ plays\n")
    model = made(options, captioner=f"file:{given}")
    documents = [Item(name, text="a film", audio=Media(path)) for name, path in sounds.items()]
    model.index(documents)
    scores = model.score(items("the dog that barks", "the organ"), documents)
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]
    assert (model.spec.track, made(options).spec.track) == ("audio-as-text", "no-audio")
    assert fingerprint(model) != fingerprint(made(options))
    with pytest.raises(InputError, match="captioner"):
        made(options, captioner="nobody")
