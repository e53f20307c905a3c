"""The tables of a board, alike on SQLite and PostgreSQL. Times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Scope = Literal["submit", "withdraw", "read"]


class State(StrEnum):
    """Where a submission stands; only verified ones are ranked.

    pending → verified, flagged or failed, by the worker; flagged → verified, and verified or flagged → hidden, by a
    moderator; pending, verified or flagged → withdrawn, by its team.
    """

    pending = "pending"
    verified = "verified"
    flagged = "flagged"
    failed = "failed"
    hidden = "hidden"
    withdrawn = "withdrawn"


class Kind(StrEnum):
    """Why a submission is scored: because it came, or because scorer or labels changed."""

    score = "score"
    rescore = "rescore"


class Progress(StrEnum):
    """Where a job stands."""

    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its time zone, which SQLite forgets."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a moment without time zone is a mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value}: a time without time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """In UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def _words(kind: type[StrEnum]) -> Enum:
    return Enum(kind, native_enum=False, length=16, values_callable=lambda members: [one.value for one in members])


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: String,
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[str]: JSON,
        State: _words(State),
        Kind: _words(Kind),
        Progress: _words(Progress),
    }


class Team(Base):
    """Who submits. `key` is the name as it is compared: case folded."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    contact: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled: Mapped[bool] = mapped_column(default=False)


class Token(Base):
    """A team's key to the board; the secret itself is kept nowhere.

    `prefix` finds the row, `digest` is the SHA-256 of the secret, `scopes` are what it may do: submit, withdraw, read.
    """

    __tablename__ = "token"

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), index=True)
    label: Mapped[str]
    prefix: Mapped[str] = mapped_column(String(8), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship()


class Benchmark(Base):
    """What is asked on this board.

    Parameters
    ----------
    id: as it stands in addresses, such as "omnicvr-mini".
    digest: of what is asked (`mmret.benchmarks.Benchmark.ground_digest`); submissions name it.
    ground_digest, answers_digest: the files of what is publicly known, and of the labels.
    public_id: the public counterpart of a benchmark with hidden labels.
    source: where it came from, for whoever runs the board.
    quota_day, quota_total: accepted submissions of a team, a UTC day and for ever; None for any number.
    decimals: to which figures are rounded before anybody sees them; None where they are not.
    generation: grows with every change of what its table shows.
    """

    __tablename__ = "benchmark"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    version: Mapped[str]
    title: Mapped[str]
    view: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    ground_digest: Mapped[str] = mapped_column(String(64))
    answers_digest: Mapped[str] = mapped_column(String(64))
    hidden: Mapped[bool] = mapped_column(default=False)
    public_id: Mapped[str | None] = mapped_column(ForeignKey("benchmark.id"))
    main_protocol: Mapped[str]
    main_measure: Mapped[str]
    protocols: Mapped[list[str]]
    measures: Mapped[list[str]]
    slices: Mapped[list[str]]
    source: Mapped[str]
    quota_day: Mapped[int | None]
    quota_total: Mapped[int | None]
    decimals: Mapped[int | None]
    generation: Mapped[int] = mapped_column(default=1)
    active: Mapped[bool] = mapped_column(default=True)
    added_at: Mapped[datetime] = mapped_column(default=now)


class Submission(Base):
    """A file that a team sent and what became of it.

    Parameters
    ----------
    id: 26 characters that sort by time (`intake.new_id`).
    reason: why it is flagged, hidden or failed, in words for its team; "" where there is nothing to say.
    file_digest, size: the file, and its bytes.
    run_digest: of the run in it, whatever the order of its rows.
    description: what its team says of it (`submissions.Description`, as plain values).
    values_digest: the private file of each query's values.
    """

    __tablename__ = "submission"
    __table_args__ = (
        Index(None, "benchmark_id", "state"),
        Index(None, "team_id", "benchmark_id", "received_at"),
        Index(None, "benchmark_id", "run_digest"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    benchmark_id: Mapped[str] = mapped_column(ForeignKey("benchmark.id"))
    state: Mapped[State] = mapped_column(default=State.pending)
    reason: Mapped[str] = mapped_column(default="")
    file_digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    run_digest: Mapped[str] = mapped_column(String(64))
    description: Mapped[dict[str, Any]]
    values_digest: Mapped[str | None] = mapped_column(String(64))
    scorer_version: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(default=now)
    scored_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship()
    benchmark: Mapped[Benchmark] = relationship()
    scores: Mapped[list[Score]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class Score(Base):
    """One figure of a submission: of a protocol, slice and measure, over `n` queries.

    `value` and what stands beside it are infinite where a median rank is; None is what does not exist.
    """

    __tablename__ = "score"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"), primary_key=True)
    protocol: Mapped[str] = mapped_column(primary_key=True)
    slice: Mapped[str] = mapped_column(primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    optimistic: Mapped[float]
    pessimistic: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    random: Mapped[float | None]
    n: Mapped[int]


class Job(Base):
    """One scoring of a submission, held by one worker until `lease_until`; `attempts` counts failed ones."""

    __tablename__ = "job"
    __table_args__ = (Index(None, "state", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    kind: Mapped[Kind] = mapped_column(default=Kind.score)
    state: Mapped[Progress] = mapped_column(default=Progress.queued)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    submission: Mapped[Submission] = relationship()


class Audit(Base):
    """Who did what, never changed: `actor` is a team, a moderator or "worker"."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str]
    action: Mapped[str]
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submission.id"), index=True)
    detail: Mapped[dict[str, Any]]


class Import(Base):
    """The public table of another board, shown beside ours and never ranked; of each board the last one counts.

    `key` is its public key in hexadecimal digits, `file_digest` the signed file.
    """

    __tablename__ = "import"
    __table_args__ = (UniqueConstraint("benchmark_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    benchmark_id: Mapped[str] = mapped_column(ForeignKey("benchmark.id"))
    key: Mapped[str] = mapped_column(String(64))
    file_digest: Mapped[str] = mapped_column(String(64))
    exported_at: Mapped[datetime]
    imported_at: Mapped[datetime] = mapped_column(default=now)
