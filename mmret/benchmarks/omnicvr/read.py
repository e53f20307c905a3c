"""A folder of OmniCVR to a draft: labels from the best layout there, pixels from wherever the clips lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...items import Item, Media
from ...paths import data_folder
from ..composed import read_about
from ..draft import Draft
from ..slices import UNKNOWN
from ..sources import NotHereError
from .clips import find_clips
from .labels import Labels, query_id
from .original import NAME, read_original
from .releases import Release
from .reupload import CONFIGS, read_reupload
from .unpack import holds_videos

LAYOUT = "omnicvr"
PREFIX = "omnicvr_video"  # of every clip in the original upload


def read_omnicvr(release: Release, data: Path | None, *, cache: Path | None = None) -> Draft:
    """Read a release from a folder.

    Labels are taken from the Parquet configurations where they are there, because only they tell the type of a query,
    else from `omnicvr.jsonl`. Clips are joined by file name; one that is not there is named by the preflight.
    """
    folder = data or data_folder(release.name)
    if not folder.is_dir():
        raise NotHereError(
            f"{folder}: {release.name} is not here; fetch it: mmret benchmarks get {release.name}, "
            "or name the folder it lies in with --data"
        )
    clips = find_clips(folder, cache)
    if not clips and (folder / "corpus").is_dir() and holds_videos(folder):
        raise InputError(
            f"{folder}: the videos lie inside Parquet files, which cannot be read in place; write them into tars once: "
            f"mmret benchmarks unpack {release.name} --data {folder}"
        )
    about = {
        "name": release.name,
        "version": "1",
        "title": "OmniCVR",
        "description": release.summary,
        "annotated_by": "qwen",  # Qwen2.5-Omni, whose annotations the instructions were written from
        "licence": "CC-BY-4.0 as packaged; the rights of the clips themselves are not stated",
        "published": {"queries": release.queries, "documents": release.documents, "gallery": release.gallery},
    }
    return _draft(folder, about, clips)


def read_folder(folder: Path, *, cache: Path | None = None) -> Draft:
    """Read a folder in the layouts of a release; its `benchmark.json` says `"layout": "omnicvr"`, name and version."""
    return _draft(folder, read_about(folder), find_clips(folder, cache))


def _draft(folder: Path, about: Mapping[str, Any], clips: dict[str, Media]) -> Draft:
    labels = _labels(folder)
    # The corpus is every clip of the release; the original file names only those that some query needs.
    unnamed = sorted(name for name in set(clips) - set(labels.documents) if name.startswith(PREFIX))
    documents = [_document(name, clips, folder) for name in (*labels.documents, *unnamed)]
    queries = [
        Item(query_id(labels.source_id[i], labels.text[i]), text=labels.text[i], video=clip, audio=clip)
        for i, clip in enumerate(documents[at].video if at >= 0 else None for at in labels.source.tolist())
    ]
    kinds, slices = labels.kind or [""] * len(queries), labels.slices or [[]] * len(queries)
    return Draft(
        name=str(about["name"]),
        version=str(about["version"]),
        queries=queries,
        documents=documents,
        positives=labels.positives,
        gains=labels.gains,
        galleries=labels.galleries,
        source=labels.source,
        labels=[[kind or UNKNOWN, *more] for kind, more in zip(kinds, slices, strict=True)],
        found=labels.faults,
        needs=frozenset({"video", "audio"}),
        sound_slices=frozenset({"audio-center"}),
        about={**about, "clips": {"here": len(clips), "not named by the labels": len(unnamed)}},
    )


def _labels(folder: Path) -> Labels:
    if all((folder / config).is_dir() for config in CONFIGS):
        return read_reupload(folder)
    if (folder / NAME).is_file():
        return read_original(folder / NAME)
    raise InputError(f"{folder}: neither {NAME} nor the folders {', '.join(CONFIGS)} are here")


def _document(name: str, clips: dict[str, Media], folder: Path) -> Item:
    clip = clips.get(name) or clips.get(f"{name}.mp4") or Media(folder / "videos" / name)
    return Item(name, video=clip, audio=clip)
