"""Processes on this machine that each keep what they load, such as a model, and have a GPU of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from ..media import Workers


@contextmanager
def processes(count: int, *, gpus: bool) -> Iterator[list[Workers]]:
    """A crew of processes, ended with the block.

    Parameters
    ----------
    gpus: whether each sees one GPU only, in turn, under the name "cuda".
    """
    with ExitStack() as stack:
        yield [
            stack.enter_context(Workers(1, None, "replica", begin=partial(_begin, environment)))
            for environment in _environments(count, gpus)
        ]


def _environments(count: int, gpus: bool) -> list[dict[str, str]]:
    """The variables of each process. Threads are left as they are: their number decides the last bits of vectors."""
    if not gpus:
        return [{}] * count
    visible = _visible_gpus()
    return [{"CUDA_VISIBLE_DEVICES": visible[number % len(visible)]} for number in range(count)]


def _visible_gpus() -> list[str]:
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(number) for number in range(torch.cuda.device_count())]


def _begin(environment: Mapping[str, str]) -> None:
    # Ended by a signal, a process would wait for its own decoders first, which wait for it to end.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(environment)
