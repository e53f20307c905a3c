from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser

from mmret.benchmarks import Benchmark, load_benchmark
from mmret.items import Media
from mmret.serving.media import MediaShelf, range_of

from ..leaderboard.explorer.served import ask, served

PLAY = """async (url) => {
    const video = document.createElement("video");
    video.muted = true;
    video.src = url;
    document.body.append(video);
    await video.play();
    const until = async (done) => { while (!done()) await new Promise(next => setTimeout(next, 20)); };
    await until(() => video.currentTime > 0.2);
    const played = video.currentTime;
    video.pause();
    video.currentTime = 0.75 * video.duration;
    await until(() => !video.seeking);
    return {
        played, width: video.videoWidth, duration: video.duration, sought: video.currentTime / video.duration,
        frames: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount,
    };
}"""


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return load_benchmark("omnicvr-mini")


@pytest.fixture(scope="module")
def shelf(benchmark: Benchmark) -> MediaShelf:
    return MediaShelf(benchmark.documents)


@pytest.fixture(scope="module")
def address(shelf: MediaShelf) -> Iterator[str]:
    with served(application(shelf)) as where:
        yield where


def application(shelf: MediaShelf) -> FastAPI:
    app = FastAPI()
    app.include_router(shelf.router())
    return app


def first(benchmark: Benchmark) -> Media:
    media = benchmark.documents[0].video
    assert media is not None
    return media


def test_a_file_whole_and_in_ranges(address: str, shelf: MediaShelf, benchmark: Benchmark) -> None:
    raw = first(benchmark).path.read_bytes()
    url, n = shelf.url(first(benchmark)), len(raw)
    status, headers, body = ask(address, url)
    assert (status, body) == (200, raw)
    assert headers["content-type"] == "video/mp4"
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    for asked, a, b in (
        ("bytes=0-0", 0, 1), ("bytes=10-99", 10, 100), ("bytes=100-", 100, n), ("bytes=-7", n - 7, n),
        (f"bytes={n - 1}-{n + 50}", n - 1, n), ("bytes=0-999999999999999999", 0, n), (f"bytes=-{n + 1}", 0, n),
    ):  # fmt: skip
        status, headers, body = ask(address, url, Range=asked)
        assert (status, body) == (206, raw[a:b]), asked
        assert headers["content-range"] == f"bytes {a}-{b - 1}/{n}"
        assert headers["content-length"] == str(b - a)


@pytest.mark.parametrize("asked", ["bytes={n}-", "bytes=999999999-", "bytes=9-3", "bytes=-0", "bytes={n}-{n}"])
def test_a_range_that_cannot_be_had(address: str, shelf: MediaShelf, benchmark: Benchmark, asked: str) -> None:
    n = first(benchmark).path.stat().st_size
    status, headers, body = ask(address, shelf.url(first(benchmark)), Range=asked.format(n=n))
    assert (status, body, headers["content-range"]) == (416, b"", f"bytes */{n}")


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,4-5", "bytes=0-,0-,0-,0-", "bytes=-", "bytes=a-b", "items=0-1", "bytes=--5", "bytes=0x0-0x9",
     f"bytes=0-{'9' * 5000}", "bytes=٠-٩", "bytes 0-9"],
)  # fmt: skip
def test_what_is_no_single_range_gives_the_whole(asked: str) -> None:
    assert range_of(asked, 1000) is None


def test_head_and_conditions(address: str, shelf: MediaShelf, benchmark: Benchmark) -> None:
    url, n = shelf.url(first(benchmark)), first(benchmark).path.stat().st_size
    status, headers, body = ask(address, url, "HEAD", Range="bytes=0-9")
    assert (status, body, headers["content-length"]) == (200, b"", str(n))
    tag = headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, _, body = ask(address, url, If_None_Match=known)
        assert (status, body) == (304, b"")
    assert ask(address, url, If_None_Match='"other"')[0] == 200
    assert ask(address, url, Range="bytes=0-9", If_Range=tag)[0] == 206
    assert ask(address, url, Range="bytes=0-9", If_Range='"other"')[0] == 200
    assert ask(address, url, "POST")[0] == 405


