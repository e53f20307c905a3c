"""Tables of figures by year and by day: life expectancy, population, weather."""

from __future__ import annotations

import calendar
import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from tarvir_mini.markup import Cell, Content, Page, grouped, head, number, page
from tarvir_mini.pictures import Album
from tarvir_mini.sources import Library

CLUSTERS = {
    0: "South Asia",
    1: "Europe",
    2: "Sub-Saharan Africa",
    3: "The Americas",
    4: "East Asia and the Pacific",
    5: "The Middle East",
}
SIGNS = {"sun": "2600-fe0f", "rain": "1f327-fe0f", "snow": "1f328-fe0f", "fog": "1f32b-fe0f", "drizzle": "1f326-fe0f"}
SIGN_WIDTH = 24
MONTHS = tuple(calendar.month_name)[1:]
WEATHER = ("vega-weather", "emoji")
LAST_YEARS = (1985, 1990, 1995, 2000, 2005)


def pages(library: Library, album: Album) -> Iterator[Page]:
    """All tables of figures over time."""
    yield from populations(library)
    yield from weather(library, album)


def populations(library: Library) -> Iterator[Page]:
    """Three measures for the countries of each part of the world, five years apart, and two of them for all in one."""
    rows = library.json("vega-datasets", "data/gapminder.json")
    years = sorted({row["year"] for row in rows})
    by_country = defaultdict(dict)
    for row in rows:
        by_country[row["cluster"], row["country"]][row["year"]] = row
    measures = (
        ("life_expect", "Life expectancy", None),
        ("fertility", "Children per woman", None),
        ("pop", "Population (thousands)", 1000),
    )
    for cluster, region in CLUSTERS.items():
        members = sorted(country for group, country in by_country if group == cluster)
        for measure, name, unit in measures:
            body: list[list[Content]] = [
                [head(country), *(figure(by_country[cluster, country][year][measure], unit) for year in years)]
                for country in members
            ]
            heads = [[head("Country", rows=2), head(name, columns=len(years))], [str(year) for year in years]]
            yield page(
                f"{measure}/{cluster}",
                f"{region} – {name.partition(' (')[0]}, 1955 to 2005",
                heads,
                body,
                ("vega-datasets",),
                "latex" if unit else "wikipedia",
            )
    heads = [
        [
            head("Country", rows=2),
            head("Life expectancy (years)", columns=len(LAST_YEARS)),
            head("Children per woman", columns=len(LAST_YEARS)),
        ],
        [str(year) for year in LAST_YEARS * 2],
    ]
    body = [
        [
            head(country),
            *(figure(facts[year][measure], None) for measure in ("life_expect", "fertility") for year in LAST_YEARS),
        ]
        for (_, country), facts in sorted(by_country.items(), key=lambda item: item[0][1])
    ]
    yield page(
        "gapminder", "Life expectancy and fertility by country since 1985", heads, body, ("vega-datasets",), "plain"
    )


def figure(value: float, unit: int | None) -> str:
    """A figure as it stands, or in thousands."""
    return number(round(value / unit)) if unit else number(value)


def weather(library: Library, album: Album) -> Iterator[Page]:
    """The weather of each day: single months, whose city and year stand in the title alone, and half years."""
    with library.path("vega-datasets", "data/weather.csv").open(newline="", encoding="utf-8") as file:
        days = [(date.fromisoformat(row["date"]), row) for row in csv.DictReader(file)]
    signs = {
        kind: album.add(f"weather:{kind}", library.path("emoji", f"img/twitter/64/{code}.png"), SIGN_WIDTH)
        for kind, code in SIGNS.items()
    }
    single = ["Precipitation (mm)", "Wind (m/s)", "Weather"]
    heads = [
        [head("Day", rows=2), head("Temperature (°C)", columns=2), *(head(name, rows=2) for name in single)],
        ["High", "Low"],
    ]
    for city, year in (("Seattle", 2012), ("New York", 2012), ("New York", 2015)):
        for month in (1, 4, 8, 12):
            rows = read_days(days, signs, city, date(year, month, 1))
            title = f"Weather in {city} – {MONTHS[month - 1]} {year}"
            yield page(f"weather/{city}/{year}-{month:02d}", title, heads, rows, WEATHER)
    heads[0] = [head("Month", rows=2), *heads[0]]
    for city in ("Seattle", "New York"):
        body = grouped((MONTHS[month - 1], read_days(days, signs, city, date(2014, month, 1))) for month in range(1, 7))
        title = f"Weather in {city} – First half of 2014"
        yield page(f"weather/{city}/2014", title, heads, body, WEATHER, "plain")


def read_days(
    days: list[tuple[date, dict[str, str]]], signs: dict[str, str], city: str, start: date
) -> list[list[Content]]:
    """The rows of one month."""
    rows: list[list[Content]] = []
    for day, row in days:
        if row["location"] == city and (day.year, day.month) == (start.year, start.month):
            values = [number(float(row[name])) for name in ("temp_max", "temp_min", "precipitation", "wind")]
            rows.append([day.day, *values, Cell(row["weather"], signs[row["weather"]])])
    return rows
