from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmret.errors import InputError
from mmret.tables import SERIALISERS, Cell, Table, features, serialise

from .made import tiled, wild


def cell(inside: str) -> Cell:
    """The one cell of a table that holds this HTML."""
    ((found,),) = Table.from_html(f"<table><tr><td>{inside}</td></tr></table>").rows
    return found


@given(tiled())
def test_html_survives_the_round_trip(table: Table) -> None:
    """Spans shrink only where a row has no cell of its own; then a second trip changes nothing."""
    back = Table.from_html(table.to_html())
    assert back.title == table.title
    assert [[c.text for c in row] for row in back.rows] == [[c.text for c in row] for row in table.rows if row]
    if all(table.rows):
        assert back == table
    assert Table.from_html(back.to_html()) == back


@given(wild())
@settings(max_examples=50)
def test_broken_tables_survive_the_round_trip(table: Table) -> None:
    back = Table.from_html(table.to_html())
    assert [[c[:2] for c in row] for row in back.grid()] == [[c[:2] for c in row] for row in table.grid()]
    assert [[c.pictures for c in row] for row in back.rows] == [[c.pictures for c in row] for row in table.rows]


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for html in (text, f"<table>{text}</table>", f"<table><tr><td {text}>{text}<p>{text}<td>&#{text};"):
        with suppress(InputError):
            Table.from_html(html).grid()


TAGS = (
    *(
        "table",
        "/table",
        "tr",
        "/tr",
        "td",
        "th",
        "/td",
        "thead",
        "/thead",
        "tbody",
        "tfoot",
        "caption",
        "p",
        "b",
        "/b",
    ),
    *("td colspan=3", "td rowspan=2", "td rowspan=0", "tr hidden", "script", "/script", "template", "img alt=y", "div"),
)
PARTS = [*(f"<{tag}>" for tag in TAGS), "<!--", "-->", "&#8;", "x"]


@given(st.lists(st.sampled_from(PARTS), max_size=30))
def test_any_markup_is_read(parts: list[str]) -> None:
    table = Table.from_html("<table>" + "".join(parts))
    for how in SERIALISERS:
        serialise(table, how)
    without_nested = tuple(tuple(c._replace(nested=0) for c in row) for row in table.rows)
    assert Table.from_html(table.to_html()) == Table(table.title, without_nested)


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (" a \n\t b&nbsp; c ", "a b c"),
        ("New York<br>USA", "New York USA"),
        ("New York<div>USA</div>2020", "New York USA 2020"),
        ("<ul><li>a<li>b</ul>", "a b"),
        ("H<sub>2</sub>O, <b>bo</b>ld", "H2O, bold"),
        ("5<sup class=reference>[1]</sup>", "5[1]"),
        ("a<span style='display:none'>hidden</span>b", "ab"),
        ("a<span style='DISPLAY : NONE;'>x</span><i hidden>y</i>b", "ab"),
        ("<span style='visibility:hidden'>00</span>7", "7"),
        ("a<script>alert(1)</script><style>td{}</style><template>t</template>b<!-- c -->", "ab"),
        ("&eacute;&lt;td&gt;&amp;&#x65E5;", "é<td>&日"),
        ("<bdo dir=rtl>שלום</bdo> العربية 日本語", "שלום العربية 日本語"),
        ("a<table><tr><td>b</td><td>c</td></tr></table>d", "a b c d"),
        ("", ""),
    ],
)
def test_text_is_what_a_reader_sees(inside: str, text: str) -> None:
    assert cell(inside).text == text


@pytest.mark.parametrize(
    ("inside", "pictures"),
    [
        ("<img src=x.png alt='Flag of  France'>", ("Flag of France",)),
        ("<img src='//host/thumb/23px-Flag_of%20France.svg.png?v=1#a' alt=''>", ("23px-Flag_of France.svg.png",)),
        ("<img><p><img alt=b>", ("", "b")),
        ("<img src='data:image/png;base64,AAAA/BBBB'>", ("",)),
        ("<img src='http://[bad/x.png'>", ("x.png",)),
        ("<span hidden><img alt=no></span>", ()),
        ("<table><tr><td><img alt=inner></table>", ("inner",)),
    ],
)
def test_pictures(inside: str, pictures: tuple[str, ...]) -> None:
    assert cell(inside).pictures == pictures


