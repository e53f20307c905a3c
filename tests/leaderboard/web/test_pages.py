"""The pages in a real browser, from a real server with a real scorer."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from mmret.benchmarks import Benchmark as Labelled
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.rows import table
from mmret.leaderboard.board.states import moderate
from mmret.leaderboard.board.teams import issue_token
from mmret.leaderboard.submissions import facts_of_benchmark, pack

from ...browsing import Open, Visitor
from ..board.filled import benchmark_on, honest, labelled, run_of, scored_run, submission_of, teams_on
from .conftest import Served

EVIL = "{{7*7}}${7*7}<img src=x onerror=document.title='broken'>"
FORMULA = "=1+2"
SYSTEMS = {  # name → quality, and what is said of the model
    "best": (3.0, {"parameters": 7_000_000_000, "open_weights": True}),
    EVIL: (2.9, {"parameters": 149_000_000, "open_weights": False}),
    "middle": (1.2, {}),
    FORMULA: (0.2, {"parameters": 23_000_000, "open_weights": True}),
    "hears": (2.0, {"track": "native-audio", "query": ["audio"], "document": ["video", "audio"]}),
}


@pytest.fixture(scope="module")
def labels() -> Labelled:
    return labelled("omnicvr", queries=120)  # of that name there are published figures


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, labels: Labelled) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("pages")
    with Board.make(folder / "board") as board:
        teams = teams_on(board, "First", "Second")
        public = benchmark_on(board, labels)
        hidden = benchmark_on(board, labelled("secret"), hidden=True, public_id="omnicvr", decimals=3)
        for seed, (name, (quality, model)) in enumerate(SYSTEMS.items()):
            scored = scored_run(board, public, run_of(labels, honest(labels, quality, seed)), folder)
            submission_of(board, public, teams[seed % 2], scored, name=name, **model)
        secret = labelled("secret")
        for seed in (0, 1):
            scored = scored_run(board, hidden, run_of(secret, honest(secret, 2.0 - seed, seed)), folder)
            submission_of(board, hidden, teams[0], scored, name=["best", "other"][seed])
        yield board


@pytest.fixture(scope="module")
def served(board: Board) -> Iterator[Served]:
    server = Served(board)
    yield server
    server.stop()


@pytest.fixture
def visit(visitor: Visitor, served: Served) -> Open:
    """Opens an address of the board."""
    return lambda address="/", **looks: visitor.open(served.url + address, ".page h1", **looks)


def identity_of(board: Board, name: str, benchmark: str = "omnicvr") -> str:
    return next(row.submission for row in table(board, benchmark).rows if row.model == name)


def column(page: Page, place: int, identity: str = "table-no-audio") -> list[str]:
    """The texts of a column, of the rows that are not filtered out; without the small notes."""
    cells = page.locator(f"section[aria-labelledby={identity}] tbody tr:not([hidden]) > :nth-child({place})")
    parts = "[...cell.childNodes].filter(one => one.nodeName !== 'SMALL').map(one => one.textContent)"
    return cells.evaluate_all(f"cells => cells.map(cell => {parts}.join('').trim())")


def test_each_track_has_its_table_in_the_order_of_ranks(visit: Open, board: Board) -> None:
    page = visit("/?benchmark=omnicvr")
    rows = [row for row in table(board, "omnicvr").rows if row.track == "no-audio"]
    assert column(page, 2) == [row.model for row in rows]
    assert column(page, 1) == [str(row.rank) for row in rows]
    assert column(page, 1)[:2] == ["1", "1"]  # they cannot be told apart
    assert column(page, 2, "table-native-audio") == ["hears"]
    assert column(page, 1, "table-native-audio") == ["1"]
    assert column(page, 3)[0] == f"{100 * rows[0].figures['all'].value:.1f}"


def test_published_rows_are_marked_and_without_rank(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    assert set(column(page, 1, "table-published")) == {"–"}
    assert all(text.endswith("published") for text in column(page, 2, "table-published"))
    assert page.locator("section[aria-labelledby=table-published] input").count() == 0


def test_tracks_are_ranked_together_when_asked(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    page.get_by_role("checkbox", name="in one table").check()
    page.locator("#table").wait_for()
    assert "hears" in column(page, 2, "table")
    page.get_by_role("checkbox", name="native-audio").uncheck()
    expect(page.locator("#table")).to_have_text("no-audio, audio-as-text")
    assert "hears" not in column(page, 2, "table")
    assert "together=yes" in page.url


def test_sorting_by_keyboard_keeps_rows_without_a_value_last(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    head = page.locator("th[data-column=parameters]").first
    place = head.evaluate("head => head.cellIndex + 1")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert column(page, place) == ["23M", "149M", "7B", "–"]
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert column(page, place) == ["7B", "149M", "23M", "–"]
    assert page.locator("th[data-column=rank]").first.get_attribute("aria-sort") is None
    assert page.evaluate("document.activeElement.innerText") == "Parameters"


def test_a_click_sorts_figures_from_the_best_down(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    page.locator("th[data-column=on-few] button").first.click()
    place = page.locator("th[data-column=on-few]").first.evaluate("head => head.cellIndex + 1")
    figures = [float(text) for text in column(page, place)]
    assert figures == sorted(figures, reverse=True)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("q=BEST+first", ["best"]),
        ("q=nobody", []),
        ("size=1e8-1e9", [EVIL]),
        ("size=1e10-", []),
        ("open=yes", ["best", FORMULA]),
        ("since=2999-01-01", []),
        ("until=2999-01-01&open=no", [EVIL]),
    ],
)
def test_filters_stand_in_the_address(visit: Open, query: str, left: list[str]) -> None:
    page = visit(f"/?benchmark=omnicvr&{query}")
    assert column(page, 2) == left


def test_a_link_restores_the_view(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    page.get_by_role("combobox", name="Measure").select_option("R@5")
    expect(page.locator("caption").first).to_contain_text("R@5")
    page.get_by_text("Filters and columns").click()
    page.get_by_role("combobox", name="Weights").select_option("open")
    page.get_by_role("checkbox", name="Cost").uncheck()
    page.locator("th[data-column=model] button").first.click()
    again = visit(page.url.removeprefix(f"{urlsplit(page.url).scheme}://{urlsplit(page.url).netloc}"))
    assert column(again, 2) == column(page, 2) == [FORMULA, "best"]
    assert again.locator("th[data-column=model]").first.get_attribute("aria-sort") == "ascending"
    assert again.locator("th[data-column=cost]:visible").count() == 0
    expect(again.get_by_role("combobox", name="Measure")).to_have_value("R@5")
    expect(again.locator("output.shown")).to_contain_text("2 of")


def test_benchmarks_are_tabs_with_addresses(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr&open=yes")
    page.get_by_role("navigation", name="Benchmarks").get_by_role("link", name="secret").click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("secret")
    assert "benchmark=secret" in page.url
    expect(page).to_have_title(re.compile("^secret"))
    expect(page.locator("th[data-column=gap]").first).to_be_visible()
    page.go_back()
    expect(page.locator(".tabs [aria-current]")).to_have_text("omnicvr")
    assert column(page, 2) == ["best", FORMULA]


def test_what_teams_write_is_text(visit: Open, board: Board) -> None:
    for address in ("/?benchmark=omnicvr", f"/submission?id={identity_of(board, EVIL)}"):
        page = visit(address)
        assert page.get_by_text(EVIL).count() >= 1
        assert page.locator(".page img").count() == 0
        assert page.title() != "broken"


@pytest.mark.parametrize("address", ["/?benchmark=none", "/?protocol=x", "/?track=<b>x</b>", "/submission?id=1"])
def test_what_does_not_exist_is_said(visit: Open, address: str) -> None:
    page = visit(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be shown")
    assert page.locator(".notice b").count() == 0


def test_a_submission_has_a_page(visit: Open, served: Served, board: Board) -> None:
    page = visit("/?benchmark=omnicvr")
    page.get_by_role("link", name="best", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("best")
    assert page.url.endswith(f"/submission?id={identity_of(board, 'best')}")
    value = table(board, "omnicvr").rows[0].figures["all"].value
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("all")
    expect(first).to_contain_text(f"{100 * value:.1f}")
    expect(page.get_by_role("row", name="Parameters")).to_contain_text("7,000,000,000")
    for form in ("CSV", "Markdown", "LaTeX", "JSON"):
        answer = served.http.get(f"/{page.get_by_role('link', name=form, exact=True).get_attribute('href')}")
        assert answer.status_code == 200
        assert "R@1" in answer.text


def test_a_submission_that_is_not_ranked_shows_its_state_alone(visit: Open, board: Board) -> None:
    identity = identity_of(board, "middle")
    moderate(board, identity, "hide", actor="a moderator", reason="a reason for the team alone")
    try:
        page = visit(f"/submission?id={identity}")
        expect(page.locator(".page")).to_contain_text("hidden")
        for secret in ("middle", "reason", "R@1"):
            expect(page.locator(".page")).not_to_contain_text(secret)
    finally:
        moderate(board, identity, "restore", actor="a moderator")


def test_rows_are_compared(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    button = page.get_by_role("button", name="Compare the chosen rows").first
    for name in ("best", "middle"):
        expect(button).to_be_disabled()
        page.get_by_role("checkbox", name=f"Compare {name}", exact=True).check()
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison")
    row = page.get_by_role("row").filter(has_text="less middle")
    expect(row).to_contain_text("differ")
    assert re.search(r"\d+, \d+, \d+", row.inner_text())


def test_of_hidden_labels_no_paired_difference_is_told(visit: Open, board: Board) -> None:
    identities = [identity_of(board, name, "secret") for name in ("best", "other")]
    page = visit(f"/compare?id={identities[0]}&id={identities[1]}")
    expect(page.locator(".page")).to_contain_text("rounded figures")
    assert page.get_by_role("row").filter(has_text="less").count() == 0
    assert visit(f"/compare?id={identities[0]}").locator(".notice").count() == 1


def test_a_table_is_saved_as_text(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    texts = {}
    for label in ("CSV", "Markdown", "LaTeX"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        texts[download.value.suggested_filename] = Path(download.value.path()).read_text()
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(texts["omnicvr.csv"]))}
    assert f"'{FORMULA}" in rows
    assert FORMULA not in rows
    assert 0 < float(rows["best"]["all low"]) < float(rows["best"]["all value"]) <= 1
    assert r"\<img src=x onerror=document.title='broken'\>" in texts["omnicvr.md"]
    assert r"\{\{7*7\}\}\$\{7*7\}" in texts["omnicvr.tex"]


def test_a_file_is_uploaded_and_scored(visit: Open, board: Board, labels: Labelled, tmp_path: Path) -> None:
    path = packed(tmp_path / "new.submission.parquet", labels, name="new")
    page = visit("/submit?benchmark=omnicvr")
    send(page, path, issue_token(board, "Second"))
    expect(page.locator(".answer")).to_contain_text("Scored", timeout=60_000)
    page.get_by_role("link", name="Submission").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("new")
    assert "new" in [row.model for row in table(board, "omnicvr").rows]


def test_each_fault_of_a_bad_file_is_named(visit: Open, board: Board, labels: Labelled, tmp_path: Path) -> None:
    path = packed(tmp_path / "bad.submission.parquet", labelled("other", queries=60, documents=50), name="bad")
    page = visit("/submit?benchmark=omnicvr")
    send(page, path, issue_token(board, "Second"))
    status = page.locator(".answer")
    expect(status.locator("li")).not_to_have_count(0, timeout=30_000)
    assert len(status.locator("li").all()) >= 2
    expect(status).to_contain_text("q0060")
    send(page, path, "mmret_nobody")
    expect(status).to_contain_text("token")


def packed(path: Path, labels: Labelled, name: str) -> Path:
    model = {"name": name, "query": ["text"], "document": ["audio"], "track": "audio-as-text"}
    run = run_of(labels, honest(labels, 0.5, 77))
    pack(run, {"model": model, "benchmark": facts_of_benchmark(labels)}, path)
    return path


def send(page: Page, path: Path, token: str) -> None:
    page.get_by_label("Submission file").set_input_files(path)
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Upload").click()


def test_commands_name_the_benchmark_and_the_server(visit: Open, served: Served) -> None:
    page = visit("/submit?benchmark=omnicvr")
    commands = page.locator("ol").inner_text()
    assert "mmret eval --bench omnicvr --model" in commands
    assert f"--url {served.url} --benchmark omnicvr" in commands
    page.get_by_role("combobox", name="Benchmark").select_option("secret")
    assert f"{served.url}/api/v1/benchmarks/secret/ground" in page.locator("ol").inner_text()


def test_about_explains_and_shows_data_cards(visit: Open) -> None:
    page = visit("/about#omnicvr")
    expect(page.get_by_role("heading", name="omnicvr", exact=True)).to_be_in_viewport()
    page.get_by_text("Data card of omnicvr").click()
    assert page.locator("section#omnicvr h3").count() >= 1


ADDRESSES = ["/?benchmark=omnicvr", "/submit", "/about", "/submission?id={id}", "/compare?id={id}&id={other}"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_phone_has_room_for_every_page(visit: Open, board: Board, address: str) -> None:
    page = visit(filled_in(board, address), width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = "[...document.querySelectorAll('.page :is(a, button, select, input)')].filter(e => e.checkVisibility())"
    assert page.evaluate(f"{small}.filter(e => e.getBoundingClientRect().width < 12).length") == 0


@pytest.mark.parametrize("address", ADDRESSES)
def test_text_stands_out_from_what_is_behind_it(visit: Open, board: Board, address: str) -> None:
    for dark in (False, True):
        page = visit(filled_in(board, address), dark=dark)
        page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
        ratios = dict(page.evaluate(CONTRAST))
        assert ratios
        assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("address", ADDRESSES)
def test_pages_can_be_heard(visit: Open, board: Board, address: str) -> None:
    page = visit(filled_in(board, address))
    page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    levels = page.evaluate("[...document.querySelectorAll('.page :is(h1, h2, h3, h4)')].map(e => +e.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    heard = page.locator("body").aria_snapshot()
    named = "button|checkbox|combobox|link|searchbox|textbox|region|img|form|navigation"
    assert re.findall(rf"^ *- (?:{named})(?! \").*$", heard, re.MULTILINE) == []  # each says its name
    assert page.locator(".scroll table:not(:has(caption))").count() == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.getAttribute('id')).filter(Boolean)")
    assert len(ids) == len(set(ids))


def test_the_keyboard_reaches_everything_in_the_order_it_is_read(visit: Open) -> None:
    page = visit("/?benchmark=omnicvr")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        outline, text = page.evaluate(
            "[getComputedStyle(document.activeElement).outlineStyle,"
            " document.activeElement.id || document.activeElement.innerText]"
        )
        seen.append(text)
        if document_part(page):
            assert outline != "none", text
    expected = ["tab-omnicvr", "protocol", "measure", "slice", "track-no-audio", "q"]
    assert [one for one in seen if one in expected] == expected


def document_part(page: Page) -> bool:
    return page.evaluate("Boolean(document.activeElement.closest('.page'))")


def filled_in(board: Board, address: str) -> str:
    return address.format(id=identity_of(board, "best"), other=identity_of(board, "middle"))


# For each text its contrast (WCAG 2.2) with the first opaque background behind it.
CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const linear = (c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map(linear);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const found = colour(getComputedStyle(e).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("main *, nav *")]
    .filter((e) => e.checkVisibility() && !e.disabled)
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .filter((e) => !["STYLE", "TITLE", "OPTION"].includes(e.tagName.toUpperCase()))
    .map((e) => {
      const style = getComputedStyle(e);
      const text = colour(e instanceof SVGElement ? style.fill : style.color);
      const [a, b] = [light(text), light(behind(e))].sort((x, y) => y - x);
      return [e.textContent.trim().slice(0, 60), (a + 0.05) / (b + 0.05)];
    });
}"""
