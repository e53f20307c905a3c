"""What people say of labels: "this one is also right", "the gold is wrong"; kept as JSON lines, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from ...benchmarks import Benchmark
from ...errors import InputError, RunError, first_ten, unknown_name
from ...lines import append_lines, read_lines
from ...paths import data_folder

Verdict = Literal["also right", "gold is wrong", "withdrawn"]
ALSO_RIGHT, GOLD_IS_WRONG, WITHDRAWN = VERDICTS = get_args(Verdict)
LONGEST = {"reason": 2000, "by": 100}  # characters


@dataclass(frozen=True)
class Vote:
    """One person's word on one document for one query.

    Parameters
    ----------
    query, document: ids.
    verdict: "also right" of a document that no label calls right; "gold is wrong" of one that a label does;
        "withdrawn" takes an earlier vote back.
    reason: why, in the person's words; may be empty where the vote is withdrawn.
    by: who says so.
    at: when, ISO 8601 in UTC.
    """

    query: str
    document: str
    verdict: Verdict
    reason: str
    by: str
    at: str


@dataclass(frozen=True)
class Tally:
    """The votes that stand for one change of a label; `by` and `reasons` are those of the voters, oldest first."""

    query: str
    document: str
    verdict: Verdict
    by: list[str]
    reasons: list[str]


class Votes:
    """A file of votes. Several processes may write to it at once; what was cast survives a kill.

    Parameters
    ----------
    path: the file; made with the first vote.
    benchmark: whose labels are judged.

    Raises `InputError` for a file that is none of votes, or that knows nothing of the benchmark's.
    """

    def __init__(self, path: Path, benchmark: Benchmark) -> None:
        self.path = path
        self._queries = {item.id: i for i, item in enumerate(benchmark.queries)}
        self._documents = {item.id: i for i, item in enumerate(benchmark.documents)}
        self._benchmark = benchmark
        votes = self.all()
        if votes and not any(vote.query in self._queries or vote.document in self._documents for vote in votes):
            raise InputError(
                f"{path}: holds votes of another benchmark than {benchmark.name}; name another with --votes"
            )

    def all(self) -> list[Vote]:
        """Every vote ever cast, in the order of the file."""
        try:
            return [self._vote(row) for _, row in read_lines(self.path, "verdict")]
        except OSError as error:
            raise InputError(f"{self.path}: the votes cannot be read: {error.strerror}") from None

    def standing(self) -> list[Vote]:
        """The last vote of each person on each document of each query, less those withdrawn; oldest first."""
        last: dict[tuple[str, str, str], Vote] = {}
        for vote in self.all():
            key = vote.query, vote.document, vote.by
            last.pop(key, None)
            last[key] = vote
        return [vote for vote in last.values() if vote.verdict != WITHDRAWN]

    def tally(self, least: int = 1) -> list[Tally]:
        """What at least so many people agree on, in the order of query and document."""
        found: dict[tuple[str, str, Verdict], Tally] = {}
        for vote in self.standing():
            key = vote.query, vote.document, vote.verdict
            tally = found.setdefault(key, Tally(*key, [], []))
            tally.by.append(vote.by)
            tally.reasons.append(vote.reason)
        return [found[key] for key in sorted(found) if len(found[key].by) >= least]

    def cast(self, query: str, document: str, verdict: str, reason: str, by: str) -> Vote:
        """Keep a vote; once this returns, it survives a kill or a power cut.

        Raises `InputError` for unknown ids and verdicts, a text that is missing or too long, and a verdict that the
        labels do not allow; `RunError` when the disk takes no more.
        """
        vote = Vote(
            query,
            document,
            _verdict(verdict),
            reason.strip(),
            by.strip(),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._refuse(vote)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            append_lines(self.path, asdict(vote))
        except OSError as error:
            raise RunError(
                f"{self.path}: the vote cannot be kept: {error.strerror}; those cast before are; "
                "free some space or name another file with --votes"
            ) from error
        return vote

    def qrels(self, least: int = 1) -> str:
        """What at least so many people agree on as qrels in BEIR's form: grade 1 for "also right", else 0.

        These are the changes alone, not the benchmark's own labels. Raises `InputError` for an id that such lines
        cannot hold.
        """
        tallies = self.tally(least)
        ids = {name for one in tallies for name in (one.query, one.document)}
        if broken := sorted(name for name in ids if not {"\t", "\n", "\r"}.isdisjoint(name)):
            raise InputError(f"ids with tabs or line breaks cannot stand in qrels: {first_ten([*map(repr, broken)])}")
        rows = [f"{one.query}\t{one.document}\t{int(one.verdict == ALSO_RIGHT)}\n" for one in tallies]
        return "".join(["query-id\tcorpus-id\tscore\n", *rows])

    def _refuse(self, vote: Vote) -> None:
        """Raise `InputError` for a vote that means nothing."""
        for kind, name, known in (
            ("query", vote.query, self._queries),
            ("document", vote.document, self._documents),
        ):
            if name not in known:
                raise InputError(f"{name!r} is no {kind} of {self._benchmark.name}")
        for field, longest in LONGEST.items():
            text = getattr(vote, field)
            if len(text) > longest or not (text or (field, vote.verdict) == ("reason", WITHDRAWN)):
                raise InputError(f"a vote's {field!r} has 1 to {longest} characters, not {len(text)}")
            if text != text.encode(errors="replace").decode():
                raise InputError(f"a vote's {field!r} holds half a character, which no file can keep")
        query, document = self._queries[vote.query], self._documents[vote.document]
        right = document in self._benchmark.positives[query]
        source = self._benchmark.source
        if vote.verdict == WITHDRAWN:
            if not any(
                (one.query, one.document, one.by) == (vote.query, vote.document, vote.by) for one in self.standing()
            ):
                raise InputError(f"{vote.by} has no vote on {vote.document} for {vote.query} to withdraw")
        elif right != (vote.verdict == GOLD_IS_WRONG):
            raise InputError(
                f"{vote.document} is {'' if right else 'not '}right for {vote.query} by the labels already"
            )
        elif source is not None and source[query] == document:
            raise InputError(f"{vote.document} is the source of {vote.query} and cannot be its answer")

    def _vote(self, row: Mapping[str, Any]) -> Vote:
        try:
            query, document, verdict, reason, by, at = (str(row[field.name]) for field in fields(Vote))
            return Vote(query, document, _verdict(verdict), reason, by, at)
        except (KeyError, InputError) as error:
            raise InputError(f"{self.path}: not a file of votes: {error}") from None


def votes_path(name: str, digest: str) -> Path:
    """Where votes on the labels of a benchmark are kept by default: in the user's data folder."""
    return data_folder("votes") / f"{name.replace('/', '--')}-{digest[:16]}.jsonl"


def _verdict(text: str) -> Verdict:
    verdicts: Sequence[Verdict] = VERDICTS
    for verdict in verdicts:
        if verdict == text:
            return verdict
    raise unknown_name("verdict", text, verdicts)
