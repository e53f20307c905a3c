"""Checks a built benchmark from the files on disk, and sums it up."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import av

from omnicvr_mini.media import packet_digests

Pair = tuple[str, str]

MAX_BYTES = 14_000_000
WORD_RANGE = range(10, 41)
PHRASE_WORDS = 5
MAX_PHRASE_TEXTS = 3


class CheckError(Exception):
    """Something about the built benchmark is not as it must be."""


def require(condition: bool, message: str) -> None:
    """Stop the build with a sentence that says what is wrong."""
    if not condition:
        raise CheckError(message)


def check_benchmark(folder: Path, recipe: dict[str, Any], texts: list[dict[str, Any]], clips: dict[Pair, str]) -> str:
    """Check everything and give a summary of several lines."""
    check_grid(recipe, clips)
    check_pairs(texts, clips)
    check_texts([row["text"] for row in texts])
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    check_queries(queries, recipe, clips)
    check_files(folder, clips)
    check_streams(folder, recipe, clips)
    return summary(folder, recipe, texts)


def check_grid(recipe: dict[str, Any], clips: dict[Pair, str]) -> None:
    """24 pictures and 24 sounds in blocks of six, two sounds of each kind a block."""
    for kind in ("pictures", "sounds"):
        blocks = Counter(item["block"] for item in recipe[kind])
        require(sorted(blocks.items()) == [(block, 6) for block in range(4)], f"{kind} are not in four blocks of six")
    kinds = Counter((sound["block"], sound["kind"]) for sound in recipe["sounds"])
    require(len(kinds) == 12 and set(kinds.values()) == {2}, "a block has not two sounds of each kind")
    require(len(clips) == len(set(clips.values())) == 144, "there are not 144 clips with ids of their own")


def check_pairs(texts: list[dict[str, Any]], clips: dict[Pair, str]) -> None:
    """50 queries of each type, each with the kind of change its type says, no pair twice."""
    types = Counter(row["type"] for row in texts)
    require(types == {"audio-center": 50, "visual-center": 50, "integrated": 50}, f"wrong number of queries: {types}")
    pairs = {(tuple(row["source"]), tuple(row["target"])) for row in texts}
    require(len(pairs) == len(texts), "two queries have the same source and target")
    changes = {"audio-center": (False, True), "visual-center": (True, False), "integrated": (True, True)}
    for row in texts:
        source, target = tuple(row["source"]), tuple(row["target"])
        require(source in clips and target in clips, f"not in the grid: {source} or {target}")
        require((source[0], target[1]) in clips, f"source and target are of different blocks: {source}, {target}")
        changed = (source[0] != target[0], source[1] != target[1])
        require(changed == changes[row["type"]], f"{row['type']} does not fit {source} to {target}")


def words_of(text: str) -> list[str]:
    """Lower-case words of a text, without punctuation."""
    return re.findall(r"[a-z0-9]+(?:['’-][a-z0-9]+)*", text.lower())


def check_texts(texts: list[str]) -> None:
    """Lengths, and no text or phrase used over and over."""
    require(len({" ".join(words_of(text)) for text in texts}) == len(texts), "two texts are the same")
    phrases: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = words_of(text)
        require(len(words) in WORD_RANGE, f"{len(words)} words: {text}")
        phrases.update({tuple(words[at : at + PHRASE_WORDS]) for at in range(len(words) - PHRASE_WORDS + 1)})
    frequent = [" ".join(phrase) for phrase, count in phrases.items() if count > MAX_PHRASE_TEXTS]
    require(not frequent, f"phrases in more than {MAX_PHRASE_TEXTS} texts: {frequent}")


def check_queries(queries: list[dict[str, Any]], recipe: dict[str, Any], clips: dict[Pair, str]) -> None:
    """Galleries hold what they must, differ from one another and are sorted."""
    pair_of = {clip: pair for pair, clip in clips.items()}
    galleries = set()
    for query in queries:
        gallery = query["gallery"]
        (target,) = query["targets"]
        picture, sound = pair_of[target]
        like = {clip for clip, pair in pair_of.items() if pair[0] == picture or pair[1] == sound}
        require(gallery == sorted(set(gallery)), f"gallery of {query['id']} is not sorted or repeats a clip")
        require(len(gallery) == recipe["gallery_size"], f"gallery of {query['id']} has the wrong size")
        require(like | {query["source"]} <= set(gallery), f"gallery of {query['id']} lacks a clip it must hold")
        require(set(gallery) <= set(pair_of), f"gallery of {query['id']} names an unknown clip")
        galleries.add(tuple(gallery))
    require(len(galleries) == len(queries), "two queries have the same gallery")


def check_files(folder: Path, clips: dict[Pair, str]) -> None:
    """The folder holds the wanted files and no others, and is small enough."""
    wanted = {"benchmark.json", "documents.jsonl", "queries.jsonl", "sources.jsonl"}
    wanted |= {f"videos/{clip}.mp4" for clip in clips.values()}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    require(found == wanted, f"missing or left over: {sorted(found ^ wanted)}")
    require(folder_bytes(folder) < MAX_BYTES, f"the folder has {folder_bytes(folder)} bytes")


def check_streams(folder: Path, recipe: dict[str, Any], clips: dict[Pair, str]) -> None:
    """Shared pictures and sounds are the same packets, different ones are not; format and length are as said."""
    found: dict[str, set[str]] = {}
    seconds = {item["key"]: recipe["blocks"][item["block"]]["seconds"] for item in recipe["pictures"]}
    for (picture, sound), clip in clips.items():
        path = folder / "videos" / f"{clip}.mp4"
        for key, digest in zip((picture, sound), packet_digests(path), strict=True):
            found.setdefault(key, set()).add(digest)
        check_format(path, seconds[picture], recipe["video"])
    require(all(len(digests) == 1 for digests in found.values()), "clips that share a stream differ in it")
    require(len({digest for digests in found.values() for digest in digests}) == len(found), "two streams are the same")


def check_format(path: Path, seconds: float, video: dict[str, int]) -> None:
    """Size, pace, length and pixel format of one clip."""
    with av.open(str(path)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        require((picture.width, picture.height) == (video["width"], video["height"]), f"{path.name}: picture size")
        require(picture.pix_fmt == "yuv420p" and picture.average_rate == video["fps"], f"{path.name}: picture format")
        require(picture.frames == round(seconds * video["fps"]), f"{path.name}: {picture.frames} frames")
        require(sound.rate == 48_000 and sound.channels == 1, f"{path.name}: sound format")
        require(container.duration is not None, f"{path.name}: no length")
        require(abs((container.duration or 0) / 1_000_000 - seconds) < 0.05, f"{path.name}: {container.duration} us")


def folder_bytes(folder: Path) -> int:
    """Sum of all file sizes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def summary(folder: Path, recipe: dict[str, Any], texts: list[dict[str, Any]]) -> str:
    """Numbers that a person wants to see after a build."""
    lengths = [len(words_of(row["text"])) for row in texts]
    kind_of = {sound["key"]: sound["kind"] for sound in recipe["sounds"]}
    block_of = {sound["key"]: sound["block"] for sound in recipe["sounds"]}
    lines = [
        f"all checks passed: {folder_bytes(folder):,} bytes, 144 clips, {len(texts)} queries",
        f"words a text: {min(lengths)} to {max(lengths)}, mean {sum(lengths) / len(lengths):.1f}",
    ]
    for name in ("audio-center", "visual-center", "integrated"):
        rows = [row for row in texts if row["type"] == name]
        kinds = Counter(kind_of[row["target"][1]] for row in rows)
        blocks = Counter(block_of[row["target"][1]] for row in rows)
        lines.append(
            f"{name}: kinds of target sound {dict(sorted(kinds.items()))}, blocks {dict(sorted(blocks.items()))}"
        )
    return "\n".join(lines)
