from __future__ import annotations

import io
from functools import partial
from itertools import pairwise
from operator import attrgetter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmret.errors import InputError
from mmret.tables import EMPTY, SERIALISERS, Cell, Table, serialise

from .made import tiled, wild

WHITE = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())  # the last one is U+3000
SPACED = st.text(st.sampled_from("aaa|\0     " + WHITE), max_size=4)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.grid()]


def from_html(rows: str) -> list[list[str]]:
    return texts(Table.from_html(f"<table>{rows}</table>"))


@given(wild())
@settings(max_examples=50)
def test_grid_is_rectangular_and_shows_every_cell(table: Table) -> None:
    grid = table.grid()
    assert len(grid) == len(table.rows)
    assert len({len(row) for row in grid}) <= 1
    shown = {id(cell) for row in grid for cell in row}
    assert all(id(cell) in shown for row in table.rows for cell in row)


@given(wild())
@settings(max_examples=50)
def test_cells_cover_what_the_grid_shows(table: Table) -> None:
    grid = table.grid()
    for cell, top, bottom, left, right in table.placed():
        assert grid[top][left] is cell
        assert bottom <= len(grid)
        assert right <= len(grid[0])
        assert bottom > top
        assert right > left


@given(tiled())
def test_grid_agrees_with_pandas(table: Table) -> None:
    """All cells are made `td`, as pandas puts headers elsewhere; it keeps rows and columns in which no cell begins."""
    numbered = [
        tuple(Cell(f"{i}.{j}.", False, cell.rows, cell.columns) for j, cell in enumerate(row))
        for i, row in enumerate(table.rows)
    ]
    html = Table("", tuple(numbered)).to_html()
    frame = pd.read_html(io.StringIO(html), flavor="lxml")[0]
    assert _without_repeats(texts(Table.from_html(html))) == _without_repeats(frame.to_numpy().tolist())


def _without_repeats(grid: list[list[str]]) -> list[list[str]]:
    rows = [row for before, row in pairwise([[], *grid]) if row != before]
    columns = list(zip(*rows, strict=True))
    kept = [column for before, column in pairwise([(), *columns]) if column != before]
    return [list(row) for row in zip(*kept, strict=True)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("<tr><td rowspan=2>a<td>b<tr><td>c", [["a", "b"], ["a", "c"]]),
        ("<tr><td colspan=2>a<tr><td>b<td>c", [["a", "a"], ["b", "c"]]),
        ("<tr><td rowspan=0>a<td>b<tr><td>c<tr><td>d", [["a", "b"], ["a", "c"], ["a", "d"]]),
        ("<tr><td colspan=0>a<td colspan=x>b<td rowspan=-2>c", [["a", "b", "c"]]),
        ("<tr><td colspan=' 2 px'>a<tr><td>b<td>c", [["a", "a"], ["b", "c"]]),
        # Spans that lead out of the table, or out of their row group.
        ("<tr><td colspan=9 rowspan=9>a<tr><td>b", [["a", ""], ["a", "b"]]),
        ("<thead><tr><th rowspan=5>a<th>b<tbody><tr><td>c<td>d", [["a", "b"], ["c", "d"]]),
        # The earlier cell has the slot where two overlap.
        ("<tr><td>a<td rowspan=2>b<tr><td colspan=2>c", [["a", "b"], ["c", "b"]]),
        # Ragged rows, rows without cells, cells without a row.
        ("<tr><td>a<td>b<td>c<tr><td>d", [["a", "b", "c"], ["d", "", ""]]),
        ("<tr><td rowspan=3>a<td>b<tr></tr><tr><td>c<tr><td>d<td>e", [["a", "b"], ["a", "c"], ["d", "e"]]),
        ("<td>a<td>b<tr><td>c<td>d", [["a", "b"], ["c", "d"]]),
        # A footer stands last wherever it is written.
        ("<tfoot><tr><td>z</tfoot><tbody><tr><td>a", [["a"], ["z"]]),
        ("", []),
    ],
)
def test_grid_follows_the_standard(rows: str, expected: list[list[str]]) -> None:
    assert from_html(rows) == expected


