"""The server, and the command that starts it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mmret.errors import RunError
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.pages.scene import Scene
from mmret.leaderboard.explorer.server import create_app, serve
from mmret.leaderboard.explorer.votes import Votes
from mmret.serving.local import LOCAL
from mmret.serving.media import MediaShelf

from .served import ask, served

COMMAND = "import typer; from mmret.cli.explore import explore; typer.run(explore)"


@pytest.fixture(scope="module")
def votes(clips: Study, tmp_path_factory: pytest.TempPathFactory) -> Votes:
    return Votes(tmp_path_factory.mktemp("votes") / "votes.jsonl", clips.benchmark)


@pytest.fixture(scope="module")
def address(clips: Study, votes: Votes) -> Iterator[str]:
    scene = Scene(clips, MediaShelf(clips.benchmark.documents), votes)
    with served(lambda: create_app(scene, hosts=LOCAL)) as where:
        yield where


def get(address: str, path: str) -> Any:
    status, _, body = ask(address, path)
    assert status == 200, body
    return json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_study(address: str, clips: Study) -> None:
    found = get(address, "/api/study")
    assert found["benchmark"]["queries"] == 150
    assert found["slices"]["audio-center"] == 50
    assert [one["name"] for one in found["systems"]] == ["random", "echo"]
    scores = clips.systems[1].result.record["scores"]["gallery"]["all"]["R@10"]
    assert found["systems"][1]["scores"]["gallery"]["R@10"] == scores


def test_lists_of_queries_in_pages(address: str) -> None:
    everything = get(address, "/api/queries?count=500&sort=rank&system=echo")
    assert everything["found"] == len(everything["queries"]) == 150
    ranks = [one["rank"]["echo"] for one in everything["queries"]]
    assert ranks == sorted(ranks)
    page = get(address, "/api/queries?first=140&count=50&sort=rank&system=echo")
    assert page["queries"] == everything["queries"][140:]
    some = get(address, "/api/queries?slices=integrated&slices=integrated&kind=wrong&text=violin&count=500")
    assert 0 < some["found"] < 50
    assert all("integrated" in one["slices"] and "violin" in one["text"].lower() for one in some["queries"])


def test_one_query_with_its_media(address: str, clips: Study) -> None:
    found = get(address, "/api/queries/q001?k=3&protocol=gallery")
    query = clips.benchmark.queries[0]
    assert found["query"]["text"] == query.text
    assert query.video is not None
    assert ask(address, found["source"]["video"])[2] == query.video.path.read_bytes()
    for system in found["systems"]:
        assert len(system["top"]) == 3
        assert system["right"][0]["id"] == found["right"][0]["id"]
        for hit in system["top"]:
            assert ask(address, hit["video"], Range="bytes=0-7")[0] == 206
    unlisted = get(address, "/api/queries/q001?protocol=global")
    assert [one["top"] for one in unlisted["systems"]] == [None, None]
    assert all(one["rank"] >= 1 for one in unlisted["systems"])


def test_what_is_asked_wrongly_is_told(address: str) -> None:
    for path, status, words in (
        ("/api/queries?slices=loud", 400, "unknown slice"),
        ("/api/queries?system=ecko", 400, "did you mean echo"),
        ("/api/queries?protocol=galery", 400, "did you mean gallery"),
        ("/api/queries/q999", 400, "no query of this study"),
        (f"/api/queries/{quote('../../etc/passwd', safe='')}", 400, "no query of this study"),
        ("/api/queries?count=100000", 422, "500"),
        ("/api/queries?kind=right", 422, "a_right_b_wrong"),
    ):
        found, _, body = ask(address, path)
        assert (found, words in body.decode()) == (status, True), path


def test_only_names_of_this_machine_are_answered(address: str) -> None:
    assert ask(address, "/api/study", Host="evil.example")[0] == 400
    assert ask(address, "/api/study", Host="localhost")[0] == 200


def test_votes_are_shown(address: str, votes: Votes, clips: Study) -> None:
    right = clips.benchmark.documents[clips.benchmark.positives[0][0]].id
    votes.cast("q001", right, "gold is wrong", "<script>alert(1)</script>", "Ada")
    found = get(address, "/api/votes")
    assert [one["reasons"] for one in found] == [["<script>alert(1)</script>"]]
    assert get(address, "/api/votes?least=2") == []


def test_the_command_serves_until_it_is_interrupted(clip_results: list[Path], tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMMAND, *map(str, clip_results), "--port", "0", "--votes", str(tmp_path / "v")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = ""
        while not (match := re.search(r"serving http://(127\.0\.0\.1:\d+)/", told)):
            line = process.stderr.readline()
            assert line, told
            told += line
        assert get(match[1], "/api/study")["benchmark"]["name"] == "omnicvr-mini"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "150 queries, 144 documents" in out
    assert "echo: R@1" in out
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_told(address: str, clips: Study) -> None:
    with pytest.raises(RunError, match=r"Address already in use.*name another with --host or --port"):
        serve(Scene(clips, MediaShelf(clips.benchmark.documents)), "127.0.0.1", int(address.partition(":")[2]), print)
