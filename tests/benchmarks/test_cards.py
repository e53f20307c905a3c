"""Data cards: the Hub's format, shown wherever a benchmark is, and true of the files that ship."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import av
import pytest
from huggingface_hub import DatasetCard, DatasetCardData

import mmret
from mmret.benchmarks import Benchmark, NotHereError, benchmarks, load_benchmark
from mmret.benchmarks.omnicvr import OMNICVR
from mmret.leaderboard.web.pages.about import card as board_card

from ..processes import mmret as command

PACKAGE = Path(mmret.__file__).parent
NAMES = ("omnicvr", "omnicvr-mini", "tarvir", "tarvir-mini")
BUILT_IN = ("omnicvr-mini", "tarvir-mini")
# Of the names that the Hub knows, those that our cards use.
LICENCES = {"cc-by-4.0", "other"}
TASKS = {
    "table-question-answering",
    "text-retrieval",
    "text-to-video",
    "video-text-to-text",
    "visual-document-retrieval",
}
SIZES = {"n<1K": 1, "1K<n<10K": 1_000, "10K<n<100K": 10_000, "100K<n<1M": 100_000}


@cache
def card(name: str) -> DatasetCard:
    return DatasetCard.load(PACKAGE / "data_cards" / f"{name}.md")


@cache
def loaded(name: str) -> Benchmark:
    return load_benchmark(name)


def folder(name: str) -> Path:
    return PACKAGE / "benchmarks" / "data" / name


def rows(name: str, file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder(name) / file).read_text(encoding="utf-8").splitlines()]


def section(name: str, title: str) -> str:
    return card(name).text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def cells(text: str) -> Iterator[list[str]]:
    """The rows of a Markdown table, its head and the line below it left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_there_is_a_card_for_each_benchmark_and_no_other() -> None:
    assert sorted(path.stem for path in (PACKAGE / "data_cards").iterdir()) == sorted(NAMES)
    assert {entry.card for entry in benchmarks().values()} >= {str(card(name)) for name in NAMES}
    assert all(entry.card for entry in benchmarks().values())


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_one_of_the_hubs(name: str) -> None:
    """What `DatasetCard.validate` asks the Hub is asked here by its written rules: the Hub is away."""
    found = card(name)
    data = found.data
    assert isinstance(data, DatasetCardData)
    assert DatasetCard(str(found)).data.to_dict() == data.to_dict()
    assert data.pretty_name
    assert found.text.strip().startswith("# ")
    assert data.language == ["en"]
    assert data.license in LICENCES
    if data.license == "other":  # the Hub's words: a name, and a file LICENSE or an address
        assert re.fullmatch(r"[a-z0-9.-]+", data.get("license_name"))
        assert data.get("license_link").startswith("https://")
    assert set(data.task_categories) <= TASKS
    assert set(data.size_categories) <= SIZES.keys()
    assert all(re.fullmatch(r"[a-z0-9-]+", tag) for tag in data.get("tags"))


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_files_that_a_card_offers_to_loaders_are_there(name: str) -> None:
    for config in card(name).data.get("configs"):
        assert (folder(name) / config["data_files"]).is_file()


@pytest.mark.parametrize("name", BUILT_IN)
def test_files_and_digests_are_those_that_ship(name: str) -> None:
    benchmark, text = loaded(name), section(name, "Files")
    assert f"Version {benchmark.version}," in text
    assert [row[1].strip("`") for row in cells(text)] == [benchmark.digest, benchmark.media_digest]
    named = re.findall(r"`([\w/]+(?:/|\.jsonl|\.json|\.tsv))`", text)  # folders end in a slash
    assert all((folder(name) / one).exists() for one in named)
    for path in folder(name).rglob("*"):
        assert path.is_dir() or path.relative_to(folder(name)).as_posix().startswith(tuple(named)), path
    (size,) = card(name).data.size_categories
    assert size == max((bound, own) for own, bound in SIZES.items() if bound <= len(benchmark.queries))[1]


