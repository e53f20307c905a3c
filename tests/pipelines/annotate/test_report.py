"""The report: its numbers add up, and it reads as table, JSON and Markdown."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from mmret.cli.annotate_report import report as command
from mmret.lines import append_lines
from mmret.pipelines.annotate.records import PairRow
from mmret.pipelines.annotate.report import report
from mmret.pipelines.annotate.report_tables import markdown, tables
from mmret.pipelines.annotate.tables import Table
from mmret.pipelines.annotate.verify import results

from ...chat_server import chat_server
from .test_verify_project import PAIRS, careful, make_project, verify, yes
from .test_verify_trust import vote


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two judges, three people; two texts are wrong, and one clip was turned down."""
    folder = tmp_path_factory.mktemp("report")
    with chat_server(careful) as good, chat_server(yes) as bad:
        names = [f"llm:good@{good.address}", f"llm:bad@{bad.address}"]
        made = make_project(folder, wrong={3, 4}, judges=names)
        verify(made, folder / "cache")
    with made:
        row = made.rows("segment")["s00"]
        made.keep("segment", [row.model_copy(update={"id": "x", "status": "rejected", "reason": "too quiet: -61 dB"})])
    pairs = [pair.id for pair in made.accepted("mine", PairRow)]
    votes = [vote(pair, "ann", i != 5) for i, pair in enumerate(pairs)]
    votes += [vote(pair, "bob", i not in (5, 6)) for i, pair in enumerate(pairs[:15])]
    votes += [vote(pairs[0], "ann", True, "2026-02-01T00:00:00"), vote(pairs[16], "cy", True)]
    append_lines(made.folder / "state" / "votes.jsonl", *(one.model_dump() for one in votes))
    return made


def test_the_numbers(project):
    found = report(project)
    stages = {one.stage: one for one in found.stages}
    assert list(stages) == ["segment", "describe", "mine", "write"]
    assert (stages["segment"].items, stages["segment"].accepted, stages["segment"].rejected) == (41, 40, 1)
    assert stages["segment"].reasons == {"rejected": {"too quiet": 1}}
    bad, good = found.judges
    assert (good.verdicts, good.accepted, good.faults) == (PAIRS, PAIRS - 2, {"true_of_target": 2})
    assert (bad.verdicts, bad.accepted, bad.trust.trusted) == (PAIRS, PAIRS, False)
    assert {one.reviewer: (one.votes, one.accepted) for one in found.people} == {
        "ann": (20, 19),
        "bob": (15, 13),
        "cy": (1, 1),
    }
    assert found.gold == {
        # Of 15 that two people saw: 3 and 4 are wrong, 5 was rejected, of 6 they disagree; 16 was seen by ann and cy.
        "gold": {"": 12},
        "pending": {"too few people have voted": 4, "people disagree; one more vote decides": 1},
        "rejected": {"rejected by a judge": 2, "rejected by people": 1},
    }
    assert sum(sum(reasons.values()) for reasons in found.gold.values()) == PAIRS
    agreed = {(tuple(one.who), one.measure): one.found for one in found.agreement}
    assert agreed[("ann", "bob"), "Cohen's kappa"].items == 15
    assert agreed[("ann", "bob"), "Cohen's kappa"].value == pytest.approx(1 - (1 / 15) / (1 - (14 * 13 + 1 * 2) / 225))
    assert ("bob", "cy") not in {who for who, _ in agreed}  # they saw no triplet in common
    assert {one.calls for one in found.calls} == {PAIRS + 60 + PAIRS}  # triplets, wrong controls and right ones


def test_cases_and_controls_are_made_once(project, monkeypatch):
    made = []
    for name in ("cases_of", "plant"):
        own = getattr(results, name)
        monkeypatch.setattr(results, name, lambda *given, name=name, own=own: made.append(name) or own(*given))
    report(project)
    assert made == ["cases_of", "plant", "plant"]  # the controls of judges and of people


def test_it_reads_as_json_and_markdown(project, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(f'[project]\nfolder = "{project.folder}"\n[verify]\nmedia = false\nothers = 2\n')
    app = typer.Typer()
    app.command()(command)

    def run(*options):
        done = CliRunner().invoke(app, [str(config), *options], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    told = json.loads(run("--json"), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert told == json.loads(json.dumps(report(project).describe()))
    assert run("--markdown") == markdown(report(project))
    terminal = run()
    for text in ("too quiet", "known-wrong", "Krippendorff's alpha", "no: accepts 60 of"):
        assert text in terminal
        assert text in run("--markdown")


def test_tables_of_a_project_that_has_not_begun(tmp_path):
    made = make_project(tmp_path)
    for stage in (made.folder / "state").iterdir():
        stage.unlink()
    assert tables(report(made)) == []


def test_markdown_keeps_its_cells():
    assert Table("T", ["a"], [["x|y\nz"]]).markdown() == "### T\n\n| a |\n| --- |\n| x\\|y z |"
