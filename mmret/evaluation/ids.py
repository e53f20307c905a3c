"""Ids as numbers: what files spell out line by line is kept as positions in one list of ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute


class Index:
    """Distinct ids, numbered in the order in which they come."""

    def __init__(self) -> None:
        self._known = pa.array([], pa.string())

    def __len__(self) -> int:
        return len(self._known)

    @property
    def ids(self) -> list[str]:
        """All ids so far, by number."""
        return self._known.to_pylist()

    def numbers(self, ids: Sequence[str]) -> NDArray[np.int32]:
        """The number of each id, int32 `(ids,)`; an id not seen before gets the next one."""
        return self.encode(pa.array(ids, pa.string()))

    def encode(self, column: Any) -> NDArray[np.int32]:
        """`numbers` of an Arrow array of ids of any type without nulls; ids that are numbers are read as texts."""
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        names = column.dictionary.cast(pa.string())
        places = compute.index_in(names, value_set=self._known)
        if places.null_count:
            self._known = pa.concat_arrays([self._known, names.filter(places.is_null()).unique()])
            places = compute.index_in(names, value_set=self._known)
        return places.to_numpy()[column.indices.to_numpy()]
