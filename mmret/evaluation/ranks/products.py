"""Float32 matrix products on the CPU or a GPU: the one expensive step of scoring, and the only one a device changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Product = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def product(left: NDArray[np.float32], device: str) -> Product:
    """A function that multiplies `left` `(b, d)` with the transpose of float32 `(t, d)` to float32 `(b, t)`.

    `device` "cpu" is NumPy's BLAS, "torch" is torch on the CPU, anything else a torch device such as "cuda" or
    "cuda:1". What the function returns is overwritten by its next call.
    """
    return _numpy_product(left) if device == "cpu" else _torch_product(left, device)


def _numpy_product(left: NDArray[np.float32]) -> Product:
    room = np.empty(0, np.float32)

    def multiply(right: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal room
        size = len(left) * len(right)
        if len(room) < size:
            room = np.empty(size, np.float32)
        return np.matmul(left, right.T, out=room[:size].reshape(len(left), len(right)))

    return multiply


def _torch_product(left: NDArray[np.float32], device: str) -> Product:
    import torch

    place = torch.device("cpu" if device == "torch" else device)

    def load(rows: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(rows if rows.flags.writeable else rows.copy()).to(place)

    held = load(left)

    def multiply(right: NDArray[np.float32]) -> NDArray[np.float32]:
        with _full_float32(place.type):
            return torch.mm(held, load(right).T).cpu().numpy()

    return multiply


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
