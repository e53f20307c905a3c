"""Models by their names: what they declare, and what keeps them from running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.encoders import (
    Options,
    Spec,
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
from mmret.items import Item, Side
from mmret.media import Workers

from .sets import EVERYTHING, Sets


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers, frames=4)


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
    with pytest.raises(InputError, match="preprocessing of same must hold plain values alone"):
        fingerprint(Same(scale=np.float32(1)))


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
