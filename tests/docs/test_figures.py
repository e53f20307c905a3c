"""The figures of the documentation, which the README's picture shows, are what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmret.evaluation import Settings, evaluate

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "models.md").read_text()
TOLERANCE = 4.0  # points: two queries of a slice of 50, for what other processors make of the last bits
COLUMNS = (("gallery-no-source", "R@1"), ("gallery-no-source", "R@5"), ("gallery", "R@1"), ("gallery", "R@5"))


def figures(model: str) -> dict[str, list[float]]:
    """Slice → the row of four figures that the page gives for a model."""
    found, label = {}, ""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.match(r"chance$|`\w+`$", cells[1]):
            label = cells[0].split(" ")[0] or label
            if cells[1].strip("`") == model:
                found[label] = [float(cell.split(" ")[0]) for cell in cells[2:]]
    return found


@pytest.mark.parametrize("model", ["tagbridge", "text"])
def test_the_figures_of_the_page_are_reproduced(model: str, cache: Path) -> None:
    scores = evaluate("omnicvr-mini", model, Settings(cache=cache, cost_items=0)).record["scores"]
    claimed = figures(model)
    assert list(claimed) == ["all", "audio-center", "visual-center", "integrated"]
    for label, row in claimed.items():
        for (protocol, measure), figure in zip(COLUMNS, row, strict=True):
            entry = scores[protocol][label][measure]
            assert 100 * entry["value"] == pytest.approx(figure, abs=TOLERANCE), (label, protocol, measure)
    for (protocol, measure), figure in zip(COLUMNS, figures("chance")["all"], strict=True):
        assert 100 * scores[protocol]["all"][measure]["random"] == pytest.approx(figure, abs=0.05)


def test_the_trained_encoder_stands_above_chance_and_the_blind_baseline_where_the_source_helps() -> None:
    bridge, blind = figures("tagbridge"), figures("text")
    for label in ("all", "audio-center", "visual-center"):
        for ours, theirs in zip(bridge[label], blind[label], strict=True):
            assert ours > theirs