def test_ragged_slots_are_the_empty_cell() -> None:
    grid = Table.from_rows(["a", "b"], [["c"]]).grid()
    assert grid[1][1] is EMPTY


def test_columns_in_which_no_cell_begins_are_left_out() -> None:
    assert from_html("<tr><td colspan=3>a<td colspan=1000>b<tr><td colspan=3>c<td>d") == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("rows", "depth"),
    [
        ("<tr><th>a<th>b<tr><td>c<td>d", 1),
        ("<thead><tr><td>a<td>b</thead><tr><td>c<td>d", 1),
        ("<tr><th rowspan=2>a<th colspan=2>b<tr><th>c<th>d<tr><th>e<td>f<td>g", 2),
        ("<tr><th>a<td>b<tr><th>c<td>d", 0),
        ("<tr><th>a<tr><th>b", 2),
        # A cell as wide as the table is a heading of all of it in the first row, of a section below others.
        ("<tr><th colspan=2>a<tr><th>b<th>c<tr><th colspan=2>d<tr><td>e<td>f", 2),
        ("<tr><th rowspan=2>a<th colspan=2>b<tr><th colspan=2>c<tr><td>d<td>e<td>f", 2),
        ("", 0),
    ],
)
def test_header_depth(rows: str, depth: int) -> None:
    assert Table.from_html(f"<table>{rows}</table>").header_depth == depth


def test_the_depth_of_headers_needs_one_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    grids: list[Table] = []
    grid = Table.grid
    monkeypatch.setattr(Table, "grid", lambda self: grids.append(self) or grid(self))
    table = Table.from_html("<table><tr><th>a<th>b" + "<tr><th>c" * 100 + "</table>")
    assert table.header_depth == 101
    assert len(grids) == 1


def test_head_keeps_the_headers() -> None:
    table = Table.from_rows(["a"], [["1"], ["2"], ["3"]], "t")
    assert table.head(2) == Table.from_rows(["a"], [["1"], ["2"]], "t")
    assert table.head(0).rows == table.rows[:1]
    assert table.head(99) == table


def test_head_cuts_a_merged_cell_short() -> None:
    table = Table("", ((Cell("a", rows=3), Cell("b")), (Cell("c"),), (Cell("d"),)))
    assert texts(table.head(2)) == [["a", "b"], ["a", "c"]]


@pytest.mark.parametrize(
    "rows",
    [
        (tuple(Cell("x") for _ in range(3_000)), *((Cell("y"),) for _ in range(1_000))),
        (tuple(Cell("x", rows=0, columns=1000) for _ in range(3_000)), *((Cell("y"),) for _ in range(3_000))),
    ],
    ids=["ragged", "merged"],
)
def test_a_grid_that_would_fill_the_memory_is_refused(rows: tuple[tuple[Cell, ...], ...]) -> None:
    with pytest.raises(InputError, match="more than 1,000,000 slots"):
        Table("", rows).grid()


def test_rows_of_flat_lists_may_hold_anything() -> None:
    table = Table.from_rows([" a\n b ", None], [[1, 2.5], ["\u00a0x\ty", None]], title="t")
    assert table.title == "t"
    assert texts(table) == [["a b", ""], ["1", "2.5"], ["x y", ""]]
    assert [cell.header for cell in table.rows[0]] == [True, True]
    assert Table.from_rows([], [["x"]]).header_depth == 0
    assert Table.from_rows([], []).grid() == []


@given(st.lists(SPACED, max_size=3), st.lists(st.lists(SPACED, max_size=4), max_size=4))
def test_a_table_of_flat_lists_is_that_of_their_cells(headers: list[str], lists: list[list[str]]) -> None:
    body = [[Cell(" ".join(text.split())) for text in values] for values in lists]
    head = [[Cell(" ".join(text.split()), header=True) for text in headers]] if headers else []
    cells = Table("t", tuple(map(tuple, [*head, *body])))
    for read in (attrgetter("header_depth"), Table.grid, hash, *(partial(serialise, how=how) for how in SERIALISERS)):
        flat = Table.from_rows(headers, lists, "t")  # of which nobody has asked anything
        assert read(flat) == read(cells)
        assert flat == cells
