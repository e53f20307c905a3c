"""Live queries: a question, a picture or a clip with a text, searched for among a benchmark's documents."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...benchmarks import Benchmark
from ...encoders import Encoder, Memory, PairScorer, Vectors, create_encoder, encoders, lacking
from ...encoders.units import unit, weighted_sum
from ...errors import InputError, unknown_name
from ...evaluation import Settings
from ...evaluation.checks import check_scores, check_vectors
from ...evaluation.devices import resolve_device
from ...evaluation.embedding import embed_sides
from ...evaluation.pairs import index
from ...evaluation.ranks import top_k
from ...evaluation.replica import Replica
from ...evaluation.settings import OF_MODELS
from ...items import MODALITIES, Item, Media, Modality
from ...media import Fault, Workers, digest_all, inspect
from ...meter import Meter
from ...vectors import matrix_of
from .answers import Study, System
from .facts import top_entries

Weights = Mapping[Modality, float]
REMEMBERED = 64  # vectors of queries


@dataclass(frozen=True)
class Found:
    """What a live query found.

    Parameters
    ----------
    documents: int64 `(k,)`, positions in the study's documents, best first; fewer where there are fewer.
    scores: float64 `(k,)`; float32 in precision where vectors decide.
    embedding, searching: seconds; of a model that scores pairs all are searching.
    """

    documents: NDArray[np.int64]
    scores: NDArray[np.float64]
    embedding: float
    searching: float


class LiveSearch:
    """A model, and the documents of a study as it sees them. Threads may search at once; they take turns.

    Parameters
    ----------
    reference: of a model, as for `mmret eval --model`.
    view: of the documents, where they are tables; None for the study's own.
    settings: how the model is run. Vectors are found in the store where it was evaluated with the same ones.
    show: a progress bar for the documents that have no vectors yet, which are embedded now.

    Media are decoded in child processes; `close`, or the end of a `with` block, ends them.
    """

    def __init__(
        self,
        study: Study,
        reference: str,
        view: str | None = None,
        settings: Settings | None = None,
        *,
        show: bool = False,
    ) -> None:
        settings = settings or Settings()
        self.benchmark: Benchmark = study.benchmark if view is None else study.in_view(view)
        self._workers = Workers(settings.workers, settings.time_limit)
        self._meter, self._memory = Meter(), Memory()
        self._asked: dict[str, Vectors] = {}
        self._lock = Lock()
        self._find: Callable[[Item, Weights | None, int], Found]
        try:
            device = resolve_device(settings.device, reference)
            self.model = create_encoder(reference, settings.options(self._workers, device, self._meter, self._memory))
            digest_all({one for item in self.benchmark.documents for one in item.media}, settings.cache, show=show)
            if isinstance(self.model, PairScorer):
                index(self.model, self.benchmark.documents, self._meter)
                self._find = partial(self._scored, self.model)
            else:
                vectors = self._embed_documents(self.model, settings, device, show=show)
                self._find = partial(self._nearest, self.model, vectors)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the decoding processes."""
        self._workers.close()

    @property
    def reads(self) -> frozenset[Modality]:
        """What the model reads of a query."""
        return self.model.spec.query

    @property
    def mixes(self) -> bool:
        """Whether the modalities of a query can be weighed: the model gives one vector an item."""
        return self.model.spec.scoring == "dot"

    def item(self, text: str = "", file: Path | None = None) -> Item:
        """A query of a text, a picture, a clip or a sound; what a file holds is seen by decoding it.

        Files of different content must have different paths. Raises `InputError` for nothing at all and for a file that
        cannot be decoded to its end.
        """
        words = text.strip() or None
        if file is None:
            if words is None:
                raise InputError("an empty query: give a text, a picture, a clip or a sound")
            return Item("live", words)
        media = Media(file)
        report = self._workers.result_of(self._workers.submit(inspect, media))
        fault = report.reason if isinstance(report, Fault) else report.fault(())
        if fault:
            raise InputError(f"{file.name}: {fault}")
        heard = media if report.audio_codec is not None else None
        if report.video_codec is None:
            return Item("live", words, audio=heard)
        if heard is None and report.frames == 1:
            return Item("live", words, image=media)
        return Item("live", words, video=media, audio=heard)

    def search(self, item: Item, weights: Weights | None = None, k: int = 20) -> Found:
        """The `k` documents of the highest scores, exactly; of equal scores the first by position.

        Parameters
        ----------
        weights: modality → weight, at least 0: the query's vector is the sum of the vectors of each modality alone,
            each of length 1. A modality that is not named, or that the item lacks, counts nothing. None takes the item
            as the model does.

        Raises `InputError` when the model reads nothing of the item, or cannot weigh modalities.
        """
        if not item.modalities & self.reads:
            raise InputError(f"{self.model.spec.name} reads {_listed(self.reads)} of a query and is given none of it")
        with self._lock:
            try:
                return self._find(item, weights, k)
            finally:
                self._memory.clear()  # what it holds of a query's files has no bound; `_asked` has one

    def _embed_documents(self, model: Encoder, settings: Settings, device: str, *, show: bool) -> Vectors:
        """The documents' vectors: those in the store, and the others, which are embedded and kept there."""
        made = embed_sides(
            Replica(model, self._workers, self._meter, self._memory),
            {"document": self.benchmark.documents},
            settings.cache_folder,
            batch_size=settings.batch_size,
            cost_items=0,
            device=device,
            show=show,
        )
        return made.vectors["document"]

    def _nearest(self, model: Encoder, vectors: Vectors, item: Item, weights: Weights | None, k: int) -> Found:
        start = time.perf_counter()
        query = self._embed(model, item) if weights is None else self._mix(model, item, weights)
        embedded = time.perf_counter()
        documents, scores = (one[0] for one in top_k(query, vectors, k))
        there = documents >= 0
        searched = time.perf_counter()
        return Found(
            documents[there].astype(np.int64), scores[there].astype(np.float64), embedded - start, searched - embedded
        )

    def _scored(self, model: PairScorer, item: Item, weights: Weights | None, k: int) -> Found:
        if weights is not None:
            raise self._cannot_mix()
        start = time.perf_counter()
        scores = model.score([item], self.benchmark.documents)
        check_scores(model, scores, [item], self.benchmark.documents)
        best = top_entries(scores[0], k)
        return Found(best, scores[0][best].astype(np.float64), 0.0, time.perf_counter() - start)

    def _embed(self, model: Encoder, item: Item) -> Vectors:
        """The vectors of a query; the last ones are remembered by content, so that weights can be played with."""
        if item.digest not in self._asked:
            vectors = model.embed([item], "query")
            check_vectors(model, vectors, [item], "query", None)
            self._asked[item.digest] = vectors
            if len(self._asked) > REMEMBERED:
                del self._asked[next(iter(self._asked))]
        return self._asked[item.digest]

    def _mix(self, model: Encoder, item: Item, weights: Weights) -> NDArray[np.float32]:
        """The weighted sum of the unit vectors of each modality alone, float32 `(1, d)`."""
        if not self.mixes:
            raise self._cannot_mix()
        for modality, weight in weights.items():
            if modality not in MODALITIES:
                raise unknown_name("modality", modality, MODALITIES)
            if not 0 <= weight < math.inf:
                raise InputError(f"the weight of {modality} must be a number of at least 0, not {weight}")
        heavy = [one for one in MODALITIES if weights.get(one, 0) > 0 and one in item.modalities & self.reads]
        parts = [(weights[one], unit(matrix_of(self._embed(model, item.keep([one])))[0])) for one in heavy]
        mixed = weighted_sum(*parts)
        if mixed is None:
            raise InputError(f"nothing of the query has a weight above 0; it has {_listed(item.modalities)}")
        return mixed[None]

    def _cannot_mix(self) -> InputError:
        name, scoring = self.model.spec.name, self.model.spec.scoring
        return InputError(f"{name} scores by {scoring!r}: its modalities cannot be weighed; search without weights")


