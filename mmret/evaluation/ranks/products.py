"""Matrix products on the CPU or a GPU: the one expensive step of scoring, and the only one a device changes."""

from __future__ import annotations

import functools
import platform
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]
Product = Callable[[Matrix], Matrix]
Maxima = Callable[[Matrix, Sequence[int]], Matrix]


def product(left: Matrix, device: str) -> Product:
    """A function that multiplies `left` `(b, d)` with the transpose of `(t, d)` to `(b, t)`, all of one float type.

    `device` "numpy" is NumPy's BLAS, "torch" is torch on the CPU, "cpu" the one that is likely the faster (NumPy's
    where torch is not loaded), anything else a torch device such as "cuda" or "cuda:1". What the function returns is
    overwritten by its next call.
    """
    engine = _engine(device)
    held = engine.load(left)
    return lambda right: engine.fetch(engine.multiply(held, engine.load(right)))


def maxima(left: Matrix, device: str, step: int) -> Maxima:
    """A function of float32 `(t, d)` and edges of its parts: each part's largest product with each row of `left`.

    It returns float32 `(parts, b)`; part i is rows `edges[i]` to `edges[i + 1]`, not empty. `step` rows of `left` are
    multiplied at a time, or a little fewer. `device` as in `product`.
    """
    engine = _engine(device)
    pieces = np.array_split(left, max(1, -(-len(left) // step)))
    held = [engine.load(piece) for piece in pieces]

    def largest(right: Matrix, edges: Sequence[int]) -> Matrix:
        rows = engine.load(right)
        return np.concatenate([engine.maxima(engine.multiply(piece, rows), edges) for piece in held], axis=1)

    return largest


class _Engine(Protocol):
    """Who multiplies. Its matrices are its own; `multiply` overwrites what it returned before."""

    def load(self, rows: Matrix) -> Any: ...
    def multiply(self, left: Any, right: Any) -> Any: ...
    def fetch(self, products: Any) -> Matrix: ...
    def maxima(self, products: Any, edges: Sequence[int]) -> Matrix: ...


def _engine(device: str) -> _Engine:
    if device == "numpy" or (device == "cpu" and not ("torch" in sys.modules and _mkl_knows_best())):
        return _Numpy()
    return _Torch("cpu" if device in ("cpu", "torch") else device)


@functools.cache
def _mkl_knows_best() -> bool:
    """Whether torch multiplies by MKL on its maker's processors: there up to twice as fast as OpenBLAS, else slower."""
    import torch

    processors = Path("/proc/cpuinfo")
    maker = processors.read_text() if processors.exists() else platform.processor()
    return torch.backends.mkl.is_available() and "GenuineIntel" in maker


class _Numpy:
    def __init__(self) -> None:
        self._room: Matrix = np.empty(0, np.float32)

    def load(self, rows: Matrix) -> Matrix:
        return rows

    def multiply(self, left: Matrix, right: Matrix) -> Matrix:
        size = len(left) * len(right)
        if len(self._room) < size:
            self._room = np.empty(size, left.dtype)
        return np.matmul(left, right.T, out=self._room[:size].reshape(len(left), len(right)))

    def fetch(self, products: Matrix) -> Matrix:
        return products

    def maxima(self, products: Matrix, edges: Sequence[int]) -> Matrix:
        return np.stack([products[:, a:b].max(axis=1) for a, b in pairwise(edges)])


class _Torch:
    def __init__(self, device: str) -> None:
        import torch

        self._torch = torch
        self._place = torch.device(device)
        self._room = torch.empty(0, device=self._place)

    def load(self, rows: Matrix) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # a mapped file; only read
            return self._torch.from_numpy(rows).to(self._place)

    def multiply(self, left: Any, right: Any) -> Any:
        size = len(left) * len(right)
        if len(self._room) < size:
            self._room = self._torch.empty(size, dtype=left.dtype, device=self._place)
        with _full_float32(self._place.type):
            return self._torch.mm(left, right.T, out=self._room[:size].view(len(left), len(right)))

    def fetch(self, products: Any) -> Matrix:
        rows: Matrix = products.cpu().numpy()
        return rows

    def maxima(self, products: Any, edges: Sequence[int]) -> Matrix:
        """By one parallel step, or one after the other where parts differ in size."""
        sizes = np.diff(edges)
        if (sizes == sizes[0]).all():
            return self.fetch(products.view(len(products), len(sizes), -1).amax(2)).T
        if self._place.type == "cpu":
            return _Numpy().maxima(self.fetch(products), edges)
        return self.fetch(self._torch.stack([products[:, a:b].amax(1) for a, b in pairwise(edges)]))


@contextmanager
def _full_float32(kind: str) -> Iterator[None]:
    """No TF32, bfloat16 or autocast, whatever the program around us has chosen: the error bound needs float32."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), torch.autocast(kind, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
