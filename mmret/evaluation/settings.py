"""How an evaluation is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from ..encoders import Memory, Model, Options
from ..engines import ENGINES, EngineName
from ..errors import InputError, unknown_name
from ..items import MODALITIES, Modality
from ..media import SAMPLINGS, Reader, Workers, default_workers
from ..meter import Meter
from ..paths import cache_folder, path_of
from .measures import Measure
from .protocols import Protocol
from .selection import OnBadMedia

OF_MODELS = ("choices", "dtype", "frames", "sampling", "reader")  # decided when a model is made
DTYPES = ("float32", "bfloat16", "float16")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Settings:
    """How an evaluation is run; every field is part of the result.

    Parameters
    ----------
    protocols: names of protocols; None for all that fit the benchmark.
    measures: names of measures, kept as `Measure` writes them; None for those that are usual on the benchmark.
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
    engine: where the model runs, "local" or "ray".
    replicas: copies of the model, each in a process, and with a GPU, of its own; None for one here, or one for each GPU
        of a cluster.
    ray_address: of a cluster; None for that of `RAY_ADDRESS`, or one that is started here.
    max_memory: bytes for blocks of scores.
    cache: folder for vectors and media reports; None for `MMRET_CACHE` or the user's cache folder.

    Raises `InputError` for values that make no sense.

    >>> import mmret
    >>> mmret.Settings(limit=30, measures=["R@1", "nDCG@10"], device="cpu").measures
    ('R@1', 'nDCG@10')
    >>> mmret.Settings(measures=["R@one"])
    Traceback (most recent call last):
    mmret.errors.InputError: unknown measure 'R@one'...
    """

    protocols: Sequence[str] | None = None
    measures: Sequence[str] | None = None
    limit: int | None = None
    drop: Sequence[Modality] = ()
    batch_size: int = 16
    cost_items: int = 8
    device: str = "auto"
    dtype: str = "float32"
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    frames: int = 8
    sampling: str = "centres"
    reader: Reader = "decord"
    on_bad_media: OnBadMedia = "exclude"
    seed: int = 0
    workers: int | None = None
    time_limit: float = 60.0
    engine: EngineName = "local"
    replicas: int | None = None
    ray_address: str | None = None
    max_memory: int = 64_000_000
    cache: Path | None = None

    def __post_init__(self) -> None:
        for name in ("protocols", "measures", "drop"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise InputError(f"{name} takes a list: [{value!r}]")
            object.__setattr__(self, name, None if value is None else tuple(value))
        object.__setattr__(self, "cache", path_of(self.cache))
        if self.measures is not None:
            names = dict.fromkeys(str(Measure.parse(measure)) for measure in self.measures)
            object.__setattr__(self, "measures", tuple(names))
        for name, least in (
            ("batch_size", 1),
            ("cost_items", 0),
            ("frames", 1),
            ("max_memory", 1),
            ("workers", 1),
            ("replicas", 1),
            ("seed", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} must be at least {least}, not {value}")
        if not self.time_limit > 0:
            raise InputError(f"time_limit must be more than 0 seconds, not {self.time_limit}")
        for name, known in (
            ("dtype", DTYPES),
            ("engine", ENGINES),
            ("sampling", SAMPLINGS),
            ("reader", get_args(Reader)),
            ("on_bad_media", get_args(OnBadMedia)),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
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
        self,
        protocols: Sequence[Protocol],
        measures: Sequence[str],
        model: Model,
        device: str,
        replicas: int,
        *,
        made: bool,
    ) -> dict[str, Any]:
        """`passed`: the fields that differ from their defaults; `resolved`: every field as it came to be.

        Where the model was `made` before, nobody knows with which frames and the like, and they are None.
        """
        mine = {name: _plain(value) for name, value in asdict(self).items()}
        default = {name: _plain(value) for name, value in asdict(Settings()).items()}
        resolved = mine | {
            "protocols": [protocol.name for protocol in protocols],
            "measures": list(measures),
            "device": device,
            "replicas": replicas,
            "workers": self.workers or default_workers(),
            "cache": str(self.cache_folder),
            "preprocessing": dict(model.preprocessing),
            **(dict.fromkeys(OF_MODELS) if made else {}),
        }
        return {"passed": {name: mine[name] for name in mine if mine[name] != default[name]}, "resolved": resolved}
