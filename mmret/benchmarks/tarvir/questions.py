"""Questions and the tables that answer them, gathered from rows that may repeat and contradict each other."""

from __future__ import annotations

from collections.abc import Sequence

from ..draft import QUERY_TWICE, Fault
from .records import Positive, Question


class Questions:
    """Gathers questions by id; what is wrong with them is noted in `faults`."""

    def __init__(self) -> None:
        self._known: dict[str, Question] = {}
        self.faults: list[Fault] = []

    def add(self, name: str, text: str, where: str, labels: Sequence[str] = ()) -> None:
        """A question. One that is given again counts once; under another text, or without any, it cannot be asked."""
        if not text.strip():
            self.faults.append(Fault("query without words", name, where=f"{where}: {name!r} asks nothing"))
        if name not in self._known:
            self._known[name] = Question(name, text, labels=labels)
        elif self._known[name].text == text:
            self.faults.append(Fault(QUERY_TWICE, name, where=f"{where}: query {name!r} is given again"))
        else:
            what = f"{where}: {name!r} asks {text!r} here and {self._known[name].text!r} before"
            self.faults.append(Fault("query id with two questions", name, where=what))

    def answer(self, name: str, positive: Positive) -> None:
        """A table that answers a question; the answers of a question given twice are united."""
        if name not in self._known:
            kind = "label of no query"
            self.faults.append(Fault(kind, document=positive.names[0], where=f"{positive.where}: {name!r} is no query"))
        elif all(positive.names != other.names for other in self._known[name].positives):
            self._known[name].positives.append(positive)

    def keep_answered(self, elsewhere: set[str]) -> None:
        """Drop the questions without an answer that `elsewhere`, the labels of other splits, name."""
        self._known = {name: one for name, one in self._known.items() if one.positives or name not in elsewhere}

    def all(self) -> list[Question]:
        """Each question once."""
        return list(self._known.values())
