"""What was made from the database, kept until its generation changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from .board import Board

Thing = TypeVar("Thing")


class Memory(Generic[Thing]):
    """Things by board and key, for any number of threads; where several ask for a new one, one makes it.

    Parameters
    ----------
    most: things kept for each board; the one that was not asked for the longest goes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._boards: WeakKeyDictionary[Board, OrderedDict[Hashable, _Place[Thing]]] = WeakKeyDictionary()

    def get(self, board: Board, key: Hashable, generation: int, make: Callable[[], Thing]) -> Thing:
        """The thing of that generation; of the latest alone it is kept."""
        with self._lock:
            places = self._boards.setdefault(board, OrderedDict())
            place = places.setdefault(key, _Place())
            places.move_to_end(key)
            if len(places) > self._most:
                places.popitem(last=False)
        with place.lock:
            if place.made is None or place.made[0] < generation:
                place.made = generation, make()
            if place.made[0] == generation:
                return place.made[1]
        return make()  # for one that still sees what was before a change


class _Place(Generic[Thing]):
    def __init__(self) -> None:
        self.lock = Lock()
        self.made: tuple[int, Thing] | None = None