class Live:
    """The models that can search a study, each loaded when it is first asked for and kept.

    Parameters
    ----------
    settings: of models that the study does not hold; those that it holds are run as they were evaluated.
    show: progress on stderr.
    """

    def __init__(self, study: Study, settings: Settings | None = None, *, show: bool = False) -> None:
        self._study, self._settings, self._show = study, settings or Settings(), show
        self._open: dict[tuple[str, str], LiveSearch] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def models(self) -> list[str]:
        """References: the study's own models first, then the others that can run here now."""
        own = [system.model for system in self._study.systems]
        others = [name for name, one in encoders().items() if not lacking(one.spec)]
        return list(dict.fromkeys([*own, *others]))

    def search(self, reference: str, view: str | None = None) -> LiveSearch:
        """A model and the documents in a view, ready to search; the first call may take long."""
        key = reference, self._study.benchmark.view if view is None else view
        if key in self._open:  # without waiting for another that is being opened
            return self._open[key]
        with self._lock:
            if key not in self._open:
                own = next((one for one in self._study.systems if one.model == reference), None)
                settings = self._settings if own is None else settings_of(own, self._settings)
                self._open[key] = LiveSearch(self._study, *key, settings, show=self._show)
            return self._open[key]

    def close(self) -> None:
        """End the decoding processes of all."""
        for one in self._open.values():
            one.close()
        self._open.clear()


def settings_of(system: System, settings: Settings) -> Settings:
    """`settings`, with whatever decides vectors taken from those that a system was evaluated with."""
    resolved = system.result.record["settings"]["resolved"]
    decisive = {name: resolved[name] for name in (*OF_MODELS, "seed") if resolved.get(name) is not None}
    return replace(settings, **decisive)


def _listed(modalities: frozenset[Modality]) -> str:
    return ", ".join(one for one in MODALITIES if one in modalities)
