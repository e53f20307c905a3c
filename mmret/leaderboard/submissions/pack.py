"""A run and what is said of it into one file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...benchmarks import Benchmark
from ...errors import InputError, first_ten
from ...evaluation.cost import STAGES
from ...evaluation.results import DECISIVE
from ...evaluation.runs import Run
from .description import Description
from .form import run_digest, write


def pack(run: Run, facts: Mapping[str, Any], path: Path) -> Description:
    """Write a run as a submission, and give its description.

    Parameters
    ----------
    run: scores become float32.
    facts: the fields of a `Description` but `mmret` and `run`, which are worked out here.
    path: ends in `.parquet`, so that the file is read as a run too.

    Raises `InputError` for scores that are not finite as float32, documents listed twice, and facts that do not fit.
    """
    from pydantic import ValidationError

    if path.suffix != ".parquet":
        raise InputError(f"{path}: the name of a submission ends in .parquet")
    with np.errstate(over="ignore"):
        run = Run(run.queries, run.documents, run.lists, run.scores.astype(np.float32))
    _refuse_unusable(run)
    described = {"digest": run_digest(run), "entries": len(run.scores), "queries": len(run.queries)}
    try:
        description = Description.model_validate({**facts, "mmret": version("mmret"), "run": described})
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise InputError(f"the description is wrong: {'; '.join(wrong)}") from None
    write(run, description, path)
    return description


def _refuse_unusable(run: Run) -> None:
    wrong = np.unique(run.lists.rows[~np.isfinite(run.scores)])
    if len(wrong):
        raise InputError(f"scores that are not finite as float32: queries {first_ten([run.queries[i] for i in wrong])}")
    twice = np.flatnonzero(run.lists.ordered().repeats())
    if len(twice):
        raise InputError(f"documents listed twice: queries {first_ten([run.queries[i] for i in twice])}")


def facts_of_result(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of an evaluation (see `mmret.evaluation.Result`) says of model, benchmark, settings and cost.

    Raises `InputError` for one that lacks the digest that a board compares.
    """
    model, asked, resolved = record["model"], record["benchmark"], record["settings"]["resolved"]
    if "ground_digest" not in asked:
        raise InputError("the result was made by an earlier mmret, without the digest of what is asked; evaluate again")
    settings = {name: resolved[name] for name in DECISIVE if name != "preprocessing"} | resolved["preprocessing"]
    return {
        "model": {name: model[name] for name in ("name", "revision", "licence", "track")}
        | {"parameters": model["parameters"] or None}
        | {side: list(modalities) for side, modalities in model["modalities"].items()},
        "training_data": model["training_data"],
        "benchmark": {name: asked[name] for name in ("name", "version", "view")} | {"digest": asked["ground_digest"]},
        "settings": {name: _plain(value) for name, value in settings.items() if value not in (None, [], {}, ())},
        "cost": _cost(record["cost"]),
    }


def facts_of_benchmark(benchmark: Benchmark) -> dict[str, str]:
    """The field `benchmark` of a description, for a run that no evaluation of mmret's wrote."""
    digest, view = benchmark.ground_digest, benchmark.view
    return {"name": benchmark.name, "version": benchmark.version, "digest": digest, "view": view}


def _plain(value: Any) -> Any:
    """A setting as a plain value, cut to what a description takes; what cannot be printed is escaped."""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return (text if text.isprintable() else text.encode("unicode_escape").decode())[:200]


def _cost(cost: Mapping[str, Any]) -> dict[str, Any]:
    """Milliseconds and GFLOP of a query and a document, over all stages that embed one."""
    found: dict[str, Any] = {"hardware": cost["device"]}
    for side, item in cost["item"].items():
        stages = [item[name] for name in STAGES]
        found[f"{side}_ms"] = 1000 * sum(stage["seconds"] for stage in stages)
        counted = [stage["flops"] for stage in stages if stage["flops"] is not None]
        found[f"{side}_gflop"] = sum(counted) / 1e9 if counted else None
    return found
