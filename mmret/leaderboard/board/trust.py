"""Signs that a scored submission should be looked at by a person before it is ranked.

None of them is proof, and none is hard to get round for somebody who knows it: what keeps a board honest are labels
that nobody has, quotas, and people who look.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from ...errors import RunError
from ...evaluation import Measure
from ...evaluation.summary import ALL
from .board import Board
from .database import Benchmark, Score, State, Submission
from .references import references
from .traits import DEPTH, FEW, Traits
from .values import load_top

if TYPE_CHECKING:
    from .scorer import Scored

Code = Literal["exact-copy", "near-identical", "label-like", "implausible"]
ALIKE = 0.95  # overlap of two runs from which they are near-identical
PERFECT = 0.99  # share of queries won from which a run looks like labels
NARROW = 0.1  # `Traits.narrow` below which it does
FIXED = 0.9  # `Traits.fixed` above which it does
MARGIN = 0.1  # by which a figure may beat the best one known, its interval aside; ranks may be half of it
PERSISTENCE = 0.9
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Flag:
    """Why a submission waits for a moderator: `reason` is for its team, and holds no figure that was not told."""

    code: Code
    reason: str


def judge(session: Session, board: Board, submission: Submission, scored: Scored) -> list[Flag]:
    """What is suspicious about a submission that was just scored; compared are the earlier ones of other teams.

    - exact copy: the same run, however its file was written.
    - near-identical: `overlap` of at least 0.95. Different models were found at 0.01 … 0.4, one model on differently
      prepared input at 0.6 … 0.9, a run with noise of 3 % of its scores' deviation at 0.94. Two teams that run one
      public model are flagged too; the reason names the other submission.
    - label-like: at least 99 % of the queries won, all wins wide though there are losses, or all wins with one score
      that losses do not have (see `Traits`).
    - implausible: the main figure, less its interval, is above the best one that is verified or published under the
      same protocol by more than 10 points (median ranks: below half of the best).
    """
    benchmark = session.get_one(Benchmark, submission.benchmark_id)
    flags = list(_copies(session, board, submission, scored.values.traits.top))
    if looks_like_labels(scored.values.traits):
        flags.append(Flag("label-like", "its scores set right documents apart as if they were made from the labels"))
    main = {"protocol": benchmark.main_protocol, "slice": ALL, "measure": benchmark.main_measure}
    figure = next(row for row in scored.figures if main.items() <= row.items())
    if is_implausible(figure, _known(session, benchmark, submission), Measure.parse(benchmark.main_measure)):
        flags.append(Flag("implausible", f"its {benchmark.main_measure} is far better than the best one known"))
    return flags


def overlap(first: NDArray[np.int32], second: NDArray[np.int32]) -> float:
    """How alike the tops of two runs are, 0 … 1; int32 `(queries, 10)` each, as `Traits.top`.

    Mean over the queries of rank-biased overlap to depth 10 with p = 0.9 (Webber, Moffat and Zobel, ACM TOIS 28(4),
    2010), over the same of the run with fewer untied places with itself. 0 where hardly a place is untied.
    """
    least = min(_shared(first, first), _shared(second, second))
    return _shared(first, second) / least if least > 0.05 else 0.0


def looks_like_labels(traits: Traits) -> bool:
    """Whether only labels, or a very good system, could have made such scores."""
    if len(traits.top) < FEW:
        return False
    wide = traits.narrow is not None and traits.narrow < NARROW
    return traits.ahead >= PERFECT or wide or (traits.fixed is not None and traits.fixed > FIXED)


def is_implausible(figure: dict[str, Any], known: Sequence[float], measure: Measure) -> bool:
    """Whether a figure (`value`, `low`, `high`) is far better than all those `known`; False where none is."""
    if not known or figure["low"] is None or figure["high"] is None:
        return False
    if measure.higher_is_better:
        return bool(figure["low"] > max(known) + MARGIN)
    return bool(figure["high"] < min(known) / 2)


def _copies(session: Session, board: Board, submission: Submission, top: NDArray[np.int32]) -> Iterator[Flag]:
    earlier = session.execute(
        select(Submission.id, Submission.run_digest, Submission.values_digest)
        .where(
            Submission.benchmark_id == submission.benchmark_id,
            Submission.team_id != submission.team_id,
            Submission.id < submission.id,
            Submission.state != State.failed,
        )
        .order_by(Submission.id)
    ).all()
    same = next((identity for identity, run, _ in earlier if run == submission.run_digest), None)
    if same is not None:
        yield Flag("exact-copy", f"it holds the same run as submission {same} of another team")
        return
    if len(top) < FEW:
        return
    tops = _tops(board, [(identity, digest) for identity, _, digest in earlier if digest])
    alike = [(overlap(top, other), identity) for identity, other in tops if other.shape == top.shape]
    if alike and max(alike)[0] >= ALIKE:
        yield Flag("near-identical", f"its rankings are nearly those of submission {max(alike)[1]} of another team")


def _tops(board: Board, scored: Sequence[tuple[str, str]]) -> Iterator[tuple[str, NDArray[np.int32]]]:
    """`Traits.top` of submissions, by id and `values_digest`.

    One whose file is lost is passed over and told in the log: the queue must not wait for whoever restores it.
    """
    for identity, digest in scored:
        try:
            top = load_top(board.private.path(digest))
        except RunError as error:
            fields = {"submission": identity, "error": str(error)}
            _log.error("a submission cannot be compared with", extra={"fields": fields})
        else:
            yield identity, top


def _known(session: Session, benchmark: Benchmark, submission: Submission) -> list[float]:
    """The main figures of what is verified, and of what was published."""
    verified = session.scalars(
        select(Score.value)
        .join(Submission)
        .where(
            Submission.benchmark_id == benchmark.id,
            Submission.state == State.verified,
            Submission.id != submission.id,
            Score.protocol == benchmark.main_protocol,
            Score.slice == ALL,
            Score.measure == benchmark.main_measure,
        )
    )
    published = references(benchmark, benchmark.main_protocol, benchmark.main_measure)
    return [*verified, *(one.figures[ALL] for one in published if ALL in one.figures)]


def _shared(first: NDArray[np.int32], second: NDArray[np.int32]) -> float:
    """Mean truncated overlap; a document at the places i and j (from 0) is shared from depth max(i, j) + 1 on."""
    depths = np.arange(1, DEPTH + 1)
    share = PERSISTENCE ** (depths - 1) / depths
    weight = share[::-1].cumsum()[::-1] / (share * depths).sum()
    known = np.where(first < 0, -2, first)  # tied places match nothing
    same = np.ascontiguousarray(known.T)[:, None] == np.ascontiguousarray(second.T)[None]  # (place, place, query)
    return float((same.mean(axis=2) * weight[np.maximum(depths[:, None], depths) - 1]).sum())
