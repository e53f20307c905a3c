"""Tables about countries: overviews, codes, names, borders and boxes, many with flags."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from tarvir_mini.markup import Cell, Content, Page, grouped, head, infobox, number, page
from tarvir_mini.pictures import Album
from tarvir_mini.sources import Library

FACTS = "world-countries"
FLAGS = "svg-country-flags"
FLAG_WIDTH = 36
BOX_FLAG_WIDTH = 100
BOXES = ["AR", "BO", "BT", "BW", "CH", "ET", "FJ", "GE", "IE", "IS", "KZ", "LK", "MG", "MT", "NP", "UZ"]
TRANSLATED = {"ara": "ar", "zho": "zh", "fra": "fr", "deu": "de", "jpn": "ja", "kor": "ko", "rus": "ru", "spa": "es"}
TONGUES = {"ara": "Arabic", "zho": "Chinese", "fra": "French", "deu": "German", "jpn": "Japanese"}
TONGUES |= {"kor": "Korean", "rus": "Russian", "spa": "Spanish"}
MATRICES = (
    "South America",
    "Central America",
    "Western Africa",
    "Southeast Europe",
    "Central Asia",
    "South-Eastern Asia",
)
BY_FLAG = ("Northern Europe", "South America", "Southern Europe", "Eastern Asia", "Eastern Africa", "Central America")
BY_FLAG += ("Polynesia", "Western Asia")

Country = dict[str, Any]


class Countries:
    """The countries of the source, with their flags."""

    def __init__(self, library: Library, album: Album) -> None:
        self.all: list[Country] = sorted(
            (row for row in library.json(FACTS, "countries.json") if row["subregion"]), key=name_of
        )
        self.sources, self.album = library, album

    def flag(self, country: Country, width: int = FLAG_WIDTH) -> str:
        """The picture of a country's flag at one of two widths."""
        code = country["cca2"].lower()
        name = f"flag:{code}" if width == FLAG_WIDTH else f"flag:{code}:{width}"
        return self.album.add(name, self.sources.path(FLAGS, f"png100px/{code}.png"), width)

    def regions(self, smallest: int = 1) -> Iterator[tuple[str, list[Country]]]:
        """Each subregion with its countries, in alphabetical order."""
        for region, rows in groupby(sorted(self.all, key=lambda row: row["subregion"]), lambda row: row["subregion"]):
            members = list(rows)
            if len(members) >= smallest:
                yield str(region), members


def name_of(country: Country) -> str:
    """The common English name."""
    return str(country["name"]["common"])


def listed(values: Any) -> str:
    """Values in a row, or a dash."""
    return ", ".join(str(value) for value in values) or "–"


def calling_code(country: Country) -> str:
    """The international calling code, where a country has exactly one."""
    root, suffixes = country["idd"]["root"], country["idd"]["suffixes"]
    return str(root + suffixes[0]) if len(suffixes) == 1 else "–"


def pages(library: Library, album: Album) -> Iterator[Page]:
    """All tables about countries."""
    countries = Countries(library, album)
    yield from overviews(countries)
    yield from codes(countries)
    yield from native_names(countries)
    yield from translations(countries)
    yield from matrices(countries)
    yield from by_flag(countries)
    yield from boxes(countries)
    yield from long_lists(countries)


def overviews(countries: Countries) -> Iterator[Page]:
    """Capital, area, currency and languages, a table for each subregion, with flags."""
    for region, members in countries.regions(4):
        rows = [
            [
                Cell(name_of(row), countries.flag(row)),
                listed(row["capital"]),
                number(row["area"]),
                listed(value["name"] for value in row["currencies"].values()),
                listed(row["languages"].values()),
            ]
            for row in members
        ]
        heads = [["Country or territory", "Capital", "Area (km²)", "Currency", "Languages"]]
        yield page(f"overview/{region}", f"{region} – Countries and territories", heads, rows, (FACTS, FLAGS))


def codes(countries: Countries) -> Iterator[Page]:
    """Codes by the initial letter of the name, under two levels of headers."""
    heads = [
        [
            head("Country", rows=2),
            head("ISO 3166-1", columns=3),
            head("IOC code", rows=2),
            head("Internet domain", rows=2),
        ],
        ["Alpha-2", "Alpha-3", "Numeric"],
    ]
    for initial, group in groupby(countries.all, lambda row: name_of(row)[0]):
        members = list(group)
        if len(members) < 8 or not initial.isascii():
            continue
        rows = [
            [name_of(row), row["cca2"], row["cca3"], row["ccn3"], row["cioc"] or "–", listed(row["tld"][:1])]
            for row in members
        ]
        yield page(f"codes/{initial}", f"List of country codes – {initial}", heads, rows, (FACTS,), "plain")


def native_names(countries: Countries) -> Iterator[Page]:
    """Official names in the languages of each country, one group of rows a country."""
    heads = [["Country", "Language", "Official name", "Common name"]]
    for region, members in countries.regions(4):
        groups: list[tuple[Content, list[list[Content]]]] = []
        for row in members:
            spoken = [
                [
                    row["languages"].get(code, code),
                    Cell(both["official"], language=short(code)),
                    Cell(both["common"], language=short(code)),
                ]
                for code, both in row["name"]["native"].items()
            ]
            if spoken:
                groups.append((head(name_of(row)), spoken))
        yield page(
            f"native/{region}",
            f"Names of the countries of {region} in their own languages",
            heads,
            grouped(groups),
            (FACTS,),
        )


