"""One pass over an original: shots, motion, richness, loudness, and what cannot be used."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mmret.pipelines.annotate.config import Segment
from mmret.pipelines.annotate.segment.scan import scan_file
from mmret.pipelines.annotate.segment.shots import divide
from mmret.pipelines.annotate.segment.streams import UnusableError

from .films import FPS, Shot, picture, write_film

EVERYTHING = Segment(shortest=1, longest=15)


def test_shots_are_found_and_measured(tmp_path: Path) -> None:
    shots = [Shot(3, 1), Shot(2, 2, pan=0), Shot(4, 3, pan=6), Shot(2, 4, plain=True), Shot(2, 5, volume=0)]
    scan = scan_file(write_film(tmp_path / "film.mp4", shots), EVERYTHING)
    assert [span.frames for span in scan.spans] == [shot.frames for shot in shots]
    assert [span.start for span in scan.spans] == pytest.approx([0, 3, 5, 9, 11])
    assert scan.seconds == pytest.approx(13)
    assert scan.frames == 130
    pans, still, fast, plain, quiet = scan.spans
    assert pans.motion == pytest.approx(2 * FPS / 160, rel=0.3)  # lengths of the picture a second
    assert still.motion < 0.3 * pans.motion  # only the number in it changes
    assert fast.motion == pytest.approx(6 * FPS / 160, rel=0.3)
    assert plain.richness < 0.001
    assert min(one.richness for one in (pans, still, fast, quiet)) > 0.02
    assert plain.motion < 0.001
    assert quiet.loudness < -50 < pans.loudness < -10
    assert all(span.sound == pytest.approx(1, abs=0.05) for span in scan.spans)


def test_motion_and_richness_do_not_depend_on_size(tmp_path: Path) -> None:
    small = scan_file(write_film(tmp_path / "small.mp4", [Shot(3, 1)]), EVERYTHING).spans[0]
    large = scan_file(write_film(tmp_path / "large.mkv", [Shot(3, 1)], size=(480, 288)), EVERYTHING).spans[0]
    assert large.motion == pytest.approx(small.motion, rel=0.2)
    assert large.richness == pytest.approx(small.richness, rel=0.1)


def test_a_threshold_above_all_differences_finds_no_cut(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [Shot(2, 1), Shot(2, 2)])
    settings = Segment(threshold=250, shortest=1)
    assert [span.frames for span in scan_file(film, settings).spans] == [40]


@pytest.mark.parametrize(("seconds", "parts"), [(4, 1), (15, 1), (16, 2), (31, 3), (60, 4)])
def test_long_shots_are_divided_into_equal_parts(seconds: int, parts: int) -> None:
    times = [i / 24 for i in range(24 * seconds + 1)]
    found = divide([(0, 24 * seconds)], times, Segment())
    lengths = [times[b] - times[a] for a, b in found]
    assert len(found) == parts
    assert found[0][0] == 0
    assert found[-1][1] == 24 * seconds
    assert max(lengths) <= 15 + 1e-9
    assert max(lengths) - min(lengths) < 0.1


def test_a_picture_that_stands_longer_than_a_clip_is_a_part_of_its_own() -> None:
    assert divide([(0, 3)], [0, 40, 41, 42], Segment()) == [(0, 1), (1, 3)]
    times = [i / 10 for i in range(200)] + [40 + i / 10 for i in range(201)]  # at 19.9 s it stands still
    assert divide([(0, 400)], times, Segment()) == [(0, 150), (150, 199), (199, 200), (200, 350), (350, 400)]


def test_parts_keep_to_the_limit_at_any_rate() -> None:
    for rate in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(7, 2)):
        for frames in range(40, 1400, 37):
            times = [float(i / rate) for i in range(frames + 1)]
            found = divide([(0, frames)], times, Segment())
            assert [a for a, _ in found][1:] == [b for _, b in found][:-1]
            assert all(times[b] - times[a] <= 15 + 1e-9 for a, b in found)


def test_short_shots_are_joined_where_that_is_wanted() -> None:
    times = [float(i) for i in range(40)]
    shots = [(0, 2), (2, 4), (4, 8), (8, 10), (10, 25), (25, 27), (27, 39)]
    assert divide(shots, times, Segment()) == shots
    joined = divide(shots, times, Segment(short_shots="join"))
    assert joined == [(0, 8), (8, 10), (10, 25), (25, 39)]


def fault(path: Path) -> str:
    with pytest.raises(UnusableError) as caught:
        scan_file(path, EVERYTHING)
    return str(caught.value)


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", [Shot(4, 1)], options={"g": "10"})
    content = bytearray(film.read_bytes())
    (tmp_path / "half.mkv").write_bytes(content[: len(content) // 2])
    assert fault(tmp_path / "half.mkv").startswith("truncated: ")
    (tmp_path / "text.mp4").write_text("no video at all\n" * 100)
    assert fault(tmp_path / "text.mp4").startswith("not a readable media file: ")
    (tmp_path / "empty.mp4").touch()
    assert fault(tmp_path / "empty.mp4").startswith("not a readable media file: ")
    assert fault(tmp_path / "missing.mp4").startswith("not a readable media file: ")
    assert fault(write_film(tmp_path / "mute.mp4", [Shot(2, 1)], sounds=0)) == "no sound track"
    start = len(content) // 3
    content[start : start + len(content) // 3] = np.random.default_rng(0).bytes(len(content) // 3)
    (tmp_path / "damaged.mkv").write_bytes(content)
    assert fault(tmp_path / "damaged.mkv").split(":")[0] in ("damaged", "truncated")


def test_a_song_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 160, 96, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(picture(Shot(1, 1), 0, 0), format="rgb24")
        container.mux(cover.encode(frame))
        container.mux(cover.encode())
        wave = av.AudioFrame.from_ndarray(np.zeros((1, 32_000), np.float32), format="fltp", layout="mono")
        wave.sample_rate = 16_000
        container.mux(sound.encode(wave))
        container.mux(sound.encode())
    assert fault(path) == "no moving picture"


def test_a_playlist_reaches_no_other_file(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [Shot(2, 1)])
    playlist = tmp_path / "list.ffconcat"
    playlist.write_text(f"ffconcat version 1.0\nfile '{film}'\n")
    assert fault(playlist).startswith("not a readable media file: ")
