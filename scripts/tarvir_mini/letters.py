"""Tables about scripts: letters with their code points, kana, the codes of scripts, and digits."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from tarvir_mini.languages import load_locale
from tarvir_mini.markup import Content, Page, head, page
from tarvir_mini.sources import Library

ALPHABETS = {
    "Greek": "GREEK SMALL LETTER",
    "Hebrew": "HEBREW LETTER",
    "Georgian": "GEORGIAN LETTER",
    "Runic": "RUNIC LETTER",
    "Ogham": "OGHAM LETTER",
    "Gothic": "GOTHIC LETTER",
}
KANA_VOWELS, KANA_ROWS = "AIUEO", ("", "K", "S", "T", "N", "H", "M", "Y", "R", "W")
DIGITS = (
    "arab",
    "deva",
    "beng",
    "thai",
    "laoo",
    "mymr",
    "khmr",
    "tibt",
    "telu",
    "knda",
    "mlym",
    "orya",
    "gujr",
    "guru",
)


def pages(library: Library) -> Iterator[Page]:
    """All tables about scripts."""
    yield from alphabets()
    yield from scripts(library, load_locale(library))


def alphabets() -> Iterator[Page]:
    """Letters with their code points and names, kana as a grid, and digits of many scripts."""
    letters = [(chr(code), unicodedata.name(chr(code), "")) for code in range(0x300, 0x11000)]
    for script, prefix in ALPHABETS.items():
        rows: list[list[Content]] = [
            [letter, f"U+{ord(letter):04X}", name.removeprefix(prefix).strip().lower()]
            for letter, name in letters
            if name.startswith(prefix) and " WITH " not in name
        ]
        heads = [["Letter", "Code point", "Name of the letter"]]
        yield page(f"letters/{script}", f"{script} alphabet – Characters in Unicode", heads, rows, ("python",))
    for kana in ("Hiragana", "Katakana"):
        rows = []
        for consonant in KANA_ROWS:
            cells = [kana_letter(kana, consonant, vowel) for vowel in KANA_VOWELS]
            rows.append([head(consonant.lower() or "∅"), *cells])
        heads = [[head("", rows=2), head("Vowel", columns=5)], list(KANA_VOWELS.lower())]
        yield page(f"kana/{kana}", f"{kana} – Table of basic characters", heads, rows, ("python",), "latex")


def kana_letter(kana: str, consonant: str, vowel: str) -> str:
    """A character of the grid, with a gap where Japanese has none."""
    if consonant + vowel in ("YI", "YE", "WU", "WI", "WE"):
        return ""
    return unicodedata.lookup(f"{kana.upper()} LETTER {consonant}{vowel}")


def scripts(library: Library, locale: Any) -> Iterator[Page]:
    """Scripts of the world with their codes, and their digits."""
    english = locale("en")
    facts = library.json("cldr-core", "scriptMetadata.json")["scriptMetadata"]
    codes = library.json("pycountry", "pycountry/databases/iso15924.json")["15924"]
    heads = [["Code", "Number", "Script", "Sample", "Direction", "Case", "Origin"]]
    rows: list[list[Content]] = []
    for row in codes:
        fact = facts.get(row["alpha_4"])
        if fact is None or not fact["sampleChar"].isprintable():
            continue
        direction = "right to left" if fact["rtl"] == "YES" else "left to right"
        case = "yes" if fact["hasCase"] == "YES" else "no"
        origin = english.territories.get(fact["originCountry"], "–")
        rows.append([row["alpha_4"], row["numeric"], row["name"], fact["sampleChar"], direction, case, origin])
    yield page("iso15924", "ISO 15924 – Codes for scripts", heads, rows, ("pycountry", "cldr-core", "babel"))
    systems = library.json("cldr-core", "supplemental/numberingSystems.json")["supplemental"]["numberingSystems"]
    rows = [[head(english.scripts.get(code.title(), code)), *systems[code]["_digits"]] for code in DIGITS]
    heads = [[head("Script", rows=2), head("Digit", columns=10)], [str(digit) for digit in range(10)]]
    yield page("digits", "Decimal digits in other scripts", heads, rows, ("cldr-core", "babel"))
