"""What a model is shown of a table: texts, pictures, and titles drawn as pictures."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmret.benchmarks import load_benchmark
from mmret.benchmarks.tarvir import CONTENTS, TITLES, Grid, Html, Plain, TableRecord, View, titles
from mmret.benchmarks.tarvir.titles import ALONE_WIDTH, LEAST_WIDTH, Titles
from mmret.errors import InputError, RunError
from mmret.items import Item, Media
from mmret.tables import SERIALISERS

from .tarvir_files import png, write_mini

LONG = "The " + "very " * 60 + "long title"


@pytest.fixture
def record(tmp_path: Path) -> TableRecord:
    (tmp_path / "a.png").write_bytes(png(500, 100))
    return TableRecord("a/b", "Title", Grid(["k", "v"], [["x", "1"]]), "k v x l", Media(tmp_path / "a.png"))


def test_views_read_back_what_they_print() -> None:
    for title, content in itertools.product(TITLES, CONTENTS):
        if (title, content) != ("none", "none"):
            view = View(title, content)
            assert View.parse(str(view)) == view
    for name in SERIALISERS:
        view = View("none", "image+native", name)
        assert View.parse(str(view)) == view
    assert View.parse(" content = ocr ") == View("text", "ocr")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title=txt", "unknown title of a view 'txt'; did you mean text"),
        ("content=images", "did you mean image"),
        ("content=native,serialiser=xml", "unknown serialiser of a view 'xml'"),
        ("content=image,serialiser=rows", "of no use without content=native"),
        ("title=none,content=none", "shows nothing"),
        ("image", "is no view; write title=text,content=image"),
        ("title=text,title=none", "is no view"),
        ("", "is no view"),
    ],
)
def test_what_is_no_view_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        View.parse(text)


@pytest.mark.parametrize(
    ("view", "text", "has_image"),
    [
        ("title=text,content=none", "Title", False),
        ("title=text,content=native", "Title\n| k | v |\n| --- | --- |\n| x | 1 |", False),
        ("title=none,content=native,serialiser=rows", "k | v\nx | 1", False),
        ("title=none,content=ocr", "k v x l", False),
        ("title=text,content=image", "Title", True),
        ("title=none,content=image", None, True),
        ("title=none,content=image+ocr", "k v x l", True),
        ("title=image,content=none", None, True),
        ("title=image,content=ocr", "k v x l", True),
    ],
)
def test_each_view_shows_its_parts(view: str, text: str | None, has_image: bool, record: TableRecord) -> None:
    item = View.parse(view).item(record)
    assert (item.id, item.text, item.image is not None) == ("a/b", text, has_image)


def test_other_forms_of_the_cells() -> None:
    show = View("none", "native").item
    assert show(TableRecord("a", "", Html("<table><tr><td>1<td>2</table>"))) == Item(
        "a", text="|  |  |\n| --- | --- |\n| 1 | 2 |"
    )
    assert show(TableRecord("a", "", Plain("as it is\n"))).text == "as it is"
    assert show(TableRecord("a")).text == ""  # a document of nothing is still a document
    with pytest.raises(InputError, match="cannot be written as tapex"):
        View("none", "native", "tapex").item(TableRecord("a", "", Plain("x")))
    with pytest.raises(InputError, match="no visible <table>"):
        show(TableRecord("a", "", Html("nothing")))


def test_a_title_is_drawn_above_the_picture(record: TableRecord, tmp_path: Path) -> None:
    assert record.image is not None
    drawer = Titles(tmp_path / "cache")
    made = drawer.above("Title", record.image)
    with made.open() as file, Image.open(file) as image:
        assert image.width == 500
        top = image.height - 100
        assert np.array_equal(
            np.asarray(image)[top:], np.asarray(Image.open(record.image.path).convert("RGB"))
        )  # the picture itself is untouched
        assert 20 < top < 60
        assert (np.asarray(image.convert("L"))[:top] < 100).sum() > 50  # something is written
        assert (np.asarray(image.convert("L"))[top - 4 : top] == 255).all()
    wrapped = drawer.above(LONG, record.image)
    with wrapped.open() as file, Image.open(file) as image:
        assert image.width == 500
        assert image.height > 300
        written = np.asarray(image.convert("L"))[: image.height - 100] < 100
        assert not written[:, -4:].any()  # nothing runs over the edge
    alone = drawer.above("Title")
    with alone.open() as file, Image.open(file) as image:
        assert image.width == ALONE_WIDTH
        assert image.height == top
    assert drawer.fonts == ["Aileron Regular"]
    assert alone.path.parent == made.path.parent == tmp_path / "cache" / "titles"


def test_narrow_pictures_and_words_without_spaces(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(50, 20))
    made = Titles().above("中" * 100, Media(tmp_path / "a.png"))
    with made.open() as file, Image.open(file) as image:
        assert image.width == LEAST_WIDTH
        assert image.height > 7 * 24
        written = np.asarray(image.convert("L")) < 100
        assert not written[:-20, -4:].any()


def test_titles_in_other_scripts_find_a_font_or_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    drawer = Titles()
    first, second = (drawer.above(text).path.read_bytes() for text in ("東京", "大阪"))
    assert first != second  # not boxes for what is not there
    assert any("Noto" in name or "CJK" in name for name in drawer.fonts)
    assert drawer.lacking("AB 東京") == ""
    assert drawer.lacking("AB \ue123") == "\ue123"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError("fc-match")))
    with pytest.raises(RunError, match="install fontconfig"):
        Titles().above("ж")


def test_what_is_drawn_already_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cache = write_mini(tmp_path / "own"), tmp_path / "cache"
    first = load_benchmark(str(folder), view="title=image,content=image", cache=cache)
    drawn = sorted((cache / "titles").iterdir())
    assert len(drawn) == 6
    assert {path.suffix for path in drawn} == {".png"}
    assert first.about["title fonts"]
    drawn[0].unlink()
    monkeypatch.setattr(titles, "_draw", counted := _Counted())
    again = load_benchmark(str(folder), view="title=image,content=image", cache=cache)
    assert counted.calls == 1  # killed before the last one: the others stand
    assert [item.image for item in again.documents] == [item.image for item in first.documents]
    (folder / "images" / "00001.png").write_bytes(png(31, 31))
    load_benchmark(str(folder), view="title=image,content=image", cache=cache)
    assert counted.calls == 2  # another picture is another drawing


class _Counted:
    calls = 0
    draw = staticmethod(titles._draw)

    def __call__(self, *arguments: object) -> bytes:
        self.calls += 1
        return self.draw(*arguments)


def test_a_broken_picture_is_left_for_the_preflight(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    broken = Media(tmp_path / "a.png")
    assert Titles().above("Title", broken) == broken
    gone = Media(tmp_path / "gone.png")
    assert Titles().above("Title", gone) == gone
    assert View("image", "image").item(TableRecord("a", "", image=broken)).image == broken


def test_a_transparent_picture_lies_on_white_below_its_title(tmp_path: Path) -> None:
    Image.new("RGBA", (400, 50), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    with Titles().above("Title", Media(tmp_path / "clear.png")).open() as file, Image.open(file) as image:
        assert (np.asarray(image)[-50:] == 255).all()