def test_hidden_rows_and_cells_take_no_slot() -> None:
    html = (
        "<table><tr hidden><td>x<tr><td style='display:none'>y</td><td>a"
        "<td style='visibility:hidden'>z</td><td>b</table>"
    )
    assert [[c.text for c in row] for row in Table.from_html(html).rows] == [["a", "", "b"]]


def test_nested_tables_are_counted_and_belong_to_their_cell() -> None:
    table = Table.from_html("<table><tr><td>a" + "<table><tr><td>b" * 5 + "</table>" * 5 + "<td>c</table>")
    assert [c.text for c in table.rows[0]] == ["a b b b b b", "c"]
    assert features(table)["nested"] == 5


def test_caption_is_the_title_unless_one_is_given() -> None:
    html = "<table><caption>Largest <b>cities</b><tr><td>a</table>"
    assert Table.from_html(html).title == "Largest cities"
    assert Table.from_html(html, title="Other").title == "Other"
    nested = "<table><tr><td><table><caption>inner</caption><tr><td>a</table></table>"
    assert Table.from_html(nested).title == ""


def test_tables_of_a_page_are_numbered_from_0() -> None:
    page = (
        "<html><body><table><tr><td>a<table><tr><td>in</table></table>"
        "<p><table hidden></table><div><table><tr><td>b</table>"
    )
    assert Table.from_html(page, index=1).rows[0][0].text == "b"
    for index in (2, -1):
        with pytest.raises(InputError, match=f"has 2 tables, numbered from 0; there is no table {index}"):
            Table.from_html(page, index=index)


@pytest.mark.parametrize(
    "html", ["", " ", "words", "<p>none</p>", "<table hidden><tr><td>a</table>", "\0", "<!-- <table> -->"]
)
def test_html_without_a_table_is_refused(html: str) -> None:
    with pytest.raises(InputError, match="no visible <table>"):
        Table.from_html(html)


def test_the_encoding_a_page_claims_does_not_matter() -> None:
    for claim in ("<?xml version='1.0' encoding='utf-16'?>", "<meta charset=latin-1>"):
        assert Table.from_html(f"{claim}<table><tr><td>Zürich 東京</table>").rows[0][0].text == "Zürich 東京"


def test_nothing_is_taken_from_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    html = f"<!DOCTYPE t [<!ENTITY s SYSTEM 'file://{secret}'><!ENTITY l 'lol'>]><table><tr><td>&s;&l;</table>"
    assert Table.from_html(html).rows[0][0].text == "&s;&l;"


@pytest.mark.parametrize(
    ("html", "slots"),
    [
        ("<table><tr><td colspan=1000000000>a<td>b<tr><td>c<td rowspan=99999999999999999999>d</table>", 4 + 2),
        ("<table><tr>" + "<td colspan=1000 rowspan=65534>x" * 8_000, 8_000),
        ("<table>" + "<tr><td rowspan=0>x" * 1_000, 1_000 * 1_000),
        ("<table><tr><td>" + "<table><tr><td>x" * 600, 1),
        ("<table>" + ("<tr>" + "<td>some words here" * 10) * 1_600, 16_000),
        ("<table><tr><td style='" + "display " * 40_000 + "' rowspan='" + " " * 100_000 + "'>x", 1),
    ],
    ids=["huge-spans", "many-spans", "staircase", "nested", "285k-characters", "long-attributes"],
)
def test_hostile_html_is_quick(html: str, slots: int) -> None:
    began = time.process_time()
    grid = Table.from_html(html).grid()
    assert sum(map(len, grid)) == slots
    assert time.process_time() - began < 10


@pytest.mark.parametrize("part", ["<table><tr><td>x", "<b>", "<div>"])
def test_html_that_the_parser_would_cut_is_refused(part: str) -> None:
    with pytest.raises(InputError, match="too deep"):
        Table.from_html("<table><tr><td>a" + part * 3_000 + "<p>last")
