"""A model that takes its time, tells what it is asked, and dies where it is told to; run as a script, it is killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmret.encoders import Options, Spec, encoders
from mmret.errors import RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Side

from .wordy import TEXT, wordy

MODEL = "python:tests.evaluation.slowly:Slowly"
BENCHMARK = wordy(queries=60, documents=90, galleries=1)
SECONDS = 0.004  # an item


class Slowly:
    """Draws a vector from an item's text, and notes each call in the file `calls` of the cache folder.

    Each file `die…` there makes one call kill its process, and the file `poison` all calls with the item it names.
    """

    spec = Spec("slowly", "1", TEXT, TEXT, "", "")

    def __init__(self, options: Options) -> None:
        assert options.cache is not None
        self._folder = options.cache
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        self._perhaps_die(items)
        with (self._folder / "calls").open("a") as file:
            file.write(f"{side} {' '.join(item.id for item in items)}\n")
        time.sleep(SECONDS * len(items))
        seeds = [int(item.digest[:8], 16) for item in items]
        return np.stack([np.random.default_rng(seed).standard_normal(8, np.float32) for seed in seeds])

    def _perhaps_die(self, items: Sequence[Item]) -> None:
        for order in self._folder.glob("die*"):
            with suppress(FileNotFoundError):  # another process took it
                order.rename(order.with_name(f"was {order.name}"))
                os.kill(os.getpid(), signal.SIGKILL)
        poison = self._folder / "poison"
        if poison.exists() and poison.read_text() in {item.id for item in items}:
            os.kill(os.getpid(), signal.SIGKILL)


def settings(cache: Path, **others: Any) -> Settings:
    return Settings(cache=cache, batch_size=4, cost_items=0, device="cpu", **others)


def killed(cache: Path) -> None:
    """Begin the evaluation ten times and kill it each time, at any instant after its first call of the model."""
    instants, calls = random.Random(0), cache / "calls"
    calls.touch()
    for _ in range(10):
        size = calls.stat().st_size
        child = os.fork()
        if not child:
            evaluate(BENCHMARK, MODEL, settings(cache))
            os._exit(0)
        while calls.stat().st_size == size:
            time.sleep(0.001)
        time.sleep(instants.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL


def both_at_once(cache: Path) -> None:
    """Two processes evaluate the same on one store."""
    children = []
    for name in ("one", "two"):
        child = os.fork()
        if not child:
            evaluate(BENCHMARK, MODEL, settings(cache)).save(cache / name)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0


def without_room(cache: Path) -> None:
    """Evaluate on a disk that runs full, fail, evaluate again with more room, and fail to save where none is left.

    Runs as root of a name space of its own, where it may mount a disk of 100 kB.
    """
    disk = cache / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", disk], check=True)
    (disk / "calls").symlink_to(cache / "calls")
    try:
        evaluate(BENCHMARK, MODEL, settings(disk))
    except RunError as error:
        print(error)
    subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
    result = evaluate(BENCHMARK, MODEL, settings(disk))
    (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free))
    try:
        result.save(disk / "result")
    except RunError as error:
        print(error)
    print(sorted(path.name for path in (disk / "result").iterdir()))
    (disk / "ballast").unlink()
    result.save(cache / "result")


if __name__ == "__main__":
    encoders()  # imported once for all children
    globals()[sys.argv[1]](Path(sys.argv[2]))
