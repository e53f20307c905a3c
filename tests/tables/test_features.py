from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from mmret.errors import InputError
from mmret.items import Media
from mmret.tables import Table, area_band, features, image_features

from .made import tiled


def test_features_of_a_table() -> None:
    table = Table.from_html(
        "<table><thead><tr><th rowspan=2>ab<th colspan=2>cd<tr><th>ef<th>gh<tbody>"
        "<tr><td><img alt=x><td><td>i<table><tr><td>j</table></table>"
    )
    assert features(table) == {
        "rows": 3,
        "columns": 3,
        "cells": 7,
        "merged": 2,
        "header_depth": 2,
        "nested": 1,
        "pictures": 1,
        "empty_share": 1 / 9,
        "text_density": (8 + 0 + 0 + 3) / 7,
    }


def test_a_table_without_cells_has_zeros() -> None:
    assert set(features(Table("", ())).values()) == {0.0}


@given(tiled())
def test_merged_cells_leave_fewer_cells_than_slots(table: Table) -> None:
    found = features(table)
    assert found["rows"] == len(table.rows)
    assert found["cells"] == sum(map(len, table.rows))
    assert found["cells"] <= found["rows"] * found["columns"]
    assert (found["merged"] == 0) == (found["cells"] == found["rows"] * found["columns"])


def test_features_of_a_picture(tmp_path: Path) -> None:
    pixels = np.full((540, 1920, 3), 255, np.uint8)
    pixels[:270, :960] = 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = image_features(tmp_path / "a.png")
    assert found == image_features(Media(tmp_path / "a.png"))
    assert (found["width"], found["height"], found["area"]) == (1920, 540, 0.5)
    assert found["aspect"] == pytest.approx(1920 / 540)
    assert found["ink_share"] == pytest.approx(0.25, abs=0.01)
    assert found["colourfulness"] == 0


def test_ink_stands_out_from_dark_paper_too(tmp_path: Path) -> None:
    for name, paper, ink in (("light", 255, 0), ("dark", 20, 230)):
        pixels = np.full((100, 100), paper, np.uint8)
        pixels[:10] = ink
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        assert image_features(tmp_path / f"{name}.png")["ink_share"] == pytest.approx(0.1)


def test_colourfulness(tmp_path: Path) -> None:
    """Red and green halves, worked out by hand from the formula: rg is ±255, yb always 127.5."""
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:5, :, 0] = 255
    pixels[5:, :, 1] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert image_features(tmp_path / "a.png")["colourfulness"] == pytest.approx(255 + 0.3 * 127.5)


def test_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("P", (8, 8)).save(tmp_path / "palette.png", transparency=0)
    Image.new("RGB", (8, 8), "white").save(tmp_path / "white.png")
    assert image_features(tmp_path / "clear.png") == image_features(tmp_path / "white.png")
    assert image_features(tmp_path / "palette.png") == image_features(tmp_path / "white.png")


def test_unreadable_pictures_are_named(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    Image.effect_noise((64, 64), 50).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:500])
    (tmp_path / "text.png").write_text("<svg/>")
    for name in ("cut.png", "text.png", "missing.png", "."):
        with pytest.raises(InputError, match="not a readable picture") as caught:
            image_features(tmp_path / name)
        assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("width", "height", "band"),
    [
        (1, 1, "easy"),
        (960, 539, "easy"),
        (960, 540, "medium"),
        (1920, 1080, "medium"),
        (1080, 1920, "medium"),
        (1921, 1080, "hard"),
        (1920, 1081, "hard"),
        (100, 60_000, "hard"),
    ],
)
def test_area_bands_at_their_edges(width: int, height: int, band: str) -> None:
    assert area_band(width, height) == band
