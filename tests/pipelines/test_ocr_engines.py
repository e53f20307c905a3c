"""Engines read real pictures; boxes become tables; tiles lose nothing."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mmret.errors import InputError
from mmret.pipelines.ocr import Line, Page, create_engine
from mmret.pipelines.ocr.base import fingerprint
from mmret.pipelines.ocr.layout import rows_of
from mmret.pipelines.ocr.rapid import RapidOcr
from mmret.pipelines.ocr.tiles import OVERLAP, SIDE, joined, tiles

from .ocr_pictures import SMALL, Rows, draw_table, words_table

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


@pytest.fixture(scope="module")
def rapid() -> RapidOcr:
    engine = RapidOcr()
    engine.load()
    return engine


def dense(rows: Rows) -> list[list[str]]:
    return [["".join(cell.split()) for cell in row] for row in rows]


def test_a_small_table_is_read_as_its_rows(rapid: RapidOcr, tmp_path: Path) -> None:
    page = rapid.read(draw_table(tmp_path / "t.png", SMALL))
    assert page.text == "City | People | Share\nOslo | 709,037 | 12.5%\nBergen | 291,940 | 5"
    assert (page.width, page.height) == (361, 79)
    oslo = next(line for line in page.lines if line.text == "Oslo")
    assert oslo.confidence > 0.9
    assert 0 <= oslo.box[0] < 20
    assert 22 <= oslo.box[1] < oslo.box[3] <= 60
    assert Page.parse(page.describe()).text == page.text


@pytest.mark.parametrize("shape", [(300, 1), (2, 40)])
def test_nothing_of_a_long_table_is_lost(shape: tuple[int, int], rapid: RapidOcr, tmp_path: Path) -> None:
    rows = words_table(*shape)
    page = rapid.read(draw_table(tmp_path / "t.png", rows, row=22))
    assert max(page.width, page.height) > 2 * SIDE
    assert len(page.lines) == shape[0] * shape[1]
    found = {cell for row in dense(page.cells) for cell in row}
    cells = [cell for row in dense(rows) for cell in row]
    assert sum(cell in found for cell in cells) / len(cells) >= 0.98
    assert [len(row) for row in page.cells] == [shape[1]] * shape[0]


def test_a_sentence_over_several_tiles_is_one_line(rapid: RapidOcr, tmp_path: Path) -> None:
    sentence = " ".join(f"word{i}" for i in range(45))
    picture = draw_table(tmp_path / "t.png", [[sentence]], column=3600, row=40, size=20)
    page = rapid.read(picture)
    assert page.width > SIDE
    assert dense(page.cells) == dense([[sentence]])


@pytest.mark.parametrize(
    ("name", "size", "colour"),
    [
        ("dot", (1, 1), "black"),
        ("blank", (300, 200), "white"),
        ("thread", (4000, 3), "white"),
        ("pole", (2, 3000), "red"),
    ],
)
def test_a_picture_without_text_gives_none(
    name: str, size: tuple[int, int], colour: str, rapid: RapidOcr, tmp_path: Path
) -> None:
    Image.new("RGB", size, colour).save(tmp_path / f"{name}.png")
    page = rapid.read(tmp_path / f"{name}.png")
    assert (page.width, page.height, page.lines, page.text) == (*size, (), "")


def test_transparent_and_dark_and_grey_pictures_are_read(rapid: RapidOcr, tmp_path: Path) -> None:
    for mode, ground, ink in (("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), ("RGB", "#202122", "#eaecf0"), ("L", 255, 0)):
        image = Image.new(mode, (240, 60), ground)
        ImageDraw.Draw(image).text((20, 20), "Reykjavik 1786", fill=ink, font=ImageFont.load_default(18))
        image.save(tmp_path / "t.png")
        assert dense([[rapid.read(tmp_path / "t.png").text]]) == [["Reykjavik1786"]], mode


@needs_tesseract
def test_tesseract_reads_cells_by_the_gaps_between_words(tmp_path: Path) -> None:
    engine = create_engine("tesseract")
    rows = [["New York City", "8,804,190"], ["Los Angeles", "3,898,747"], ["San Antonio", "1,434,625"]]
    page = engine.read(draw_table(tmp_path / "t.png", rows, column=220, row=40, size=22))
    assert page.cells == rows
    assert engine.version[0].isdigit()
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert engine.read(tmp_path / "dot.png").text == ""


@needs_tesseract
def test_a_language_that_tesseract_lacks_is_named_with_its_package() -> None:
    with pytest.raises(InputError, match="apt-get install tesseract-ocr-xx-yy"):
        create_engine("tesseract:eng+xx_yy")


def test_engines_that_are_not_there_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="sudo apt-get install tesseract-ocr"):
        create_engine("tesseract")
    (tmp_path / "tesseract").write_text("#!/bin/sh\necho no data here >&2\nexit 1\n")
    (tmp_path / "tesseract").chmod(0o755)
    with pytest.raises(InputError, match="engine 'tesseract' cannot be used: tesseract: no data here"):
        create_engine("tesseract")
    with pytest.raises(InputError, match="did you mean rapidocr"):
        create_engine("rapidorc")
    with pytest.raises(InputError, match="nothing behind a colon"):
        create_engine("rapidocr:fast")


def test_settings_decide_the_fingerprint() -> None:
    one, other = RapidOcr(), RapidOcr()
    assert fingerprint(one) == fingerprint(other)
    other.settings = {**one.settings, "confidence": 0.9}
    assert fingerprint(one) != fingerprint(other)


def line(text: str, left: int, top: int, right: int, bottom: int) -> Line:
    return Line(text, (left, top, right, bottom), 1.0)


def test_rows_follow_heights_and_not_their_order() -> None:
    first = [line("b", 100, 8, 140, 28), line("a", 10, 10, 50, 30)]
    second = [line("d", 100, 31, 140, 49), line("c", 10, 30, 50, 50)]
    assert [[one.text for one in row] for row in rows_of(second + first)] == [["a", "b"], ["c", "d"]]
    # A skewed page: each cell 2 pixels lower than its left neighbour; the rows do not chain.
    places = [(i, j, 50 * j, 20 * i + 2 * j) for i in range(4) for j in range(5)]
    skewed = [line(f"{i}{j}", left, top, left + 40, top + 16) for i, j, left, top in places]
    assert [[one.text for one in row] for row in rows_of(skewed)] == [[f"{i}{j}" for j in range(5)] for i in range(4)]
    assert rows_of([]) == []


@pytest.mark.parametrize("size", [(1, 1), (SIDE, SIDE), (SIDE + 1, 5), (633, 7526), (40_000, 30), (5000, 5000)])
def test_tiles_cover_everything_and_overlap(size: tuple[int, int]) -> None:
    seen = np.zeros(size, np.uint8)
    made = list(tiles(*size))
    for left, top, right, bottom in made:
        assert 0 < right - left <= SIDE
        assert 0 < bottom - top <= SIDE
        seen[left:right, top:bottom] += 1
    assert seen.min() == 1
    lefts = sorted({(left, right) for left, _, right, _ in made})
    assert all(before[1] - after[0] >= OVERLAP for before, after in pairwise(lefts))


def box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_boxes_of_one_text_in_two_tiles_become_one() -> None:
    first = np.array([box(0, 0, 500, 20), box(0, 30, 100, 50), box(0, 60, 100, 69)], np.float32)
    second = np.array(
        [box(480, 1, 900, 20), box(0, 30, 101, 51), box(0, 60, 100, 80), box(503, 30, 600, 50)], np.float32
    )
    found = joined([first, second])
    corners = sorted((*each.min(0).tolist(), *each.max(0).tolist()) for each in found)
    assert corners == [(0, 0, 900, 20), (0, 30, 101, 51), (0, 60, 100, 80), (503, 30, 600, 50)]
    assert joined([]).shape == (0, 4, 2)
    # In one tile boxes stay what they are, however close.
    assert len(joined([np.array([box(0, 0, 50, 20), box(40, 0, 90, 20)], np.float32)])) == 2
