"""What an address asks of a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ....errors import unknown_name
from ....serving.address import fields_of


@dataclass(frozen=True)
class Query:
    """The fields of an address, each with what is said for it, in order."""

    fields: Mapping[str, Sequence[str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of the part behind the question mark; raises `InputError` as `fields_of`."""
        return cls(fields_of(text))

    def texts(self, name: str) -> list[str]:
        """All that is said for a field, each once."""
        return list(dict.fromkeys(self.fields.get(name, [])))

    def several(self, name: str, known: Collection[str]) -> list[str]:
        """The same; raises `InputError` for what is none of the known."""
        said = self.texts(name)
        for value in said:
            if value not in known:
                raise unknown_name(name, value, known)
        return said

    def one(self, name: str, known: Collection[str], usual: str) -> str:
        """What is said last for a field, or what is usual; raises `InputError` when it is none of the known."""
        return [usual, *self.several(name, known)][-1]
