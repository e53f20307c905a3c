from __future__ import annotations

import html

import pytest
from hypothesis import given, settings

from mmret.errors import InputError
from mmret.tables import SERIALISERS, Cell, Table, serialise

from .made import tiled, wild

CITIES = Table.from_html(
    """<table><caption>Cities</caption>
    <tr><th rowspan=2>City<th colspan=2>Population
    <tr><th>2000<th>2020
    <tr><th colspan=3>Asia
    <tr><td>東京 <img alt='Flag of Japan'><td>12 | 1<td rowspan=2>same
    <tr><td>القاهرة<td></table>"""
)
INFOBOX = Table.from_html("<table><tr><th colspan=2>Ada<tr><th>Born<td>1815<tr><th>Died<td>1852<tr><td>x<td>y</table>")


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (
            "markdown",
            "| City | Population / 2000 | Population / 2020 |\n| --- | --- | --- |\n| Asia | Asia | Asia |\n"
            "| 東京 [Flag of Japan] | 12 \\| 1 | same |\n| القاهرة |  | same |",
        ),
        ("rows", "City | Population\n2000 | 2020\nAsia\n東京 [Flag of Japan] | 12 | 1 | same\nالقاهرة | "),
        (
            "keyvalue",
            "Asia\nCity: 東京 [Flag of Japan], Population / 2000: 12 | 1, Population / 2020: same\n"
            "City: القاهرة, Population / 2020: same",
        ),
        (
            "tapex",
            "col : City | Population / 2000 | Population / 2020 row 1 : Asia | Asia | Asia "
            "row 2 : 東京 [Flag of Japan] | 12 | 1 | same row 3 : القاهرة |  | same",
        ),
        (
            "html",
            '<table>\n<tr><th rowspan="2">City</th><th colspan="2">Population</th></tr>\n'
            '<tr><th>2000</th><th>2020</th></tr>\n<tr><th colspan="3">Asia</th></tr>\n'
            '<tr><td>東京<img alt="Flag of Japan"></td><td>12 | 1</td><td rowspan="2">same</td></tr>\n'
            "<tr><td>القاهرة</td><td></td></tr>\n</table>",
        ),
    ],
)
def test_serialisers(how: str, text: str) -> None:
    assert serialise(CITIES, how) == text


def test_first_rows_only() -> None:
    assert serialise(CITIES, "keyvalue", max_rows=1) == "City, Population / 2000, Population / 2020\nAsia"
    assert serialise(CITIES, "tapex", max_rows=0) == "col : City | Population / 2000 | Population / 2020"
    assert serialise(CITIES, "rows", max_rows=99) == serialise(CITIES, "rows")


def test_headers_that_begin_a_row_name_its_values() -> None:
    assert serialise(INFOBOX.head(0), "keyvalue") == "Ada"
    assert serialise(Table("", INFOBOX.rows[1:]), "keyvalue") == "Born: 1815\nDied: 1852\nx, y"


def test_tables_without_headers() -> None:
    table = Table.from_rows([], [["a", "b"], ["c", ""]])
    assert serialise(table, "markdown") == "|  |  |\n| --- | --- |\n| a | b |\n| c |  |"
    assert serialise(table, "tapex") == "row 1 : a | b row 2 : c | "
    assert serialise(table, "keyvalue") == "a, b\nc"


def test_headers_of_nothing_are_kept() -> None:
    """TaR-ViR's text lists the headers of all header rows in one row, so that there are more than columns."""
    table = Table.from_rows(["City", "Notes", "2000", "2000"], [["Paris", ""], ["Rome"]])
    assert serialise(table, "keyvalue") == "Notes, 2000\nCity: Paris\nCity: Rome"
    assert serialise(Table.from_rows(["a", "b"], []), "keyvalue") == "a, b"


@pytest.mark.parametrize("how", [*SERIALISERS])
def test_a_table_without_cells_is_no_text(how: str) -> None:
    assert serialise(Table("title", ()), how) in ("", "<table>\n</table>")


@given(tiled())
def test_every_text_is_there(table: Table) -> None:
    for how in SERIALISERS:
        text = serialise(table, how)
        for cell in (cell for row in table.rows for cell in row):
            expected = {"html": html.escape(cell.text), "markdown": cell.text.replace("|", "\\|")}.get(how, cell.text)
            assert expected in text


@given(wild())
@settings(max_examples=50)
def test_a_line_for_each_row(table: Table) -> None:
    """No cell breaks a line, and all lines of a Markdown table have the same number of columns."""
    lines = serialise(table, "markdown").split("\n") if table.rows else []
    assert len(lines) in (0, len(table.rows) - table.header_depth + 2)
    assert len({line.replace("\\|", "").count("|") for line in lines}) <= 1
    assert len(serialise(table, "rows").split("\n")) == max(1, len(table.rows))


@pytest.mark.parametrize("how", [*SERIALISERS])
def test_the_title_is_left_out(how: str) -> None:
    assert "Cities" not in serialise(CITIES, how)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="unknown serialiser 'markdwn'; did you mean markdown"):
        serialise(CITIES, "markdwn")


def test_a_hand_made_cell_that_stands_twice_is_two_cells() -> None:
    cell = Cell("x")
    assert serialise(Table("", ((Cell("a", True), Cell("b", True)), (cell, cell))), "keyvalue") == "a: x, b: x"
