"""Score a run against judgements or a benchmark: for `mmret score`, and for a leaderboard that gets an upload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from ..errors import InputError, first_ten, unknown_name
from ..vectors import offsets_of
from .frames import LEGEND, Shown, long_frame, shown_frame
from .ids import Index
from .labels import Galleries, Labels
from .measures import Measure
from .protocols import protocols_of
from .ranks import Counts, count_scores
from .runs import Run
from .scoring import Contest
from .summary import ALL, MEASURES, best_of, chance, scores_of, summaries_of, usual_measures

Missing = Literal["error", "zero"]
Unknown = Literal["error", "ignore"]


@dataclass(frozen=True, repr=False)
class RunScores(Shown):
    """A scored run; it shows itself as a table.

    Parameters
    ----------
    scores: against judgements `{"n": int, measure: {"value", "optimistic", "pessimistic", "low", "high"}}`, with
        "random" where galleries are known; against a benchmark the same for each protocol and slice,
        `{protocol: {slice: …}}` as in a `result.json`.
    ties: share of queries whose best right document ties with another; against a benchmark for each protocol.
    missing: ids of judged queries that the run lacks; they count 0.
    unknown: number of the run's queries that are not judged and were left out.
    per_query: one row a judged query (and protocol), the expected value of each measure.
    unlisted: protocol → share of the candidates that the run does not list, and which so count as placed below those
        it lists; of those protocols under which there are any. Empty against judgements.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> run = mmret.evaluate(tables, "bm25").run
    >>> scored = mmret.score_run(run, tables, measures=["R@10"])
    >>> scored.scores["global"]["all"]["R@10"]["value"]
    0.8...
    """

    scores: Mapping[str, Any]
    ties: float | Mapping[str, float]
    missing: list[str]
    unknown: int
    per_query: pd.DataFrame
    unlisted: Mapping[str, float]

    def describe(self) -> dict[str, Any]:
        """Plain values; all but those of single queries."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "per_query"}

    def to_frame(self) -> pd.DataFrame:
        """One row a protocol, slice and measure: value, bounds over ties, interval, and chance where it is known."""
        return long_frame(self._by_protocol)

    @property
    def _by_protocol(self) -> Mapping[str, Any]:
        """The scores as those of a benchmark; judgements have no protocol."""
        return {"": {ALL: self.scores}} if "n" in self.scores else self.scores

    def _shown(self) -> tuple[str, list[pd.DataFrame], list[str]]:
        notes = [f"{name}: {share:.1%} of the candidates are not in the run" for name, share in self.unlisted.items()]
        if self.missing:
            notes.append(f"{len(self.missing):,} judged queries are not in the run and count 0")
        if self.unknown:
            notes.append(f"{self.unknown:,} queries of the run are not judged and were left out")
        return "a run, scored", [shown_frame(self._by_protocol)], [LEGEND, *notes]


def score_run(
    run: Run,
    labels: Labels,
    *,
    galleries: Galleries | None = None,
    measures: Sequence[str] | None = None,
    missing: Missing = "error",
    unknown: Unknown = "error",
    seed: int = 0,
) -> RunScores:
    """Score a run against judgements, for all judged queries that have a right document.

    Parameters
    ----------
    galleries: the candidates. A document outside is refused; one that the run does not list is not retrieved.
    measures: names; None for `MEASURES`.
    missing: "error" refuses a run that lacks a judged query, "zero" counts 0 for it.
    unknown: "error" refuses a run with queries that are not judged, "ignore" leaves them out.

    Raises `InputError` with the first ten offenders and their number; also for NaN, infinite scores and documents
    listed twice for a query.
    """
    parsed = [Measure.parse(name) for name in measures or MEASURES]
    match = _Match.of(run, labels.queries, labels.without, missing, unknown)
    positives = match.numbered(labels.positives, labels.documents)
    counts = match.count(positives, labels.gains)
    if galleries is not None:
        lists = match.numbered(galleries.of(labels.queries), galleries.documents)
        match.refuse_outside(lists, positives)
        counts = Counts(counts.query, counts.gain, counts.greater, counts.tied, lists.sizes)
    values = {str(measure): measure(counts) for measure in parsed}
    random = {str(measure): measure(chance(counts)) for measure in parsed} if galleries is not None else {}
    scores = scores_of(values, random, {ALL: np.arange(len(labels.queries))}, None, seed)[ALL]
    per_query = pd.DataFrame({"query": labels.queries} | {name: value.expected for name, value in values.items()})
    ties = float((best_of(counts)[1] > 1).mean())
    return RunScores(scores, ties, match.lacking, match.stray, per_query, {})


