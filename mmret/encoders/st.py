"""st: every model of sentence-transformers: one vector an item, several, or a score for a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError, RunError
from ..items import Item, Modality, Side
from ..vectors import Vectors, VectorSets
from .base import Encoder, Options, PairScorer
from .batches import Batches, at_once
from .choices import number, whole_number
from .registry import register_encoder
from .st_source import SPEC, Source, find_source
from .units import mean_of_units, unit, weighted_sum


class SentenceTransformers:
    """Makes the encoder that a folder or an ID holds: `StEncoder`, or `StPairs` for a cross encoder."""

    spec = SPEC

    def __call__(self, options: Options, argument: str) -> Encoder | PairScorer:
        """Choices: see `StEncoder`; a cross encoder has none."""
        source = find_source(argument, options)
        return (StPairs if source.kind == "CrossEncoder" else StEncoder)(options, source)


register_encoder(SentenceTransformers())

INPUTS_AT_ONCE = 256  # on a GPU, or as many as its memory holds


@dataclass(frozen=True)
class _Part:
    """What goes through the model at once: a text, a picture, a sound, or all of an item jointly."""

    kind: Literal["text", "seen", "heard", "joint"]
    content: Any


class StEncoder:
    """Items through `encode_query` and `encode_document`, with the prompts given in so many words.

    A model that takes several modalities in one input gets all of an item in one, frames as pictures. With any other,
    text, frames and sound go through one by one: frames are the mean of their unit vectors, and text and media together
    are `text_weight` times the text's unit vector plus `1 - text_weight` times that of the media; a model with several
    vectors an item gets the vectors of all parts. Vectors have length 1 where the model is to be compared by cosine.

    Choices: `query_prompt` and `document_prompt`, by default the folder's own for that side; `text_weight` (0.5);
    `dimensions` to cut vectors to (0: all).
    """

    def __init__(self, options: Options, source: Source) -> None:
        self._source, self._options = source, options
        self._text_weight = number(options, "text_weight", 0.5, most=1.0)
        self._batches = Batches(at_once(options.device, INPUTS_AT_ONCE))
        self._dimensions = whole_number(options, "dimensions", 0, least=0)
        self._prompts = {side: options.choices.get(f"{side}_prompt", prompt) for side, prompt in source.prompts.items()}
        if source.similarity not in ("cosine", "dot", "maxsim", "meanmaxsim"):
            raise InputError(f"{source.spec.name} compares by {source.similarity}, which no inner product stands for")
        self.preprocessing: Mapping[str, Any] = {
            "query_prompt": self._prompts["query"], "document_prompt": self._prompts["document"],
            "similarity": source.similarity, "dtype": options.dtype, "text_weight": self._text_weight,
            "dimensions": self._dimensions,
        }  # fmt: skip
        reads: frozenset[Modality] = frozenset({"text"})
        if not source.text_alone:
            reads = frozenset(self._reads())
            self.preprocessing = {**self.preprocessing, **options.decoding}
        self.spec = replace(
            source.spec, query=reads, document=reads, scoring="maxsim" if "maxsim" in source.similarity else "dot"
        )
        self._loader = options.loader(frames="video" in reads, sound="audio" in reads)

    @cached_property
    def _model(self) -> Any:
        with self._options.meter.stage("load model"):
            return self._source.load(self._options, self._dimensions)

    def _reads(self) -> set[Modality]:
        """What the model itself says it reads; pictures make frames readable."""
        known: tuple[Modality, ...] = ("text", "image", "audio")
        found = {modality for modality in known if modality in self._model.modalities}
        if "image" in found:
            found.add("video")
        return found

    def embed(self, items: Sequence[Item], side: Side) -> Vectors:
        """Vectors float32 `(len(items), d)`, or sets of them for a model with several an item."""
        self._loader.expect(item.keep(self.spec.reads(side) - {"text"}) for item in items)
        parts = [self._parts(item) for item in items]
        vectors = iter(self._encode([part for own in parts for part in own], side))
        placed = [self._compose(own, [next(vectors) for _ in own]) for own in parts]
        self.spec = replace(self.spec, parameters=sum(weight.numel() for weight in self._model.parameters()))
        return VectorSets.of(placed) if self.spec.scoring == "maxsim" else np.stack(placed)

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Which texts are longer than the model says it reads; none where it does not say."""
        longest = getattr(self._model, "max_seq_length", None)
        if longest is None:
            return [False] * len(texts)
        return [len(ids) > longest for ids in self._model.tokenizer(list(texts), verbose=False)["input_ids"]]

    def _parts(self, item: Item) -> list[_Part]:
        reads = self.spec.query
        found = [_Part("text", item.text)] if item.text is not None else []
        frames = self._loader.frames(item) if {"image", "video"} & reads else None
        if frames is not None:
            found += [_Part("seen", Image.fromarray(frame)) for frame in frames]
        if "audio" in reads and item.audio is not None:
            rate = _rate(self._model)
            sound = self._loader.sound(item, rate)
            found += [] if sound is None else [_Part("heard", {"array": sound, "sampling_rate": rate})]
        if not found:
            raise RunError(f"{self.spec.name} finds nothing to read in item {item.id}: it has no sound track")
        return [_together(found)] if len(found) > 1 and self._takes_jointly(found) else found

    def _takes_jointly(self, parts: Sequence[_Part]) -> bool:
        names = {"text": "text", "seen": "image", "heard": "audio"}
        kinds = tuple(dict.fromkeys(names[part.kind] for part in parts))
        return "message" in self._model.modalities if len(kinds) == 1 else bool(self._model.supports(kinds))

    def _encode(self, parts: Sequence[_Part], side: Side) -> list[NDArray[np.float32]]:
        """One `(d,)` or `(n, d)` a part, those of one kind in batches."""
        encode = self._model.encode_query if side == "query" else self._model.encode_document
        found: dict[int, NDArray[np.float32]] = {}
        for kind in dict.fromkeys(part.kind for part in parts):
            rows = [row for row, part in enumerate(parts) if part.kind == kind]
            prompt = self._prompts[side] if kind in ("text", "joint") else ""

            def forward(some: list[Any], prompt: str = prompt) -> Any:
                return encode(some, prompt=prompt, batch_size=len(some), show_progress_bar=False, convert_to_numpy=True)

            vectors = self._batches.run([parts[row].content for row in rows], lambda _: 1, forward)
            found.update(zip(rows, (np.asarray(one, np.float32) for one in vectors), strict=True))
        return [found[row] for row in range(len(parts))]

    def _compose(self, parts: Sequence[_Part], vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        if self.spec.scoring == "maxsim":
            return np.concatenate(vectors)
        if len(vectors) == 1:
            return unit(vectors[0]) if self._source.similarity == "cosine" else vectors[0]
        groups: dict[str, list[NDArray[np.float32]]] = {}
        for part, vector in zip(parts, vectors, strict=True):
            groups.setdefault(part.kind, []).append(vector)
        said = groups.pop("text", None)
        media = [mean_of_units(np.stack(own)) for own in groups.values()]
        seen_and_heard = weighted_sum(*((1.0, vector) for vector in media))
        weight = self._text_weight
        together = weighted_sum((weight, None if said is None else unit(said[0])), (1 - weight, seen_and_heard))
        assert together is not None
        return together


class StPairs:
    """A cross encoder: query and document go through the model together, pair by pair."""

    def __init__(self, options: Options, source: Source) -> None:
        self._source, self._options = source, options
        self.spec = replace(source.spec, scoring="pairs")
        self.preprocessing: Mapping[str, Any] = {"dtype": options.dtype}

    @cached_property
    def _model(self) -> Any:
        with self._options.meter.stage("load model"):
            model = self._source.load(self._options)
        if model.num_labels != 1:
            raise RunError(f"{self.spec.name} gives {model.num_labels} values a pair: a class, and no score")
        return model

    def score(self, queries: Sequence[Item], documents: Sequence[Item]) -> NDArray[np.float32]:
        """Scores float32 `(len(queries), len(documents))`, as the model's own activation gives them."""
        scores = [
            [self._model.predict([(query.text, document.text)], show_progress_bar=False)[0] for document in documents]
            for query in queries
        ]
        return np.array(scores, np.float32).reshape(len(queries), len(documents))


def _together(parts: Sequence[_Part]) -> _Part:
    """All parts as one input: several pictures under one name."""
    pictures = [part.content for part in parts if part.kind == "seen"]
    content: dict[str, Any] = {part.kind: part.content for part in parts}
    joint = {"text": content.get("text"), "audio": content.get("heard"), "image": pictures or None}
    return _Part("joint", {name: value for name, value in joint.items() if value is not None})


def _rate(model: Any) -> int:
    """Sample rate in Hz of the model's sound."""
    front = getattr(model.processor, "feature_extractor", model.processor)
    rate = getattr(front, "sampling_rate", None)
    if rate is None:
        raise RunError("the model says it hears, and its processor does not say at which sampling rate")
    return int(rate)
