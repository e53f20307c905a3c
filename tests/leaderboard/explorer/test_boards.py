"""The explorer on a board: whose answers can be explored, and that they are those of the runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect

from mmret.benchmarks import load_benchmark
from mmret.errors import InputError, RunError
from mmret.evaluation import load_result
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark
from mmret.leaderboard.board.database import Benchmark, Submission
from mmret.leaderboard.board.files import digest_of
from mmret.leaderboard.board.states import moderate
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.boards import BoardExplorer, loads_of, study_of
from mmret.leaderboard.explorer.examples import PICTURES
from mmret.leaderboard.web.app import create_app
from mmret.media import Workers

from ...browsing import Visitor
from ..board.filled import scored_run, submission_of, teams_on
from .conftest import NATIVE
from .served import ask, served

NAME = "omnicvr-mini"
LOAD = {NAME: lambda view: load_benchmark(NAME, view=view or None)}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board.make(tmp_path / "board") as board:
        yield board


def sent(board: Board, benchmark: Benchmark, results: list[Path]) -> list[Submission]:
    """The runs of results, as ranked submissions with their files."""
    found = []
    for path, team in zip(results, teams_on(board, "First", "Second"), strict=True):
        with board.files.stage() as staged, board.files.held():
            shutil.copy(path / "run.parquet", staged)
            digest = digest_of(staged)
            board.files.keep(staged, digest)
        scored = scored_run(board, benchmark, load_result(path).run, board.folder)
        found.append(submission_of(board, benchmark, team, scored, name=path.name, file_digest=digest))
    return found


def test_submissions_are_explored_as_results_are(board: Board, clip_results: list[Path], clips: Study) -> None:
    benchmark = add_benchmark(board, load_benchmark(NAME), Terms(), source="a test")
    one, two = sent(board, benchmark, clip_results)
    study = study_of(board, NAME, [one.id, two.id], LOAD[NAME])
    assert [system.name for system in study.systems] == ["random (First)", "echo (Second)"]
    for protocol in study.protocols:
        ours, theirs = study.facts(protocol), clips.facts(protocol)
        assert (ours.rank == theirs.rank).all()
        assert (ours.source_ahead == theirs.source_ahead).all()
        assert ours.listing(1, 5, 10) == theirs.listing(1, 5, 10)
    assert study.systems[0].result.record["run_depth"] is None
    with pytest.raises(InputError, match="other labels here than on the board"):
        study_of(board, NAME, [one.id], lambda view: load_benchmark("tarvir-mini"))


def test_hidden_labels_and_unranked_submissions_are_never_explored(board: Board, clip_results: list[Path]) -> None:
    hidden = add_benchmark(board, load_benchmark(NAME), Terms.usual(hidden=True), source="a test", identity="secret")
    one, _ = sent(board, hidden, clip_results)
    with pytest.raises(InputError, match="the labels of secret are hidden"):
        study_of(board, "secret", [one.id], LOAD[NAME])
    add_benchmark(board, load_benchmark(NAME), Terms(), source="a test")
    with pytest.raises(InputError, match="only submissions that are ranked on omnicvr-mini"):
        study_of(board, NAME, [one.id], LOAD[NAME])
    for names in ([], ["a", "b", "c", "d"]):
        with pytest.raises(InputError, match="one to 3 rows"):
            study_of(board, NAME, names, LOAD[NAME])


def test_pages_of_a_board_end_when_a_submission_is_hidden(board: Board, clip_results: list[Path]) -> None:
    benchmark = add_benchmark(board, load_benchmark(NAME), Terms(), source="a test")
    one, two = sent(board, benchmark, clip_results)
    with Workers(1) as workers:
        explorer = BoardExplorer(board, LOAD, workers)
        address = f"benchmark={NAME}&id={one.id}&id={two.id}&query=q001"
        page = explorer.page(address)
        assert "random (First)" in page
        assert f"benchmark={NAME}&amp;id={one.id}&amp;id={two.id}&amp;query=q002" in page
        assert "data-vote" not in page
        app = FastAPI()
        app.include_router(explorer.router())
        with served(app) as where:
            link = page.partition('src="/media/')[2].partition('"')[0]
            assert ask(where, f"/media/{link}", Range="bytes=0-3")[0] == 206
        moderate(board, one.id, "hide", actor="a test", reason="a test")
        assert "only submissions that are ranked" in explorer.page(address)
        assert "unknown benchmark with media here" in explorer.page("benchmark=other&id=x")


def test_what_a_disk_refuses_is_no_broken_page(
    board: Board, clip_results: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    one, _ = sent(board, add_benchmark(board, load_benchmark(NAME), Terms(), source="a test"), clip_results)

    def refuse(_: str) -> NoReturn:
        raise RunError("the disk is full")

    with Workers(1) as workers:
        explorer = BoardExplorer(board, {NAME: refuse}, workers)
        assert "This cannot be shown now" in explorer.page(f"benchmark={NAME}&id={one.id}")
    assert "the disk is full" in caplog.text


def test_studies_share_what_was_read_of_tables_as_texts_and_as_pictures(board: Board) -> None:
    row = add_benchmark(board, load_benchmark("tarvir-mini", view=NATIVE), Terms(), source="tarvir-mini")
    load = loads_of(board, {"tarvir-mini": ""})["tarvir-mini"]
    texts, pictures = load(row.view), load(PICTURES)
    assert load(row.view) is texts
    assert load(PICTURES) is pictures


def test_only_public_benchmarks_that_are_here_can_be_shown(board: Board, small: Path) -> None:
    add_benchmark(board, load_benchmark(NAME), Terms(), source=NAME)
    add_benchmark(board, load_benchmark(NAME), Terms.usual(hidden=True), source=NAME, identity="secret")
    assert loads_of(board, {NAME: ""})[NAME]("").digest == load_benchmark(NAME).digest
    for chosen, words in (
        ({"none": ""}, "there is no benchmark 'none' on this board"),
        ({"secret": ""}, "the labels of secret are hidden"),
        ({NAME: str(small)}, "other labels here than on the board"),
        ({NAME: "/nowhere"}, "/nowhere: no such folder"),
    ):
        with pytest.raises(InputError, match=words):
            loads_of(board, chosen)


def test_from_a_table_to_the_answers_of_a_row(visitor: Visitor, board: Board, clip_results: list[Path]) -> None:
    benchmark = add_benchmark(board, load_benchmark(NAME), Terms(), source=NAME)
    one, _ = sent(board, benchmark, clip_results)
    with Workers(1) as workers:
        explorer = BoardExplorer(board, loads_of(board, {NAME: ""}), workers)
        with served(lambda: create_app(board, explorer=explorer)) as where:
            page = visitor.open(f"http://{where}/submit", ".page h1")
            expect(page.get_by_text("is shown to everybody, query by query, of: OmniCVR-mini")).to_be_visible()
            page.goto(f"http://{where}/")
            see = page.get_by_role("button", name="See what they answered").last
            expect(see).to_be_disabled()
            assert page.locator(".page fieldset > div").first.evaluate("one => getComputedStyle(one).display") == "flex"
            page.locator(f"[name=id][value='{one.id}']").check()
            see.click()
            expect(page.locator("[data-row][aria-current]")).to_have_attribute("data-row", "q001")
            page.keyboard.press("j")
            expect(page.locator("[data-row][aria-current]")).to_have_attribute("data-row", "q002")
            assert page.url.startswith(f"http://{where}/explore?benchmark={NAME}&id={one.id}&")
            page.reload()
            expect(page.locator("[data-row][aria-current]")).to_have_attribute("data-row", "q002")
            page.goto(f"http://{where}/explore?benchmark={NAME}&id=none")
            page.get_by_role("link", name="Begin anew").click()
            page.locator(".page h1").wait_for()
            page.goto(f"http://{where}/submission?id={one.id}")
            page.get_by_role("link", name="See what it answered").click()
            page.locator("[data-row][aria-current]").wait_for()