def test_the_clips_are_as_the_card_of_omnicvr_mini_says() -> None:
    benchmark, text = loaded("omnicvr-mini"), section("omnicvr-mini", "What is in it")
    shapes, lengths = set(), []
    for path in sorted((folder("omnicvr-mini") / "videos").iterdir()):
        with av.open(str(path)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            shapes.add((
                video.width, video.height, video.average_rate, video.codec.name, audio.rate, audio.channels,
                audio.codec.name,
            ))  # fmt: skip
            lengths.append((container.duration or 0) / 1e6)
    assert shapes == {(320, 180, 12, "h264", 48_000, 1, "aac")}
    assert (
        f"- {len(lengths)} clips of {min(lengths):.1f} to {max(lengths):.1f} s, 320 × 180, 12 frames a second, H.264, "
        "with mono sound at 48 kHz, AAC." in " ".join(text.split())
    )
    assert len(lengths) == len(benchmark.documents)


def test_the_queries_are_as_the_card_of_omnicvr_mini_says() -> None:
    benchmark, text = loaded("omnicvr-mini"), " ".join(section("omnicvr-mini", "What is in it").split())
    words = [len((query.text or "").split()) for query in benchmark.queries]
    assert f"{len(words)} queries with hand-written texts of {min(words)} to {max(words)} words" in text
    for label, positions in benchmark.slices.items():
        assert f"{len(positions)} `{label.partition('/')[2] or label}`" in text
    assert set(benchmark.gallery_sizes.tolist()) == {60}
    assert "A gallery of 60 clips for each query" in text
    assert benchmark.source_in_gallery.all()


def test_every_clip_has_its_picture_and_its_sound_in_the_licences_of_omnicvr_mini() -> None:
    sources = rows("omnicvr-mini", "sources.jsonl")
    listed = list(cells(section("omnicvr-mini", "Sources and licences")))
    fields = ("key", "description", "origin", "licence", "attribution")
    assert listed == [[*(source[field] for field in fields), " ".join(source["clips"])] for source in sources]
    parts = Counter((clip, source["kind"]) for source in sources for clip in source["clips"])
    clips = [path.stem for path in (folder("omnicvr-mini") / "videos").iterdir()]
    assert parts == Counter((clip, kind) for clip in clips for kind in ("picture", "sound"))


def test_the_tables_and_questions_are_as_the_card_of_tarvir_mini_says() -> None:
    benchmark, corpus = loaded("tarvir-mini"), rows("tarvir-mini", "corpus.jsonl")
    text = " ".join(card("tarvir-mini").text.split())
    assert f"- {len(corpus)} tables." in text
    assert f"- {len(benchmark.queries)} questions" in text
    for label in ("needs-content", "needs-title", "needs-picture"):
        assert f"`{label}` ({len(benchmark.slices[label])}" in text
    for label in ("lookup", "reverse", "comparison", "constraint", "count", "verification"):
        assert f"`{label}`" in text
        assert label in benchmark.slices
    right = Counter(benchmark.positives.sizes.tolist())
    assert right.keys() == {1, 2}
    assert f"{right[1]} questions have one, the others two" in text
    assert set(benchmark.provenance.tolist() if benchmark.provenance is not None else []) == {"scan"}


def test_every_table_and_picture_in_a_cell_has_its_licence_in_tarvir_mini() -> None:
    corpus = rows("tarvir-mini", "corpus.jsonl")
    listed = {row[0]: row for row in cells(section("tarvir-mini", "Sources and licences"))}
    assert all(row["sources"] for row in corpus)
    assert {source for row in corpus for source in row["sources"]} == listed.keys()
    assert all(licence and attribution for _, _, _, licence, attribution in listed.values())
    pictures = {"svg-country-flags", "emoji"}  # whose files are in cells
    for row in corpus:
        assert "<img" not in row["html"] or pictures & set(row["sources"])


def test_the_card_of_omnicvr_names_what_is_fetched() -> None:
    text = card("omnicvr").text
    for release in OMNICVR:
        assert f"| `{release.labels}` | `{release.revision}` |" in text
    whole = OMNICVR[0]
    assert f"- {whole.documents:,} clips" in text
    assert f"- {whole.queries:,} queries" in text
    assert f"A gallery of {whole.gallery:,} candidates" in text


def test_a_card_is_shown_also_where_the_data_are_not() -> None:
    shown = command("benchmarks", "show", "nq-tables")
    assert shown.returncode == 0
    assert shown.stdout.strip() == str(card("tarvir")).strip()
    assert "nq-tables is not here; put its files there" in shown.stderr
    with pytest.raises(NotHereError, match="fetch it: mmret benchmarks get omnicvr"):
        load_benchmark("omnicvr")


def test_a_folders_readme_is_its_card(small: Path) -> None:
    assert load_benchmark(str(small)).card == ""
    (small / "README.md").write_text("# Small\n\nMade by a test.\n", encoding="utf-8")
    assert load_benchmark(str(small)).card == "# Small\n\nMade by a test.\n"


@pytest.mark.parametrize("name", sorted(benchmarks()))
def test_the_board_shows_the_card_of_every_benchmark(name: str) -> None:
    shown = board_card(name)
    title = DatasetCard(benchmarks()[name].card).text.strip().splitlines()[0].removeprefix("# ")
    assert f"<h3>{title}</h3>" in shown
    assert "license:" not in shown
    assert "<h1>" not in shown
    assert "<table>" in shown
