"""All that comes before a model answers: media are checked, the model is made, and what it does not read is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ..benchmarks import Benchmark, Exclusions
from ..encoders import Encoder, Memory, PairScorer, checked, create_encoder
from ..engines import connected, open_crew
from ..errors import InputError
from ..items import MODALITIES, Item, Side
from ..media import Preflight, Workers, default_workers, digest_all
from ..meter import Meter
from .devices import resolve_device
from .modalities import family_warnings, modality_warnings, sound_warnings
from .protocols import Protocol
from .replica import Crew, Recipe, Replica
from .selection import candidates_only, exclude_bad_media, sample
from .settings import OF_MODELS, Settings


@dataclass(frozen=True)
class Prepared:
    """A model and the items it is asked about.

    Parameters
    ----------
    scored, excluded: the queries and documents left to score, and those whose media cannot be used.
    queries: the queries as the model gets them, without the modalities that are dropped.
    model: it is made, but not loaded.
    workers, meter, memory: what it is made with.
    store: the folder for its vectors.
    device: the torch device that it, or each copy of it, runs on.
    replicas: how many copies of it embed.
    crew: opens these in other processes; None where the model here does it all.
    warnings: what of the items the model does not read.
    """

    scored: Benchmark
    excluded: Exclusions
    queries: Sequence[Item]
    model: Encoder | PairScorer
    workers: Workers
    meter: Meter
    memory: Memory
    store: Path
    device: str
    replicas: int
    crew: Callable[[], AbstractContextManager[Crew]] | None
    warnings: list[str]

    @property
    def sides(self) -> Mapping[Side, Sequence[Item]]:
        """What is embedded."""
        return {"document": self.scored.documents, "query": self.queries}

    def replica(self, model: Encoder) -> Replica:
        """The model at work in this process."""
        return Replica(model, self.workers, self.meter, self.memory)


@contextmanager
def prepared(
    whole: Benchmark,
    model: str | Encoder | PairScorer,
    protocols: Sequence[Protocol],
    settings: Settings,
    *,
    show: bool,
) -> Iterator[Prepared]:
    """Make a model ready to be asked; its workers, and its engine, end with the block.

    The vectors of a model that is given as an object end with it too: its weights may be others the next time, and
    nothing would tell.

    Raises `InputError` for a model that is not known or cannot be run so, `RunError` for media as `exclude_bad_media`.
    """
    meter, memory = Meter(), Memory()
    with ExitStack() as stack:
        own, store = None, settings.cache_folder
        if not isinstance(model, str):
            own, store = _own(model, settings), Path(stack.enter_context(TemporaryDirectory(prefix="mmret-")))
        name = model if isinstance(model, str) else model.spec.name
        stack.enter_context(connected(settings.engine, settings.ray_address))
        workers = stack.enter_context(Workers(settings.workers, settings.time_limit))
        device = resolve_device(settings.device, own or name, settings.engine)
        replicas = _replicas(settings, device)
        made = own or create_encoder(name, settings.options(workers, device, meter, memory))
        elsewhere = settings.engine != "local" or replicas > 1
        if elsewhere and isinstance(made, PairScorer):
            raise InputError(f"{name} has no vectors and runs in this process: leave --ray and --replicas out")
        asked = _select(whole, protocols, settings)
        files = {media for item in (*asked.documents, *asked.queries) for media in item.media}
        with meter.stage("read media", items=len(files)):
            digest_all(files, settings.cache, show=show)
        preflight = Preflight(workers, settings.cache_folder / "preflight.jsonl")
        scored, excluded = exclude_bad_media(asked, preflight, settings.on_bad_media, meter, show=show)
        queries = [item.keep(set(MODALITIES) - set(settings.drop)) for item in scored.queries]
        warnings = [*modality_warnings(made, scored.documents, "document"), *modality_warnings(made, queries, "query")]
        warnings += [*sound_warnings(made, scored), *family_warnings(made, scored)]
        crew = partial(_crew, name, settings, device, replicas) if elsewhere else None
        yield Prepared(scored, excluded, queries, made, workers, meter, memory, store, device, replicas, crew, warnings)


def _own(model: object, settings: Settings) -> Encoder | PairScorer:
    """A model that is given as an object. Raises `InputError` for what can only be done with a name."""
    own = checked(model, type(model).__name__ if not isinstance(model, type) else model.__name__)
    late = [name for name in OF_MODELS if getattr(settings, name) != getattr(Settings(), name)]
    if late:
        raise InputError(
            f"{', '.join(late)}: decided when a model is made, and {own.spec.name} is made already; "
            "give them to load_encoder, or give evaluate the model's name"
        )
    if settings.engine != "local" or (settings.replicas or 1) > 1:
        raise InputError(f"only a model that has a name can be copied: register {own.spec.name} and give its name")
    return own


def _select(whole: Benchmark, protocols: Sequence[Protocol], settings: Settings) -> Benchmark:
    """The queries to ask, and the documents that any of the protocols needs."""
    asked = whole if settings.limit is None else sample(whole, settings.limit)
    return asked if any(protocol.everything for protocol in protocols) else candidates_only(asked)


def _replicas(settings: Settings, device: str) -> int:
    """How many copies of the model embed: as many as asked for, or one for each GPU of a cluster, or one."""
    if settings.replicas is not None or settings.engine == "local" or device != "cuda":
        return settings.replicas or 1
    from ..engines import cluster

    return max(1, cluster.gpus())


@contextmanager
def _crew(name: str, settings: Settings, device: str, replicas: int) -> Iterator[Crew]:
    decoders = settings.workers
    if settings.engine == "local":  # they share the cores of this machine
        decoders = max(1, (settings.workers or default_workers()) // replicas)
    there = replace(settings, cache=settings.cache_folder.absolute())
    with open_crew(settings.engine, replicas, gpus=device == "cuda") as members:
        recipe = Recipe(name, there, device, decoders)
        yield Crew(members, recipe)
        for member in members:  # decoders that end with their process would leave semaphores behind
            member.result_of(member.submit(recipe.close))
