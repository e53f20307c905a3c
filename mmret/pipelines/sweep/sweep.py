"""The job of `mmret sweep`: one model on copies of a corpus, each with one change, against copies without."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...benchmarks import Benchmark, Sources
from ...benchmarks.tarvir import read_tables
from ...errors import InputError, RunError
from ...evaluation import Measure, evaluate, load_result, usual_measures
from ...evaluation import Settings as EvaluationSettings
from ...evaluation.results import RESULT
from ...evaluation.settings import OF_MODELS
from ...progress import bar
from .changes import Change, Making, hindrance, making_of
from .copy import Copy, make_copy
from .effects import Effect, Outcome, adjust, effects_of
from .source import Source

CORPORA, RESULTS = "corpora", "results"
_USUAL = ("protocols", "measures")  # where they are None, the benchmark decides
_DECISIVE = (*_USUAL, "limit", "drop", *OF_MODELS, "seed")


@dataclass
class Sweep:
    """What a sweep found.

    Parameters
    ----------
    measure: the one compared by.
    effects: change by change, all queries first and then slice by slice.
    not_run: change → why it was not run or cannot be compared.
    failed: change or baseline → id of a table → why it could not be made, for copies that this call made.
    """

    model: str
    benchmark: str
    view: str
    measure: str
    effects: list[Effect] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def sweep(
    source: Source,
    model: str,
    changes: Sequence[Change],
    folder: Path,
    settings: EvaluationSettings | None = None,
    *,
    slices: Sequence[str] = (),
    show: bool = False,
) -> Sweep:
    """Evaluate a model on a copy with each of the changes, and compare each with what was made in the same way.

    Parameters
    ----------
    source: the corpus, in the view that the model is shown.
    model: a registered name.
    folder: holds `corpora/CHANGE`, the copies, which all models share, and `results/MODEL/CHANGE`. What is there is not
        made again. A folder is for one benchmark, view and seed, in one state of its files.
    settings: of all evaluations; the effect is that on the first of its measures.
    slices: to be reported beside all queries.

    Raises `InputError` for a slice that the benchmark does not have, and for a folder that holds something else.
    """
    run = _Run(source, model, folder, settings or EvaluationSettings(), slices, show)
    different = list(dict.fromkeys(changes))
    with bar(len(different), "sweep", "perturbation", show=show) as progress:
        for change in different:
            if reason := hindrance(change, source.view, source.sample):
                run.found.not_run[str(change)] = reason
            else:
                run.add(change)
            progress.update()
    run.found.effects = adjust(run.found.effects)
    return run.found


class _Run:
    """One call of `sweep`."""

    def __init__(
        self,
        source: Source,
        model: str,
        folder: Path,
        settings: EvaluationSettings,
        slices: Sequence[str],
        show: bool,
    ) -> None:
        self.source, self.model, self.folder, self.settings, self.show = source, model, folder, settings, show
        measure = str(Measure.parse((settings.measures or usual_measures(source.benchmark))[0]))
        self.found = Sweep(model, source.benchmark.name, source.benchmark.view, measure)
        self._baselines: dict[Making, Outcome] = {}
        self._slices = {label: _members(source.benchmark, label) for label in dict.fromkeys(slices)}

    def add(self, change: Change) -> None:
        """Run a change and note its effects."""
        making = making_of(change, self.source.view)
        if making not in self._baselines:
            self._baselines[making] = self._outcome(change, making)
        before, after = self._baselines[making], self._outcome(change)
        if reason := before.differs(after):
            self.found.not_run[str(change)] = reason
            return
        self.found.effects += effects_of(
            before,
            after,
            self._slices,
            change=str(change),
            baseline=str(making),
            measure=self.found.measure,
            seed=self.settings.seed,
        )

    def _outcome(self, change: Change, untouched: Making | None = None) -> Outcome:
        """The outcome with the change or, as its baseline, without it."""
        name = str(change if untouched is None else untouched)
        benchmark = self.source.benchmark
        if untouched != Making():
            target = self.folder / CORPORA / name
            copy = make_copy(self.source, change, target, untouched=untouched is not None, show=self.show)
            if copy.failed:
                self.found.failed[name] = copy.failed
            benchmark = _with_documents_of(copy, benchmark, f"{benchmark.name}+{name}", self.source.cache)
        target = self.folder / RESULTS / quote(self.model, safe="") / name
        if (target / RESULT).exists():
            result = load_result(target)
            _same(result.record, benchmark, self.settings, target)
        else:
            result = evaluate(benchmark, self.model, self.settings, show=self.show)
            result.save(target)
        return Outcome(result, self.found.measure)


def _members(benchmark: Benchmark, label: str) -> list[str]:
    if label not in benchmark.slices:
        raise InputError(f"{benchmark.name} has no slice {label!r}; there are: {', '.join(benchmark.slices) or 'none'}")
    return [benchmark.queries[i].id for i in benchmark.slices[label].tolist()]


def _with_documents_of(copy: Copy, benchmark: Benchmark, name: str, cache: Path | None) -> Benchmark:
    """The benchmark with the documents of a copy: queries, labels, slices and exclusions are the same."""
    draft = read_tables(copy.folder, Sources(cache=cache, view=str(copy.view)))
    documents = {item.id: item for item in draft.documents}
    if documents.keys() != {item.id for item in benchmark.documents}:
        raise RunError(f"{copy.folder}: its tables are not those of {benchmark.name}; remove the folder")
    return replace(
        benchmark, name=name, documents=[documents[item.id] for item in benchmark.documents], contents=draft.contents
    )


def _same(record: Mapping[str, Any], benchmark: Benchmark, settings: EvaluationSettings, folder: Path) -> None:
    """Raise `InputError` unless a result that is there is the one that would be made."""
    there, asked = record["settings"]["resolved"], json.loads(json.dumps(asdict(settings), default=str))
    wanted = [name for name in _DECISIVE if not (asked[name] is None and name in _USUAL)]
    others = [name for name in wanted if there[name] != asked[name]]
    others += [name for name in ("digest", "view") if record["benchmark"][name] != getattr(benchmark, name)]
    if others:
        raise InputError(f"{folder}: holds a result with another {', '.join(others)}; name another folder")
