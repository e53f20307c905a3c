"""Copies and near copies: planted ones are found, unrelated ones are not, and whatever is wrong is named."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter
from typer.testing import CliRunner

from mmret.benchmarks.duplicates import Likeness, Record, duplicates, leaks, same_questions
from mmret.benchmarks.duplicates.material import page_of, read_material
from mmret.benchmarks.duplicates.pictures import BITS, near_hashes, picture_hash
from mmret.benchmarks.duplicates.texts import WORDS, Shingles, near_pairs, normalised
from mmret.cli import labels
from mmret.errors import InputError
from mmret.items import Media
from mmret.media import Workers

Grid = list[list[str]]


@cache
def grams(text: str) -> frozenset[tuple[str, ...]]:
    words = text.split()
    return frozenset(tuple(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1)))


def jaccard(one: str, other: str) -> float:
    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b)


def sentences(n: int, rng: random.Random, words: int = 60) -> list[str]:
    return [" ".join(f"w{rng.randrange(400)}" for _ in range(words)) for _ in range(n)]


def changed(text: str, rng: random.Random, times: int) -> str:
    words = text.split()
    for _ in range(times):
        words[rng.randrange(len(words))] = f"new{rng.randrange(10**6)}"
    return " ".join(words)


@pytest.mark.parametrize("seed", range(2))
def test_all_planted_near_copies_are_found_and_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    texts = sentences(150, rng)
    texts += [changed(texts[i], rng, 1 + i % 8) for i in range(120)]
    alike = {(a, b): jaccard(texts[a], texts[b]) for a in range(270) for b in range(a + 1, 270)}
    near = {pair: value for pair, value in alike.items() if value >= 0.8}
    assert len(near) > 20
    found = {(a, b): value for a, b, value in near_pairs(texts, least=0.8)}
    assert set(found) == set(near)  # recall and precision 1 on these seeds
    assert all(found[pair] == pytest.approx(near[pair], abs=1e-6) for pair in found)
    wide, planted = (
        {(a, b) for a, b, _ in near_pairs(texts, least=0.6)},
        {p for p, value in alike.items() if value >= 0.6},
    )
    assert wide <= planted
    assert len(wide) >= 0.75 * len(planted)


def test_two_sets_are_compared_with_each_other_only() -> None:
    rng = random.Random(5)
    one, two = sentences(80, rng), sentences(90, rng)
    two[7], two[8], one[3] = changed(one[0], rng, 1), changed(one[0], rng, 1), changed(one[1], rng, 1)
    assert {(a, b) for a, b, _ in near_pairs(one, two, least=0.8)} == {(0, 7), (0, 8)}


@given(st.lists(st.text("ab ", max_size=12), max_size=8))
@settings(deadline=None, max_examples=60)
def test_short_and_empty_texts(texts: list[str]) -> None:
    forms = [normalised(text) for text in texts]
    found = {(a, b): value for a, b, value in near_pairs(forms, least=1.0)}
    same = {
        (a, b)
        for a in range(len(forms))
        for b in range(a + 1, len(forms))
        if forms[a] and forms[b] and jaccard(forms[a], forms[b]) == 1
    }
    assert set(found) == same


def test_a_crowd_of_near_copies_stays_within_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmret.benchmarks.duplicates.texts.REACH", 3)
    rng = random.Random(1)
    base = sentences(1, rng, words=300)[0]
    texts = [changed(base, rng, 2) for _ in range(60)]
    pairs = list(near_pairs(texts, least=0.8))
    assert len(pairs) < 60 * 59 / 2
    assert {a for a, _, _ in pairs} | {b for _, b, _ in pairs} == set(range(len(texts)))


def test_shingles_are_the_same_whatever_stands_beside_them() -> None:
    texts = [normalised(text) for text in ("a b c d", "d c b a", "é ß 漢字 " * 40, "")]
    whole = Shingles.of(texts)
    for i, text in enumerate(texts):
        alone = Shingles.of([text])
        np.testing.assert_array_equal(alone[0], whole[i])
        np.testing.assert_array_equal(alone.minima[0], whole.minima[i])
    assert len(whole[0]) == 2
    assert not set(whole[0].tolist()) & set(whole[1].tolist())
    assert whole.kept.tolist() == [0, 1, 2]


def test_signs_case_and_width_make_no_difference() -> None:
    assert normalised("  The ｆｉｌｍ: “Straße” (1999)!") == "the film strasse 1999"


def grid(rows: int, columns: int, rng: random.Random) -> Grid:
    letters = "abcdefghijklmnop 0123456789"
    return [
        ["".join(rng.choice(letters) for _ in range(rng.randint(2, 12))) for _ in range(columns)] for _ in range(rows)
    ]


def drawn(cells: Grid, width: int = 90, height: int = 26) -> Image.Image:
    image = Image.new("RGB", (len(cells[0]) * width + 2, len(cells) * height + 2), "white")
    draw = ImageDraw.Draw(image)
    for r, row in enumerate(cells):
        for c, text in enumerate(row):
            box = (c * width, r * height, (c + 1) * width, (r + 1) * height)
            draw.rectangle(box, fill="#eaecf0" if r == 0 else "white", outline="#a2a9b1")
            draw.text((box[0] + 4, box[1] + 6), text, fill="black")
    return image


def compressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file)


ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "smaller": lambda image: image.resize((image.width * 6 // 10, image.height * 6 // 10)),
    "larger": lambda image: image.resize((image.width * 3 // 2, image.height * 3 // 2)),
    "jpeg": compressed,
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "with alpha": lambda image: image.convert("RGBA"),
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Tables of a few forms, so that many have the same lines and other words."""
    folder, rng = tmp_path_factory.mktemp("tables"), random.Random(0)
    paths = []
    for i in range(16):
        paths.append(folder / f"{i}.png")
        drawn(grid(*[(6, 4), (12, 5), (16, 6), (24, 3)][i % 4], rng)).save(paths[-1])
    return paths


