"""Plots: where points fall, who is not beaten, and what is written."""

from __future__ import annotations

from datetime import date

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmret.leaderboard.board.rows import Figure, Row, Table
from mmret.leaderboard.web.pages.charts import charts
from mmret.leaderboard.web.pages.plots import (
    PUBLISHED,
    Bar,
    Point,
    bars,
    calendar,
    front,
    linear,
    logarithmic,
    scatter,
)

POINTS = st.lists(
    st.builds(Point, st.just("a"), st.integers(0, 9), st.integers(0, 9), st.just("no-audio")), max_size=30
)


@given(POINTS, st.booleans())
def test_front_holds_the_points_that_none_beats(points: list[Point], higher: bool) -> None:
    sign = 1 if higher else -1

    def beaten(one: Point) -> bool:
        better = [other for other in points if other.x <= one.x and sign * other.y >= sign * one.y]
        return any((other.x, other.y) != (one.x, one.y) for other in better)

    found = {(point.x, point.y) for point in front(points, higher=higher)}
    assert found == {(point.x, point.y) for point in points if not beaten(point)}
    assert [point.x for point in front(points, higher=higher)] == sorted(x for x, _ in found)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_linear_axes_hold_all_values_between_round_numbers(values: list[float]) -> None:
    axis = linear("x", values)
    slack = 1e-6 * (axis.high - axis.low)
    assert axis.low <= min(values) + slack
    assert axis.high >= max(values) - slack
    assert 2 <= len(axis.ticks) <= 12
    assert axis.ticks[0][0] == axis.low
    assert axis.ticks[-1][0] == axis.high


def test_axes_say_what_people_say() -> None:
    assert [text for _, text in linear("x", [12.0, 88.0]).ticks] == ["0", "20", "40", "60", "80", "100"]
    assert [text for _, text in logarithmic("x", [6e5, 7e9]).ticks] == ["100k", "1M", "10M", "100M", "1B", "10B"]
    days = [date(2026, 1, 1).toordinal(), date(2026, 1, 31).toordinal()]
    assert [text for _, text in calendar("x", days).ticks] == ["2026-01-01", "2026-01-16", "2026-01-31"]
    assert logarithmic("x", [10.0, 1000.0]).share(100.0) == pytest.approx(0.5)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_day_have_an_axis(day: date) -> None:
    assert day.isoformat() in {text for _, text in calendar("x", [day.toordinal()]).ticks}


@pytest.mark.parametrize("axis", [linear, logarithmic, calendar])
def test_a_single_value_has_an_axis(axis: type) -> None:
    found = axis("x", [20.0])
    assert 0 <= found.share(20.0) <= 1
    assert found.low < found.high


def test_points_stand_where_their_figures_say() -> None:
    points = [Point("low", 0, 0, "no-audio"), Point("high", 10, 100, PUBLISHED)]
    drawn = scatter("plot", "Quality", points, linear("x", [0, 10]), linear("y", [0, 100]), best="Best")
    marks = lxml.html.fromstring(drawn).xpath("//path[title]")
    starts = {one.text_content(): one.attrib["d"].removeprefix("M").split("m")[0] for one in marks}
    places = {name: tuple(float(number) for number in start.split(",")) for name, start in starts.items()}
    assert places["low: 0"][0] < places["high: 100"][0]
    assert places["low: 0"][1] > places["high: 100"][1]


def test_the_words_name_the_front_without_published_points() -> None:
    points = [Point("own", 5, 50, "no-audio"), Point("theirs", 1, 90, PUBLISHED)]
    words = scatter("p", "Quality", points, linear("x", [0, 9]), linear("y", [0, 99]), best="Best")
    caption = words[words.index("<figcaption") :]
    assert "own" in caption
    assert "theirs" not in caption


def test_a_cost_next_to_nothing_is_not_drawn() -> None:
    figures = {"all": Figure(0.5)}
    rows = [Row(1, f"costs {ms}", figures, "verified", track="no-audio", query_ms=ms) for ms in (5e-324, 0.0, 2.0)]
    table = Table("b", 1, "global", "R@1", "all", None, {"all": 10}, rows)
    (cost,) = (one for one in charts("t", rows, table) if "Quality against cost" in one)
    assert "costs 2.0" in cost
    assert "costs 5e-324" not in cost
    assert "costs 0.0" not in cost


def test_names_are_text() -> None:
    evil = "<script>alert(1)</script>"
    axes = linear("x", [1]), linear("y", [1])
    drawn = scatter("p", "t", [Point(evil, 1, 1, "no-audio")], *axes, best="Best")
    assert evil not in drawn
    assert "&lt;script&gt;" in drawn
    assert evil not in bars("b", "t", [evil], [(evil, [Bar(0, 1, None, None)])], "x")


def test_bars_are_as_long_as_their_figures_say() -> None:
    drawn = bars("b", "t", ["a", "b"], [("all", [Bar(0, 20, 15, 25), Bar(1, 40, None, None)])], "x")
    rects = [one for one in lxml.html.fromstring(drawn).iter("rect") if "x" in one.attrib]
    widths = [float(one.attrib["width"]) for one in rects]
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)
