"""Benchmarks on a board: their labels are frozen when they are added, and stay on the server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Self

from sqlalchemy import select

from ...benchmarks import Benchmark as Labelled
from ...errors import InputError, first_ten, unknown_name
from ...evaluation import protocols_of, usual_measures
from ...evaluation.measures import Measure
from ..submissions import Ground
from .answers import save_answers
from .board import Board
from .database import Audit, Benchmark
from .exported import LONGEST


@dataclass(frozen=True)
class Terms:
    """On what terms a board takes submissions.

    Parameters
    ----------
    hidden: whether nobody but the board has the labels.
    public_id: id of the public counterpart of a hidden benchmark on this board.
    quota_day, quota_total: submissions of a team a UTC day and for ever; None for any number.
    decimals: to which figures are rounded before anybody sees them; None where they are not.
    """

    hidden: bool = False
    public_id: str | None = None
    quota_day: int | None = None
    quota_total: int | None = None
    decimals: int | None = None

    @classmethod
    def usual(cls, *, hidden: bool = False) -> Self:
        """Those of a benchmark whose labels anybody may have, or of a hidden one, which must not become an oracle."""
        return cls(hidden=True, quota_day=2, quota_total=50, decimals=3) if hidden else cls(quota_day=20)


def add_benchmark(
    board: Board,
    labelled: Labelled,
    terms: Terms,
    *,
    source: str,
    identity: str | None = None,
    main_protocol: str | None = None,
    main_measure: str | None = None,
    replace: bool = False,
) -> Benchmark:
    """Add a benchmark, or change the labels or terms of one.

    Parameters
    ----------
    labelled: the benchmark with its labels; what its exclusion list names is left out.
    source: its name or folder, for whoever runs the board.
    identity: as it stands in addresses: small letters, digits and hyphens; by default made from its name.
    main_protocol, main_measure: by which it is ranked first; by default the first usual ones.
    replace: change the one of that identity, which must ask the same; its submissions must be scored anew.

    Raises `InputError` for a copy without labels, when there is one of that identity and it is not to be replaced, when
    there is none and it is, and when the terms contradict the board or themselves.
    """
    labelled.need_labels()
    identity = identity or re.sub("[^a-z0-9]+", "-", labelled.name.lower()).strip("-")
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", identity) or len(identity) > 64:
        raise InputError(
            f"{identity!r} cannot stand in addresses: give an --id of small letters, digits and hyphens, at most 64"
        )
    title, slices = str(labelled.about.get("title", labelled.name)), list(labelled.usable().slices)
    for text in (labelled.name, labelled.version, title, labelled.view, *slices):
        if len(text) > LONGEST:
            raise InputError(f"{source}: the name or title {text[:40]!r}… has more than {LONGEST} characters")
    usual = protocols_of(labelled)
    protocols = [one.name for one in usual if one.everything == usual[0].everything]  # what one run can be scored under
    measures = [str(Measure.parse(name)) for name in usual_measures(labelled)]
    ground = Ground.of(labelled)
    with board.files.held(), board.private.held():
        row = Benchmark(
            id=identity,
            name=labelled.name,
            version=labelled.version,
            title=title,
            view=labelled.view,
            digest=ground.digest,
            ground_digest=board.files.add(ground.save),
            answers_digest=board.private.add(partial(save_answers, labelled)),
            main_protocol=_one_of("protocol", main_protocol, protocols),
            main_measure=_one_of("measure", main_measure, measures),
            protocols=protocols,
            measures=measures,
            slices=slices,
            source=source,
            hidden=terms.hidden,
            public_id=terms.public_id,
            quota_day=terms.quota_day,
            quota_total=terms.quota_total,
            decimals=terms.decimals,
        )
        with board.writing() as session:
            if terms.public_id is not None:
                public = session.get(Benchmark, terms.public_id)
                if not terms.hidden or public is None or public.hidden:
                    raise InputError(f"{terms.public_id!r} is no public counterpart of {identity} on this board")
            known = session.get(Benchmark, identity, with_for_update=True)
            if known is not None and not replace:
                raise InputError(f"there is a benchmark {identity!r} already; give --id ANOTHER, or --overwrite it")
            if known is None and replace:
                raise InputError(f"there is no benchmark {identity!r} to replace; leave out --overwrite")
            if known is not None:
                if not _ask_the_same(ground, Ground.load(board.files.checked(known.ground_digest))):
                    raise InputError(
                        f"{source} does not ask what {identity} asks, or leaves out other items, so runs of the one do "
                        "not fit the other; add it beside: --id ANOTHER"
                    )
                row.generation, row.added_at = known.generation + 1, known.added_at
            return session.merge(row)


def benchmarks(board: Board) -> list[Benchmark]:
    """All benchmarks of a board, in the order in which they came."""
    with board.reading() as session:
        return list(session.scalars(select(Benchmark).order_by(Benchmark.added_at, Benchmark.id)))


def close(board: Board, identity: str, *, actor: str, closed: bool = True) -> None:
    """Let a benchmark take no submissions any more, or again; those it has stay. Raises `InputError` for none known."""
    with board.writing() as session:
        found = session.get(Benchmark, identity, with_for_update=True)
        if found is None:
            raise unknown_name("benchmark", identity, session.scalars(select(Benchmark.id)).all())
        found.active = not closed
        action = "close" if closed else "reopen"
        session.add(Audit(actor=actor, action=action, detail={"benchmark": identity}))


def _ask_the_same(ground: Ground, other: Ground) -> bool:
    """Whether runs on the one fit the other: exclusion lists and views, too, decide what is asked."""
    facts = ("digest", "view", "queries", "documents")
    return all(getattr(ground, name) == getattr(other, name) for name in facts)


def _one_of(kind: str, name: str | None, known: list[str]) -> str:
    if name is not None and name not in known:
        raise InputError(f"the {kind} {name!r} is not one of {first_ten(known)}")
    return name or known[0]
