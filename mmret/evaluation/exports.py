"""Results in the forms of others: mteb's TaskResult, CSV, Markdown and LaTeX."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import unknown_name
from .frames import wide_frame
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
            key = _MTEB.get(measure.name, measure.name.lower()) + ("_exp" if measure.exponential else "")
            values[f"{key}_at_{measure.cutoff}" if measure.cutoff else key] = figures["value"]
    main = values.get("ndcg_at_10", next(iter(values.values())))
    subset = "default" if label == "all" else label
    return values | {"main_score": main, "hf_subset": subset, "languages": ["eng-Latn"]}


def to_csv(result: Result) -> str:
    """`Result.to_frame` as CSV, all digits."""
    return result.to_frame().to_csv(index=False)


def _wide(result: Result) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table for reading."""
    frame = wide_frame(result.scores).reset_index()
    return list(frame.columns), frame.to_numpy().tolist()


def to_markdown(result: Result) -> str:
    """A Markdown table: percent with 95 % intervals, ranks as they are."""
    head, rows = _wide(result)
    lines = [[cell.replace("|", r"\|") for cell in line] for line in [head, ["---"] * len(head), *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def to_latex(result: Result) -> str:
    """A LaTeX `tabular` with booktabs rules: percent with 95 % intervals, ranks as they are."""
    head, rows = _wide(result)
    body = [" & ".join(_escaped(cell) for cell in line) + r" \\" for line in [head, *rows]]
    lines = [r"\begin{tabular}{ll" + "r" * (len(head) - 2) + "}", r"\toprule", body[0], r"\midrule", *body[1:]]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _escaped(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "–": "--"}
    special |= {">": "$>$", "<": "$<$", **{c: f"\\{c}" for c in "&%$#_{}"}}
    return "".join(special.get(character, character) for character in text)


EXPORTS: dict[str, Callable[[Result], str]] = {
    "mteb": to_mteb,
    "csv": to_csv,
    "markdown": to_markdown,
    "latex": to_latex,
}


def export(result: Result, form: str) -> str:
    """A result in the form of others, as text.

    Parameters
    ----------
    form: "markdown" or "latex", tables of percent with intervals; "csv", all figures with all digits; or "mteb".

    Raises `InputError` for another form, and where nothing was scored because labels are hidden.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> result = mmret.evaluate(tables, "bm25", mmret.Settings(limit=30, measures=["R@1"]))
    >>> print(mmret.export(result, "markdown"))
    | protocol | slice | n | R@1 |
    | --- | --- | --- | --- |
    | global | all | 30 | 61.7 [43.3–76.7] |
    ...
    """
    if form not in EXPORTS:
        raise unknown_name("format", form, EXPORTS)
    result.need_scores()
    return EXPORTS[form](result)
