"""One document to one picture, in a real browser and without one."""

from __future__ import annotations

import base64
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile
from playwright.sync_api import Error

from mmret.errors import InputError, RunError
from mmret.items import Media
from mmret.pipelines.render import STYLES, PdfPage, Settings, paper, weasy
from mmret.pipelines.render.assets import unchanged
from mmret.pipelines.render.chromium import Chromium, find_browser, version
from mmret.pipelines.render.documents import Picture

Draw = Callable[[str], Picture]
MEDALS = """<table><caption>Medals</caption><tr><th rowspan=2>Team<th colspan=2>Medals<tr><th>Gold<th>Silver
<tr><td>North<td>1<td>2<tr><td colspan=3>and 日本, מצרים, مصر</table>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium(Settings()) as one:
        yield one


@pytest.fixture(params=["chromium", "weasyprint"])
def draw(request: pytest.FixtureRequest, browser: Chromium) -> Draw:
    return browser.draw if request.param == "chromium" else lambda html: weasy.draw(html, Settings())


def pixels(picture: Picture) -> NDArray[np.uint8]:
    array = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))
    assert array.shape == (picture.height, picture.width, 3)
    return array


def marks(picture: Picture) -> set[int]:
    """The numbers whose colours fill at least twelve pixels; see `cell`."""
    found = pixels(picture).astype(np.int64)
    values = (found[..., 0] * 256 + found[..., 1])[found[..., 2] == 77]
    numbers, counts = np.unique(values, return_counts=True)
    return set(numbers[counts >= 12].tolist())


def cell(number: int, style: str = "") -> str:
    """A cell with a block in a colour of its own."""
    return (
        f"<td style='{style}'><div style='width:9px;height:9px;background:rgb({number >> 8},{number & 255},77)'></div>"
    )


def png(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(file, "PNG")
    return file.getvalue()


def drawn_elsewhere(settings: Settings, *documents: str) -> list[Picture]:
    """Drawn by a browser of its own, in a thread of its own: playwright drives one from each thread."""

    def work() -> list[Picture]:
        with Chromium(settings) as browser:
            return [browser.draw(html) for html in documents]

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def count(picture: Picture, colour: tuple[int, int, int]) -> int:
    return int((pixels(picture) == colour).all(axis=2).sum())


def test_a_table_of_3000_rows_is_there_to_its_last_row(browser: Chromium) -> None:
    picture = browser.draw("<table>" + "".join(f"<tr>{cell(i)}" for i in range(3000)) + "</table>")
    assert picture.height > 3000 * 15
    assert marks(picture) == set(range(3000))


def test_a_table_6000_pixels_wide_is_there_to_its_last_column(draw: Draw) -> None:
    table = "<table><tr>" + "".join(cell(i, "min-width:80px") for i in range(75)) + "</table>"
    picture = draw(table)
    assert picture.width > 6000
    assert marks(picture) == set(range(75))


def test_a_long_table_without_a_browser(draw: Draw) -> None:
    assert marks(draw("<table>" + "".join(f"<tr>{cell(i)}" for i in range(300)) + "</table>")) == set(range(300))


def test_tiles_meet_without_a_seam() -> None:
    table = "<table style='background:#123456;width:200px;height:12000px'><tr><td></table>"
    (picture,) = drawn_elsewhere(Settings(scale=1.5), table)
    found = pixels(picture)
    assert picture.height == 1.5 * (12_000 + 2 * 8)
    assert len(np.unique(found[30:-30, 100], axis=0)) == 1


def test_what_stands_around_a_table_cannot_cut_or_cover_it(browser: Chromium) -> None:
    table = "<table><tr>" + "".join(cell(i, "min-width:50px") for i in range(60)) + "</table>"
    around = [
        f"<div style='overflow:auto;width:90px;height:9px'>{table}</div><p>after",
        f"<div style='overflow:hidden!important;max-height:9px;clip-path:inset(50%)'>{table}</div>",
        f"<div style='position:fixed;inset:0;background:red;z-index:9'></div>{table}",
        f"<html dir=rtl><body><div>{table}",
        f"<div dir=rtl style='opacity:.1;transform:scale(.1)'>{table}</div>",
        table.replace("<table", "<table style='position:absolute;left:-900px;margin:-90px'"),
        f"<html style='zoom:2'><body style='zoom:1.5'>{table}",
    ]
    for html in around:
        assert marks(browser.draw(html)) == set(range(60)), html[:80]


def test_what_sticks_to_the_window_stays_in_its_row(browser: Chromium) -> None:
    rows = "".join(f"<tr>{cell(i)}" for i in range(100))
    foot = f"<tfoot style='position:sticky;bottom:0'><tr>{cell(100, 'background:#ff0000')}</tfoot>"
    picture = browser.draw(f"<table>{rows}{foot}</table>")
    assert marks(picture) == set(range(101))
    assert np.argwhere((pixels(picture) == (255, 0, 0)).all(axis=2))[:, 0].min() > picture.height - 60


def test_a_browser_that_dies_is_started_again() -> None:
    def work() -> None:
        with Chromium(Settings()) as one:
            before = one.draw(MEDALS).png
            running = one._page.context.browser
            with pytest.raises(Error):
                running.new_browser_cdp_session().send("Browser.crash")
            with pytest.raises(RunError, match="browser failed"):
                one.draw(MEDALS)
            assert one.draw(MEDALS).png == before

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def test_words_that_flow_over_the_edge_are_kept(draw: Draw) -> None:
    block = "<div style='width:900px;height:9px;background:#ff0000'></div>"
    picture = draw(f"<table style='table-layout:fixed;width:100px'><tr><td>{block}</table>")
    assert 898 * 9 <= count(picture, (255, 0, 0)) <= 900 * 9  # the border of its cell lies over it


def test_merged_cells_stand_where_they_belong(draw: Draw) -> None:
    table = (
        "<table style='border-collapse:collapse'><tr><td rowspan=2 style='background:#ff0000'>a<td>b<tr><td>c"
        "<tr><td colspan=2 style='background:#0000ff'>d</table>"
    )
    found = pixels(draw(table))
    red, blue = (np.argwhere((found == colour).all(axis=2)) for colour in ((255, 0, 0), (0, 0, 255)))
    assert np.ptp(red[:, 0]) > 1.5 * np.ptp(blue[:, 0])
    assert np.ptp(blue[:, 1]) > 1.5 * np.ptp(red[:, 1])


def test_the_same_bytes_in_another_browser_and_after_other_tables(browser: Chromium) -> None:
    first = browser.draw(MEDALS)
    leaving = "<meta http-equiv=default-style content=x><meta http-equiv=refresh content='0;url=about:blank'>"
    browser.draw(f"<html dir=rtl class=x style='zoom:2'><head>{leaving}<style>td{{color:red}}</style>{MEDALS}")
    assert browser.draw(MEDALS).png == first.png
    assert drawn_elsewhere(Settings(), MEDALS)[0].png == first.png


def test_the_same_bytes_without_a_browser() -> None:
    assert weasy.draw(MEDALS, Settings()).png == weasy.draw(MEDALS, Settings()).png


def test_scale_viewport_and_style_make_a_difference(browser: Chromium) -> None:
    usual = browser.draw(MEDALS)
    (sharp,) = drawn_elsewhere(Settings(scale=2), MEDALS)
    assert (sharp.width, sharp.height) == (2 * usual.width, 2 * usual.height)
    narrow = weasy.draw(MEDALS, Settings(viewport=(120, 500)))
    assert narrow.width < weasy.draw(MEDALS, Settings()).width
    drawn = {weasy.draw(MEDALS, Settings(style=style)).png for style in STYLES}
    assert len(drawn) == len(STYLES)


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>none", "no table"),
        ("", "no table"),
        ("<table></table>", "no size"),
        ("<div style='display:none'><table><tr><td>x</table></div>", "no size"),
        ("<table style='height:1e9px'><tr><td>x</table>", r"--max-pixels|not fit a page"),
        ("<table style='height:90000px;width:1000px'><tr><td>x</table>", "90,0.. pixels are more than 89,000,000"),
    ],
)
def test_what_cannot_be_drawn_whole_is_refused(draw: Draw, html: str, words: str) -> None:
    with pytest.raises(RunError, match=words):
        draw(html)


def test_of_several_tables_the_first_is_drawn_and_all_are_counted(draw: Draw) -> None:
    picture = draw(f"<table><tr>{cell(1)}<td><table><tr>{cell(2)}</table></table><table><tr>{cell(3)}</table>")
    assert marks(picture) == {1, 2}
    assert picture.tables == 2


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """An address on the loopback, and whatever connects to it."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)
    done = threading.Event()

    def listen() -> None:
        while not done.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            heard.append(b"connected")
            connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
    done.set()
    thread.join()
    listening.close()


