"""Benchmarks by name: the built-in ones, those of installed packages, and folders."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from ..errors import InputError, unknown_name
from ..paths import StrPath, data_folder, path_of, usual_folder
from .base import Benchmark
from .composed import LAYOUT, read_about, read_composed
from .draft import Draft, summary
from .exclusions import NAME, Exclusions
from .omnicvr import LAYOUT as OMNICVR_LAYOUT
from .omnicvr import OMNICVR, Release, read_folder, read_omnicvr
from .provenance import only_provenance
from .slices import read_slices
from .sources import NotHereError, Sources
from .tarvir import LAYOUT as TABLES_LAYOUT
from .tarvir import TABLES, TableRelease, is_on_hub, read_named, read_tables

GROUP = "mmret.benchmarks"
Loader = Callable[[Sources], Draft | Benchmark]


@dataclass(frozen=True)
class Entry:
    """A benchmark that can be named.

    Parameters
    ----------
    summary: one line for the list.
    load: makes the benchmark, from its usual folder or the one given: a draft, whose faults can be listed, or a
        benchmark.
    tables: whether it heeds a view, a field map and a split.
    card_file: its data card, which is known also where its data are not here; None where it has none.
    """

    summary: str
    load: Loader
    tables: bool = False
    card_file: Path | None = None

    @property
    def card(self) -> str:
        """Text of the data card."""
        return "" if self.card_file is None else self.card_file.read_text(encoding="utf-8")


def _omnicvr_mini(sources: Sources) -> Draft:
    return read_composed(sources.data or usual_folder("omnicvr-mini"), cache=sources.cache)


def _omnicvr(release: Release) -> Loader:
    def load(sources: Sources) -> Draft:
        return read_omnicvr(release, sources.data, cache=sources.cache)

    return load


def _tables(release: TableRelease) -> Loader:
    def load(sources: Sources) -> Draft:
        return read_named(release, sources)

    return load


def _card(name: str) -> Path:
    return Path(str(files("mmret"))) / "data_cards" / f"{name}.md"


_MINI = "composed video retrieval with sound, built in: 144 clips, 150 queries"
_ENTRIES: dict[str, Entry] = {
    "omnicvr-mini": Entry(_MINI, _omnicvr_mini, card_file=_card("omnicvr-mini")),
    **{release.name: Entry(release.summary, _omnicvr(release), card_file=_card("omnicvr")) for release in OMNICVR},
    **{one.name: Entry(one.summary, _tables(one), tables=True, card_file=_card(one.card)) for one in TABLES},
}


def register_benchmark(
    name: str, summary: str, *, tables: bool = False, card_file: Path | None = None
) -> Callable[[Loader], Loader]:
    """Decorator that makes a loader available under a name; the other parameters are those of `Entry`.

    >>> @register_benchmark("mine", "my own clips")
    ... def load(sources: Sources) -> Benchmark: ...
    """

    def add(load: Loader) -> Loader:
        _ENTRIES[name] = Entry(summary, load, tables, card_file)
        return load

    return add


def benchmarks() -> dict[str, Entry]:
    """All named benchmarks; importing the modules of the entry-point group `mmret.benchmarks` registers theirs."""
    for point in entry_points(group=GROUP):
        point.load()
    return dict(sorted(_ENTRIES.items()))


def load_benchmark(
    name: StrPath,
    data: StrPath | None = None,
    *,
    exclusions: StrPath | None = None,
    slices: StrPath | None = None,
    cache: StrPath | None = None,
    view: str | None = None,
    field_map: StrPath | None = None,
    split: str | None = None,
    provenance: Collection[str] = (),
) -> Benchmark:
    """The benchmark of that name, or the one in the folder of that path.

    Parameters
    ----------
    name: a registered name; a folder; or `hf:OWNER/NAME`, a dataset of the Hub that was fetched.
    data: the folder of a named benchmark's data, where it is not the one shipped.
    exclusions: a list written by `verify`; by default the `exclusions.json` in the folder, if there is one.
    slices: further slices of the queries (see `read_slices`).
    cache: folder for the indices of archives.
    view, field_map, split: of a benchmark of tables (see `Sources`).
    provenance: keep only right documents whose labels come from these, such as "human" (see `only_provenance`).

    Raises `InputError` when labels are faulty and no exclusion list shows that this is known.

    >>> import mmret
    >>> mmret.load_benchmark("tarvir-mini", view="title=text,content=ocr")
    <Benchmark tarvir-mini 1: 247 queries, 321 documents>
    """
    name, data, cache, field_map = str(name), path_of(data), path_of(cache), path_of(field_map)
    draft = read_draft(name, data, cache=cache, view=view, field_map=field_map, split=split)
    beside = exclusions_path(name, data, split)
    path = path_of(exclusions) or (beside if beside.is_file() else None)
    if path is None and isinstance(draft, Draft) and draft.faults:
        options = {"--data": data, "--view": view, "--field-map": field_map, "--split": split}
        where = " ".join([name, *(f"{option} {value}" for option, value in options.items() if value is not None)])
        raise InputError(
            f"{draft.name}: {summary(draft.faults)}; list all faults and go on without these queries: "
            f"mmret benchmarks verify {where}"
        )
    benchmark = draft.benchmark() if isinstance(draft, Draft) else draft
    if slices is not None:
        benchmark = replace(benchmark, slices=read_slices(Path(slices), benchmark))
    if path is not None:
        excluded, digest = Exclusions.load(path)
        if digest != benchmark.digest:
            raise InputError(f"{path}: made for other labels than those of {benchmark.name}; run verify again")
        benchmark = replace(benchmark, excluded=excluded)
    return only_provenance(benchmark, provenance) if provenance else benchmark


def read_draft(
    name: str,
    data: Path | None = None,
    *,
    cache: Path | None = None,
    view: str | None = None,
    field_map: Path | None = None,
    split: str | None = None,
) -> Draft | Benchmark:
    """What the files of a benchmark say, with their faults; see `load_benchmark`.

    The data card of a benchmark without a name is the `README.md` in its folder. Raises `NotHereError` where the data
    of a named one are not on this machine.
    """
    known, sources = benchmarks(), Sources(data, cache, view, field_map, split)
    if name in known:
        if data is not None and not data.is_dir():
            raise InputError(f"{data}: no such folder")
        if not known[name].tables:
            sources.without_tables(name)
        loaded = known[name].load(sources)
        return loaded if known[name].card_file is None else replace(loaded, card=known[name].card)
    folder = folder_of(name, data)
    if is_on_hub(name) and not folder.is_dir():
        raise NotHereError(f"{folder}: {name} is not here; fetch it: mmret benchmarks get {name}")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder") if "/" in name else unknown_name("benchmark", name, known)
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    return replace(_read_folder(name, folder, sources), card=text)


def _read_folder(name: str, folder: Path, sources: Sources) -> Draft:
    layout = _layout(folder)
    if layout == LAYOUT:
        sources.without_tables(name)
        return read_composed(folder, cache=sources.cache)
    if layout == OMNICVR_LAYOUT:
        sources.without_tables(name)
        return read_folder(folder, cache=sources.cache)
    if layout == TABLES_LAYOUT:
        return read_tables(folder, sources, name=name if is_on_hub(name) else "")
    raise unknown_name("layout", str(layout), [LAYOUT, OMNICVR_LAYOUT, TABLES_LAYOUT])


def _layout(folder: Path) -> object:
    return read_about(folder)["layout"] if (folder / "benchmark.json").is_file() else TABLES_LAYOUT


def folder_of(name: str, data: Path | None) -> Path:
    """The folder in which the data of a benchmark lie: the one given, shipped or fetched, or the benchmark itself."""
    if data is not None:
        return data
    if is_on_hub(name):
        return data_folder(name.replace("/", "--"))
    return usual_folder(name) if name in benchmarks() else Path(name)


def tables_folder(name: str, data: Path | None) -> Path | None:
    """`folder_of` a benchmark of tables; None for one that is none."""
    folder, known = folder_of(name, data), benchmarks()
    if name in known:
        return folder if known[name].tables else None
    return folder if _layout(folder) == TABLES_LAYOUT else None


def exclusions_path(name: str, data: Path | None, split: str | None = None) -> Path:
    """Where the exclusion list of a benchmark, or of one of its splits, lies: beside its data, but never in mmret."""
    folder = data_folder(name) if data is None and name in benchmarks() else folder_of(name, data)
    return folder / (NAME if split in (None, "test") else f"exclusions-{split}.json")
