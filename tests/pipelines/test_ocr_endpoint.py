"""A server's HTML, at the wire."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mmret.chat import KEY
from mmret.errors import InputError, RunError
from mmret.pipelines.ocr import endpoint as module
from mmret.pipelines.ocr import read_pictures
from mmret.pipelines.ocr.endpoint import PROMPT, EndpointHtml

from ..chat_server import SECRET, ChatServer, answer, chat_server
from .ocr_pictures import SMALL, draw_table

# Its pool's processes run it too, all but the last part: no test waits for pauses.
RUN = """
import sys
from pathlib import Path
from mmret.errors import RunError
from mmret.pipelines.ocr import endpoint, read_pictures
endpoint.PAUSES = (0.01, 0.01)
if __name__ == "__main__":
    try:
        print(list(read_pictures(map(Path, sys.argv[2:]), sys.argv[1], workers=1)))
    except RunError as error:
        print(error)
"""
HTML = "<table><tr><th colspan=2>City &amp; people</th></tr><tr><td>Oslo</td><td>709,037</td></tr></table>"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda _: answer(HTML)) as made:
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return draw_table(tmp_path / "t.png", SMALL)


def engine(server: ChatServer, pauses: list[float]) -> EndpointHtml:
    return EndpointHtml(f"qwen2.5-vl@{server.address}/", pauses.append)


def test_the_picture_is_sent_and_the_table_comes_back(
    server: ChatServer, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, SECRET)
    server.next = [(200, {}, answer(f"Here it is:\n```html\n{HTML}\n```"))]
    reader = engine(server, [])
    page = reader.read(picture)
    assert (page.html, page.cut, page.width, page.height) == (HTML, False, 361, 79)
    assert page.text == "City & people\nOslo | 709,037"
    (body,) = server.bodies
    assert (body["model"], body["temperature"]) == ("qwen2.5-vl", 0)
    sent, prompt = body["messages"][0]["content"]
    kind, _, data = sent["image_url"]["url"].partition(";base64,")
    assert kind == "data:image/png"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (361, 79)
    assert prompt["text"] == PROMPT.read_text() == reader.settings["prompt"]
    assert server.keys == [f"Bearer {SECRET}"]
    assert SECRET not in json.dumps([reader.name, reader.version, dict(reader.settings)])


def test_a_busy_server_is_asked_again(server: ChatServer, picture: Path) -> None:
    pauses: list[float] = []
    server.next = [(429, {"Retry-After": "7"}, b""), (503, {}, b""), (429, {"Retry-After": "900"}, b"")]
    assert engine(server, pauses).read(picture).html == HTML
    assert pauses == [7.0, 4.0, 60.0]
    server.next = [(429, {}, b"")] * 4
    with pytest.raises(ValueError, match="answers 429 Too Many Requests"):
        engine(server, pauses).read(picture)


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (401, {"error": {"message": f"wrong key {SECRET}"}}, "answers 401 Unauthorized"),
        (200, b"{", "holds no text"),
        (200, {"choices": []}, "holds no text"),
        (200, answer(None), "holds no text"),
        (200, answer("I see no table here."), "holds no table"),
    ],
)
def test_an_answer_without_a_table_is_an_error(
    status: int, said: Any, words: str, server: ChatServer, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, SECRET)
    server.next = [(status, {}, said)]
    with pytest.raises(ValueError, match=words) as caught:
        engine(server, []).read(picture)
    assert SECRET not in str(caught.value)
    assert len(server.bodies) == 1


def test_a_table_cut_by_the_limit_of_tokens_says_so(server: ChatServer, picture: Path) -> None:
    server.next = [(200, {}, answer("<table><tr><td>Oslo<td>709,0", "length"))]
    page = engine(server, []).read(picture)
    assert (page.cut, page.text) == (True, "Oslo | 709,0")


def test_a_slow_or_absent_server_is_named(server: ChatServer, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    server.delay = 0.6
    pauses: list[float] = []
    with pytest.raises(ValueError, match=r"does not answer \(ReadTimeout\)"):
        engine(server, pauses).read(picture)
    assert pauses == [1.0, 4.0, 16.0]
    away = EndpointHtml("m@http://127.0.0.1:9/v1", pauses.append)
    for _ in range(2):
        with pytest.raises(RunError, match=r"127.0.0.1:9/.* does not answer \(ConnectError\); start it or mend the"):
            away.read(picture)
        assert pauses == [1.0, 4.0, 16.0] * 2  # a server that stayed away is not waited for again


def test_a_server_that_went_away_ends_the_run_and_pages_are_kept(
    server: ChatServer, picture: Path, tmp_path: Path
) -> None:
    engine = f"endpoint:m@{server.address}"
    other = draw_table(tmp_path / "u.png", SMALL[:2])
    server.next = [(200, {}, answer(HTML)), (400, {}, {"error": {"message": "too large"}})]
    read, refused = read_pictures([picture, other], engine, workers=1)
    assert (read.fault, refused.page) == ("", None)
    assert refused.fault.endswith("the server answers 400 Bad Request: too large")
    server.shutdown()
    server.server_close()
    (tmp_path / "run.py").write_text(RUN)
    command = [sys.executable, str(tmp_path / "run.py"), engine, str(picture), str(other)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.count("does not answer (ConnectError)") == 1
    assert run.stdout.endswith("pages read before are kept\n")
    assert [one.known for one in read_pictures([picture], engine)] == [True]


def test_a_damaged_picture_is_not_sent(server: ChatServer, picture: Path) -> None:
    picture.write_bytes(picture.read_bytes()[:300])
    with pytest.raises(OSError, match="truncated"):
        engine(server, []).read(picture)
    assert server.bodies == []


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "model",
        "@http://x/v1",
        "m@ftp://x",
        "m@http:///",
        "m@http://x:y",
        "m@http://[",
        "m@http://u:p@x",
        "m@http://x?k",
    ],
)
def test_an_address_that_makes_no_sense_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="endpoint"):
        EndpointHtml(reference)


def test_a_key_that_no_server_takes_is_refused_unshown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, f"{SECRET}\n")
    with pytest.raises(InputError, match=f"{KEY} holds signs") as caught:
        EndpointHtml("m@http://x")
    assert SECRET not in str(caught.value)
