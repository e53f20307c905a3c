"""Tables about constellations, stars and nebulae, and about eclipses that are computed."""

from __future__ import annotations

import calendar
import importlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tarvir_mini.markup import Cell, Content, Page, grouped, head, page
from tarvir_mini.sources import Library

SOURCE = ("d3-celestial",)
KINDS = {
    "gc": "Globular cluster",
    "oc": "Open cluster",
    "s": "Spiral galaxy",
    "e": "Elliptical galaxy",
    "i": "Irregular galaxy",
    "pn": "Planetary nebula",
    "sfr": "Star-forming region",
    "rn": "Reflection nebula",
    "snr": "Supernova remnant",
    "pos": "Other",
}
WITH_STARS = ["UMa", "Ori", "Leo", "Tau", "Sco", "Cyg", "And", "Peg", "Gem", "Vir", "Per", "CMa"]
MONTHS = tuple(calendar.month_name)


def pages(library: Library) -> Iterator[Page]:
    """All tables about the sky."""
    sky = {
        feature["id"]: feature["properties"]
        for feature in library.json("d3-celestial", "data/constellations.json")["features"]
    }
    names = library.json("d3-celestial", "data/starnames.json")
    stars = library.json("d3-celestial", "data/stars.6.json")["features"]
    yield from constellations(sky)
    yield from star_lists(sky, names, stars)
    yield from messier(library)
    yield from events(library)


def constellations(sky: dict[str, Any]) -> Iterator[Page]:
    """Latin names with their genitives, by initial letter, and names in languages of other scripts."""
    members = sorted({row["desig"]: row for row in sky.values()}.values(), key=lambda row: str(row["name"]))
    heads = [["Constellation", "Abbreviation", "Genitive", "Meaning"]]
    for first, last in ("AB", "CD", "EL", "MP", "RV"):
        rows: list[list[Content]] = [
            [row["name"], row["desig"], row["gen"], row["en"]] for row in members if first <= row["name"][0] <= last
        ]
        yield page(f"constellations/{first}", f"IAU designated constellations – {first} to {last}", heads, rows, SOURCE)
    heads = [["Latin", "Arabic", "Chinese", "Japanese", "Korean", "Hebrew", "Greek", "Russian"]]
    codes = ("ar", "zh", "ja", "ko", "he", "el", "ru")
    rows = [[head(row["name"]), *(Cell(row[code].strip("\u200e"), language=code) for code in codes)] for row in members]
    yield page("constellations", "Constellations – Names in other languages", heads, rows, SOURCE)


def star_lists(sky: dict[str, Any], names: dict[str, Any], stars: list[dict[str, Any]]) -> Iterator[Page]:
    """The brightest stars of the sky, and those with proper names of single constellations."""
    by_constellation = defaultdict(list)
    brightest: list[list[Content]] = []
    for star in sorted(stars, key=lambda star: float(star["properties"]["mag"])):
        name = names.get(str(star["id"]), {})
        if not name.get("name") or "c" not in name:
            continue
        magnitude = f"{star['properties']['mag']:.2f}".replace("-", "−")
        colour = star["properties"]["bv"].replace("-", "−")
        hip = name["hip"].replace("\u2009", " ")
        by_constellation[name["c"]].append([name["name"], name["bayer"] or "–", hip, magnitude, colour])
        designation = f"{name['bayer']} {sky[name['c']]['gen']}" if name["bayer"] else "–"
        brightest.append([len(brightest) + 1, name["name"], designation, name["hd"].replace("\u2009", " "), magnitude])
    heads = [["Rank", "Proper name", "Designation", "Henry Draper number", "Apparent magnitude"]]
    yield page("brightest", "Brightest named stars", heads, brightest[:150], SOURCE)
    heads = [["Name", "Bayer", "Hipparcos number", "Apparent magnitude", "B−V colour"]]
    for code in WITH_STARS:
        title = f"List of stars in {sky[code]['name']} – Named stars"
        yield page(f"stars/{code}", title, heads, by_constellation[code], SOURCE, "dark")