@pytest.mark.parametrize("how", list(ALTERATIONS))
def test_altered_pictures_are_near_and_other_tables_of_the_same_form_are_not(
    tables: list[Path], tmp_path: Path, how: str
) -> None:
    first = np.stack([hash_ for path in tables if (hash_ := picture_hash(Media(path))) is not None])
    altered = []
    for path in tables:
        with Image.open(path) as image:
            ALTERATIONS[how](image).save(tmp_path / path.name)
        altered.append(picture_hash(Media(tmp_path / path.name)))
    pairs = {(a, b) for a, b, _ in near_hashes(first, np.stack(altered), distance=24)}
    assert pairs == {(i, i) for i in range(16)}
    assert not list(near_hashes(first, distance=40))


def test_distances_are_those_of_the_bits() -> None:
    hashes = np.random.default_rng(0).integers(0, 256, (60, BITS // 8), np.uint8)
    bits = np.unpackbits(hashes, axis=1)
    away = (bits[:, None] != bits[None]).sum(axis=2)
    limit = int(np.percentile(away[away > 0], 20))
    expected = {(a, b, int(away[a, b])) for a in range(60) for b in range(a + 1, 60) if away[a, b] <= limit}
    assert set(near_hashes(hashes, distance=limit)) == expected
    assert len(list(near_hashes(hashes, hashes[:5], distance=0))) == 5


def test_a_blank_picture_looks_like_no_other(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "blank.png")
    assert picture_hash(Media(tmp_path / "blank.png")) is None


def reasons(found: object) -> dict[tuple[str, str], set[str]]:
    return {(pair.first, pair.second): set(pair.reasons) for pair in found.pairs}


def test_leaks_say_why(tables: list[Path], tmp_path: Path, workers: Workers) -> None:
    rng = random.Random(2)
    text, other, third = sentences(3, rng)
    with Image.open(tables[0]) as image:
        compressed(image).save(tmp_path / "again.jpg")
    (tmp_path / "copy.png").write_bytes(tables[1].read_bytes())
    (tmp_path / "broken.png").write_bytes(b"no picture")
    test = [
        Record("t1", title="Rivers of Wales", page="Rivers", text=text, image=Media(tables[0])),
        Record("t2", title="Lakes", text=f"{other}!", image=Media(tables[1])),
        Record("t3", text=third, image=Media(tmp_path / "broken.png")),
        Record("t4", image=Media(tmp_path / "gone.png")),
        Record("t5", text=f"{other}!"),
    ]
    train = [
        Record("r1", title="rivers of wales!", page="rivers", text=changed(text, rng, 1)),
        Record("r2", text=other.upper(), image=Media(tmp_path / "copy.png")),
        Record("r3", title="Seas", image=Media(tmp_path / "again.jpg")),
        Record("r4", image=Media(tables[2])),
    ]
    found = leaks(test, train, Likeness(), workers)
    assert reasons(found) == {
        ("t1", "r1"): {"page", "title", "near text"},
        ("t1", "r3"): {"near picture"},
        ("t2", "r2"): {"text", "picture"},
        ("t5", "r2"): {"text"},
    }
    assert set(found.unreadable) == {"t3", "t4"}
    assert "gone.png: missing" in found.unreadable["t4"]
    assert found.counts() == {"page": 1, "title": 1, "near text": 1, "near picture": 1, "text": 2, "picture": 1}


def test_equal_documents_of_a_corpus_stand_with_the_first_of_them(tables: list[Path], workers: Workers) -> None:
    rng = random.Random(3)
    text, other = sentences(2, rng)
    records = [
        Record("a", text=other, image=Media(tables[0])),
        Record("b", text=text),
        Record("c", text=text.title()),
        Record("d", text=f"({text})", image=Media(tables[0])),
        Record("e", text=changed(text, rng, 1)),
        Record("f"),
        Record("g"),
    ]
    found = reasons(duplicates(records, Likeness(), workers))
    assert found == {("a", "d"): {"picture"}, ("b", "c"): {"text"}, ("b", "d"): {"text"}, ("b", "e"): {"near text"}}


def test_questions_are_compared_by_their_words() -> None:
    test = [Record("1", text="Who won in 1999?"), Record("2", text="?"), Record("3", text="Which river")]
    train = [Record("a", text="who won in 1999"), Record("b", text="!"), Record("c", text="which rivers")]
    assert reasons(same_questions(test, train)) == {("1", "a"): {"question"}}


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("AC/DC discography_1A2B3C4D5E6F7A8B", "AC/DC discography"),
        ("List of lakes_0123456789ABCDEF_3", "List of lakes"),
        ("document_12", ""),
        ("facade", ""),
        ("_0123456789ABCDEF", ""),
    ],
)
def test_ids_that_name_a_page(name: str, page: str) -> None:
    assert page_of(name) == page


