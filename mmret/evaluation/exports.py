"""Results in the forms of others: mteb's TaskResult, CSV, Markdown and LaTeX."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from .measures import Measure
from .results import Result

_MTEB = {
    "R": "recall", "nDCG": "ndcg", "MRR": "mrr", "AP": "map", "P": "precision", "Success": "hit_rate",
}  # fmt: skip


def to_mteb(result: Result) -> str:
    """JSON of mteb's `TaskResult`: one split a protocol, one subset a slice ("default" for all queries).

    Values are means over ties and not rounded. mteb itself breaks ties by document id, so its own figures differ where
    candidates tie. The main score is nDCG@10 where it was measured, else the first measure.
    """
    record = result.record
    scores = {
        protocol.replace("-", "_"): [_mteb_subset(label, entry) for label, entry in slices.items()]
        for protocol, slices in record["scores"].items()
    }
    return json.dumps(
        {
            "dataset_revision": record["benchmark"]["digest"],
            "task_name": record["benchmark"]["name"],
            "mteb_version": "2.0.0",  # the version of the layout
            "evaluation_time": sum(stage["seconds"] for stage in record["cost"]["stages"].values()),
            "scores": scores,
        },
        indent=1,
    )


def _mteb_subset(label: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for name, figures in entry.items():
        if isinstance(figures, dict) and "random" in figures:
            measure = Measure.parse(name)
            known = _MTEB.get(measure.name)
            key = f"{known}_at_{measure.cutoff}" if known and measure.cutoff else known or measure.name.lower()
            values[key] = figures["value"]
    main = values.get("ndcg_at_10", next(iter(values.values())))
    subset = "default" if label == "all" else label
    return values | {"main_score": main, "hf_subset": subset, "languages": ["eng-Latn"]}


def to_frame(result: Result) -> pd.DataFrame:
    """One row a protocol, slice and measure: value, bounds over ties, interval, expectation of chance."""
    rows = [
        {"protocol": protocol, "slice": label, "n": entry["n"], "measure": name, **figures}
        for protocol, slices in result.record["scores"].items()
        for label, entry in slices.items()
        for name, figures in entry.items()
        if name != "n"
    ]
    return pd.DataFrame(rows)


def to_csv(result: Result) -> str:
    """`to_frame` as CSV, all digits."""
    return to_frame(result).to_csv(index=False)


def _wide(result: Result) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table for reading: percent with interval."""
    frame = to_frame(result)
    names = list(dict.fromkeys(frame.measure))
    rows = []
    for (protocol, label), group in frame.groupby(["protocol", "slice"], sort=False):
        by_name = group.set_index("measure")
        cells = [_cell(name, by_name.loc[name]) if name in by_name.index else "–" for name in names]
        rows.append([str(protocol), str(label), str(group["n"].iloc[0]), *cells])
    return ["protocol", "slice", "n", *names], rows


def _cell(name: str, figures: Any) -> str:
    scale = 1 if name in ("MedR", "MeanR") else 100
    value, low, high = (scale * figures[key] for key in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}–{high:.1f}]"


def to_markdown(result: Result) -> str:
    """A Markdown table: percent with 95 % intervals, ranks as they are."""
    head, rows = _wide(result)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def to_latex(result: Result) -> str:
    """A LaTeX `tabular` with booktabs rules: percent with 95 % intervals, ranks as they are."""
    head, rows = _wide(result)
    body = [" & ".join(_escaped(cell) for cell in line) + r" \\" for line in [head, *rows]]
    lines = [r"\begin{tabular}{ll" + "r" * (len(head) - 2) + "}", r"\toprule", body[0], r"\midrule", *body[1:]]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _escaped(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "–": "--", ">": "$>$", "<": "$<$", **{c: f"\\{c}" for c in "&%$#_{}"}}
    return "".join(special.get(character, character) for character in text)


EXPORTS: dict[str, Callable[[Result], str]] = {
    "mteb": to_mteb,
    "csv": to_csv,
    "markdown": to_markdown,
    "latex": to_latex,
}
