"""Sequences of unlike length through a model: packed by length, made ready ahead, smaller where memory runs out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import RunError

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class Batches:
    """Runs sequences through a model in batches of bounded padded length.

    Parameters
    ----------
    budget: the padded tokens of a batch, its longest sequence times their number; a longer sequence goes alone. It is
        halved for good when the device runs out of memory.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget

    def run(
        self, sequences: Iterable[T], length: Callable[[T], int], forward: Callable[[list[T]], Iterable[R]]
    ) -> list[R]:
        """What `forward` gives for each sequence, in order; `length` counts the tokens of one.

        Raises `RunError` when a single sequence does not fit into the device's memory.
        """
        done: list[R] = []
        for batch in self._packed(sequences, length):
            done += self._within_memory(batch, length, forward)
        return done

    def _packed(self, sequences: Iterable[T], length: Callable[[T], int]) -> Iterator[list[T]]:
        """Consecutive sequences in lists that keep to the budget."""
        batch: list[T] = []
        longest = 0
        for sequence in sequences:
            longest = max(longest, length(sequence))
            if batch and longest * (len(batch) + 1) > self.budget:
                yield batch
                batch, longest = [], length(sequence)
            batch.append(sequence)
        if batch:
            yield batch

    def _within_memory(
        self, batch: list[T], length: Callable[[T], int], forward: Callable[[list[T]], Iterable[R]]
    ) -> list[R]:
        import torch

        try:
            return list(forward(batch))
        except torch.OutOfMemoryError as error:
            if len(batch) == 1:
                raise RunError(
                    f"one item of {length(batch[0]):,} tokens does not fit into the memory of the device: "
                    "take fewer --frames or fewer pixels, --dtype bfloat16, or a smaller model"
                ) from error
        # Outside of the handler, whose traceback keeps the tensors alive.
        torch.cuda.empty_cache()
        self.budget //= 2
        middle = len(batch) // 2
        halves = batch[:middle], batch[middle:]
        return [one for half in halves for one in self._within_memory(half, length, forward)]


def at_once(device: str, most: int) -> int:
    """A budget of `most`, and of 1 on a CPU: batches bring little there, and alone a vector is the same to the bit."""
    return 1 if device == "cpu" else most


def ahead(prepare: Callable[[S], T], inputs: Iterable[S], count: int = 2) -> Iterator[T]:
    """`prepare` of each input, in order, worked out in a thread while the consumer is busy with the ones before."""
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(1) as pool:
        for one in inputs:
            waiting.append(pool.submit(prepare, one))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def padded_left(rows: Sequence[NDArray[np.int64]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids `(rows, longest)` that all end at the right, and the mask that is 1 at what is no padding."""
    longest = max(map(len, rows))
    ids, mask = np.full((len(rows), longest), pad, np.int64), np.zeros((len(rows), longest), np.int64)
    for i, row in enumerate(rows):
        ids[i, longest - len(row) :] = row
        mask[i, longest - len(row) :] = 1
    return ids, mask


def unit_rows(states: Any) -> NDArray[np.float32]:
    """Rows of a tensor `(n, d)` brought to length 1 in float32."""
    import torch

    vectors: NDArray[np.float32] = torch.nn.functional.normalize(states.float(), dim=-1).cpu().numpy()
    return vectors
