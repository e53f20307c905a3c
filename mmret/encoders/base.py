"""The one interface through which every encoder is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..items import Item, Modality, Side
from ..media import ClipLoader, ClipRequest, Reader, Workers
from ..meter import Meter
from ..vectors import Vectors

Track = Literal["no-audio", "audio-as-text", "native-audio"]
Scoring = Literal["dot", "maxsim", "pairs"]


@dataclass(frozen=True)
class Spec:
    """What an encoder is, without loading it.

    Parameters
    ----------
    name, revision: identity; the revision changes whenever the vectors can change (weights, prompt, code).
    query, document: the modalities truly read on each side; others are ignored.
    summary: one line for the list.
    scoring: how a document is scored for a query: "dot", the inner product of one vector each; "maxsim", late
        interaction: each of the query's vectors adds its largest inner product with one of the document's; "pairs", the
        model's own `score` (lexical models and cross encoders).
    licence: of the weights and of what else comes with them.
    parameters: number of trained weights.
    packages: importable names of the packages that carry code and weights; their versions are stored with a result.
    extra: the extra of mmret that installs them.
    download_mb: size of the weights.
    weights: IDs of the Hub that hold them, where no package carries them; for a family those of its default.
    training_data: what the parts were trained on.
    limits: what the encoder cannot do, for the reader of a result.
    text_first: whether media of an item are read only where it has no text.
    sound_as_text: whether sound is read by way of words for it, so that results stand in a track of their own.
    family: whose model writes words for sounds in it ("qwen"), to warn where the same family annotated a benchmark.
    argument: for a family of encoders, what stands behind the colon of a reference such as "st:FOLDER"; empty for an
        encoder that takes none.
    default: the argument when none is given; empty where one must be given.

    >>> import mmret
    >>> text = frozenset({"text"})
    >>> spec = mmret.Spec("letters", "1", query=text, document=text, summary="counts letters", licence="MIT")
    >>> spec.track  # of the leaderboard
    'no-audio'
    """

    name: str
    revision: str
    query: frozenset[Modality]
    document: frozenset[Modality]
    summary: str
    licence: str
    scoring: Scoring = "dot"
    parameters: int = 0
    packages: tuple[str, ...] = ()
    extra: str = ""
    download_mb: float = 0.0
    weights: tuple[str, ...] = ()
    training_data: str = "none"
    limits: str = ""
    text_first: bool = False
    sound_as_text: bool = False
    family: str = ""
    argument: str = ""
    default: str = ""

    def reads(self, side: Side) -> frozenset[Modality]:
        """The modalities read on one side."""
        return self.query if side == "query" else self.document

    def size_of(self, argument: str) -> float:
        """MB of a family's weights under an argument; 0 where they are known only once they are there."""
        return self.download_mb if argument == self.default else 0.0

    def member(self, argument: str, revision: str) -> Spec:
        """The spec of one of a family, whose weights have that revision."""
        own = replace(self, name=f"{self.name}:{argument}", revision=f"{self.revision} {revision}")
        return own if argument == self.default else replace(own, parameters=0, download_mb=0.0, weights=())

    @property
    def track(self) -> Track:
        """How sound is read: not at all, by way of words, or itself."""
        if "audio" not in self.query | self.document:
            return "no-audio"
        return "audio-as-text" if self.sound_as_text else "native-audio"

    def describe(self) -> dict[str, Any]:
        """All fields as plain values, and how to install what the encoder needs."""
        install = f"pip install 'mmret[{self.extra}]'" if self.extra else "nothing to install"
        described = asdict(self) | {"query": sorted(self.query), "document": sorted(self.document)}
        lists = {"packages": list(self.packages), "weights": list(self.weights)}
        return described | lists | {"track": self.track, "install": install}


class Memory:
    """What encoders remember of the media they met: a clip is source of several queries and a document besides."""

    def __init__(self) -> None:
        self._tables: list[dict[Any, Any]] = []

    def table(self) -> dict[Any, Any]:
        """A dictionary, empty at first, that `clear` empties."""
        self._tables.append({})
        return self._tables[-1]

    def clear(self) -> None:
        """Forget all, so that the next item costs what an item costs."""
        for table in self._tables:
            table.clear()