def test_only_the_benchmarks_own_files_are_served(
    address: str, shelf: MediaShelf, benchmark: Benchmark, tmp_path: Path
) -> None:
    path = first(benchmark).path
    token = shelf.url(first(benchmark)).rpartition("/")[2]
    for hostile in (
        str(path), path.name, "..", "../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cetc%5cpasswd",
        "/etc/passwd", "//etc/passwd", f"{token}/../../etc/passwd", f"{token}%00.mp4", f"{token}%2f..", token[:-1],
        token.upper(), f"{token}0", "", "%00", "file:///etc/passwd", "0" * 32, "*", "q001", "a" * 60_000,
    ):  # fmt: skip
        status, _, body = ask(address, f"/media/{hostile}")
        assert status in (400, 404), hostile
        assert b"root:" not in body
    assert str(path) not in token
    with pytest.raises(KeyError):
        shelf.url(Media(tmp_path / "another.mp4"))
    with pytest.raises(KeyError):
        shelf.url(Media(path, start=1))


def test_tokens_are_keyed(benchmark: Benchmark) -> None:
    media = first(benchmark)
    assert MediaShelf(benchmark.documents).url(media) != MediaShelf(benchmark.documents).url(media)
    assert MediaShelf(benchmark.documents, b"k").url(media) == MediaShelf(benchmark.documents, b"k").url(media)


def test_members_of_an_archive_byte_for_byte(small: Path) -> None:
    archive = small / "clips.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(small / "videos", "videos")
    rows = [json.loads(line) for line in (small / "documents.jsonl").read_text().splitlines()]
    rows = [row | {"video": f"clips.tar/{row['video']}"} for row in rows]
    (small / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    benchmark = load_benchmark(str(small))
    shelf = MediaShelf(benchmark.documents)
    with served(application(shelf)) as address:
        for item, row in zip(benchmark.documents, rows, strict=True):
            assert item.video is not None
            raw = (small / "videos" / f"{row['id']}.mp4").read_bytes()
            assert ask(address, shelf.url(item.video))[2] == raw
            status, headers, body = ask(address, shelf.url(item.video), Range="bytes=-100")
            assert (status, body) == (206, raw[-100:])
            assert headers["content-range"].endswith(f"/{len(raw)}")
            # Behind its end stand the headers of the next member.
            assert ask(address, shelf.url(item.video), Range=f"bytes={len(raw)}-")[0] == 416
            assert ask(address, shelf.url(item.video), Range=f"bytes=0-{len(raw) + 5000}")[2] == raw


def test_a_file_that_went_away_and_an_archive_cut_short(small: Path) -> None:
    benchmark = load_benchmark(str(small))
    gone, media = (item.video for item in benchmark.documents[:2])
    assert gone is not None
    assert media is not None
    cut = Media(media.path, media.path.stat().st_size - 10, 1000, "cut.mp4")
    shelf = MediaShelf(benchmark.documents)
    shelf.add([type(benchmark.documents[0])("x", video=cut)])
    gone.path.unlink()
    with served(application(shelf)) as address:
        assert ask(address, shelf.url(gone))[0] == 404
        assert ask(address, shelf.url(cut))[2] == media.path.read_bytes()[-10:]


def test_files_that_a_browser_might_run_are_sent_as_bytes(small: Path) -> None:
    page = small / "page.svg"
    page.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    shelf = MediaShelf(load_benchmark(str(small)).documents)
    shelf.add([type(load_benchmark(str(small)).documents[0])("x", image=Media(page))])
    with served(application(shelf)) as address:
        headers = ask(address, shelf.url(Media(page)))[1]
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_browser_plays_a_clip_and_seeks_in_it(
    browser: Browser, address: str, shelf: MediaShelf, benchmark: Benchmark
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("range", "")))
    page.goto(f"http://{address}/openapi.json")
    found = page.evaluate(PLAY, shelf.url(first(benchmark)))
    assert found["played"] > 0.2
    assert found["width"] > 0
    assert found["frames"] > 1
    assert found["sound"] > 0
    assert found["sought"] == pytest.approx(0.75, abs=0.05)
    assert any(one.startswith("bytes=") for one in asked)
