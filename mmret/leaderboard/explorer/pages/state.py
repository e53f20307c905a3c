"""What a page shows, as its address says it: a link restores every state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args
from urllib.parse import urlencode

from ....errors import InputError, unknown_name
from ....serving.address import fields_of
from ..browse import KINDS, SORTS, Kind, Sort

Tab = Literal["queries", "summaries", "live", "labels"]
CHOICES: Mapping[str, Sequence[str]] = {"tab": get_args(Tab), "kind": KINDS, "sort": SORTS}
MOST = 200  # documents of an answer, and the greatest number that any field takes but for sheets


@dataclass(frozen=True)
class State:
    """The fields of an address; those that have their default are left out of it.

    Parameters
    ----------
    benchmark, id: on a board, the benchmark and the submissions that are explored.
    protocol, measure: "" for the first.
    slice, system, versus, kind, within, text, sort, reverse: as for `browse.select`; "" for the first systems.
    sheet: of the list, from 1.
    query: id; "" for the first of the sheet.
    k: documents shown of each answer.
    look: id of a document that is looked at closely.
    figures, least: of the labels: whether figures are shown, and how many people must agree.
    ask, model, forms, of: of a live query: its text, by which model, over which view of the documents, and the
        benchmark's query whose media it takes.
    weigh, w_text, w_image, w_video, w_audio: whether its modalities are weighed, and how.
    """

    tab: Tab = "queries"
    benchmark: str = ""
    id: tuple[str, ...] = ()
    protocol: str = ""
    measure: str = ""
    slice: tuple[str, ...] = ()
    system: str = ""
    versus: str = ""
    kind: Kind = "all"
    within: int = 1
    text: str = ""
    sort: Sort = "id"
    reverse: bool = False
    sheet: int = 1
    query: str = ""
    k: int = 10
    look: str = ""
    figures: bool = False
    least: int = 1
    ask: str = ""
    model: str = ""
    forms: str = ""
    of: str = ""
    weigh: bool = False
    w_text: float = 1.0
    w_image: float = 1.0
    w_video: float = 1.0
    w_audio: float = 1.0

    @classmethod
    def parse(cls, address: str) -> Self:
        """Read an address, with its question mark or without. Names are looked up later; `InputError` for nonsense."""
        said = fields_of(address)
        known = [field for field in fields(cls) if field.name in said]
        return cls(**{field.name: _read(field.name, field.default, said[field.name]) for field in known})

    def link(self, **changes: Any) -> str:
        """The address of this state with some fields changed: "?…", on a board "explore?…"."""
        changed = replace(self, **changes)
        values = {field.name: getattr(changed, field.name) for field in fields(self)}
        said = {field.name: values[field.name] for field in fields(self) if values[field.name] != field.default}
        page = "explore?" if changed.benchmark else "?"
        return page + urlencode({name: "yes" if one is True else one for name, one in said.items()}, doseq=True)


def _read(name: str, default: object, said: list[str]) -> Any:
    """A field's value, of its default's type."""
    value = said[-1]
    if name in CHOICES and value not in CHOICES[name]:
        raise unknown_name(name, value, CHOICES[name])
    if isinstance(default, tuple):
        return tuple(dict.fromkeys(said))
    if isinstance(default, bool):
        return value == "yes"
    if isinstance(default, int):
        most = 10**9 if name == "sheet" else MOST
        if not (value.isdecimal() and len(value) <= len(str(most)) and 1 <= int(value) <= most):
            raise InputError(f"{name!r} must be a whole number from 1 to {most}, not {value[:20]!r}")
        return int(value)
    if isinstance(default, float):
        try:
            return float(value)
        except ValueError:
            raise InputError(f"{name!r} must be a number, not {value!r}") from None
    return value