def messier(library: Library) -> Iterator[Page]:
    """The Messier catalogue whole, and its clusters and galaxies by kind, with spans for the kinds."""
    features = library.json("d3-celestial", "data/messier.json")["features"]
    rows = [feature["properties"] for feature in features]
    heads = [
        ["Messier", "New General Catalogue", "Common name", "Kind", "Apparent magnitude", "Size (arcmin)", "Class"]
    ]
    listing: list[list[Content]] = [
        [row["name"], row["desig"], row["alt"] or "–", KINDS[row["type"]], row["mag"], row["dim"], row["cl"] or "–"]
        for row in rows
    ]
    for first in (0, 55):
        title = f"Messier catalogue – {listing[first][0]} to {listing[first + 54][0]}"
        yield page(f"messier/{first}", title, heads, listing[first : first + 55], SOURCE, "dark")
    named = [
        (KINDS[kind], [[row["alt"], row["name"], row["desig"]] for row in rows if row["type"] == kind and row["alt"]])
        for kind in KINDS
    ]
    heads = [["Kind", "Common name", "Messier", "New General Catalogue"]]
    body = grouped((kind, members) for kind, members in named if members)
    yield page("messier/names", "Messier objects with common names", heads, body, SOURCE)


def events(library: Library) -> Iterator[Page]:
    """Eclipses, seasons and moon phases of this century, computed."""
    sys.path.insert(0, str(library.path("astronomy-engine")))
    astronomy = importlib.import_module("astronomy")
    source = ("astronomy-engine",)
    for first in (2001, 2011, 2021):
        heads = [["Date", "Greatest eclipse (UTC)", "Kind"]]
        rows = solar(astronomy, first, first + 9)
        yield page(f"solar/{first}", f"Solar eclipses – {first} to {first + 9}", heads, rows, source)
        rows = lunar(astronomy, first, first + 9)
        yield page(f"lunar/{first}", f"Lunar eclipses – {first} to {first + 9}", heads, rows, source)
    heads = [
        [head("Year", rows=2), head("Equinox", columns=2), head("Solstice", columns=2)],
        ["March", "September", "June", "December"],
    ]
    seasons: list[list[Content]] = []
    for year in range(2015, 2041):
        found = astronomy.Seasons(year)
        times = (found.mar_equinox, found.sep_equinox, found.jun_solstice, found.dec_solstice)
        seasons.append([year, *(moment(time)[:-5] + ", " + clock(time) for time in times)])
    yield page(
        "seasons", "Equinoxes and solstices (UTC)", heads, [[head(str(row[0])), *row[1:]] for row in seasons], source
    )
    for year in (2024, 2025):
        yield page(
            f"moon/{year}",
            f"Phases of the Moon in {year}",
            [["New moon", "First quarter", "Full moon", "Last quarter"]],
            phases(astronomy, year),
            source,
            "dark",
        )


def moment(time: Any) -> str:
    """Day, month and year of a time, such as `8 April 2024`."""
    year, month, day, *_ = time.Calendar()
    return f"{day} {MONTHS[month]} {year:04d}"


def clock(time: Any) -> str:
    """Hour and minute, rounded down."""
    _, _, _, hour, minute, _ = time.Calendar()
    return f"{hour:02d}:{minute:02d}"


def solar(astronomy: Any, first: int, last: int) -> list[list[Content]]:
    """Solar eclipses seen anywhere on Earth from one year to another."""
    rows: list[list[Content]] = []
    eclipse = astronomy.SearchGlobalSolarEclipse(astronomy.Time.Make(first, 1, 1, 0, 0, 0))
    while eclipse.peak.Calendar()[0] <= last:
        rows.append([moment(eclipse.peak), clock(eclipse.peak), eclipse.kind.name.lower()])
        eclipse = astronomy.NextGlobalSolarEclipse(eclipse.peak)
    return rows


def lunar(astronomy: Any, first: int, last: int) -> list[list[Content]]:
    """Lunar eclipses from one year to another."""
    rows: list[list[Content]] = []
    eclipse = astronomy.SearchLunarEclipse(astronomy.Time.Make(first, 1, 1, 0, 0, 0))
    while eclipse.peak.Calendar()[0] <= last:
        rows.append([moment(eclipse.peak), clock(eclipse.peak), eclipse.kind.name.lower()])
        eclipse = astronomy.NextLunarEclipse(eclipse.peak)
    return rows


def phases(astronomy: Any, year: int) -> list[list[Content]]:
    """One lunation a row; the year stands in the title alone."""
    rows: list[list[Content]] = []
    quarter = astronomy.SearchMoonQuarter(astronomy.Time.Make(year, 1, 1, 0, 0, 0))
    row: list[Content] = [""] * quarter.quarter
    while quarter.time.Calendar()[0] == year:
        row.append(moment(quarter.time)[:-5] + ", " + clock(quarter.time))
        if quarter.quarter == 3:
            rows.append(row)
            row = []
        quarter = astronomy.NextMoonQuarter(quarter)
    return [*rows, row + [""] * (4 - len(row))] if row else rows