def short(code: str) -> str:
    """The two-letter code of the languages that need a direction or a font; otherwise nothing."""
    known = {"ara": "ar", "mey": "ar", "fas": "fa", "prs": "fa", "heb": "he", "urd": "ur", "pus": "ps", "div": "dv"}
    return (known | {"zho": "zh", "jpn": "ja", "kor": "ko"}).get(code, "")


def translations(countries: Countries) -> Iterator[Page]:
    """Names in eight other languages, a wide and long table for each continent."""
    heads = [[head("English", rows=2), head("Name in other languages", columns=len(TONGUES))], list(TONGUES.values())]
    for region in ("Africa", "Americas", "Asia", "Europe", "Oceania"):
        rows = [
            [head(name_of(row))]
            + [Cell(row["translations"][code]["common"], language=TRANSLATED[code]) for code in TONGUES]
            for row in countries.all
            if row["region"] == region and row["independent"]
        ]
        yield page(f"translations/{region}", f"Country names of {region} in other languages", heads, rows, (FACTS,))


def matrices(countries: Countries) -> Iterator[Page]:
    """Who borders whom, as a square."""
    for region, members in countries.regions():
        if region not in MATRICES:
            continue
        joined = [row for row in members if row["borders"]]
        rows = [
            [
                head(name_of(row)),
                *("✓" if other["cca3"] in row["borders"] else "–" if other is row else "" for other in joined),
            ]
            for row in joined
        ]
        heads = [["", *map(name_of, joined)]]
        yield page(f"matrix/{region}", f"{region} – Land borders between countries", heads, rows, (FACTS,), "latex")


def by_flag(countries: Countries) -> Iterator[Page]:
    """Codes beside the flag alone: only the picture tells the country."""
    for region, members in countries.regions():
        if region not in BY_FLAG:
            continue
        rows = [
            [Cell(picture=countries.flag(row)), calling_code(row), listed(row["tld"][:1]), listed(row["currencies"])]
            for row in sorted(members, key=calling_code)
            if calling_code(row) != "–"
        ]
        heads = [["Flag", "Calling code", "Internet domain", "Currency code"]]
        yield page(f"flags/{region}", f"{region} – Telephone and internet", heads, rows, (FACTS, FLAGS), "dark")


def boxes(countries: Countries) -> Iterator[Page]:
    """A box about one country under its large flag."""
    by_code = {row["cca3"]: name_of(row) for row in countries.all}
    for row in countries.all:
        if row["cca2"] not in BOXES:
            continue
        latitude, longitude = (number(abs(degrees), 2) for degrees in row["latlng"])
        south, west = (degrees < 0 for degrees in row["latlng"])
        sections: list[tuple[str, list[tuple[str, Content]]]] = [
            ("", [("Official name", row["name"]["official"]), ("Capital", listed(row["capital"]))]),
            ("People", [("Demonym", row["demonyms"]["eng"]["m"]), ("Languages", listed(row["languages"].values()))]),
            (
                "Geography",
                [
                    ("Continent", row["region"]),
                    ("Coordinates", f"{latitude}° {'NS'[south]}, {longitude}° {'EW'[west]}"),
                    ("Area (km²)", number(row["area"])),
                    ("Borders", listed(sorted(by_code[code] for code in row["borders"] if code in by_code))),
                ],
            ),
            (
                "Codes",
                [("Internet domain", row["tld"][0]), ("ISO 3166 code", row["cca2"])],
            ),
        ]
        rows = infobox(name_of(row), sections, countries.flag(row, BOX_FLAG_WIDTH))
        yield page(f"box/{row['cca2']}", name_of(row), [], rows, (FACTS, FLAGS))


def long_lists(countries: Countries) -> Iterator[Page]:
    """Two lists of all countries, each several windows long."""
    members = [row for row in countries.all if row["landlocked"] or len(row["borders"]) >= 4]
    by_code = {row["cca3"]: name_of(row) for row in countries.all}
    rows: list[list[Content]] = [
        [
            Cell(name_of(row), countries.flag(row)),
            row["subregion"],
            "landlocked" if row["landlocked"] else "coastal",
            len(row["borders"]),
            listed(sorted(by_code[code] for code in row["borders"] if code in by_code)),
        ]
        for row in members
    ]
    heads = [["Country", "Region", "Access to the sea", "Neighbours", "Borders"]]
    yield page("borders", "List of countries by land neighbours", heads, rows, (FACTS, FLAGS))
    rows = [
        [Cell(name_of(row), countries.flag(row)), row["demonyms"]["eng"]["m"], row["region"], row["subregion"]]
        for row in countries.all
        if row["independent"]
    ]
    heads = [["Country", "Demonym", "Continent", "Region"]]
    yield page("demonyms", "List of countries with demonyms", heads, rows, (FACTS, FLAGS), "plain")