def test_a_hostile_document_reaches_nothing(draw: Draw, server: tuple[str, list[bytes]], tmp_path: Path) -> None:
    web, heard = server
    secret, page = tmp_path / "secret.png", tmp_path / "secret.html"
    secret.write_bytes(png("#00ff00"))
    page.write_text("<body style='background:#00ff00'>")
    files = secret.as_uri(), page.as_uri()
    red = "background:#ff0000"
    picture = draw(f"""<html><head><base href="{web}/"><meta http-equiv=refresh content="0;url={web}/refresh">
        <link rel=stylesheet href="{web}/a.css"><link rel=preconnect href="{web}"><link rel=prefetch href="{web}/b">
        <link rel=preload as=image href="{web}/c"><link rel=dns-prefetch href="{web}"><link rel=icon href="{web}/d">
        <link rel=stylesheet href="{page.as_uri()}"><script>document.body.style.background = "#ff0000"</script>
        <script src="{web}/e.js"></script><style>@import "{web}/f.css"; @font-face {{font-family: x; src: url({web}/g)}}
        body {{font-family: x; background: url({web}/h)}} td {{background: url({files[0]})}}</style></head>
        <body onload="this.style.background='#ff0000'"><table><tr>{cell(5)}<td>words
        <img src="{web}/i.png" onerror="this.style='{red}'"><img src="{files[0]}"><img srcset="{web}/j 2x">
        <iframe src="{files[1]}"></iframe><iframe src="file:///etc/passwd"></iframe><iframe src="{web}/k"></iframe>
        <iframe srcdoc="<img src={web}/l><script>top.document.body.style='{red}'</script>"></iframe>
        <object data="{files[1]}"></object><embed src="{files[0]}"><video src="{web}/m" poster="{web}/n"></video>
        <svg width=30 height=30><image href="{files[0]}" width=30 height=30 /><image href="{web}/o" /></svg>
        <form action="{web}/p"><input autofocus><input type=image src="{web}/q"></form></table>""")
    time.sleep(0.3)  # for what was only begun
    assert heard == []
    assert count(picture, (0, 255, 0)) == count(picture, (255, 0, 0)) == 0
    assert marks(picture) == {5}
    assert any(web in address for address in picture.refused)
    assert picture.assets == {}


