"""Evaluate the models that need no hub on omnicvr-mini, and write their table into docs: `make baselines`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import marks

from mmret.evaluation import Result, Settings, compare_results, evaluate

PROTOCOL, MEASURE = "gallery-no-source", "R@1"
SLICES = ("all", "audio-center", "visual-center", "integrated")
STAGES = ("decode", "caption", "embed")
OFFLINE = "audiovlm2vec-offline"
RUNS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("`random`", "random", {}),
    ("`text`", "text", {}),
    ("`tagbridge`", "tagbridge", {}),
    ("`audiovlm2vec-offline`", OFFLINE, {}),
    ("… captions on both sides, as in the paper", OFFLINE, {"captions": "both"}),
    ("… captions of sources only", OFFLINE, {"captions": "query"}),
    ("… no captions", OFFLINE, {"captions": "none"}),
    ("… source frames hidden", OFFLINE, {"source_frames": "off"}),
    ("… native sound, no captions", OFFLINE, {"sound": "native"}),
    ("… transcripts for tags", OFFLINE, {"captioner": "asr"}),
    ("… tags and transcripts", OFFLINE, {"captioner": "tags+asr"}),
    ("… embedded by `text`", OFFLINE, {"backbone": "text"}),
    ("`bm25` over tags", "bm25", {"captioner": "tags"}),
)


def table(found: Mapping[str, Result]) -> str:
    """One row a run: R@1 with interval for each slice, and what a query and a document cost."""
    lines = [
        "| model | track | " + " | ".join(SLICES) + " | ms, query / document | GFLOP |",
        "|---|---|" + "---|" * (len(SLICES) + 2),
    ]
    for label, result in found.items():
        scores = result.record["scores"][PROTOCOL]
        cells = [marks.cell(scores[name][MEASURE]) for name in SLICES]
        cost = result.record["cost"]["item"]
        sides = [cost[side] for side in ("query", "document") if side in cost]  # none without vectors
        cells += [" / ".join(map(part, sides)) or "–" for part in (_milliseconds, _giga)]
        lines.append(f"| {label} | {result.record['model']['track']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _milliseconds(cost: Mapping[str, Any]) -> str:
    return f"{1000 * sum(cost[stage]['seconds'] for stage in STAGES):.0f}"


def _giga(cost: Mapping[str, Any]) -> str:
    counted = [cost[stage]["flops"] for stage in STAGES if cost[stage]["flops"]]
    uncounted = cost["caption"]["seconds"] and cost["caption"]["flops"] is None
    return "–" if uncounted or not counted else f"{sum(counted) / 1e9:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate all and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="print the table and leave the page alone")
    options = parser.parse_args(arguments)
    found = {}
    for label, model, choices in RUNS:
        settings = Settings(protocols=(PROTOCOL,), measures=(MEASURE,), choices=choices)
        found[label] = evaluate("omnicvr-mini", model, settings, show=True)
        print(label, {name: marks.cell(found[label].record["scores"][PROTOCOL][name][MEASURE]) for name in SLICES})
    ours, without = found["`audiovlm2vec-offline`"], found["… no captions"]
    pair = compare_results([ours, without], measure=MEASURE).pairs[0]
    gap = pair.comparison
    low, high = 100 * gap.low, 100 * gap.high
    print(f"{pair.first} leads by {100 * gap.effect:.1f} points [{low:.1f}, {high:.1f}], p {gap.p:.4f}")
    print(table(found))
    if not options.print:
        marks.write("reference/models.md", "baselines", "make baselines", table(found))


if __name__ == "__main__":
    main()
