"""The record of one evaluation: one JSON file, beside it per-query values and the run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError
from ..paths import StrPath, refuse_file
from ..whole import whole
from .frames import LEGEND, SOURCE, Shown, long_frame, shown_frame
from .measures import Measure
from .runs import Run, read_run, write_run

SCHEMA = "mmret.result/2"
# Settings that change scores; workers, device, cache, batch size, memory and time limit change none.
DECISIVE = ("drop", "limit", "dtype", "frames", "sampling", "reader", "seed", "preprocessing")
RESULT, PER_QUERY, RUN = "result.json", "per_query.parquet", "run.parquet"
_PACKAGES = ("mmret", "numpy", "torch", "torchaudio", "av", "decord", "pillow", "faiss-cpu", "pandas", "pyarrow")


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """An evaluation; it shows itself as a table.

    Parameters
    ----------
    record: what `result.json` holds, schema `mmret.result/2`:
        `benchmark` {name, version, view, hidden, digest, ground_digest, queries, documents}, `model` (its spec),
        `settings` {passed, resolved},
        `scores` {protocol: {slice: {n, measure: {value, optimistic, pessimistic, low, high, random}}}}, `ties`, both
        empty where labels are hidden,
        `cost` {stages, item (see `mmret.evaluation.cost`), peak_rss_mb, peak_device_mb, device},
        `excluded` {documents, queries}, `cut` {side: {texts, cut}} (texts that the model does not read to
        their end), `run_depth` (candidates of a query in the run, None for all), `warnings`,
        `environment`.
    per_query: one row a protocol and query: `protocol`, `query`, `candidates`, `greater`, `tied` (of the best right
        document), `cluster` (queries that share it are not independent), and the expected value of each measure.
    run: the scores (float32) of the candidates of the first protocol: of all, or of the `run_depth` best.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> result = mmret.evaluate(tables, "bm25", mmret.Settings(limit=30))
    >>> round(result["nDCG@10"], 3)  # of all queries, under the first protocol
    0.788
    >>> result.measures[:3]
    ['R@1', 'R@5', 'R@10']
    >>> result.to_frame().columns.to_list()[:6]
    ['protocol', 'slice', 'n', 'measure', 'value', 'optimistic']
    >>> result.per_query[result.per_query["R@10"] == 0]["query"].to_list()  # the queries it misses
    [...]
    """

    record: Mapping[str, Any]
    per_query: pd.DataFrame
    run: Run

    @property
    def scores(self) -> Mapping[str, Any]:
        """`{protocol: {slice: {"n", measure: {"value", "low", "high", …}}}}`; empty where labels are hidden."""
        scores: Mapping[str, Any] = self.record["scores"]
        return scores

    @property
    def measures(self) -> list[str]:
        """Names of the measures."""
        self.need_scores()
        return [name for name in next(iter(self.scores.values()))["all"] if name not in ("n", *SOURCE)]

    def __getitem__(self, measure: str) -> float:
        """The value of a measure over all queries, under the first protocol, a share of 1 or a rank.

        Raises `InputError` for a measure that was not scored.
        """
        if str(Measure.parse(measure)) not in self.measures:
            raise InputError(f"{self._name} was not scored by {measure}; it has: {', '.join(self.measures)}")
        value: float = next(iter(self.scores.values()))["all"][str(Measure.parse(measure))]["value"]
        return value

    def to_frame(self) -> pd.DataFrame:
        """One row a protocol, slice and measure: value, bounds over ties, interval, expectation of chance."""
        return long_frame(self.scores)

    @property
    def _name(self) -> str:
        benchmark = self.record["benchmark"]
        return f"{self.record['model']['name']} on {benchmark['name']} {benchmark['version']}"

    def _shown(self) -> tuple[str, list[pd.DataFrame], list[str]]:
        benchmark, excluded = self.record["benchmark"], self.record["excluded"]
        title = f"{self._name}: {benchmark['queries']:,} queries, {benchmark['documents']:,} documents"
        view = [f"view: {benchmark['view']}"] if benchmark["view"] else []
        left = [f"left out: {len(some):,} {side}" for side, some in excluded.items() if some]
        notes = [*view, *left, *(f"warning: {text}" for text in self.record["warnings"])]
        if not self.scores:
            return title, [], notes
        return title, [shown_frame(self.scores)], [LEGEND, *notes]

    def save(self, folder: StrPath, *, overwrite: bool = False) -> None:
        """Write the three files, whole or not at all, `result.json` last; `load_result` reads them.

        Raises `InputError` when the folder holds the result of another evaluation (benchmark, model, or a setting that
        changes scores), or protocols or measures that would be lost, and `overwrite` is false; `RunError` when the disk
        refuses.
        """
        folder = Path(folder)
        if not overwrite:
            self._refuse_other(folder)
        trouble = "the result cannot be written"
        with whole(folder / RESULT, trouble) as record, whole(folder / PER_QUERY, trouble) as per_query:
            record.write_bytes(f"{self.json()}\n".encode("utf-8", "surrogatepass"))  # names of files may be no UTF-8
            self.per_query.to_parquet(per_query, index=False)
            write_run(self.run, folder / RUN)

    def json(self) -> str:
        """The record as JSON."""
        return json.dumps(self.record, indent=1, ensure_ascii=False)

    def need_scores(self) -> None:
        """Raise `InputError` where nothing was scored, because labels are hidden."""
        if not self.record["scores"]:
            name = self.record["benchmark"]["name"]
            raise InputError(
                f"the labels of {name} are hidden, so there are no scores; ask the leaderboard that has them"
            )

    def _refuse_other(self, folder: Path) -> None:
        refuse_file(folder)
        if not (folder / RESULT).exists():
            return
        there, here = load_result(folder).record, self.record
        for part, value in identity(there).items():
            if identity(here)[part] != value:
                raise _refused(folder, f"of another {part} ({there[part]['name']})")
        before, now = decisive(there), decisive(here)
        changed = [
            f"{name} {_brief(before[name])} there, {_brief(now[name])} here"
            for name in now
            if before[name] != now[name]
        ]
        if changed:
            raise _refused(folder, f"with other settings: {'; '.join(changed)}")
        for part in ("protocols", "measures"):
            lost = [name for name in _resolved(there, part) or () if name not in (_resolved(here, part) or ())]
            if lost:
                raise _refused(folder, f"with {part} that this one lacks: {', '.join(lost)}")


def _refused(folder: Path, what: str) -> InputError:
    return InputError(f"{folder}: holds a result {what}; name another folder with --output, or pass --overwrite")


def _resolved(record: Mapping[str, Any], name: str) -> Any:
    return record["settings"]["resolved"].get(name)


def _brief(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def identity(record: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """What makes two results the same evaluation: benchmark and model with their versions."""
    return {
        "benchmark": (record["benchmark"]["name"], record["benchmark"]["version"]),
        "model": (record["model"]["name"], record["model"]["revision"]),
    }


def decisive(record: Mapping[str, Any]) -> dict[str, Any]:
    """What else decides the scores: settings as they came to be, and which queries and documents were left to score."""
    settings = {name: _resolved(record, name) for name in DECISIVE}
    return settings | {name: record["benchmark"].get(name) for name in ("scored_digest", "view")}


def load_result(folder: StrPath) -> Result:
    """Read what `Result.save`, or `mmret eval --output`, wrote.

    Raises `InputError` naming the file that is missing or damaged.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> mmret.evaluate(tables, "bm25", mmret.Settings(limit=30)).save("results/bm25")
    >>> mmret.load_result("results/bm25")["R@10"]
    0.9
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / RESULT).read_bytes())
        per_query, run = pd.read_parquet(folder / PER_QUERY), read_run(folder / RUN)
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file; is {folder} the output of `mmret eval`?") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{folder}: a damaged result: {error}") from None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise InputError(f"{folder / RESULT}: not a result of schema {SCHEMA}")
    return Result(record, per_query, run)


@cache
def _carriers() -> Mapping[str, list[str]]:
    """Importable name → the packages that carry it; asking takes a second."""
    return packages_distributions()


def _versions(names: Sequence[str]) -> dict[str, str]:
    """Those of the names that are of installed packages, with their versions."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def environment(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Python, platform and package versions, those of the importable `packages` added to mmret's own."""
    found = _versions([*_PACKAGES, *packages])
    renamed = [package for package in packages if package not in found]  # what carries them has a name of its own
    found |= _versions([name for package in renamed for name in _carriers().get(package, ())])
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": dict(sorted(found.items())),
    }
