"""Benchmarks by name: the built-in ones, those of installed packages, and folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from ..errors import InputError, unknown_name
from .base import Benchmark
from .composed import LAYOUT, load_composed, read_about

GROUP = "mmret.benchmarks"


@dataclass(frozen=True)
class Entry:
    """A benchmark that can be named.

    Parameters
    ----------
    summary: one line for the list.
    load: makes the benchmark, from the folder given with `--data` or from its own data.
    """

    summary: str
    load: Callable[[Path | None], Benchmark]


def _omnicvr_mini(data: Path | None) -> Benchmark:
    package = Path(str(files("mmret")))
    card = (package / "data_cards" / "omnicvr-mini.md").read_text()
    return load_composed(data or package / "benchmarks" / "data" / "omnicvr-mini", card=card)


_ENTRIES: dict[str, Entry] = {
    "omnicvr-mini": Entry("composed video retrieval with sound, built in: 144 clips, 150 queries", _omnicvr_mini),
}


def register_benchmark(
    name: str, summary: str
) -> Callable[[Callable[[Path | None], Benchmark]], Callable[..., Benchmark]]:
    """Decorator that makes a loader available under a name.

    >>> @register_benchmark("mine", "my own clips")
    ... def load(data: Path | None) -> Benchmark: ...
    """

    def add(load: Callable[[Path | None], Benchmark]) -> Callable[[Path | None], Benchmark]:
        _ENTRIES[name] = Entry(summary, load)
        return load

    return add


def benchmarks() -> dict[str, Entry]:
    """All named benchmarks; importing the modules of the entry-point group `mmret.benchmarks` registers theirs."""
    for point in entry_points(group=GROUP):
        point.load()
    return dict(sorted(_ENTRIES.items()))


def load_benchmark(name: str, data: Path | None = None) -> Benchmark:
    """The benchmark of that name, or the one in the folder of that path.

    Parameters
    ----------
    name: a registered name, or a folder that holds a `benchmark.json`.
    data: the folder of a named benchmark's data, where it is not the one shipped.
    """
    known = benchmarks()
    if name in known:
        if data is not None and not data.is_dir():
            raise InputError(f"{data}: no such folder")
        return known[name].load(data)
    folder = Path(name)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder") if "/" in name else unknown_name("benchmark", name, known)
    layout = read_about(folder)["layout"]
    if layout != LAYOUT:
        raise unknown_name("layout", str(layout), [LAYOUT])
    return load_composed(folder)
