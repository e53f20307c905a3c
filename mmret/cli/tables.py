"""Results and models as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from ..benchmarks import PublishedTable
from ..encoders import Spec, lacking
from ..evaluation import Ranking
from ..evaluation.frames import CHANCE, LEGEND, SOURCE, percent
from .common import new_table

_SOURCE = dict(zip(SOURCE, ("R@1 lost to it", "it comes first", "target above it", "its median rank"), strict=True))
_ASIDE = ("n", *SOURCE)  # not among the measures of the main table


def result_table(record: Mapping[str, Any]) -> Table:
    """The scores of a result."""
    benchmark = record["benchmark"]
    return scores_table(record["scores"], f"{record['model']['name']} on {benchmark['name']} {benchmark['version']}")


def scores_table(scores: Mapping[str, Any], title: str) -> Table:
    """Protocol × slice × measure, each value above its interval, in percent (ranks as they are); and chance."""
    entries = [entry for slices in scores.values() for entry in slices.values()]
    names = [name for name in dict.fromkeys(name for entry in entries for name in entry) if name not in _ASIDE]
    table = new_table(
        ("protocol", "slice", "n", *names),
        ("protocol", "slice"),
        no_wrap=True,
        title=title,
        caption=LEGEND,
    )
    for protocol, slices in scores.items():
        for label, entry in slices.items():
            cells = [value_cell(name, entry[name]) if name in entry else "–" for name in names]
            table.add_row(protocol if label == "all" else "", label, str(entry["n"]), *cells)
        chance = [_number(name, slices["all"].get(name, {}).get("random")) for name in names]
        table.add_row("", CHANCE, "", *chance, style="dim")
        table.add_section()
    return table


def source_table(record: Mapping[str, Any]) -> Table | None:
    """Slice × protocol: what the query's own source does among the candidates; None where no protocol lets it in."""
    scores = {
        protocol: slices
        for protocol, slices in record["scores"].items()
        if any(name in slices["all"] for name in _SOURCE)
    }
    if not scores:
        return None
    table = new_table(
        ("protocol", "slice", "n", "R@1 with it", "R@1 without", *_SOURCE.values()),
        ("protocol", "slice"),
        title="the query's own source among the candidates, percent",
    )
    for protocol, slices in scores.items():
        for label, entry in slices.items():
            without = record["scores"].get(f"{protocol}-no-source", {}).get(label, {})
            both = [value_cell("R@1", one["R@1"]) if "R@1" in one else "–" for one in (entry, without)]
            cells = [value_cell(name, entry[name]) if name in entry else "–" for name in _SOURCE]
            table.add_row(protocol if label == "all" else "", label, str(entry["n"]), *both, *cells)
        table.add_section()
    return table


def cost_table(record: Mapping[str, Any]) -> Table | None:
    """Side × stage: what an item costs that nothing was kept of; None where it was not measured."""
    items = record["cost"]["item"]
    if not items:
        return None
    parameters = record["model"]["parameters"]
    table = new_table(
        (
            "side", "timed", "decode", "caption", "embed", "in all", "caption GFLOP", "embed GFLOP", "from store",
            "captions add",
        ),
        ("side",),
        title=f"cost of an item on {record['cost']['device']}"
        + (f", {parameters / 1e6:.1f} M weights" if parameters else ""),
        caption="milliseconds, and 10^9 floating-point operations of a forward pass; –: not counted",
    )  # fmt: skip
    reading = record["cost"]["stages"].get("read vectors", {"seconds": 0.0, "items": 0})
    kept = 1000 * reading["seconds"] / reading["items"] if reading["items"] else 0.0
    for side, cost in items.items():
        seconds = [cost[stage]["seconds"] for stage in ("decode", "caption", "embed")]
        table.add_row(
            side,
            str(cost["items"]),
            *(f"{1000 * value:.1f}" for value in (*seconds, sum(seconds))),
            *(_giga(cost[stage]["flops"]) for stage in ("caption", "embed")),
            f"{kept:.2f}",
            _times(cost["captions_add"]),
        )
    return table


def _giga(flops: float | None) -> str:
    return "–" if flops is None else f"{flops / 1e9:.2f}"


def _times(added: Mapping[str, float | None] | None) -> str:
    """What captions add to all else, and what is spent in all as a multiple of it."""
    share = (added or {}).get("seconds")
    return "–" if share is None else f"+{share:.2f}×, in all {1 + share:.2f}×"


