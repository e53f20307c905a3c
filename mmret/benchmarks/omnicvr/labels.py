"""What both layouts say, in one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...items import text_digest
from ..draft import Fault
from ..ragged import Ragged


@dataclass(frozen=True)
class Labels:
    """The labels of a release, without media.

    Parameters
    ----------
    documents: ids of the clips.
    source: int32 `(queries,)`, position of each query's source, -1 where it is no document.
    source_id: its name.
    text: the modification asked for.
    positives, gains: positions and grades of the targets.
    galleries: the candidates of each query.
    kind: the type of each query; empty where no file tells.
    slices: further labels of each query; empty where no file tells.
    faults: names that no document has.
    """

    documents: Sequence[str]
    source: NDArray[np.int32]
    source_id: Sequence[str]
    text: Sequence[str]
    positives: Ragged
    gains: NDArray[np.float64]
    galleries: Ragged
    kind: Sequence[str] = ()
    slices: Sequence[Sequence[str]] = ()
    faults: Sequence[Fault] = field(default_factory=list)


def query_id(source: str, text: str) -> str:
    """Name of a query, made of what it asks: it does not change with the order of a file, nor between layouts."""
    return "q-" + text_digest(f"{source}\0{text}")[:16]
