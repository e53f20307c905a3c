"""Files of the Hub into a folder, from a server on the loopback that fails in every way a network does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from mmret.benchmarks import Remote, download, fetch
from mmret.benchmarks.remote import files_of
from mmret.benchmarks.tarvir import plan_dataset
from mmret.errors import InputError, RunError

from ..hub import Hub, serve
from ..processes import start, until

CHUNK = 50_000
NAME, TAR = "org/name", "videos/a.tar"
SIZES = {TAR: 4 * CHUNK + 1, "videos/b.tar": 10, "videos/empty.tar": 0, "queries.jsonl": CHUNK}


@pytest.fixture
def far(tmp_path: Path) -> Path:
    folder = tmp_path / "far"
    for name, size in SIZES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.urandom(size))
    return folder


@pytest.fixture
def hub(far: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that this process asks; the library, once imported, looks at its environment no more."""
    monkeypatch.setattr(download, "CHUNK", CHUNK)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serve({NAME: far}) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield server


def plan(*names: str) -> list[Remote]:
    return files_of(NAME, "1" * 40, lambda path: path in (names or SIZES))


def content(folder: Path) -> dict[str, bytes]:
    """Everything in a folder save the lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def firsts(hub: Hub, name: str) -> list[int]:
    return [first for asked, first, _ in hub.asked if asked == name]


def test_what_is_there_is_checked_and_only_what_lacks_is_fetched(hub: Hub, far: Path, tmp_path: Path) -> None:
    fetch(plan(), tmp_path / "here", tell=print)
    assert content(tmp_path / "here") == content(far)
    assert firsts(hub, TAR) == [0, CHUNK, 2 * CHUNK, 3 * CHUNK, 4 * CHUNK]
    hub.asked.clear()
    (tmp_path / "here" / "queries.jsonl").write_bytes(os.urandom(CHUNK))
    (tmp_path / "here" / "videos" / "b.tar").unlink()
    (tmp_path / "here" / "videos" / "b.tar.0123456789ab.part").write_bytes(b"of another version")
    fetch(plan(), tmp_path / "here", tell=print)
    assert sorted(hub.asked) == [("queries.jsonl", 0, ""), ("videos/b.tar", 0, "")]
    assert content(tmp_path / "here").items() >= content(far).items()


def test_a_file_in_the_cache_of_the_hub_is_not_sent_again(hub: Hub, far: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "datasets--org--name" / "snapshots" / ("1" * 40)
    (snapshot / "videos").mkdir(parents=True)
    (snapshot / TAR).write_bytes((far / TAR).read_bytes())
    (snapshot / "videos" / "b.tar").write_bytes(b"spoilt")
    fetch(plan(), tmp_path / "here", tell=print)
    assert content(tmp_path / "here") == content(far)
    assert set(hub.sent) == {"videos/b.tar", "queries.jsonl"}


def test_a_connection_cut_in_the_middle_is_taken_up_again(hub: Hub, far: Path, tmp_path: Path) -> None:
    hub.cut[TAR] = CHUNK // 2
    fetch(plan(TAR), tmp_path / "here", tell=print)
    assert content(tmp_path / "here")[TAR] == (far / TAR).read_bytes()
    assert firsts(hub, TAR) == [0, 0, CHUNK, 2 * CHUNK, 3 * CHUNK, 4 * CHUNK]


def test_a_hub_that_is_overloaded_is_asked_again(hub: Hub, far: Path, tmp_path: Path) -> None:
    hub.busy[TAR] = [429, 503]
    fetch(plan(TAR), tmp_path / "here", tell=print)
    assert content(tmp_path / "here")[TAR] == (far / TAR).read_bytes()


@pytest.mark.parametrize("name", [TAR, "queries.jsonl"])
def test_a_wrong_digest_is_refused(name: str, hub: Hub, tmp_path: Path) -> None:
    hub.lies.add(name)
    with pytest.raises(RunError, match=rf"{name}: what came has another digest than the 000000000000… stated; fetch"):
        fetch(plan(name), tmp_path / "here", tell=print)
    assert not content(tmp_path / "here")


def test_a_disk_that_is_too_small_is_told_before(hub: Hub, tmp_path: Path) -> None:
    hub.sizes[TAR] = 10**15
    with pytest.raises(
        RunError, match=r"here: 1,000,000,000 MB are needed and [\d,]+ MB are free; name another --data"
    ):
        fetch(plan(), tmp_path / "here", tell=print)
    assert not hub.asked


def test_a_server_that_sends_other_bytes_than_asked_for_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.sizes["videos/b.tar"] = 11
    with pytest.raises(RunError, match=r"b\.tar: 10 bytes came where 11 were asked for; name another HF_ENDPOINT"):
        fetch(plan("videos/b.tar"), tmp_path / "here", tell=print)


def test_a_token_goes_to_the_endpoint_alone_and_is_never_told(
    hub: Hub, far: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serve({NAME: far}) as other:
        hub.elsewhere = other.url
        fetch(plan(TAR), tmp_path / "here", tell=print)
    assert {token for *_, token in hub.asked} == {"Bearer hf_secret"}
    assert {token for *_, token in other.asked} == {""}
    hub.busy["videos/b.tar"] = [401]
    with pytest.raises(RunError, match=f"{hub.url}: .*401.*; run the same command") as refused:
        fetch(plan("videos/b.tar"), tmp_path / "here", tell=print)
    assert "secret" not in str(refused.value) + "".join(capfd.readouterr())


def test_files_come_side_by_side(hub: Hub, far: Path, tmp_path: Path) -> None:
    hub.held[TAR] = threading.Event()
    fetching = threading.Thread(target=fetch, args=(plan(), tmp_path / "here"), kwargs={"tell": print})
    fetching.start()
    until(lambda: len(content(tmp_path / "here").keys() & SIZES.keys()) == 3)
    assert TAR not in content(tmp_path / "here")
    hub.held[TAR].set()
    fetching.join()
    assert content(tmp_path / "here") == content(far)


def test_what_the_hub_does_not_have_is_named(hub: Hub) -> None:
    with pytest.raises(RunError, match=r"Repository Not Found for url: .*org/other"):
        files_of("org/other", "main", lambda _: True)
    with pytest.raises(RunError, match=f"{NAME} at main: none of the files expected are there"):
        files_of(NAME, "main", lambda _: False)


def test_a_hub_that_cannot_be_reached_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(RunError, match=f"{hub.url}: .*refused; run the same command to go on where it stopped"):
        plan_dataset(f"hf:{NAME}")


def test_a_run_that_was_interrupted_goes_on_and_others_wait(far: Path, tmp_path: Path) -> None:
    chunk, here = 1 << 24, tmp_path / "data" / NAME
    with (far / TAR).open("wb") as file:
        file.truncate(chunk + 10)

    with serve({NAME: far}) as hub:
        hub.held[TAR] = threading.Event()
        get, asks = ("benchmarks", "get", f"hf:{NAME}", "--yes", "--data", here), hub.environment
        first = start(*get, **asks)
        until(lambda: firsts(hub, TAR) == [0, chunk], first)
        first.send_signal(signal.SIGINT)
        _, told = first.communicate(timeout=60)
        assert first.returncode == 130
        assert "run the same command to go on" in told
        assert "Traceback" not in told
        second = start(*get, **asks)
        until(lambda: firsts(hub, TAR) == [0, chunk, chunk], second)
        third = start(*get, **asks)
        assert third.stderr
        assert "hf:org/name: 4 files" in third.stderr.readline()
        assert "are not there yet" in third.stderr.readline()
        assert "another process brings files into this folder; waiting until it" in third.stderr.readline()
        hub.held[TAR].set()
        for process in (second, third):
            _, told = process.communicate(timeout=60)
            assert process.returncode == 0, told
            assert f"mmret benchmarks verify hf:{NAME}" in told
        assert firsts(hub, TAR) == [0, chunk, chunk]
    assert content(here) == content(far)


@pytest.mark.parametrize("name", ["hf:name", "hf:a/b/c", "hf:two words/b", "hf:a..b/c"])
def test_what_is_no_name_of_a_dataset_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"is no dataset of the Hub.*; write hf:OWNER/NAME"):
        plan_dataset(name)
