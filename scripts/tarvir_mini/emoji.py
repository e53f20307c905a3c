"""Tables of emoji: with their names, or with the picture alone."""

from __future__ import annotations

from collections.abc import Iterator

from tarvir_mini.markup import Cell, Content, Page, grouped, page
from tarvir_mini.pictures import Album
from tarvir_mini.sources import Library

NAMED = {
    "food-fruit": "Fruit",
    "food-vegetable": "Vegetables",
    "food-asian": "Asian food",
    "animal-bird": "Birds",
    "animal-marine": "Sea animals",
    "animal-bug": "Insects and other small animals",
    "sport": "Sports",
    "musical-instrument": "Musical instruments",
    "drink": "Drinks",
    "tool": "Tools",
    "food-sweet": "Sweets",
    "animal-mammal": "Mammals",
    "transport-ground": "Vehicles and roads",
    "clothing": "Clothing",
}
UNNAMED = {
    "food-prepared": "Prepared dishes",
    "plant-flower": "Flowers",
    "plant-other": "Plants",
    "office": "Office",
    "transport-air": "Air and space",
    "game": "Games",
    "household": "Household",
    "science": "Science",
    "medical": "Medicine",
    "animal-reptile": "Reptiles",
    "place-building": "Buildings",
}
PICTURE_WIDTH = 32
YEARS = {"0.6": 2010, "0.7": 2014, "1.0": 2015, "2.0": 2015, "3.0": 2016, "4.0": 2016, "5.0": 2017, "11.0": 2018}
YEARS |= {
    "12.0": 2019,
    "12.1": 2019,
    "13.0": 2020,
    "13.1": 2020,
    "14.0": 2021,
    "15.0": 2022,
    "15.1": 2023,
    "16.0": 2024,
}


def pages(library: Library, album: Album) -> Iterator[Page]:
    """Emoji by subject and year."""
    everything = library.json("emoji", "emoji.json")
    for kind, subject in (NAMED | UNNAMED).items():
        members = [row for row in everything if row["subcategory"] == kind and row["has_img_twitter"]]
        groups: dict[int, list[list[Content]]] = {}
        for row in sorted(members, key=lambda row: int(row["sort_order"])):
            file = library.path("emoji", f"img/twitter/64/{row['image']}")
            picture = album.add(f"emoji:{row['short_name']}", file, PICTURE_WIDTH)
            code = "U+" + row["unified"].replace("-FE0F", "").replace("-", " U+")
            name = [(row["name"] or row["short_name"]).lower()] if kind in NAMED else []
            cells: list[Content] = [Cell(picture=picture), code, *name, row["added_in"]]
            groups.setdefault(YEARS[row["added_in"]], []).append(cells)
        body = grouped((str(year), groups[year]) for year in sorted(groups))
        heads = [["Year", "Emoji", "Code point", *(["Name"] if kind in NAMED else []), "Version"]]
        style = "wikipedia" if kind in NAMED else "dark"
        yield page(f"emoji/{kind}", f"Emoji – {subject}", heads, body, ("emoji",), style)