def blind_table(record: Mapping[str, Any], measure: str) -> Table:
    """Slice × protocol: the model, itself with parts of the query covered, and how far it is ahead of these."""
    blind, variants = record["blind"], record["blind"]["variants"]
    table = new_table(
        ("slice", "protocol", "n", record["model"]["name"], *variants, "ahead"),
        ("slice", "protocol"),
        title=f"{measure}: what could be had blind",
        caption="percent; ahead: of the best blind one, with 95 % interval paired by query",
    )
    for label in next(iter(record["scores"].values())):
        for protocol, slices in record["scores"].items():
            gain = blind["gain"][protocol].get(label, {}).get(measure)
            table.add_row(
                label,
                protocol,
                str(slices[label]["n"]),
                _number(measure, slices[label][measure]["value"]),
                *(_blind(one, protocol, label, measure) for one in variants.values()),
                "–"
                if gain is None
                else "{} [{}, {}]".format(*(_number(measure, gain[k]) for k in ("value", "low", "high"))),
            )
        table.add_section()
    return table


def _blind(variant: Mapping[str, Any], protocol: str, label: str, measure: str) -> str:
    entry = variant.get("scores", {}).get(protocol, {}).get(label, {}).get(measure)
    return "refused" if "refused" in variant else "–" if entry is None else _number(measure, entry["value"])


def published_table(published: PublishedTable) -> Table:
    """Results of others, as they gave them."""
    names = list(dict.fromkeys(name for row in published.rows for name in row))
    queries = "an unknown number of" if published.queries is None else f"{published.queries:,}"
    table = new_table(
        names,
        [name for name in names if "@" not in name],
        title=f"PUBLISHED, not measured by mmret: {published.title}, {queries} queries, percent",
        caption=f"{published.origin}\nprotocol: {published.protocol}",
    )
    for row in published.rows:
        table.add_row(*(str(row.get(name, "–")) for name in names))
    return table


def measures_table(scores: Mapping[str, Any]) -> Table:
    """One row a measure: value, bounds over ties, interval, chance where it is known."""
    columns = {
        "value": "value",
        "low": "95 % from",
        "high": "to",
        "pessimistic": "ties worst",
        "optimistic": "ties best",
    }
    table = new_table(
        ("measure", *columns.values(), "chance"),
        ("measure",),
        title=f"{scores['n']} queries, percent",
        caption="MedR and MeanR are ranks",
    )
    for name, entry in scores.items():
        if name != "n":
            table.add_row(name, *(_number(name, entry.get(key)) for key in (*columns, "random")))
    return table


def ranking_table(ranking: Ranking) -> Table:
    """Systems, best first, with their groups."""
    table = new_table(
        ("group", "system", ranking.measure),
        ("group", "system"),
        title=f"{ranking.measure}, protocol {ranking.protocol}, {ranking.queries} queries",
        caption="systems that share a group cannot be told apart (5 %, Holm over all pairs)",
    )
    for name, value in ranking.systems.items():
        table.add_row(", ".join(map(str, ranking.groups[name])), name, _number(ranking.measure, value))
    return table


def pairs_table(ranking: Ranking) -> Table:
    """All pairs: difference with interval, p values, wins, ties and losses, queries needed."""
    table = new_table(
        ("first", "second", "difference", "95 %", "p", "p (Holm)", "sign", "win/tie/loss", "needed"),
        ("first", "second"),
        caption="p: paired randomisation, by source; sign: exact sign test, McNemar's for R@1; "
        "needed: queries to tell such systems apart with 80 % power",
    )
    for pair in ranking.pairs:
        c = pair.comparison
        effect, low, high = (_number(ranking.measure, value) for value in (c.effect, c.low, c.high))
        table.add_row(
            pair.first, pair.second, effect, f"{low} to {high}",
            f"{c.p:.4f}", f"{pair.adjusted:.4f}", f"{c.sign_p:.4f}",
            f"{c.wins}/{c.ties}/{c.losses}", "–" if c.needed is None else f"{c.needed:,}",
        )  # fmt: skip
    return table


def value_cell(name: str, entry: Mapping[str, float]) -> str:
    """A value above its interval."""
    value, low, high = (_number(name, entry[key]) for key in ("value", "low", "high"))
    return f"{value}\n{low}–{high}"


def _number(name: str, value: float | None) -> str:
    return "–" if value is None else percent(name, value)


def models_table(specs: Sequence[Spec]) -> Table:
    """One row a model."""
    reads = ("reads of a query", "reads of a document")
    headings = ("model", *reads, "track", "scoring", "weights", "size", "licence", "here?", "what it is")
    table = new_table(headings, headings)
    for spec in specs:
        mend = lacking(spec)
        table.add_row(
            spec.name,
            ", ".join(sorted(spec.query)),
            ", ".join(sorted(spec.document)),
            spec.track,
            spec.scoring,
            f"{spec.parameters / 1e6:,.1f} M" if spec.parameters else "–",
            f"{spec.download_mb:,.0f} MB" if spec.download_mb else "–",
            spec.licence,
            f"no: {mend}" if mend else "yes",
            spec.summary,
        )
    return table
