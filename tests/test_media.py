from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmret.errors import InputError, RunError
from mmret.items import NO_CONTENT, Item, Media
from mmret.media import (
    SAMPLINGS,
    ClipLoader,
    ClipRequest,
    Fault,
    Preflight,
    Report,
    Workers,
    decode,
    digest_all,
    digests,
    inspect,
    members,
    resample,
)
from mmret.media.decode import decode_image
from mmret.meter import Meter

from .conftest import RATE, write_clip

BOTH = {"video", "audio"}


def test_frames_are_spread_over_the_whole_clip_by_both_readers(clip: Path) -> None:
    for reader in ("decord", "pyav"):
        frames = decode(Media(clip), ClipRequest(frames=4, reader=reader)).frames
        assert frames is not None
        assert frames.shape == (4, 64, 64, 3)
        # 24 frames of brightness 8 i: the middles of four stretches of six frames are frames 3, 9, 15 and 21.
        np.testing.assert_allclose(frames.mean((1, 2, 3)), [24, 72, 120, 168], atol=3)


@pytest.mark.parametrize("total", [1, 3, 8, 15, 127])
def test_sampling_is_unbiased(total: int) -> None:
    for name in ("centres", "ends"):  # the others follow a model's own rule
        pick = SAMPLINGS[name]
        picked = pick(total, 8)
        assert len(picked) == 8, name
        assert picked.min() >= 0
        assert picked.max() < total
        assert abs(picked.mean() - (total - 1) / 2) <= 0.5
    assert SAMPLINGS["ends"](100, 5).tolist() == [0, 25, 50, 74, 99]


def test_a_clip_inside_another_file_reads_like_the_clip(clip: Path, tmp_path: Path) -> None:
    raw = clip.read_bytes()
    archive = tmp_path / "archive.bin"
    archive.write_bytes(b"x" * 1000 + raw + b"y" * 500)
    inside, alone = Media(archive, 1000, len(raw)), Media(clip)
    assert inside.digest == alone.digest
    for reader in ("decord", "pyav"):
        a, b = (decode(media, ClipRequest(frames=3, reader=reader)) for media in (inside, alone))
        np.testing.assert_array_equal(a.frames, b.frames)
        np.testing.assert_array_equal(a.sound, b.sound)
    assert inspect(inside) == inspect(alone)


def test_sound_keeps_its_pitch_through_decoding_and_resampling(clip: Path) -> None:
    decoded = decode(Media(clip), ClipRequest(frames=0))
    assert decoded.frames is None
    assert decoded.rate == RATE
    assert decoded.sound is not None
    for rate in (RATE, 48_000, 8_000):
        sound = resample(decoded.sound, RATE, rate)
        spectrum = np.abs(np.fft.rfft(sound[: 2 * rate]))
        assert spectrum.argmax() / 2 == pytest.approx(440, abs=2)
    assert len(resample(np.zeros(0, np.float32), RATE, 8_000)) == 0


def test_a_good_clip_passes_the_preflight(clip: Path) -> None:
    report = inspect(Media(clip))
    assert (report.frames, report.frames_claimed, report.width, report.video_codec) == (24, 24, 64, "h264")
    assert report.sound == pytest.approx(2.0, abs=0.15)
    assert report.fault(BOTH) is None
    assert not report.silent


