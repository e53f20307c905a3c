from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmret.errors import InputError
from mmret.tables import PERTURBATIONS, Cell, Perturbation, Table, features, parse_perturbation, serialise

from .made import TEXTS, tiled, wild

ROWS, COLUMNS = Perturbation("rows"), Perturbation("columns")
SEEDS = st.integers(0, 1000)


def facts(table: Table) -> Counter[tuple[tuple[str, ...], str]]:
    """How often each value stands below each column header."""
    grid, depth = table.grid(), table.header_depth
    columns = list(zip(*grid, strict=True))
    return Counter(
        (tuple(cell.text for cell in column[:depth]), cell.text) for column in columns for cell in column[depth:]
    )


@given(st.one_of(tiled(), wild()), SEEDS)
def test_rows_keep_their_headers_and_each_other(table: Table, seed: int) -> None:
    other = ROWS.apply(table, seed)
    depth = table.header_depth
    before, after = ([[cell.text for cell in row] for row in one.grid()] for one in (table, other))
    assert after[:depth] == before[:depth]
    assert sorted(after) == sorted(before)
    assert other.title == table.title
    assert sorted(serialise(other, "keyvalue").split("\n")) == sorted(serialise(table, "keyvalue").split("\n"))


@given(st.one_of(tiled(), wild()), SEEDS)
def test_columns_keep_their_headers(table: Table, seed: int) -> None:
    other = COLUMNS.apply(table, seed)
    assert other.header_depth == table.header_depth
    assert facts(other) == facts(table)
    for before, after in zip(table.grid(), other.grid(), strict=True):
        assert Counter(cell.text for cell in after) == Counter(cell.text for cell in before)


@given(tiled(), SEEDS, st.sampled_from([ROWS, COLUMNS]))
def test_merged_cells_stay_whole(table: Table, seed: int, perturbation: Perturbation) -> None:
    assert features(perturbation.apply(table, seed)) == pytest.approx(features(table))


@pytest.mark.parametrize("perturbation", [ROWS, COLUMNS])
def test_every_order_comes_up(perturbation: Perturbation) -> None:
    table = Table.from_rows(["a", "b", "c"], [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]])
    assert len({perturbation.apply(table, seed) for seed in range(100)}) == 6


def first_column(table: Table) -> str:
    return "".join(row[0].text for row in table.grid())


def test_rows_move_within_their_section_and_merged_rows_together() -> None:
    table = Table.from_html(
        "<table><tr><th>H<th>x<tr><td>a<td><tr><td>b<td><tr><th colspan=2>S"
        "<tr><td>c<td rowspan=2>m<tr><td>d<tr><td>e<td><tr><td colspan=2>T<tr><td>f<td></table>"
    )
    orders = {first_column(ROWS.apply(table, seed)) for seed in range(60)}
    assert orders == {f"H{one}S{two}Tf" for one in ("ab", "ba") for two in ("cde", "ecd")}


def test_a_heading_over_several_rows_never_becomes_the_header() -> None:
    table = Table("", ((Cell("a"), Cell("b")), (Cell("H", True, rows=2), Cell("I", True)), (Cell("c"),)))
    assert {ROWS.apply(table, seed) for seed in range(20)} == {table}


def test_rows_that_hang_on_the_headers_stay() -> None:
    table = Table("", ((Cell("H", True, rows=2), Cell("I", True)), (Cell("a"),), (Cell("b"), Cell("c")), (Cell("d"),)))
    assert {tuple(r[1].text for r in ROWS.apply(table, seed).grid())[:2] for seed in range(20)} == {("I", "a")}


def test_header_columns_stay_and_joint_columns_move_together() -> None:
    table = Table.from_html("<table><tr><th>n<th colspan=2>J<th>K<tr><th colspan=4>all<tr><th>r<td>1<td>2<td>3</table>")
    orders = {"".join(cell.text for cell in COLUMNS.apply(table, seed).grid()[-1]) for seed in range(30)}
    assert orders == {"r123", "r312"}


def test_the_same_seed_gives_the_same_table() -> None:
    table = Table.from_rows(["a"], [[str(n)] for n in range(50)])
    assert ROWS.apply(table, "q1") == ROWS.apply(table, "q1")
    assert ROWS.apply(table, "q1") != ROWS.apply(table, "q2")


def test_titles() -> None:
    title = "List of the largest cities in Japan"
    assert Perturbation("title-drop").apply(title, 1) == ""
    assert parse_perturbation("title-noise=0").apply(title, 1) == title
    noised = [parse_perturbation("title-noise=0.3").apply(title, seed) for seed in range(200)]
    kept = [len(set(title.split()) & set(one.split())) / 7 for one in noised]
    assert sum(kept) / len(kept) == pytest.approx(0.7, abs=0.06)
    shorter = [len(one.split()) / 7 for one in noised]
    assert sum(shorter) / len(shorter) == pytest.approx(0.85, abs=0.05)


@given(TEXTS, SEEDS)
def test_more_noise_spoils_more_of_the_same_words(title: str, seed: int) -> None:
    weak, strong = (parse_perturbation(f"title-noise={rate}").apply(title, seed) for rate in (0.2, 0.6))
    if strong == title:
        assert weak == title


def test_signs_without_spaces_are_words() -> None:
    title = "日本の都道府県一覧" * 20
    noised = parse_perturbation("title-noise=0.5").apply(title, 3)
    assert 0.35 < len(noised) / len(title) < 0.65


@pytest.mark.parametrize("text", ["rows", "columns", "title-drop", "title-noise=0.3", "blur=2", "jpeg=20", "skew=-1.5"])
def test_perturbations_print_as_they_parse(text: str) -> None:
    assert str(parse_perturbation(text)) == text
    assert parse_perturbation(f" {text} ") == parse_perturbation(text)


@given(st.floats(0, 100, allow_nan=False))
def test_strengths_print_exactly(strength: float) -> None:
    one = Perturbation("blur", strength)
    assert parse_perturbation(str(one)) == one


@pytest.mark.parametrize("name", [*PERTURBATIONS])
def test_usual_levels(name: str) -> None:
    levels = Perturbation.levels(name)
    assert [parse_perturbation(str(one)) for one in levels] == levels
    assert {one.kind for one in levels} == {PERTURBATIONS[name].kind}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blurr=2", "unknown perturbation 'blurr'; did you mean blur"),
        ("", "unknown perturbation ''"),
        ("=2", "unknown perturbation ''"),
        ("blur", "blur: give a strength, as in blur=1"),
        ("blur=", "the strength '' is not a number"),
        ("blur=x", "the strength 'x' is not a number"),
        ("blur=nan", "must be a number from 0 to 100"),
        ("blur=-1", "must be a number from 0 to 100"),
        ("jpeg=20.5", "must be a whole number from 1 to 95"),
        ("jpeg=inf", "must be a whole number from 1 to 95"),
        ("scale=0", "must be a number from 0.01 to 1"),
        ("rows=2", "rows has no strength"),
    ],
)
def test_wrong_perturbations_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_perturbation(text)


def test_levels_of_an_unknown_name_are_refused() -> None:
    with pytest.raises(InputError, match="unknown perturbation 'bluur'; did you mean blur"):
        Perturbation.levels("bluur")
