"""Results opened beside their benchmark: what was asked, what is right, and what each system answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...benchmarks import Benchmark, benchmarks, load_benchmark
from ...errors import InputError, first_ten, unknown_name
from ...evaluation import PROTOCOLS, Result, Run, load_result
from ...evaluation.aligned import Aligned
from ...evaluation.compare import refuse_other_ground, system_names
from ...evaluation.selection import candidates_only
from .facts import Facts

Load = Callable[[str], Benchmark]
"""Loads the whole benchmark in a view; "" is the usual one."""


@dataclass(frozen=True, eq=False)
class System:
    """What a model made of the benchmark: `name` tells it from the others of a study, as in a comparison."""

    name: str
    result: Result

    @property
    def model(self) -> str:
        """The reference by which the model is loaded, such as "text"."""
        return str(self.result.record["model"]["name"])

    @property
    def run(self) -> Run:
        """Its run, of the first protocol scored."""
        return self.result.run


@dataclass(frozen=True, eq=False)
class Study:
    """Results of one benchmark, side by side.

    Parameters
    ----------
    benchmark: the queries and documents that were scored, in the view of the first system. Positions of queries and
        documents, wherever the explorer speaks of them, are positions in it.
    systems: at least one.
    load: the whole benchmark in another view.
    """

    benchmark: Benchmark
    systems: list[System]
    load: Load
    _aligned: Aligned
    _facts: dict[str, Facts] = field(default_factory=dict)

    @classmethod
    def open(cls, results: Sequence[Path], data: Path | None = None, **reading: Any) -> Self:
        """Read output folders of `mmret eval`, and their benchmark.

        Parameters
        ----------
        data: folder of the benchmark's data, where it is not the usual one.
        reading: further parameters of `load_benchmark` with which it was read: split, exclusions, slices, ….

        Raises `InputError` when a result cannot be read, when they are not of one benchmark, one set of queries and
        media, or without scores because labels are hidden, and when the benchmark is not here or has other labels than
        those that were scored.
        """
        opened = [load_result(path) for path in results]
        if not opened:
            raise InputError("give at least one result")
        name = opened[0].record["benchmark"]["name"].removesuffix(f"-{reading.get('split')}")
        named = name in benchmarks() or name.startswith("hf:")
        if data is None and not named:
            raise InputError(f"{results[0]}: of the benchmark {name!r}, which is none of the named; say --data FOLDER")

        def load(view: str) -> Benchmark:
            return load_benchmark(name if named else str(data), data if named else None, view=view or None, **reading)

        return cls.of(opened, load)

    @classmethod
    def of(cls, results: Sequence[Result], load: Load) -> Self:
        """A study of results that are read already; raises as `open` does."""
        for result in results:
            result.need_scores()
        names = system_names(results)
        refuse_other_ground(results, names)
        first = results[0].record["benchmark"]
        benchmark = scored_part(load(first["view"]), results[0], names[0])
        aligned = Aligned.of([result.run for result in results], names, benchmark, missing="zero")
        study = cls(benchmark, [System(*pair) for pair in zip(names, results, strict=True)], load, aligned)
        for what, common in (("protocol", study.protocols), ("measure", study.measures)):
            if not common:
                raise InputError(f"there is no {what} that all of {', '.join(names)} were scored by; evaluate with one")
        return study

    @property
    def digest(self) -> str:
        """That of the labels of the whole benchmark, scored or not."""
        return str(self.systems[0].result.record["benchmark"]["digest"])

    @property
    def protocols(self) -> list[str]:
        """Those that all systems were scored under, in the order of the first."""
        return [name for name in self._scores(0) if all(name in self._scores(i) for i in range(len(self.systems)))]

    @property
    def measures(self) -> list[str]:
        """Those that all systems were scored by, in the order of the first."""
        held = [system.result.measures for system in self.systems]
        return [name for name in held[0] if all(name in one for one in held)]

    def facts(self, protocol: str) -> Facts:
        """What is known of each query under a protocol; gathered once. Raises `InputError` for another's name."""
        if protocol not in self.protocols:
            raise unknown_name("protocol", protocol, self.protocols)
        if protocol not in self._facts:
            results = [system.result for system in self.systems]
            self._facts[protocol] = Facts.of(protocol, self.benchmark, results, self._aligned)
        return self._facts[protocol]

    def in_view(self, view: str) -> Benchmark:
        """The same queries and documents, with the forms of a table that another view shows (see `View.parse`).

        Raises `InputError` when the benchmark does not have these forms.
        """
        if view == self.benchmark.view:
            return self.benchmark
        whole = self.load(view)
        queries = _places([item.id for item in whole.queries], [item.id for item in self.benchmark.queries])
        documents = _places([item.id for item in whole.documents], [item.id for item in self.benchmark.documents])
        return whole.subset(queries, documents)

    def _scores(self, system: int) -> list[str]:
        return list(self.systems[system].result.record["scores"])


def scored_part(whole: Benchmark, result: Result, name: str) -> Benchmark:
    """The queries and documents of a benchmark that a result scored; `name` is what the result is called in errors.

    Raises `InputError` when the labels here are not those that were scored.
    """
    entry, excluded = result.record["benchmark"], result.record["excluded"]
    if whole.digest != entry["digest"]:
        raise InputError(
            f"{name} was scored on other labels of {entry['name']} than those here: "
            f"digest {entry['digest']} and {whole.digest}; name the folder of its data with --data"
        )
    answered = set(result.per_query["query"])
    gone = {one["id"] for one in excluded["documents"]}
    part = _subset(whole, answered | {one["id"] for one in excluded["queries"]}, set())
    if not any(PROTOCOLS[protocol].everything for protocol in result.record["scores"]):
        part = candidates_only(part)
    part = _subset(part, answered, gone)
    if part.digest != entry["scored_digest"]:
        raise InputError(
            f"{name} was scored on other queries or documents of {entry['name']} than the result names; "
            "run the evaluation again"
        )
    return part


def _subset(benchmark: Benchmark, queries: set[str], without: set[str]) -> Benchmark:
    asked = np.flatnonzero([item.id in queries for item in benchmark.queries])
    kept = np.flatnonzero([item.id not in without for item in benchmark.documents])
    if len(asked) == len(benchmark.queries) and len(kept) == len(benchmark.documents):
        return benchmark
    return benchmark.subset(asked, kept)


def _places(ids: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    known = set(ids)
    lacking = [name for name in wanted if name not in known]
    if lacking:
        raise InputError(f"not in this view: {first_ten(lacking)}")
    asked = set(wanted)
    return np.flatnonzero([name in asked for name in ids])
