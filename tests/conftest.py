"""Small real data for all tests: clips encoded here, benchmarks in the declarative layout, and a cache of their own."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import multiprocessing.forkserver
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from mmret.benchmarks import load_benchmark
from mmret.media import Preflight, Workers
from mmret.pipelines.render.chromium import find_browser

from .browsing import Visitor

RATE = 16_000
REPORTS = "preflight.jsonl"  # in a cache: what is known of media
MakeClip = Callable[..., Path]

READ_BEFORE = (
    "av",  # before decord, after which PyAV finds no encoder of VP9
    "decord",
    "mmret.evaluation.replica",
    "mmret.leaderboard.board.scorer",
    "mmret.leaderboard.submissions.rows",
    "mmret.media",
)

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
expect.set_options(timeout=60_000)  # a busy machine is slow, and no test counts on a time


@pytest.fixture(scope="session", autouse=True)
def _fork_server() -> Iterator[None]:
    """All pools of these tests fork from one server, which has read what any of them would have it read."""
    multiprocessing.set_forkserver_preload(list(READ_BEFORE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiprocessing.forkserver, "set_forkserver_preload", lambda names: None)
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, reads the user's settings, or reaches a network."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("MMRET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MMRET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    with Workers(2, time_limit=30) as pool:
        yield pool


@pytest.fixture(scope="module")  # while one is open, nothing else can run an event loop in this thread
def browser() -> Iterator[Browser]:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_browser(None), chromium_sandbox=False) as browser,
    ):
        yield browser


@pytest.fixture(scope="module")
def _visitor(browser: Browser) -> Visitor:
    return Visitor(browser)


@pytest.fixture
def visitor(_visitor: Visitor) -> Iterator[Visitor]:
    """Opens pages, which are closed at the end of the test; nothing had gone wrong in them."""
    yield _visitor
    _visitor.leave()


def write_clip(
    path: Path, *, frames: int = 24, tone: float | None = 440.0, shade: int = 0, seconds: float = 2.0, size: int = 64
) -> Path:
    """An MP4 whose frame i is a flat grey of brightness `shade + 8 i`, with a sine tone or, for None, no sound."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=int(frames / seconds), options={"crf": "18", "g": "6"})
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=RATE) if tone is not None else None
        for i in range(frames):
            picture = np.full((size, size, 3), (shade + 8 * i) % 256, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        if sound is not None and tone is not None:
            wave = 0.5 * np.sin(2 * np.pi * tone * np.arange(int(seconds * RATE)) / RATE)
            block = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], format="fltp", layout="mono")
            block.sample_rate = RATE
            container.mux(sound.encode(block))
            container.mux(sound.encode())
    return path


def write_benchmark(folder: Path, *, clips: int = 6) -> Path:
    """A composed-video benchmark of `clips` clips and as many queries: clip i plus a text must find clip i + 1."""
    (folder / "videos").mkdir(parents=True)
    names = [f"clip-{i}" for i in range(clips)]
    for i, name in enumerate(names):
        write_clip(folder / "videos" / f"{name}.mp4", tone=200.0 * (i + 1), shade=30 * i, seconds=1.0, frames=12)
    about = {"layout": "composed-video", "name": folder.name, "version": "1", "title": "Small"}
    (folder / "benchmark.json").write_text(json.dumps(about))
    documents = [{"id": name, "video": f"videos/{name}.mp4"} for name in names]
    queries = [
        {
            "id": f"query-{i}",
            "source": names[i],
            "text": f"a brighter picture and a higher tone, step {i}",
            "targets": {names[(i + 1) % clips]: 1},
            "gallery": names,
            "slices": ["even" if i % 2 == 0 else "odd"],
        }
        for i in range(clips)
    ]
    write_rows(folder / "documents.jsonl", documents)
    write_rows(folder / "queries.jsonl", queries)
    return folder


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="session")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("made") / "small")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is known of media, and vectors, for tests that do not look at caching: found by content, whoever left it.

    The workers of a session share it, and the clips of omnicvr-mini have been read from end to end.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    folder.mkdir(exist_ok=True)
    clips = [media for item in load_benchmark("omnicvr-mini").documents for media in item.media]
    with (folder / "lock").open("w") as lock, Workers(2) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        preflight = Preflight(pool, folder / REPORTS)
        for _ in preflight.run(preflight.missing(clips)):
            pass
    return folder


def without_vectors(cache: Path, folder: Path) -> Path:
    """A cache of one's own that knows the media of another."""
    folder.mkdir()
    shutil.copy(cache / REPORTS, folder)
    return folder


@pytest.fixture
def small(_small: Path, tmp_path: Path) -> Path:
    """A folder of one's own with the small benchmark."""
    return Path(shutil.copytree(_small, tmp_path / "small"))
