"""The main job: a benchmark and an encoder in, a result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..benchmarks import Benchmark, load_benchmark
from ..encoders import (
    Encoder,
    Memory,
    Model,
    Options,
    PairScorer,
    create_encoder,
    find_encoder,
    fingerprint,
)
from ..errors import InputError, unknown_name
from ..items import MODALITIES, Item, Modality, Side
from ..media import SAMPLINGS, Preflight, Reader, Workers, default_workers, digest_all
from ..meter import Meter, peak_rss_mb
from ..paths import cache_folder
from .cost import device_name, peak_device_mb
from .embedding import Embedded, embed_sides
from .measures import Measure
from .modalities import cut_warnings, family_warnings, modality_warnings, sound_warnings
from .pairs import index, pair_answers
from .protocols import Protocol, protocols_of
from .results import SCHEMA, Result, environment
from .runs import run_of
from .scoring import DEPTH, Answers, vector_answers
from .selection import OnBadMedia, candidates_only, exclude_bad_media, sample
from .summary import summaries_of, usual_measures

_HIDDEN = "the labels are hidden, so nothing was scored; pack the run for a leaderboard: mmret submit pack DIR"
DTYPES = ("float32", "bfloat16", "float16")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Settings:
    """How an evaluation is run; every field is part of the result.

    Parameters
    ----------
    protocols: names of protocols; None for all that fit the benchmark.
    measures: names of measures; None for those that are usual on the benchmark.
    limit: number of queries, sampled by slice; None for all.
    drop: modalities taken from the queries, to see what they are worth.
    batch_size: items embedded and kept at a time, or queries scored; it never changes a vector or a score.
    cost_items: queries, and documents, that are embedded once more to see what one costs; 0 leaves that out.
    device: a torch device, or "auto" for the GPU where there is one.
    dtype: floating-point type of a model's weights, a name of torch's.
    choices: parts and prompts of a model made of several, by name.
    frames, sampling, reader: how clips are decoded.
    on_bad_media: "exclude" leaves unusable files out for all models alike, "fail" stops.
    seed: of encoders that draw random numbers and of the intervals.
    workers, time_limit: decoding processes, and seconds for one file.
    max_memory: bytes for blocks of scores.
    cache: folder for vectors and media reports; None for `MMRET_CACHE` or the user's cache folder.
    """

    protocols: tuple[str, ...] | None = None
    measures: tuple[str, ...] | None = None
    limit: int | None = None
    drop: tuple[Modality, ...] = ()
    batch_size: int = 16
    cost_items: int = 8
    device: str = "auto"
    dtype: str = "float32"
    choices: Mapping[str, str] = field(default_factory=dict)
    frames: int = 8
    sampling: str = "centres"
    reader: Reader = "decord"
    on_bad_media: OnBadMedia = "exclude"
    seed: int = 0
    workers: int | None = None
    time_limit: float = 60.0
    max_memory: int = 64_000_000
    cache: Path | None = None

    def __post_init__(self) -> None:
        for measure in self.measures or ():
            Measure.parse(measure)
        for name, least in (
            ("batch_size", 1),
            ("cost_items", 0),
            ("frames", 1),
            ("max_memory", 1),
            ("workers", 1),
            ("seed", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} must be at least {least}, not {value}")
        if not self.time_limit > 0:
            raise InputError(f"time_limit must be more than 0 seconds, not {self.time_limit}")
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", self.dtype, DTYPES)
        if self.sampling not in SAMPLINGS:
            raise unknown_name("sampling", self.sampling, SAMPLINGS)
        unknown = set(self.drop) - set(MODALITIES)
        if unknown:
            raise InputError(f"cannot drop {', '.join(sorted(unknown))}; choose from: {', '.join(MODALITIES)}")

    @property
    def cache_folder(self) -> Path:
        """Folder for vectors and media reports."""
        return cache_folder(self.cache)

    def options(self, workers: Workers, device: str, meter: Meter, memory: Memory) -> Options:
        """What of these settings an encoder is made with."""
        return Options(
            workers=workers,
            device=device,
            dtype=self.dtype,
            choices=self.choices,
            cache=self.cache,
            frames=self.frames,
            sampling=self.sampling,
            reader=self.reader,
            seed=self.seed,
            meter=meter,
            memory=memory,
        )

    def record(
        self, protocols: Sequence[Protocol], measures: Sequence[str], model: Model, device: str
    ) -> dict[str, Any]:
        """`passed`: the fields that differ from their defaults; `resolved`: every field as it came to be."""
        mine = {name: _plain(value) for name, value in asdict(self).items()}
        default = {name: _plain(value) for name, value in asdict(Settings()).items()}
        resolved = mine | {
            "protocols": [protocol.name for protocol in protocols],
            "measures": list(measures),
            "device": device,
            "workers": self.workers or default_workers(),
            "cache": str(self.cache_folder),
            "preprocessing": dict(model.preprocessing),
        }
        return {"passed": {name: mine[name] for name in mine if mine[name] != default[name]}, "resolved": resolved}


def evaluate(
    benchmark: Benchmark | str,
    model: str,
    settings: Settings | None = None,
    *,
    data: Path | None = None,
    show: bool = False,
) -> Result:
    """Evaluate a model on a benchmark.

    Parameters
    ----------
    benchmark: a benchmark, a registered name, or a folder.
    model: a registered name.
    data: folder of a named benchmark's data, where it is not the one shipped.
    show: progress bars on stderr.

    Media are decoded in child processes started by a fork server: a script that calls this function must do so under
    `if __name__ == "__main__":`.
    """
    settings = settings or Settings()
    device = resolve_device(settings.device, model)
    if isinstance(benchmark, str):
        benchmark = load_benchmark(benchmark, data, cache=settings.cache)
    whole = benchmark
    protocols, measures = protocols_of(whole, settings.protocols), settings.measures or usual_measures(whole)
    meter, memory = Meter(), Memory()
    with Workers(settings.workers, settings.time_limit) as workers:
        preflight = Preflight(workers, settings.cache_folder / "preflight.jsonl")
        asked = _select(whole, protocols, settings)
        files = {media for item in (*asked.documents, *asked.queries) for media in item.media}
        with meter.stage("read media", items=len(files)):
            digest_all(files, settings.cache, show=show)
        scored, excluded = exclude_bad_media(asked, preflight, settings.on_bad_media, meter, show=show)
        made = create_encoder(model, settings.options(workers, device, meter, memory))
        queries = [item.keep(set(MODALITIES) - set(settings.drop)) for item in scored.queries]
        warnings = [*modality_warnings(made, scored.documents, "document"), *modality_warnings(made, queries, "query")]
        warnings += [*sound_warnings(made, scored), *family_warnings(made, scored)]
        if isinstance(made, PairScorer):
            unusable = {one["id"] for one in excluded.documents}
            index(made, [item for item in whole.documents if item.id not in unusable], meter)
        answers, embedded = _answer(made, scored, queries, protocols, settings, meter, memory, device, show=show)
    with meter.stage("score"):
        summaries = {} if whole.hidden else summaries_of(scored, answers.standings, measures, settings.seed)
        run = run_of(scored, protocols[0], answers.scores, answers.best)
    record = {
        "schema": SCHEMA,
        "benchmark": _benchmark_entry(whole, scored),
        "model": _model_entry(made, embedded.costs),
        "settings": settings.record(protocols, measures, made, device),
        "scores": {name: summary.scores for name, summary in summaries.items()},
        "ties": {name: summary.ties for name, summary in summaries.items()},
        "cost": _cost_entry(meter, embedded, device),
        "excluded": asdict(excluded),
        "cut": embedded.cut,
        "run_depth": None if answers.best is None else DEPTH,
        "warnings": [*warnings, *cut_warnings(made, embedded.cut), *([_HIDDEN] if whole.hidden else [])],
        "environment": environment(made.spec.packages),
    }
    tables = [summary.per_query for summary in summaries.values()] or [pd.DataFrame(columns=["protocol", "query"])]
    return Result(record, pd.concat(tables, ignore_index=True), run)


def _select(whole: Benchmark, protocols: Sequence[Protocol], settings: Settings) -> Benchmark:
    """The queries to ask, and the documents that any of the protocols needs."""
    asked = whole if settings.limit is None else sample(whole, settings.limit)
    return asked if any(protocol.everything for protocol in protocols) else candidates_only(asked)


def _answer(
    model: Encoder | PairScorer,
    benchmark: Benchmark,
    queries: Sequence[Item],
    protocols: Sequence[Protocol],
    settings: Settings,
    meter: Meter,
    memory: Memory,
    device: str,
    *,
    show: bool,
) -> tuple[Answers, Embedded]:
    """What the model makes of the queries: by its own scores, or by vectors, which go through the store."""
    if isinstance(model, PairScorer):
        size, room = settings.batch_size, settings.max_memory
        answers = pair_answers(
            model, benchmark, protocols, queries, batch_size=size, max_bytes=room, meter=meter, show=show
        )
        return answers, Embedded({}, {}, {})
    sides: dict[Side, Sequence[Item]] = {"document": benchmark.documents, "query": queries}
    made = embed_sides(
        model,
        sides,
        settings.cache_folder,
        batch_size=settings.batch_size,
        cost_items=settings.cost_items,
        device=device_name(device),
        meter=meter,
        memory=memory,
        show=show,
    )
    vectors = made.vectors
    with meter.stage("score", items=len(queries)):
        answers = vector_answers(benchmark, protocols, vectors["query"], vectors["document"], settings.max_memory)
    return answers, made


def resolve_device(wanted: str, model: str) -> str:
    """The device to run on; torch is asked only for models that use it."""
    if wanted == "auto" and not find_encoder(model).spec.packages:
        return "cpu"
    if wanted == "cpu":
        return wanted
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {wanted!r} cannot be used here: {str(error).splitlines()[0]}") from None
    return wanted


def _benchmark_entry(whole: Benchmark, scored: Benchmark) -> dict[str, Any]:
    """`digest` is that of the whole benchmark, `scored_digest` of the queries and documents left to score.

    `ground_digest` is the one of the whole without its labels, by which a board knows what a run was made for.

    `media_digest` is that of the media of the latter, which the view decides too.
    """
    return {
        "name": whole.name,
        "version": whole.version,
        "digest": whole.digest,
        "ground_digest": whole.ground_digest,
        "scored_digest": scored.digest,
        "media_digest": scored.media_digest,
        "queries": len(scored.queries),
        "documents": len(scored.documents),
        "view": whole.view,
        "hidden": whole.hidden,
    }


def _cost_entry(meter: Meter, embedded: Embedded, device: str) -> dict[str, Any]:
    return {
        "stages": meter.report(),
        "item": embedded.costs,
        "peak_rss_mb": peak_rss_mb(),
        "peak_device_mb": peak_device_mb(device),
        "device": device_name(device),
    }


def _model_entry(model: Model, costs: Mapping[Side, Mapping[str, Any]]) -> dict[str, Any]:
    """The spec; how many weights a model has may be known only from when it was last loaded."""
    described = model.spec.describe()
    described["parameters"] = described["parameters"] or max((c["parameters"] for c in costs.values()), default=0)
    modalities = {side: described.pop(side) for side in ("query", "document")}
    return described | {"modalities": modalities, "fingerprint": fingerprint(model)}
