"""What people said of triplets: a file of JSON lines, one for each vote and one for each that was taken back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ...errors import InputError, RunError
from ...lines import append_lines, read_lines
from .records import Vote


class VoteLine(Vote):
    """A line of the file.

    Parameters
    ----------
    act: "vote"; "undo" takes the person's vote on that item back; "verdicts" says that the person has seen what judges
        say of it, after which the vote stands.
    text: the text that was judged; None where nobody noted it. A vote on a text that is no longer the item's is none.
    """

    act: Literal["vote", "undo", "verdicts"] = "vote"
    text: str | None = None


def read_votes(path: Path) -> list[VoteLine]:
    """All lines, in their order; none where there is no file. Raises `InputError` for a line that means nothing."""
    found = []
    for place, row in read_lines(path, "reviewer"):
        try:
            found.append(VoteLine.model_validate(row))
        except ValidationError as error:
            raise InputError(f"{path}: the line at byte {place} is no vote; mend it or take it out: {row}") from error
    return found


def keep_vote(path: Path, line: VoteLine) -> None:
    """Add a line; once this returns, neither a kill nor a power cut undoes it. Raises `RunError` for a full disk."""
    try:
        append_lines(path, line.model_dump())
    except OSError as error:
        raise RunError(f"{path}: a vote cannot be kept, earlier ones are: {error.strerror}; free some space") from error


def standing(lines: Iterable[VoteLine]) -> list[VoteLine]:
    """The votes that were not taken back, in their order."""
    found: list[VoteLine] = []
    for line in lines:
        if line.act == "vote":
            found.append(line)
        elif line.act == "undo":
            found = [one for one in found if (one.pair, one.reviewer) != (line.pair, line.reviewer)]
    return found
