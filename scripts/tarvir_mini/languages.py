"""Tables about languages: names of months and days, speakers, and the money of countries by its English names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from tarvir_mini.markup import Cell, Content, Page, head, number, page
from tarvir_mini.sources import Library

FAMILIES = {
    "Romance": "fr es it pt ro ca",
    "Germanic": "de nl sv da nb is",
    "Slavic": "ru uk pl cs bg hr",
    "Uralic and Baltic": "fi et hu lt lv",
    "East Asian": "zh ja ko",
    "Semitic and Iranian": "ar he fa ur am",
    "Indic": "hi bn ta te gu ml",
    "Turkic": "tr az kk uz ky",
    "Celtic and Basque": "ga gd cy br eu",
}
SPOKEN = ("CH", "BE", "ZA", "IN", "NG", "KE", "PH", "CA", "FI", "ES")
WITH_MONEY = ("BR", "ZW", "BA", "HR", "BY", "BG", "BE", "AR", "UA", "LV", "LT", "PE")


def load_locale(library: Library) -> Any:
    """Babel's class of locales, from the unpacked package."""
    sys.path.insert(0, str(library.path("babel")))
    return importlib.import_module("babel").Locale


def pages(library: Library) -> Iterator[Page]:
    """All tables about languages and currencies."""
    locale = load_locale(library)
    yield from calendars(locale)
    yield from speakers(library, locale)
    yield from currencies(library, locale)


def calendars(locale: Any) -> Iterator[Page]:
    """Names of months and of weekdays, a matrix for each family of languages."""
    english = locale("en").languages
    for family, codes in FAMILIES.items():
        languages = codes.split()
        heads = [
            [head("English", rows=2), head(f"{family} languages", columns=len(languages))],
            [english[language] for language in languages],
        ]
        for kind, title in (("months", "Names of the months"), ("days", "Names of the days of the week")):
            names = {language: calendar_names(locale, language, kind) for language in ("en", *languages)}
            rows: list[list[Content]] = [
                [head(names["en"][key]), *(Cell(names[language][key], language=language) for language in languages)]
                for key in sorted(names["en"])
            ]
            style = "latex" if kind == "days" else "wikipedia"
            yield page(f"{kind}/{family}", f"{title} – {family} languages", heads, rows, ("babel",), style)


def calendar_names(locale: Any, language: str, kind: str) -> dict[int, str]:
    """Full names of months or days, by number, as they stand alone."""
    # Babel writes names that one language takes from its parent into the parent, where the next one finds them.
    importlib.import_module("babel.localedata")._cache.clear()
    return dict(getattr(locale(language), kind)["stand-alone"]["wide"])


def speakers(library: Library, locale: Any) -> Iterator[Page]:
    """The languages of a country with the share of the people who use them."""
    english = locale("en")
    territories = library.json("cldr-core", "supplemental/territoryInfo.json")["supplemental"]["territoryInfo"]
    heads = [["Language", "Own name", "Code", "Share of the population (%)", "Status"]]
    for code in SPOKEN:
        spoken = territories[code]["languagePopulation"]
        known = sorted(
            (item for item in spoken.items() if item[0] in english.languages),
            key=lambda item: -float(item[1]["_populationPercent"]),
        )
        rows: list[list[Content]] = [
            [
                english.languages[language],
                own_name(locale, language),
                language,
                number(float(facts["_populationPercent"])),
                facts.get("_officialStatus", "–").replace("_", " "),
            ]
            for language, facts in known[:25]
        ]
        yield page(
            f"speakers/{code}",
            f"Languages of {english.territories[code]} – Speakers",
            heads,
            rows,
            ("cldr-core", "babel"),
        )


def own_name(locale: Any, language: str) -> Content:
    """What a language calls itself, where the source says."""
    try:
        return Cell(locale.parse(language).languages.get(language, "–"), language=language)
    except Exception as error:  # babel's UnknownLocaleError, a class of the unpacked package
        if type(error).__name__ != "UnknownLocaleError":
            raise
        return "–"


def currencies(library: Library, locale: Any) -> Iterator[Page]:
    """What money a country has used, and the list of today's codes."""
    names = locale("en")
    regions = library.json("cldr-core", "supplemental/currencyData.json")["supplemental"]["currencyData"]["region"]
    heads = [["Currency", "Code", "From", "Until"]]
    for code in WITH_MONEY:
        entries = [
            (currency, dates)
            for entry in regions[code]
            for currency, dates in entry.items()
            if dates.get("_tender") != "false"
        ]
        rows: list[list[Content]] = [
            [names.currencies.get(currency, currency), currency, dates.get("_from", "–"), dates.get("_to", "today")]
            for currency, dates in reversed(entries)
        ]
        yield page(
            f"money/{code}",
            f"Currency of {names.territories[code]} – History",
            heads,
            rows,
            ("cldr-core", "babel"),
            "plain",
        )
    codes = library.json("pycountry", "pycountry/databases/iso4217.json")["4217"]
    rows = [
        [row["alpha_3"], row["numeric"], row["name"], names.currency_symbols.get(row["alpha_3"], "–")] for row in codes
    ]
    yield page(
        "iso4217",
        "ISO 4217 – Active codes",
        [["Code", "Number", "Currency", "Sign"]],
        rows,
        ("pycountry", "babel"),
        "latex",
    )
