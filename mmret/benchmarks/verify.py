"""Is a benchmark what it claims to be? All faults of its labels and media, and a profile of what is there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_ten
from ..items import Media
from ..media import Preflight, Report, digest_all
from ..progress import bar
from .base import Benchmark
from .draft import Draft, Fault
from .exclusions import Exclusions
from .usable import media_faults


@dataclass(frozen=True)
class Verification:
    """What was found.

    Parameters
    ----------
    facts: group → name → plain value: counts, digests, galleries, media.
    defects: what is wrong or unusual → ids or files, all of them.
    excluded: what evaluations have to leave out.
    digest: of the benchmark that is left when faulty labels are left out; the exclusion list is bound to it.
    """

    facts: Mapping[str, Mapping[str, Any]]
    defects: Mapping[str, Sequence[str]]
    excluded: Exclusions
    digest: str

    @property
    def faulty(self) -> bool:
        """Whether evaluations have to be told: something is left out, or labels are wrong that can be gone on with."""
        return bool(self.excluded or self.facts["labels"]["faults"])

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        defects = {what: list(names) for what, names in self.defects.items()}
        excluded = {"documents": self.excluded.documents, "queries": self.excluded.queries}
        return {**self.facts, "defects": defects, "excluded": excluded}

    def lines(self) -> dict[str, str]:
        """The same for people, the first ten of each list."""
        facts = {f"{group}: {name}": str(value) for group, some in self.facts.items() for name, value in some.items()}
        return facts | {f"DEFECT {what}": f"{len(names)}: {first_ten(names)}" for what, names in self.defects.items()}


def verify(draft: Draft | Benchmark, preflight: Preflight, cache: Path | None = None, *, show: bool) -> Verification:
    """Check labels and galleries, decode every file from end to end, and profile both.

    Files that an earlier run inspected are not decoded again, so a run that is stopped goes on where it stood.
    """
    benchmark = draft.benchmark() if isinstance(draft, Draft) else draft
    faults = draft.faults if isinstance(draft, Draft) else []
    files = list(dict.fromkeys(m for item in (*benchmark.documents, *benchmark.queries) for m in item.media))
    digest_all(files, cache, show=show)
    missing = preflight.missing(files)
    with bar(len(files), "verify media", "file", show=show) as progress:
        progress.update(len(files) - len(missing))
        for _ in preflight.run(missing):
            progress.update()
    reports = {media: report for media in files if (report := preflight.report(media)) is not None}
    unusable = media_faults(benchmark, preflight)
    excluded = Exclusions(unusable.documents, benchmark.excluded.queries + unusable.queries)
    return Verification(
        {"labels": _labels(benchmark, faults), "galleries": _galleries(benchmark), "media": _media(reports)},
        {**_by_kind(faults), **_unusual_galleries(benchmark), **_unusual_media(reports, excluded, benchmark)},
        excluded,
        benchmark.digest,
    )


def _labels(benchmark: Benchmark, faults: Sequence[Fault]) -> dict[str, Any]:
    words = np.asarray([len((item.text or "").split()) for item in benchmark.queries])
    return {
        "digest": benchmark.digest,
        "queries": len(benchmark.queries),
        "documents": len(benchmark.documents),
        "faults": len(faults),
        "slices": {label: len(members) for label, members in benchmark.slices.items()},
        "words a query": f"{words.mean():.1f} on average, {words.min()} to {words.max()}",
        **{f"published {what}": size for what, size in _told(benchmark, "published").items() if size},
        **_told(benchmark, "clips"),
    }


def _told(benchmark: Benchmark, what: str) -> Mapping[str, Any]:
    """What a reader of mmret's own told of the data; a folder's own file may use the word for something else."""
    told = benchmark.about.get(what)
    return told if isinstance(told, Mapping) else {}


def _galleries(benchmark: Benchmark) -> dict[str, Any]:
    held = benchmark.source_in_gallery
    facts: dict[str, Any] = {"sizes": dict(Counter(benchmark.gallery_sizes.tolist()))}
    kinds = np.zeros(len(benchmark.queries), np.int64)
    if benchmark.galleries is not None and len(benchmark.galleries) > 1:
        kinds = benchmark.galleries.kinds()
    for label, members in {"all": np.arange(len(held)), **benchmark.slices}.items():
        sets = len(np.unique(kinds[members]))
        what = "one shared set" if sets == 1 else f"{sets} different sets"
        facts[label] = f"{what} for {len(members)} queries; {int(held[members].sum())} hold the query's own source"
    return facts


def _media(reports: Mapping[Media, Report]) -> dict[str, Any]:
    good = [report for report in reports.values() if report.broken is None]
    seconds = np.asarray([r.frames / r.frame_rate for r in good if r.frame_rate]) if good else np.zeros(0)
    facts: dict[str, Any] = {"files": len(reports), "readable": len(good)}
    if len(seconds):
        low, middle, high = np.quantile(seconds, [0, 0.5, 1])
        facts["seconds"] = f"{low:.1f} to {high:.1f}, median {middle:.1f}; {seconds.sum() / 3600:.2f} h in all"
    facts["pictures"] = _count(f"{r.video_codec} {r.width}x{r.height}" for r in good if r.video_codec)
    facts["sound"] = _count(f"{r.audio_codec} {r.sample_rate} Hz" for r in good if r.audio_codec)
    facts["without sound"] = sum(r.audio_codec is None for r in good)
    return facts


def _count(things: Iterable[str]) -> dict[str, int]:
    return dict(Counter(things).most_common(10))


def _by_kind(faults: Sequence[Fault]) -> dict[str, list[str]]:
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(fault.where or fault.query or fault.document)
    return dict(kinds)


def _unusual_galleries(benchmark: Benchmark) -> dict[str, list[str]]:
    sizes, held = benchmark.gallery_sizes, benchmark.source_in_gallery
    usual = _told(benchmark, "published").get("gallery") or Counter(sizes.tolist()).most_common(1)[0][0]
    found = {
        f"galleries of another size than {usual}": [
            f"{benchmark.queries[i].id} ({sizes[i]})" for i in np.flatnonzero(sizes != usual).tolist()
        ]
    }
    if benchmark.source is not None:
        absent = np.flatnonzero((benchmark.source >= 0) & ~held)
        found["queries whose source is not in their gallery"] = [benchmark.queries[i].id for i in absent.tolist()]
    return {what: names for what, names in found.items() if names}


def _unusual_media(reports: Mapping[Media, Report], excluded: Exclusions, benchmark: Benchmark) -> dict[str, list[str]]:
    same: defaultdict[str, list[str]] = defaultdict(list)
    for item in benchmark.documents:
        if item.media and item.media[0] in reports and reports[item.media[0]].broken is None:
            same[item.digest].append(item.id)
    found = {
        "unusable documents": [f"{one['file']} ({one['reason']})" for one in excluded.documents],
        "queries that cannot be asked": [f"{one['id']} ({one['reason']})" for one in excluded.queries],
        "silent sound tracks": [str(media) for media, report in reports.items() if report.silent],
        "documents of equal content": [" = ".join(names) for names in same.values() if len(names) > 1],
    }
    return {what: names for what, names in found.items() if names}
