"""What an address asks of a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self
from urllib.parse import parse_qs

from ....errors import InputError, unknown_name

FIELDS = 200  # of one address


@dataclass(frozen=True)
class Query:
    """The fields of an address, each with what is said for it, in order."""

    fields: Mapping[str, Sequence[str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of the part behind the question mark.

        Raises `InputError` when there are more fields than any page has, or what no database takes for text.
        """
        try:
            fields = parse_qs(text.removeprefix("?"), max_num_fields=FIELDS)
        except ValueError:
            raise InputError(f"the address has more than {FIELDS} fields") from None
        for value in chain(*fields.values()):
            if "\0" in value or value != value.encode(errors="replace").decode():
                raise InputError(f"the address says {value!r}, which is no text")
        return cls(fields)

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
