"""Clips cut out of originals of every kind: to the frame and the sample, upright, and playable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mmret.items import Media
from mmret.media import inspect
from mmret.pipelines.annotate.config import Segment
from mmret.pipelines.annotate.segment.cut import Cut, cut_file
from mmret.pipelines.annotate.segment.scan import Span, scan_file

from .films import RATE, Shot, number_of, read, sound_of, write_film

SHOTS = [Shot(2.3, 1), Shot(3.1, 2), Shot(2.6, 3)]
SETTINGS = Segment(shortest=1, crf=12)


def middle(film: Path, target: Path, settings: Segment = SETTINGS) -> tuple[Span, Cut]:
    """The second shot of a film, cut out."""
    spans = scan_file(film, settings).spans
    assert [span.frames for span in spans] == [shot.frames for shot in SHOTS]
    return spans[1], cut_file(film, spans[1], target, settings)


def lag(cut: np.ndarray[Any, Any], original: np.ndarray[Any, Any]) -> int:
    """Samples by which a sound stands later than another, by their correlation."""
    size = 2 ** int(np.ceil(np.log2(len(cut) + len(original))))
    spectrum = np.fft.rfft(cut, size) * np.conj(np.fft.rfft(original, size))
    place = int(np.argmax(np.fft.irfft(spectrum, size)))
    return place if place < size // 2 else place - size


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("film.mp4", {}),
        ("sparse.mp4", {"options": {"g": "1000", "bf": "3"}}),
        ("open.mkv", {"options": {"g": "12", "bf": "3", "x264-params": "open-gop=1"}}),
        ("film.ts", {}),
        ("late.ts", {"offset": 3000}),
        ("late.mkv", {"offset": 1500}),
        ("film.avi", {"codec": "mpeg4", "sound_codec": "mp3", "options": {"q": "2"}}),
        ("film.webm", {"codec": "libvpx", "sound_codec": "libopus", "options": {"b": "2M", "cpu-used": "8"}}),
        ("two.mkv", {"sounds": 2}),
        ("deep.mp4", {"pix_fmt": "yuv444p"}),
    ],
)
def test_cuts_are_exact(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    film = write_film(tmp_path / name, SHOTS, **how)
    before = film.read_bytes()
    span, cut = middle(film, tmp_path / "clips" / "clip.mp4")
    frames, times, sound, rate = read(tmp_path / "clips" / "clip.mp4")
    assert [number_of(frame) for frame in frames] == [*range(23, 54)]
    assert times[0] == 0
    assert times[-1] == pytest.approx(3.0, abs=0.01)
    whole = sound_of(SHOTS)[round(2.3 * RATE) : round(5.4 * RATE)]
    if rate == RATE:  # AVI keeps no times, so that its decoder's delay is heard
        assert abs(lag(sound[: len(whole)], whole)) <= (0.05 if "avi" in name else 0.012) * RATE
    assert abs(len(sound) / rate - (span.end - span.start)) < 0.1
    assert cut.size == (160, 96)
    assert inspect(Media(tmp_path / "clips" / "clip.mp4")).fault(["video", "audio"]) is None
    assert film.read_bytes() == before
    assert [one.name for one in (tmp_path / "clips").iterdir()] == ["clip.mp4"]


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    _, cut = middle(write_film(tmp_path / "film.mp4", SHOTS), tmp_path / "clip.mp4")
    assert Media(tmp_path / "clip.mp4").digest == cut.sha256


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    steps = np.tile([40, 160, 100], 27)[:80]
    times = np.concatenate([[0], np.cumsum(steps)])[:80].tolist()
    film = write_film(tmp_path / "film.mkv", SHOTS, times=times)
    span, _ = middle(film, tmp_path / "clip.mp4")
    assert span.start == pytest.approx(times[23] / 1000)
    frames, found, _, _ = read(tmp_path / "clip.mp4")
    assert [number_of(frame) for frame in frames] == [*range(23, 54)]
    assert found == pytest.approx([(times[i] - times[23]) / 1000 for i in range(23, 54)], abs=0.002)


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", SHOTS, size=(161, 97), pix_fmt="yuv444p")
    _, cut = middle(film, tmp_path / "clip.mp4")
    assert cut.size == (160, 96)


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", SHOTS)
    _, cut = middle(film, tmp_path / "clip.mp4", SETTINGS.model_copy(update={"height": 64}))
    assert cut.size == (106, 64)


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, -1), (180, 2)])
def test_turned_pictures_stand_upright(tmp_path: Path, rotation: int, turns: int) -> None:
    film = write_film(tmp_path / "film.mp4", SHOTS, rotation=rotation)
    _, cut = middle(film, tmp_path / "clip.mp4")
    assert cut.size == ((96, 160) if rotation != 180 else (160, 96))
    frames, *_ = read(tmp_path / "clip.mp4")
    assert [number_of(np.rot90(frame, -turns)) for frame in frames] == [*range(23, 54)]
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_a_player_would_choose_the_default_sound(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", SHOTS, sounds=2)
    middle(film, tmp_path / "clip.mp4")
    assert np.abs(read(tmp_path / "clip.mp4")[2]).max() > 0.05  # the other track is silent