@dataclass(frozen=True)
class Options:
    """How an encoder is run.

    Parameters
    ----------
    device: a torch device such as "cpu" or "cuda".
    frames, sampling, reader: how clips are decoded, see `mmret.media.ClipRequest`.
    seed: for encoders that draw random numbers.
    dtype: floating-point type of the weights and activations, a name of torch's; vectors are float32 all the same.
    choices: parts and prompts of an encoder made of several, such as its captioner, by name; an encoder refuses those
        it does not know.
    cache: folder for what an encoder keeps beside vectors, such as captions; None for the usual one.
    workers: the processes that decode media.
    meter: where the time spent decoding is written down.
    memory: where an encoder keeps what it made of media, for the items that share them.

    >>> import mmret
    >>> class Mine:
    ...     def __init__(self, options: mmret.Options) -> None:
    ...         self.preprocessing = {"frames": options.frames}
    """

    workers: Workers
    device: str = "cpu"
    frames: int = 8
    sampling: str = "centres"
    reader: Reader = "decord"
    seed: int = 0
    dtype: str = "float32"
    choices: Mapping[str, str] = field(default_factory=dict)
    cache: Path | None = None
    meter: Meter = field(default_factory=Meter)
    memory: Memory = field(default_factory=Memory)

    @property
    def decoding(self) -> dict[str, Any]:
        """How frames are decoded, for the `preprocessing` of an encoder that sees them."""
        return {"frames": self.frames, "sampling": self.sampling, "reader": self.reader}

    def loader(self, *, frames: bool = True, sound: bool = False) -> ClipLoader:
        """What hands out the media of items, decoded so."""
        request = ClipRequest(self.frames if frames else 0, sound, self.sampling, self.reader)
        return ClipLoader(request, self.workers, self.meter)


class Model(Protocol):
    """What all models have in common, as attributes; each is an `Encoder` or a `PairScorer` besides."""

    @property
    def spec(self) -> Spec:
        """What it is."""
        ...

    @property
    def preprocessing(self) -> Mapping[str, Any]:
        """The settings that decide its vectors or scores (frames, sample rate, weights of a composition, seed).

        They are plain values, stored with every result, and keep the vectors of different settings apart.
        """
        ...


@runtime_checkable
class Encoder(Model, Protocol):
    """Anything that turns items into vectors; its spec's `scoring` is "dot" or "maxsim".

    >>> import mmret
    >>> encoder = mmret.load_encoder("random")
    >>> isinstance(encoder, mmret.Encoder)
    True
    >>> encoder.embed([mmret.Item("a", text="a dog barks")], "query").shape
    (1, 64)
    """

    def embed(self, items: Sequence[Item], side: Side) -> Vectors:
        """Vectors of `items`: float32 `(len(items), d)`, or, for "maxsim", `VectorSets` of float32, none empty.

        The vectors of an item depend on that item and the side alone, not on the others in the call.
        """
        ...


@runtime_checkable
class Cuts(Protocol):
    """A model that reads no more than so many tokens of a text."""

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Of which texts the end is not read."""
        ...


@runtime_checkable
class PairScorer(Model, Protocol):
    """Anything that scores documents for queries without vectors; its spec's `scoring` is "pairs".

    What depends on the collection, such as how rare a word is, is learnt in a method `index(documents)`, where the
    class has one: it is called once, before `score`, with all usable documents of the benchmark, more than are scored.

    >>> import mmret
    >>> scorer = mmret.load_encoder("bm25")
    >>> isinstance(scorer, mmret.PairScorer)
    True
    >>> documents = [mmret.Item("a", text="a dog barks"), mmret.Item("b", text="rain on a roof")]
    >>> scorer.index(documents)
    >>> (scorer.score([mmret.Item("q", text="barking dog")], documents) > 0).tolist()
    [[True, False]]
    """

    def score(self, queries: Sequence[Item], documents: Sequence[Item]) -> NDArray[np.float32] | NDArray[np.float64]:
        """Scores float32 or float64 `(len(queries), len(documents))`, finite as float32; higher is better.

        The score of a pair depends, to the last bit, on that pair and on what was indexed, not on the others in the
        call: how many are scored together depends on the protocols asked for and on memory.
        """
        ...


def fingerprint(model: Model) -> str:
    """Hex digest of all that decides a model's vectors or scores: identity, modalities, scoring and preprocessing.

    Raises `InputError` where JSON cannot hold the preprocessing, as when a number in it is NumPy's.
    """
    spec = model.spec.describe()
    decisive = {key: spec[key] for key in ("name", "revision", "query", "document", "scoring")}
    try:
        text = json.dumps({**decisive, "preprocessing": dict(model.preprocessing)}, sort_keys=True)
    except TypeError as error:
        raise InputError(f"the preprocessing of {model.spec.name} must hold plain values alone: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()[:32]
