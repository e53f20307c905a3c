"""Tables about the chemical elements and their isotopes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from tarvir_mini.markup import Cell, Content, Page, head, infobox, number, page
from tarvir_mini.sources import Library

SOURCE = ("mendeleev",)
ZERO_CELSIUS = 273.15
PLUTONIUM = 94
GROUP_NAMES = {
    1: "alkali metals",
    2: "alkaline earth metals",
    15: "pnictogens",
    16: "chalcogens",
    17: "halogens",
    18: "noble gases",
}
BOXES = ["He", "C", "O", "Na", "Fe", "Cu", "Ag", "Au", "Hg", "U"]
WITH_ISOTOPES = ["Sn", "Xe", "Ca", "Hg", "Pt", "Pb", "Zn", "Kr"]
TINTS = {"s": "#ffd9d9", "p": "#fff6c7", "d": "#d7e8ff", "f": "#d9f5dc"}
PERIODIC_COLUMNS = 18
DOUBTFUL = ("Nd",)  # the source dates its isolation, not its discovery in 1885

Row = sqlite3.Row


def pages(library: Library) -> Iterator[Page]:
    """All tables about elements."""
    with sqlite3.connect(library.path("mendeleev", "mendeleev/elements.db")) as base:
        base.row_factory = sqlite3.Row
        elements = base.execute("SELECT * FROM elements ORDER BY atomic_number").fetchall()
        heat = {row["atomic_number"]: row for row in base.execute(MELTING)}
        series = {row["id"]: row["name"] for row in base.execute("SELECT id, name FROM series")}
        yield from groups(elements, heat)
        yield from discoveries(elements)
        yield from isotopes(base, elements)
        yield from ionisation(base, elements)
        yield from boxes(elements, heat, series)
        yield from wholes(elements, series)


MELTING = """SELECT atomic_number, min(melting_point) AS melting_point, min(boiling_point) AS boiling_point
FROM phasetransitions GROUP BY atomic_number"""


def celsius(heat: dict[int, Row], element: Row, name: str) -> str:
    """A melting or boiling point in degrees Celsius."""
    row = heat.get(element["atomic_number"])
    return number(None if row is None or row[name] is None else row[name] - ZERO_CELSIUS, 1)


def groups(elements: Sequence[Row], heat: dict[int, Row]) -> Iterator[Page]:
    """Physical properties of each group of the periodic table, under two levels of headers."""
    heads = [
        [
            *(head(name, rows=2) for name in ("Element", "Symbol", "Standard atomic weight", "Density (g/cm³)")),
            head("Temperature (°C)", columns=2),
            head("Electronegativity (Pauling)", rows=2),
        ],
        ["Melting point", "Boiling point"],
    ]
    for group in range(1, PERIODIC_COLUMNS + 1):
        rows = [
            [
                head(row["name"]),
                Cell(row["symbol"], colour=TINTS[row["block"]]),
                number(row["atomic_weight"]),
                plain(row["density"]),
                celsius(heat, row, "melting_point"),
                celsius(heat, row, "boiling_point"),
                number(row["en_pauling"]),
            ]
            for row in elements
            if row["group_id"] == group and row["atomic_number"] < 104
        ]
        name = f" ({GROUP_NAMES[group]})" if group in GROUP_NAMES else ""
        yield page(f"group/{group}", f"Group {group} elements{name} – Physical properties", heads, rows, SOURCE)


def discoveries(elements: Sequence[Row]) -> Iterator[Page]:
    """Who found the elements of a stretch of years, and where."""
    heads = [["Year", "Element", "Symbol", "Discovered by", "Place", "Origin of the name"]]
    for first, last in (
        (1660, 1779),
        (1780, 1799),
        (1800, 1819),
        (1820, 1859),
        (1860, 1884),
        (1885, 1939),
        (1940, 2016),
    ):
        found = sorted(
            (
                row
                for row in elements
                if first <= (row["discovery_year"] or 0) <= last and row["symbol"] not in DOUBTFUL
            ),
            key=lambda row: row["discovery_year"],
        )
        rows = [
            [
                row["discovery_year"],
                row["name"],
                row["symbol"],
                row["discoverers"].strip(" ."),
                row["discovery_location"] or "–",
                row["name_origin"].strip(" ."),
            ]
            for row in found
        ]
        yield page(
            f"discovery/{first}", f"Discovery of chemical elements – {first} to {last}", heads, rows, SOURCE, "plain"
        )


def isotopes(base: sqlite3.Connection, elements: Sequence[Row]) -> Iterator[Page]:
    """The isotopes of an element that occur in nature."""
    heads = [["Mass number", "Isotopic mass (Da)", "Natural abundance (%)", "Spin", "Year of discovery"]]
    for element in elements:
        if element["symbol"] not in WITH_ISOTOPES:
            continue
        found = base.execute(
            "SELECT * FROM isotopes WHERE atomic_number = ? AND abundance IS NOT NULL ORDER BY mass_number",
            (element["atomic_number"],),
        )
        rows = [
            [
                row["mass_number"],
                number(row["mass"], 5),
                number(row["abundance"]),
                row["spin"] + (row["parity"] or ""),
                row["discovery_year"] or "–",
            ]
            for row in found
        ]
        yield page(
            f"isotopes/{element['symbol']}",
            f"Isotopes of {element['name'].lower()} – Naturally occurring",
            heads,
            rows,
            SOURCE,
            "latex",
        )


def ionisation(base: sqlite3.Connection, elements: Sequence[Row]) -> Iterator[Page]:
    """Energies for taking off one electron after another, a matrix for each period."""
    for period in (2, 3, 4):
        members = [row for row in elements if row["period"] == period]
        steps = min(8, max(row["atomic_number"] for row in members))
        rows: list[list[Content]] = []
        for element in members:
            energies = base.execute(
                "SELECT ionization_energy FROM ionizationenergies WHERE atomic_number = ? ORDER BY ion_charge LIMIT ?",
                (element["atomic_number"], steps),
            ).fetchall()
            values = [number(row[0], 2) for row in energies]
            rows.append([head(element["symbol"]), element["name"], *values, *[""] * (steps - len(values))])
        heads = [
            [head("", rows=2), head("Element", rows=2), head("Ionization energy (eV)", columns=steps)],
            ["1st", "2nd", "3rd", *(f"{step}th" for step in range(4, steps + 1))],
        ]
        yield page(
            f"ionisation/{period}", f"Ionization energies of the period {period} elements", heads, rows, SOURCE, "latex"
        )


def boxes(elements: Sequence[Row], heat: dict[int, Row], series: dict[int, str]) -> Iterator[Page]:
    """A box about one element."""
    for row in elements:
        if row["symbol"] not in BOXES:
            continue
        sections: list[tuple[str, list[tuple[str, Content]]]] = [
            (
                "",
                [
                    ("Symbol", row["symbol"]),
                    ("Atomic number", row["atomic_number"]),
                    ("Category", series[row["series_id"]]),
                ],
            ),
            (
                "Atomic properties",
                [
                    ("Electron configuration", row["electronic_configuration"]),
                    ("Covalent radius (pm)", number(row["covalent_radius_cordero"])),
                    ("Van der Waals radius (pm)", number(row["vdw_radius"])),
                ],
            ),
            (
                "Physical properties",
                [
                    ("Melting point (°C)", celsius(heat, row, "melting_point")),
                    ("Thermal conductivity (W/(m·K))", number(row["thermal_conductivity"])),
                    ("Crystal structure", row["lattice_structure"] or ""),
                ],
            ),
            ("Other", [("CAS number", row["cas"]), ("Abundance in the crust (mg/kg)", plain(row["abundance_crust"]))]),
        ]
        yield page(
            f"element/{row['symbol']}", f"{row['name']} – Properties", [], infobox(row["name"], sections), SOURCE
        )


def wholes(elements: Sequence[Row], series: dict[int, str]) -> Iterator[Page]:
    """The periodic table itself, and two lists of all elements, each longer than a window."""
    title = "Periodic table – Symbols by group and period"
    yield page("periodic", title, [["", *range(1, 19)]], periodic(elements), SOURCE, "plain")
    heads = ["Z", "Symbol", "Element", "Category", "Period", "Group", "Block", "Electron configuration"]
    rows: list[list[Content]] = [
        [
            *(row["atomic_number"], row["symbol"], row["name"], series[row["series_id"]]),
            *(row["period"], row["group_id"] or "–", Cell(row["block"], colour=TINTS[row["block"]])),
            *(row["electronic_configuration"], number(row["specific_heat_capacity"])),
        ]
        for row in elements
    ]
    heat_heads = [[*heads, "Specific heat capacity (J/(g·K))"]]
    yield page("elements", "List of chemical elements", heat_heads, rows, SOURCE)
    heads = ["Z", "Element", "CAS number", "Abundance in the crust (mg/kg)", "Abundance in the sea (mg/L)"]
    rows = [
        [
            *(
                row["atomic_number"],
                row["name"],
                row["cas"],
                plain(row["abundance_crust"]),
                plain(row["abundance_sea"]),
            ),
            *(number(row["thermal_conductivity"]), number(row["covalent_radius_cordero"])),
        ]
        for row in elements
        if row["atomic_number"] <= PLUTONIUM
    ]
    more_heads = [[*heads, "Thermal conductivity (W/(m·K))", "Covalent radius (pm)"]]
    yield page("abundance", "Abundance of the chemical elements on Earth", more_heads, rows, SOURCE, "dark")


def plain(value: Any) -> str:
    """A figure of any size without an exponent."""
    return "–" if value is None else f"{value:.12f}".rstrip("0").rstrip(".")


def periodic(elements: Sequence[Row]) -> list[list[Content]]:
    """Rows of the periodic table with gaps as wide empty cells; the f block stands below."""
    rows: list[list[Content]] = []
    for period in range(1, 8):
        by_group = {row["group_id"]: row for row in elements if row["period"] == period and row["group_id"]}
        cells: list[Content] = [head(str(period))]
        gap = 0
        for group in range(1, PERIODIC_COLUMNS + 1):
            if group in by_group:
                cells += [Cell(columns=gap)] * bool(gap)
                gap = 0
                row = by_group[group]
                cells.append(Cell(f"{row['atomic_number']} {row['symbol']}", colour=TINTS[row["block"]]))
            else:
                gap += 1
        rows.append(cells)
    for name, period in (("Lanthanides", 6), ("Actinides", 7)):
        members = [row for row in elements if row["period"] == period and not row["group_id"]]
        cells = [Cell(f"{row['atomic_number']} {row['symbol']}", colour=TINTS["f"]) for row in members]
        rows.append([head(name, columns=19 - len(members)), *cells])
    return rows
