"""Evaluate the models that need no hub on omnicvr-mini, and write their table into the README: `make baselines`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmret.evaluation import Result, Settings, compare_results, evaluate

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- baselines: written by `make baselines` -->", "<!-- end of baselines -->"
PROTOCOL, MEASURE = "gallery-no-source", "R@1"
SLICES = ("all", "audio-center", "visual-center", "integrated")
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
)


def table(found: Mapping[str, Result]) -> str:
    """One row a run: R@1 with interval for each slice."""
    lines = [
        "| model | track | " + " | ".join(SLICES) + " |",
        "|---|---|" + "---|" * len(SLICES),
    ]
    for label, result in found.items():
        scores = result.record["scores"][PROTOCOL]
        cells = [_cell(scores[name][MEASURE]) for name in SLICES]
        lines.append(f"| {label} | {result.record['model']['track']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(entry: Mapping[str, Any]) -> str:
    return "{:.1f} [{:.0f}–{:.0f}]".format(*(100 * entry[key] for key in ("value", "low", "high")))


def written(text: str, new: str) -> str:
    """The README with the table between its marks."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    if not tail:
        sys.exit(f"{README}: the marks of the table are missing")
    return f"{head}{BEGIN}\n{new}\n{END}{tail}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate all and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="print the table and leave the README alone")
    options = parser.parse_args(arguments)
    found = {}
    for label, model, choices in RUNS:
        settings = Settings(protocols=(PROTOCOL,), measures=(MEASURE,), choices=choices)
        found[label] = evaluate("omnicvr-mini", model, settings, show=True)
        print(label, {name: _cell(found[label].record["scores"][PROTOCOL][name][MEASURE]) for name in SLICES})
    ours, without = found["`audiovlm2vec-offline`"], found["… no captions"]
    pair = compare_results([ours, without], measure=MEASURE).pairs[0]
    gap = pair.comparison
    low, high = 100 * gap.low, 100 * gap.high
    print(f"{pair.first} leads by {100 * gap.effect:.1f} points [{low:.1f}, {high:.1f}], p {gap.p:.4f}")
    print(table(found))
    if not options.print:
        README.write_text(written(README.read_text(), table(found)))


if __name__ == "__main__":
    main()