def test_limits_are_checked() -> None:
    for wrong in ({"jaccard": 0.1}, {"jaccard": float("nan")}, {"bits": 200}, {"bits": -1}):
        with pytest.raises(InputError):
            Likeness(**wrong)


@pytest.fixture
def splits(tmp_path: Path, tables: list[Path]) -> Path:
    """A folder of tables with test and train questions over one corpus."""
    folder = tmp_path / "mine"
    (folder / "qrels").mkdir(parents=True)
    (folder / "images").mkdir()
    (folder / "benchmark.json").write_text(json.dumps({"layout": "tables", "name": "mine", "version": "1"}))
    rng = random.Random(4)
    rows, cells = [], grid(6, 4, rng)
    for i in range(8):
        cells = grid(6, 4, rng) if i != 5 else cells  # table 5 repeats table 4
        html = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)
        (folder / "images" / f"{i}.png").write_bytes(tables[i].read_bytes())
        name = f"Page {i // 2}_0123456789ABCDE{i}"
        rows.append({"_id": name, "title": f"Title {i}", "html": f"<table>{html}</table>", "image": f"images/{i}.png"})
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    queries = [
        {"_id": f"{split}-{i}", "text": f"what is {i}" if i else f"{split}?"}
        for split in ("test", "train")
        for i in range(2)
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    gold = {"test": (0, 4), "train": (2, 5)}
    for split, places in gold.items():
        lines = "".join(f"{split}-{i}\t{rows[place]['_id']}\t1\n" for i, place in enumerate(places))
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
    return folder


def call(command: Callable[..., None], *arguments: str) -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    outcome = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_the_commands_on_a_folder_of_tables(splits: Path, tmp_path: Path) -> None:
    material = read_material(str(splits), split="test")
    assert [one.title for one in material.documents] == ["Title 0", "Title 4"]
    assert [one.page for one in material.documents] == ["Page 0", "Page 2"]
    told = json.loads(
        call(
            labels.leaks,
            str(splits),
            "--train",
            str(splits),
            "--train-split",
            "train",
            "-o",
            str(tmp_path / "l.jsonl"),
            "--json",
        )
    )
    assert told["test documents"] == 2
    assert told["of these in the training data"] == 1
    assert told["of these affected"] == 1
    rows = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    assert [(row["kind"], set(row["reasons"])) for row in rows] == [
        ("query", {"question"}),
        ("document", {"page", "text"}),
    ]
    twice = json.loads(call(labels.duplicates, str(splits), "--json"))
    assert twice == {"documents": 8, "pairs: text": 1}


def test_the_commands_on_clips(small: Path) -> None:
    told = json.loads(call(labels.leaks, str(small), "--train", str(small), "--json"))
    assert told["of these affected"] == told["test queries"] == 6
    assert json.loads(call(labels.duplicates, "omnicvr-mini", "--json"))["documents"] > 100


def test_a_path_that_is_wrong_is_named(small: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        call(labels.leaks, str(small), "--train", "/nowhere/at/all")
