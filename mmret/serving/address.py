"""What an address says behind its question mark."""

from __future__ import annotations

from itertools import chain
from urllib.parse import parse_qs

from ..errors import InputError

FIELDS = 200  # of one address


def fields_of(text: str) -> dict[str, list[str]]:
    """The fields, each with what is said for it, in order; `text` may begin with the question mark.

    Raises `InputError` when there are more fields than any page has, or what no database takes for text.
    """
    try:
        fields = parse_qs(text.removeprefix("?"), max_num_fields=FIELDS)
    except ValueError:
        raise InputError(f"the address has more than {FIELDS} fields") from None
    for value in chain(*fields.values()):
        if "\0" in value or value != value.encode(errors="replace").decode():
            raise InputError(f"the address says {value!r}, which is no text")
    return fields