def score_run_on(
    run: Run,
    benchmark: Benchmark,
    *,
    protocols: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
    missing: Missing = "error",
    unknown: Unknown = "error",
    seed: int = 0,
) -> RunScores:
    """Score a run against a benchmark, under each protocol and for each slice: the figures of `mmret eval`.

    Parameters
    ----------
    protocols: names; None for the first that the benchmark is usually reported under, and the same without the source,
        because the run of an evaluation holds the candidates of the first one. A document outside a query's candidates
        is refused; its own source is passed over where the protocol leaves it out.
    measures: names; None for those that are usual on the benchmark.
    missing, unknown, and what is raised: as for `score_run`; and where the benchmark's labels are hidden.
    """
    benchmark.need_labels()
    usual = protocols_of(benchmark, protocols)
    chosen = usual if protocols is not None else [one for one in usual if one.everything == usual[0].everything]
    match = _Match.of(run, [item.id for item in benchmark.queries], [], missing, unknown)
    documents = [item.id for item in benchmark.documents]
    standings, unlisted = {}, {}
    for protocol in chosen:
        contest = Contest(benchmark, protocol)
        probes = match.numbered(contest.probes, documents)
        everyone = contest.gallery or Ragged.of([range(len(documents))])
        match.refuse_outside(match.numbered(everyone, documents), match.numbered(benchmark.positives, documents))
        counts = match.count(probes, np.ones(len(probes.positions)))
        standings[protocol.name] = contest.standing(counts.greater, counts.tied)
        share = _unlisted(contest, counts, standings[protocol.name].counts.candidates)
        if share:
            unlisted[protocol.name] = share
    summaries = summaries_of(benchmark, standings, measures or usual_measures(benchmark), seed)
    return RunScores(
        {name: summary.scores for name, summary in summaries.items()},
        {name: summary.ties for name, summary in summaries.items()},
        match.lacking,
        match.stray,
        pd.concat([summary.per_query for summary in summaries.values()], ignore_index=True),
        unlisted,
    )


@dataclass(frozen=True)
class _Match:
    """A run beside the queries that are asked.

    Parameters
    ----------
    queries: ids of what is asked.
    place: for each query of the run its number among those, -1 for one that is not asked; int64 `(queries of run,)`.
    row: for each query asked its number in the run, -1 where the run lacks it; int64 `(queries,)`.
    index: numbers of documents, those of the run first.
    lacking, stray: queries that the run lacks, and how many of its own are not asked.
    """

    run: Run
    queries: Sequence[str]
    place: NDArray[np.int64]
    row: NDArray[np.int64]
    index: Index
    lacking: list[str]
    stray: int

    @classmethod
    def of(cls, run: Run, queries: Sequence[str], without: Sequence[str], missing: Missing, unknown: Unknown) -> Self:
        """Refuse what does not fit; queries `without` a right document may be in the run."""
        for option, value, known in (("missing", missing, get_args(Missing)), ("unknown", unknown, get_args(Unknown))):
            if value not in known:
                raise unknown_name(option, value, known)
        place = pd.Index(queries).get_indexer(pd.Index(run.queries))
        excused = set(without)
        stray = [query for query, at in zip(run.queries, place, strict=True) if at < 0 and query not in excused]
        if stray and unknown == "error":
            raise InputError(
                f"queries of the run that are not judged: {first_ten(stray)}; leave them out: --unknown ignore"
            )
        row = np.full(len(queries), -1)
        row[place[place >= 0]] = np.flatnonzero(place >= 0)
        lacking = [queries[i] for i in np.flatnonzero(row < 0).tolist()]
        if lacking and missing == "error":
            raise InputError(
                f"judged queries that the run lacks: {first_ten(lacking)}; count 0 for them: --missing zero"
            )
        index = Index()
        index.numbers(run.documents)
        if len(index) < len(run.documents):
            raise InputError("two documents of the run have one id")
        if len(set(run.queries)) < len(run.queries):
            raise InputError("two queries of the run have one id")
        return cls(run, queries, place, row, index, lacking, len(stray))

    def numbered(self, lists: Ragged, documents: Sequence[str]) -> Ragged:
        """Lists of positions in `documents`, as numbers of the index."""
        return Ragged(lists.offsets, self.index.numbers(documents)[lists.positions])

    def count(self, positives: Ragged, gains: NDArray[np.float64]) -> Counts:
        """Standing of the right documents of the queries asked; the run is walked in its own order, uncopied."""
        asked = self.place >= 0
        entries = positives.entries(self.place[asked])
        sizes = np.where(asked, positives.sizes[self.place], 0)
        found = count_scores(
            self.run.lists,
            self.run.scores,
            Ragged(offsets_of(sizes), positives.positions[entries]),
            gains[entries],
            query_ids=self.run.queries,
            document_ids=self.index.ids,
        )
        greater, tied = np.full(len(gains), -1), np.zeros(len(gains), np.int64)
        greater[entries], tied[entries] = found.greater, found.tied
        listed = np.where(self.row >= 0, self.run.lists.sizes[self.row], 0)
        return Counts(positives.rows.astype(np.int32), gains, greater, tied, listed)

    def refuse_outside(self, galleries: Ragged, positives: Ragged) -> None:
        """Refuse documents of the run and right documents that are not among a query's candidates (one list for all,
        or one a query)."""
        inside = np.zeros(len(self.index), bool)
        shared = len(galleries) == 1
        wrong: list[str] = []
        outside: list[str] = []
        for i, (query, row) in enumerate(zip(self.queries, self.row.tolist(), strict=True)):
            own = galleries[0 if shared else i]
            if i == 0 or not shared:
                inside[own] = True
            if not inside[positives[i]].all():
                wrong.append(query)
            listed = self.run.lists[row] if row >= 0 else own[:0]
            strange = listed[~inside[listed]]
            outside += [f"{query} {self.run.documents[p]}" for p in strange]
            if not shared:
                inside[own] = False
        if wrong:
            raise InputError(f"right documents outside the gallery of the queries {first_ten(wrong)}")
        if outside:
            raise InputError(f"documents of the run outside the gallery (query document): {first_ten(outside)}")


def _unlisted(contest: Contest, probed: Counts, candidates: NDArray[np.int64]) -> float:
    """Share of a protocol's candidates that the run does not list; `probed` are the counts of the contest's probes."""
    listed = int(probed.candidates.sum())
    if contest.protocol.without_source:
        listed -= int((probed.tied[contest.probes.offsets[contest.own + 1] - 1] > 0).sum())
    return 1 - listed / int(candidates.sum())