def test_pictures_come_from_the_folder_of_assets_alone(tmp_path: Path) -> None:
    folder = tmp_path / "assets"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a flag%.png").write_bytes(png("#00ff00"))
    (tmp_path / "out.png").write_bytes(png("#ff0000"))
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "notes.txt").write_bytes(png("#ff0000"))
    inside = base64.b64encode(png("#0000ff")).decode()
    names = ["in/a%20flag%25.png", "../out.png", "..%2fout.png", "%2e%2e/out.png", "link.png", "notes.txt", "gone.png"]
    cells = "".join(f'<td><img loading=lazy src="{name}">' for name in names)
    html = f'<table><tr>{cells}<td><img src="data:image/png;base64,{inside}"><td><img src="{tmp_path}/out.png"></table>'
    settings = Settings(assets=folder)
    pictures = [*drawn_elsewhere(settings, html), weasy.draw(html, settings)]
    for picture in pictures:
        assert count(picture, (0, 255, 0)) == count(picture, (0, 0, 255)) == 400
        assert count(picture, (255, 0, 0)) == 0
        assert picture.assets["in/a flag%.png"]
        assert picture.assets["gone.png"] is picture.assets["link.png"] is picture.assets["notes.txt"] is None
        assert unchanged(folder, picture.assets)
    (folder / "gone.png").write_bytes(png("#00ff00"))
    assert not unchanged(folder, pictures[0].assets)


def test_pages_of_a_pdf_file(tmp_path: Path) -> None:
    weasy.version()  # the first import of weasyprint changes Pillow, and this one mends it
    from weasyprint import HTML

    file = tmp_path / "a b.pdf"
    style = "<style>@page {size: 2in 1in; margin: 0} p {margin: 0; height: 1in; page-break-after: always}</style>"
    HTML(string=f"{style}<p style='background:#ff0000'>1<p style='background:#0000ff'>2").write_pdf(file)
    assert paper.count_pages(file) == 2
    second = paper.draw(PdfPage(Media(file), 2), Settings(dpi=200))
    assert (second.width, second.height) == (400, 200)
    assert count(second, (0, 0, 255)) > 70_000
    with pytest.raises(RunError, match="--dpi"):
        paper.draw(PdfPage(Media(file), 2), Settings(dpi=200, max_pixels=1000))
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(RunError, match=r"a b\.pdf: the PDF cannot be read"):
        paper.count_pages(file)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"style": "drak"}, "did you mean dark"),
        ({"engine": "firefox"}, "chromium"),
        ({"scale": 0.0}, "scale"),
        ({"scale": 1.005}, "two decimals"),
        ({"scale": float("nan")}, "scale"),
        ({"viewport": (0, 5)}, "viewport"),
        ({"dpi": 0}, "dpi"),
        ({"pages": 0}, "pages"),
        ({"time_limit": float("nan")}, "time limit"),
        ({"assets": Path("nowhere")}, "no such folder"),
    ],
)
def test_settings_that_make_no_sense(changed: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(Settings(), **changed)


def test_a_missing_browser_or_library_answers_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such browser"):
        find_browser(Path("/nowhere/chromium"))
    with pytest.raises(RunError, match=r"/bin/true does not start .*--engine weasyprint"):
        version(Settings(browser=Path("/bin/true")))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="apt-get install chromium"):
        find_browser(None)
    with pytest.raises(InputError, match="apt-get install poppler-utils"):
        paper.version()
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    with pytest.raises(InputError, match="apt-get install libpango"):
        weasy.version()


def test_damaged_pictures_stay_damaged_once_weasyprint_is_there() -> None:
    weasy.draw("<table><tr><td>x</td></tr></table>", Settings(engine="weasyprint"))
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