def test_the_preflight_names_what_is_wrong(clip: Path, tmp_path: Path) -> None:
    raw = clip.read_bytes()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a film")
    (tmp_path / "tail-lost.mp4").write_bytes(raw[: len(raw) // 2])
    (tmp_path / "folder.mp4").mkdir()
    mute = write_clip(tmp_path / "mute.mp4", tone=None)
    faults = {
        "empty.mp4": "empty",
        "missing.mp4": "missing",
        "text.mp4": "not a readable media file",
        "tail-lost.mp4": "not a readable media file",
        "folder.mp4": "cannot be read",
        mute.name: "no sound track",
    }
    for name, words in faults.items():
        assert words in str(inspect(Media(tmp_path / name)).fault(BOTH)), name
    assert inspect(Media(mute)).fault({"video"}) is None


def test_a_clip_cut_behind_its_index_is_told_from_its_claims(tmp_path: Path) -> None:
    import av

    whole = write_clip(tmp_path / "whole.mp4", frames=60, seconds=5.0)
    front = tmp_path / "front.mp4"  # the same packets with the index in front, as for the web
    with av.open(str(whole)) as source, av.open(str(front), "w", options={"movflags": "+faststart"}) as sink:
        streams = {stream: sink.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                sink.mux(packet)
    assert inspect(Media(front)).fault(BOTH) is None
    raw = front.read_bytes()
    front.write_bytes(raw[: int(len(raw) * 0.7)])
    assert inspect(Media(front)).fault(BOTH) is not None


def test_a_silent_track_is_told_and_not_excluded(tmp_path: Path) -> None:
    report = inspect(Media(write_clip(tmp_path / "silent.mp4", tone=0.0)))
    assert report.silent
    assert report.fault(BOTH) is None


def test_pictures_pass_the_preflight_and_load(workers: Workers, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (30, 20), (255, 0, 0)).save(tmp_path / "red.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "red.png").read_bytes()[:40])
    assert inspect(Media(tmp_path / "red.png")).fault({"image"}) is None
    assert "not a readable picture" in str(inspect(Media(tmp_path / "bad.png")).fault({"image"}))
    loader = ClipLoader(ClipRequest(), workers, Meter())
    frames = loader.frames(Item("red", image=Media(tmp_path / "red.png")))
    assert frames is not None
    assert frames.shape == (1, 20, 30, 3)
    assert loader.sound(Item("red", image=Media(tmp_path / "red.png")), RATE) is None


def test_what_is_coming_is_decoded_ahead(clip: Path, tmp_path: Path) -> None:
    """The second file is gone before anybody asks for it, and is there all the same; the third one nobody wanted."""
    files = [Media(Path(shutil.copy(clip, tmp_path / f"{i}.mp4"))) for i in range(3)]
    first, second, third = (Item(str(i), text="a clip", video=media) for i, media in enumerate(files))
    with Workers(1) as pool:
        loader = ClipLoader(ClipRequest(4), pool, Meter())
        pool.coming = [second, third]
        loader.expect([Item("text alone", text="a text")])  # tells nothing of what will be read
        loader.expect([first])
        assert loader.frames(first) is not None
        assert pool.result_of(pool.submit(len, "done")) == 4  # after the others
        second.video.path.unlink()
        third.video.path.unlink()
        pool.coming = []
        loader.expect([second])
        assert loader.frames(second) is not None
        with pytest.raises(RunError, match=r"2\.mp4"):
            loader.frames(third)


def test_reports_are_remembered_by_content(workers: Workers, clip: Path, tmp_path: Path) -> None:
    memory = tmp_path / "memory.jsonl"
    first = Preflight(workers, memory)
    files = [Media(clip), Media(tmp_path / "missing.mp4")]
    assert [report.fault(BOTH) is None for _, report in first.run(files)] == [True, False]
    with memory.open("a") as file:
        file.write('{"version": 1, "sha2')  # a line that a killed process left
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    other = Media(write_clip(tmp_path / "other.mp4", frames=6, seconds=0.5))
    list(Preflight(workers, memory).run([other]))
    second = Preflight(workers, memory)
    assert second.missing([other]) == []
    assert second.missing([Media(copy), *files]) == [files[1]]
    assert second.report(Media(copy)) == inspect(Media(clip))


def test_reports_that_cannot_be_kept_end_the_run(workers: Workers, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"media reports cannot be kept: .*--cache"):
        list(Preflight(workers, tmp_path / "file" / "memory.jsonl").run([Media(clip)]))


def test_a_file_is_decoded_once_for_all_that_is_asked(workers: Workers, clip: Path, tmp_path: Path) -> None:
    meter = Meter()
    loader = ClipLoader(ClipRequest(frames=2), workers, meter)
    other = Media(write_clip(tmp_path / "other.mp4", tone=None))
    items = [Item("a", video=Media(clip), audio=Media(clip)), Item("b", video=other), Item("c", audio=Media(clip))]
    loader.expect(items)
    for item in items:
        assert (loader.frames(item) is None) == (item.id == "c")
        assert (loader.sound(item, RATE) is None) == (item.id == "b")
    assert meter.stages["decode"].items == 2


def test_a_decoding_failure_names_the_file_and_the_way_out(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("nothing")
    with pytest.raises(RunError, match=r"bad\.mp4.*--reader"):
        ClipLoader(ClipRequest(), workers, Meter()).frames(Item("x", video=Media(tmp_path / "bad.mp4")))


def _crash() -> None:
    import os

    os._exit(7)


def test_hangs_and_crashes_cost_one_file_only() -> None:
    with Workers(1, time_limit=1.0) as pool:
        hanging, crashing, fine = pool.submit(time.sleep, 60), pool.submit(_crash), pool.submit(len, "four")
        assert pool.result_of(hanging) == Fault("the decoder did not end within 1 s")
        assert pool.result_of(crashing) == Fault("the decoder crashed (exit code 7)", lost=True)
        assert pool.result_of(fine) == 4
        assert list(pool.map(len, ["a", "bb", 3, "dddd"]))[3] == 4


def test_requests_are_checked() -> None:
    with pytest.raises(InputError, match="frames"):
        ClipRequest(frames=-1)
    with pytest.raises(InputError, match="sampling"):
        ClipRequest(sampling="first")


def test_digests_are_remembered_until_a_file_changes(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    first = [Media(copy), Media(copy, 10, 100), Media(tmp_path / "missing.mp4")]
    digest_all(first, tmp_path)
    known = [media.digest for media in first]
    assert known[0] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert known[1] == hashlib.sha256(copy.read_bytes()[10:110]).hexdigest()
    assert known[2] == NO_CONTENT
    with monkeypatch.context() as patch:
        patch.setattr(Media, "open", lambda _: pytest.fail("read again"))
        again = [Media(copy), Media(copy), Media(copy, 10, 100)]
        digest_all(again, tmp_path)
        assert [media.digest for media in again] == [known[0], known[0], known[1]]
    with (tmp_path / "digests.jsonl").open("a") as file:
        file.write('["half a line')  # a run that was killed
    copy.write_bytes(b"other")
    changed = Media(copy)
    digest_all([changed], tmp_path)
    assert changed.digest == hashlib.sha256(b"other").hexdigest()
    later = Media(copy)
    digest_all([later], tmp_path)
    assert later.digest == changed.digest


def test_an_archive_is_indexed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text(name)
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(tmp_path / "a.mp4", "./in/a.mp4")
        tar.add(tmp_path / "b.mp4", "b.mp4")
        tar.add(tmp_path / "b.mp4", "./in/a.mp4")  # the last one of a name counts
    found = members(tmp_path / "x.tar", tmp_path)
    assert {name: media.open().read() for name, media in found.items()} == {"in/a.mp4": b"b.mp4", "b.mp4": b"b.mp4"}
    with monkeypatch.context() as patch:
        patch.setattr(tarfile, "open", lambda *_: pytest.fail("scanned again"))
        assert members(tmp_path / "x.tar", tmp_path) == found
    index = next((tmp_path / "archives").iterdir())
    index.write_text(index.read_text()[:20])  # a run that was killed
    assert members(tmp_path / "x.tar", tmp_path) == found
    with tarfile.open(tmp_path / "y.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "a.mp4", "a.mp4")
    (tmp_path / "y.tar.gz").rename(tmp_path / "y.tar")
    for path, words in ((tmp_path / "y.tar", "not an uncompressed tar"), (tmp_path / "z.tar", "cannot be read")):
        with pytest.raises(InputError, match=words):
            members(path, tmp_path)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    frames = decode_image(Media(tmp_path / "clear.png")).frames
    assert frames is not None
    assert (frames == 255).all()


def test_a_picture_track_without_a_frame_is_no_clip() -> None:
    for claimed in (None, 1, 2):  # as Matroska has it, and less than the slack
        report = Report(frames_claimed=claimed, video_codec="h264", sound=1.0, audio_codec="aac", peak=0.5)
        assert report.fault({"audio"}) is None
        assert report.fault(BOTH) == "the picture track holds no frame"


def test_a_digest_is_kept_as_soon_as_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []

    class Looking:
        def __enter__(self) -> Looking:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self) -> None:
            lines = filter(None, (tmp_path / "digests.jsonl").read_text().splitlines())
            kept.append(len([json.loads(line) for line in lines]))

    monkeypatch.setattr(digests, "bar", lambda *_, **__: Looking())
    for name in "abc":
        (tmp_path / name).write_text(name)
    digest_all([Media(tmp_path / name) for name in "abc"], tmp_path)
    assert kept == [1, 2, 3]


def test_a_folder_is_no_archive_and_a_cache_that_is_a_file_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "x.tar").mkdir()
    with pytest.raises(InputError, match=r"x\.tar: the archive cannot be read: Is a directory"):
        members(tmp_path / "x.tar", tmp_path)
    (tmp_path / "a.mp4").write_text("a")
    with tarfile.open(tmp_path / "y.tar", "w") as tar:
        tar.add(tmp_path / "a.mp4", "a.mp4")
    assert list(members(tmp_path / "y.tar", tmp_path / "a.mp4")) == ["a.mp4"]


def test_shades_of_sixteen_bits_stay_apart(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 30_000, 65_535]], np.uint16)).save(tmp_path / "deep.png")
    frames = decode_image(Media(tmp_path / "deep.png")).frames
    assert frames is not None
    assert frames[0, 0].tolist() == [[0] * 3, [117] * 3, [255] * 3]
