"""Exporting: a project's triplets become a benchmark, a folder that is whole or not there."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....benchmarks import load_benchmark
from ....benchmarks.omnicvr import LAYOUT
from ....errors import InputError, RunError
from ....media import Workers
from ..mine.material import described_clips, spaces_of, splits_of, vectors_of
from ..mine.moments import Moments
from ..project import Project
from .account import Account, account_of
from .card import card, name_of, title_of
from .clips import write_clips
from .galleries import galleries
from .labels import Content, write_labels
from .sums import NAME as SUMS
from .sums import digest_of, write_sums
from .triplets import Chosen, choose

ABOUT = "benchmark.json"


@dataclass(frozen=True)
class Exported:
    """A benchmark that was written.

    Parameters
    ----------
    folder: where it lies.
    queries: status → number.
    clips: number.
    digest: of the labels, as `mmret benchmarks show` prints it.
    sums: SHA-256 of `SHA256SUMS`, which names those of all files.
    new: whether it was written now; one that is up to date stays.
    """

    folder: Path
    queries: Mapping[str, int]
    clips: int
    digest: str
    sums: str
    new: bool


def export_project(
    project: Project,
    *,
    overwrite: bool = False,
    workers: int | None = None,
    cache: Path | None = None,
    show: bool = False,
) -> Exported:
    """Write what `[export]` asks for into its folder. The same project gives the same bytes.

    Parameters
    ----------
    overwrite: replace a benchmark of another state or with other settings; one of the same is left as it is.

    Raises `RunError` where no triplet goes out, and `InputError` where something else is in the way.
    """
    folder = project.config.export.folder
    chosen = choose(project)
    if not chosen.triplets:
        raise RunError(f"{project.folder}: nothing to export: {nothing(chosen)}")
    account = account_of(project, chosen)
    there = _made_by(folder)
    new = there != account.fingerprint
    if new:
        if folder.exists() and there is None:
            raise InputError(f"{folder}: is there already and is no exported benchmark; name another folder")
        if folder.exists() and not overwrite:
            raise InputError(
                f"{folder}: holds a benchmark of another state or with other settings; name another folder with "
                "--output, or pass --overwrite"
            )
        _write(project, account, _content(project, chosen, workers, cache, show=show), folder, show=show)
    benchmark = load_benchmark(str(folder.absolute()), cache=cache)
    return Exported(
        folder, Counter(one.status for one in chosen.triplets), len(benchmark.documents), benchmark.digest,
        digest_of(folder / SUMS), new,
    )  # fmt: skip


def nothing(chosen: Chosen) -> str:
    """Why no triplet goes out, and what can be done."""
    why = ", ".join(f"{reason} ({number:,})" for reason, number in chosen.left_out.items()) or "no pair has a text"
    return (
        f"{why}; name language models in [verify], let people vote with mmret annotate review, or export other "
        "triplets with --status"
    )


def _content(project: Project, chosen: Chosen, workers: int | None, cache: Path | None, *, show: bool) -> Content:
    settings = project.config.export
    splits = splits_of(project)
    clips = [clip for clip in described_clips(project) if splits[clip.original] == settings.split]
    place = {clip.id: row for row, clip in enumerate(clips)}
    if not {name for one in chosen.triplets for name in (one.pair.source, one.pair.target)} <= place.keys():
        raise RunError(
            f"{project.folder}: the settings of the splits have changed since pairs were mined; mine them again with: "
            "mmret annotate run"
        )
    with Workers(workers) as pool:
        vectors = vectors_of(project, clips, spaces_of(project, cache, pool), show=show)
    pairs = np.array([[place[one.pair.source], place[one.pair.target]] for one in chosen.triplets], np.int64)
    made = list(galleries(Moments.of(clips, settings.seed), vectors, pairs, settings))
    return Content(chosen.triplets, clips, made)


def _made_by(folder: Path) -> str | None:
    """The fingerprint of the benchmark in a folder; None where it holds none that was exported."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        return str(about["made_by"]) if about["layout"] == LAYOUT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(project: Project, account: Account, content: Content, folder: Path, *, show: bool) -> None:
    # Hidden names: what is called benchmark.old may be somebody's own copy.
    part, old = (folder.with_name(f".{folder.name}.{ending}") for ending in ("part", "old"))
    try:
        for left in (part, old):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        part.mkdir(parents=True)
        write_labels(content, part)
        write_clips(content.documents, project.clip, part, show=show)
        _write_about(project, account, content, part)
        write_sums(part)
        if folder.exists():
            folder.replace(old)
        part.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise RunError(f"{folder}: the benchmark cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_about(project: Project, account: Account, content: Content, folder: Path) -> None:
    """What tells of the benchmark: `benchmark.json`, `account.json`, the data card and the prompts."""
    config = project.config
    describers = " ".join(account.made_by["description"]).lower()
    about = {
        "layout": LAYOUT, "name": name_of(config), "version": config.project.version, "title": title_of(config),
        "description": f"composed video retrieval with sound, made by mmret annotate; split {config.export.split}",
        "licence": "; ".join(sorted({clip.licence for clip in content.documents})),
        "status": Counter(one.status for one in content.triplets), "made_by": account.fingerprint,
        **({"annotated_by": "qwen"} if "qwen" in describers else {}),  # the family whose captions know its wording
    }  # fmt: skip
    _write_json(folder / ABOUT, about)
    _write_json(folder / "account.json", account.describe())
    (folder / "README.md").write_text(card(content, account, config), encoding="utf-8")
    for prompt in account.prompts:
        (folder / "prompts").mkdir(exist_ok=True)
        (folder / "prompts" / f"{prompt.name}.md").write_text(f"{prompt.text}\n", encoding="utf-8")


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
