"""What is in a public table that a board exports, and how it is read again."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ...errors import InputError
from ..submissions import Description

LONGEST = 200  # characters of a name or title
Word = Annotated[str, Field(max_length=LONGEST)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class ExportedScore(_Part):
    """A figure with its 95 % interval; null what is infinite or does not exist."""

    protocol: Word
    slice: Word
    measure: Word
    value: Number | None
    low: Number | None
    high: Number | None
    n: int


class ExportedRow(_Part):
    """A ranked submission; `rank` is that among its track, by the main measure under the main protocol."""

    submission: Word
    team: Word
    rank: int | None
    received_at: AwareDatetime
    scorer_version: Word
    description: Description
    scores: list[ExportedScore]


class ExportedBenchmark(_Part):
    """A benchmark of the board and what is ranked on it; `digest` is `Ground.digest`, of what is asked."""

    id: Word
    name: Word
    version: Word
    title: Word
    view: Word
    digest: Word
    hidden: bool
    decimals: int | None
    main_protocol: Word
    main_measure: Word
    rows: list[ExportedRow]


class Export(_Part):
    """All public tables of a board; `mmret` is the version that wrote it."""

    schema_: Annotated[Literal["mmret.board/1"], Field(alias="schema")] = "mmret.board/1"
    exported_at: AwareDatetime
    mmret: Word
    benchmarks: list[ExportedBenchmark]


def read_export(content: dict[str, Any]) -> Export:
    """The content of a signed document. Raises `InputError` when it is something else."""
    try:
        return Export.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"this is no exported table: {place}: {first['msg']}") from None


@lru_cache(maxsize=4)
def kept_export(path: Path) -> Export:
    """The export in a file that a board has kept, where it was verified."""
    return read_export(json.loads(path.read_bytes())["content"])
