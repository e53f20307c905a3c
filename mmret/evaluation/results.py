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

from ..errors import InputError, RunError
from ..paths import refuse_file
from .runs import Run, read_run, write_run

SCHEMA = "mmret.result/2"
# Settings that change scores; workers, device, cache, batch size, memory and time limit change none.
DECISIVE = ("drop", "limit", "dtype", "frames", "sampling", "reader", "seed", "preprocessing")
RESULT, PER_QUERY, RUN = "result.json", "per_query.parquet", "run.parquet"
_PACKAGES = ("mmret", "numpy", "torch", "torchaudio", "av", "decord", "pillow", "faiss-cpu", "pandas", "pyarrow")


@dataclass(frozen=True)
class Result:
    """An evaluation.

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
    """

    record: Mapping[str, Any]
    per_query: pd.DataFrame
    run: Run

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the three files, each whole or not at all, `result.json` last.

        Raises `InputError` when the folder holds the result of another evaluation (benchmark, model, or a setting that
        changes scores), or protocols or measures that would be lost, and `overwrite` is false; `RunError` when the disk
        refuses.
        """
        if not overwrite:
            self._refuse_other(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.per_query.to_parquet(folder / f"{PER_QUERY}.part", index=False)
            (folder / f"{PER_QUERY}.part").replace(folder / PER_QUERY)
            write_run(self.run, folder / RUN)
            (folder / f"{RESULT}.part").write_text(self.json() + "\n")
            (folder / f"{RESULT}.part").replace(folder / RESULT)
        except OSError as error:
            for name in (PER_QUERY, RUN, RESULT):
                with suppress(OSError):
                    (folder / f"{name}.part").unlink()
            raise RunError(f"{folder}: the result cannot be written: {error.strerror or error}") from error

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


def load_result(folder: Path) -> Result:
    """Read what `Result.save` wrote. Raises `InputError` naming the file that is missing or damaged."""
    try:
        record = json.loads((folder / RESULT).read_text())
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


def environment(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Python, platform and package versions, those of the importable `packages` added to mmret's own."""
    carriers = _carriers()
    names = {*_PACKAGES, *(name for package in packages for name in carriers.get(package, ()))}
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": found,
    }
