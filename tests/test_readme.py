"""The README's figures are what its commands print."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from mmret.evaluation import Settings, evaluate

from .conftest import write_clip

README = (Path(__file__).parents[1] / "README.md").read_text()
TOLERANCE = 4.0  # points: two queries of a slice of 50, for what other processors make of the last bits
COLUMNS = (("gallery-no-source", "R@1"), ("gallery-no-source", "R@5"), ("gallery", "R@1"), ("gallery", "R@5"))


def figures(model: str) -> dict[str, list[float]]:
    """Slice → the row of four figures that the README gives for a model."""
    found, label = {}, ""
    for line in README.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.match(r"chance$|`\w+`$", cells[1]):
            label = cells[0].split(" ")[0] or label
            if cells[1].strip("`") == model:
                found[label] = [float(cell.split(" ")[0]) for cell in cells[2:]]
    return found


@pytest.mark.parametrize("model", ["tagbridge", "text"])
def test_the_figures_of_the_readme_are_reproduced(model: str, cache: Path) -> None:
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


def test_the_benchmark_of_the_readme_is_one(tmp_path: Path) -> None:
    block = next(block for block in README.split("```") if block.startswith("\nbenchmark.json"))
    name = ""
    for line in block.strip().splitlines():
        file, text = line[:16].strip(), line[16:].strip()
        name = file or name
        with (tmp_path / name).open("a") as out:
            out.write(text + "\n")
    (tmp_path / "clips").mkdir()
    write_clip(tmp_path / "clips" / "a.mp4", seconds=1.0, frames=8)
    write_clip(tmp_path / "b.mp4", seconds=1.0, frames=8, tone=900.0)
    with tarfile.open(tmp_path / "clips.tar", "w") as tar:
        tar.add(tmp_path / "b.mp4", "b.mp4")
    scores = evaluate(str(tmp_path), "random", Settings()).record["scores"]
    assert scores["global-no-source"]["all"]["R@1"]["value"] == 1.0  # b alone is left
