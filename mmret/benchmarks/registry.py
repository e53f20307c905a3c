"""Benchmarks by name: the built-in ones, those of installed packages, and folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from ..errors import InputError, unknown_name
from ..paths import data_folder
from .base import Benchmark
from .composed import LAYOUT, read_about, read_composed
from .draft import Draft, summary
from .exclusions import NAME, Exclusions
from .omnicvr import OMNICVR, Release, read_omnicvr
from .slices import read_slices

GROUP = "mmret.benchmarks"
Loader = Callable[[Path | None, Path | None], Draft | Benchmark]


@dataclass(frozen=True)
class Entry:
    """A benchmark that can be named.

    Parameters
    ----------
    summary: one line for the list.
    load: makes the benchmark, from the folder given with `--data` (None: its own data) and with the cache folder given
        with `--cache` (None: the usual one); a draft, whose faults can be listed, or a benchmark.
    """

    summary: str
    load: Loader


def _omnicvr_mini(data: Path | None, cache: Path | None) -> Draft:
    folder = data or Path(str(files("mmret"))) / "benchmarks" / "data" / "omnicvr-mini"
    return read_composed(folder, card=read_card("omnicvr-mini"), cache=cache)


def _omnicvr(release: Release) -> Loader:
    def load(data: Path | None, cache: Path | None) -> Draft:
        return read_omnicvr(release, data, card=read_card("omnicvr"), cache=cache)

    return load


def read_card(name: str) -> str:
    """The data card of a built-in benchmark."""
    return (Path(str(files("mmret"))) / "data_cards" / f"{name}.md").read_text()


_ENTRIES: dict[str, Entry] = {
    "omnicvr-mini": Entry("composed video retrieval with sound, built in: 144 clips, 150 queries", _omnicvr_mini),
    **{release.name: Entry(release.summary, _omnicvr(release)) for release in OMNICVR},
}


def register_benchmark(name: str, summary: str) -> Callable[[Loader], Loader]:
    """Decorator that makes a loader available under a name.

    >>> @register_benchmark("mine", "my own clips")
    ... def load(data: Path | None, cache: Path | None) -> Benchmark: ...
    """

    def add(load: Loader) -> Loader:
        _ENTRIES[name] = Entry(summary, load)
        return load

    return add


def benchmarks() -> dict[str, Entry]:
    """All named benchmarks; importing the modules of the entry-point group `mmret.benchmarks` registers theirs."""
    for point in entry_points(group=GROUP):
        point.load()
    return dict(sorted(_ENTRIES.items()))


def load_benchmark(
    name: str,
    data: Path | None = None,
    *,
    exclusions: Path | None = None,
    slices: Path | None = None,
    cache: Path | None = None,
) -> Benchmark:
    """The benchmark of that name, or the one in the folder of that path.

    Parameters
    ----------
    name: a registered name, or a folder that holds a `benchmark.json`.
    data: the folder of a named benchmark's data, where it is not the one shipped.
    exclusions: a list written by `verify`; by default the `exclusions.json` in the folder, if there is one.
    slices: further slices of the queries (see `read_slices`).
    cache: folder for the indices of archives.

    Raises `InputError` when labels are faulty and no exclusion list shows that this is known.
    """
    draft = read_draft(name, data, cache=cache)
    beside = exclusions_path(name, data)
    path = exclusions or (beside if beside.is_file() else None)
    if path is None and isinstance(draft, Draft) and draft.faults:
        where = f"{name} --data {data}" if data else name
        raise InputError(
            f"{draft.name}: {summary(draft.faults)}; list all faults and go on without these queries: "
            f"mmret benchmarks verify {where}"
        )
    benchmark = draft.benchmark() if isinstance(draft, Draft) else draft
    if slices is not None:
        benchmark = replace(benchmark, slices=read_slices(slices, benchmark))
    if path is None:
        return benchmark
    excluded, digest = Exclusions.load(path)
    if digest != benchmark.digest:
        raise InputError(f"{path}: made for other labels than those of {benchmark.name}; run verify again")
    return replace(benchmark, excluded=excluded)


def read_draft(name: str, data: Path | None = None, *, cache: Path | None = None) -> Draft | Benchmark:
    """What the files of a benchmark say, with their faults; see `load_benchmark`."""
    known = benchmarks()
    if name in known:
        if data is not None and not data.is_dir():
            raise InputError(f"{data}: no such folder")
        return known[name].load(data, cache)
    folder = Path(name)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder") if "/" in name else unknown_name("benchmark", name, known)
    layout = read_about(folder)["layout"]
    if layout != LAYOUT:
        raise unknown_name("layout", str(layout), [LAYOUT])
    return read_composed(folder, cache=cache)


def folder_of(name: str, data: Path | None) -> Path:
    """The folder in which the data of a benchmark lie: the one given, the one fetched, or the benchmark itself."""
    return data or (data_folder(name) if name in benchmarks() else Path(name))


def exclusions_path(name: str, data: Path | None) -> Path:
    """Where the exclusion list of a benchmark lies, beside its data."""
    return folder_of(name, data) / NAME
