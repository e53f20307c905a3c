"""What the fields of undocumented files are called: guesses, and a map for those who know better."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from ...errors import InputError, first_ten, unknown_name
from ..rows import Row


class Field(NamedTuple):
    """A field by what it means: the names it may have, the likelier ones first, and whether it must be there."""

    guesses: Sequence[str]
    needed: bool = False


@dataclass(frozen=True)
class FieldMap:
    """Names of fields, section → meaning → name, as in `{"corpus": {"id": "table_id"}}`.

    A name may lead into what a field holds: `table.id`, or `images.0` for the first of a list. In an object keyed by
    id, `@key` is the key and `@value` a value that is no object. What the map does not say is guessed.
    """

    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """The map in a JSON file; an empty one for None. Raises `InputError` when it is no such map."""
        if path is None:
            return cls()
        try:
            names = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: the field map cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise InputError(f"{path}: not JSON: {error}") from None
        parts = names.values() if isinstance(names, dict) else [None]
        if not all(isinstance(part, dict) and all(isinstance(one, str) for one in part.values()) for part in parts):
            raise InputError(f'{path}: no field map; it looks like {{"corpus": {{"id": "table_id"}}}}')
        return cls(names)

    def find(self, section: str, fields: Mapping[str, Field], row: Row) -> dict[str, str]:
        """Meaning → name in rows like `row`, for those fields that are there.

        Raises `InputError` naming the fields found and the map it would need, when one is missing that must be there or
        that the map names.
        """
        mapped = self.names.get(section, {})
        for meaning in mapped:
            if meaning not in fields:
                raise unknown_name(f"field of {section!r} in the field map", meaning, fields)
        found: dict[str, str] = {}
        for meaning, one in fields.items():
            names = [mapped[meaning]] if meaning in mapped else one.guesses
            there = next((name for name in names if value_of(row.fields, name) is not None), None)
            if there is not None:
                found[meaning] = there
        missing = [name for name, one in fields.items() if name not in found and (one.needed or name in mapped)]
        if missing:
            raise self._lacking(section, fields, row, found, missing)
        return found

    def _lacking(
        self, section: str, fields: Mapping[str, Field], row: Row, found: Mapping[str, str], missing: Sequence[str]
    ) -> InputError:
        needed = {name: found.get(name, "?") for name, one in fields.items() if name in found or one.needed}
        optional = [name for name in fields if name not in needed]
        return InputError(
            f"{row.where}: which field is {' and which '.join(map(repr, missing))}? Its fields are "
            f"{', '.join(map(repr, row.fields)) or 'none'}. Save this with the right names in place of each ? and pass "
            f"it with --field-map FILE{' (it may also name ' + first_ten(optional) + ')' if optional else ''}:\n"
            + json.dumps({**self.names, section: needed}, ensure_ascii=False)
        )


def value_of(fields: Mapping[str, Any], name: str) -> Any:
    """What a field holds; None when it is not there.

    A dot leads into an object or, with a number, into a list; a name leads into every object of a list.
    """
    if name in fields:
        return fields[name]
    value: Any = fields
    for part in name.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal():
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, list):
            value = [one.get(part) for one in value if isinstance(one, Mapping)]
        else:
            return None
    return value


def texts_of(value: object, row: Row, meaning: str) -> list[str]:
    """One or several names, as texts. Raises `InputError` where they are neither texts nor whole numbers."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(one, str | int) for one in values):
        wrong = next(one for one in values if not isinstance(one, str | int))
        inside = (
            f"; name what is inside with a dot, such as NAME.{next(iter(wrong))}" if isinstance(wrong, dict) else ""
        )
        raise InputError(f"{row.where}: {meaning!r} must be a name or a list of names, not {str(wrong)[:80]!r}{inside}")
    return [str(one) for one in values]


def text_of(value: object) -> str:
    """A text; "" for nothing, and the parts of a list by lines."""
    return "\n".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
