"""Excerpts are decoded again: what they show and sound like."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmret.items import Item, Media
from mmret.media import Fault, Workers
from mmret.media.excerpts import BARS, Excerpt, Want, excerpt, gather

from .conftest import write_clip


def content(uri: str, kind: str) -> io.BytesIO:
    assert uri.startswith(f"data:{kind};base64,")
    return io.BytesIO(base64.b64decode(uri.partition(",")[2]))


def pitch(file: io.BytesIO) -> float:
    """The loudest frequency in Hz."""
    with av.open(file) as container:
        rate = container.streams.audio[0].rate
        sound: NDArray[np.float32] = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    return float(np.abs(np.fft.rfft(sound)).argmax() * rate / len(sound))


def test_a_clip_keeps_its_first_seconds_with_their_sound(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", frames=150, seconds=6.0, tone=700.0, size=320)
    found = excerpt(Want(Media(path), "video", play=True))
    assert found.seconds == pytest.approx(6.0, abs=0.1)
    assert found.size == (256, 256)
    with av.open(content(found.clip, "video/webm")) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["vp9", "opus"]
        frames = list(container.decode(video=0))
    assert len(frames) == 30
    assert frames[-1].time == pytest.approx(2.9, abs=0.05)
    shades = [int(frame.to_ndarray(format="gray").mean()) for frame in frames[:6]]
    assert shades == pytest.approx([8 * round(25 * i / 10) for i in range(6)], abs=18)  # as the source's, by time
    assert pitch(content(found.clip, "video/webm")) == pytest.approx(700, abs=5)
    assert len(found.wave) == BARS
    assert np.array(found.wave[2:-2]) == pytest.approx(0.5, abs=0.05)


def test_a_still_is_from_the_middle(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", frames=24, seconds=2.0)  # a key frame every 6 frames, 8 brighter each
    found = excerpt(Want(Media(path), "video"))
    with Image.open(content(found.picture, "image/webp")) as image:
        assert image.size == found.size == (64, 64)
        assert int(np.asarray(image.convert("L")).mean()) == pytest.approx(8 * 12, abs=12)
    assert (found.clip, found.wave) == ("", ())


def test_a_clip_without_sound_and_a_sound_without_a_clip(tmp_path: Path) -> None:
    mute = excerpt(Want(Media(write_clip(tmp_path / "mute.mp4", tone=None)), "video", play=True))
    with av.open(content(mute.clip, "video/webm")) as container:
        assert not container.streams.audio
    assert mute.wave == ()
    sound = excerpt(Want(Media(write_clip(tmp_path / "sound.mp4", tone=300.0)), "audio", play=True))
    assert sound.picture == ""
    assert pitch(content(sound.clip, "audio/webm")) == pytest.approx(300, abs=5)


def test_a_clip_inside_an_archive_is_cut_from_its_stretch(tmp_path: Path, clip: Path) -> None:
    packed = tmp_path / "packed.bin"
    packed.write_bytes(b"x" * 1000 + clip.read_bytes() + b"y" * 1000)
    stretch = Media(packed, 1000, clip.stat().st_size, "clip.mp4")
    whole = excerpt(Want(Media(clip), "video", play=True))
    assert excerpt(Want(stretch, "video", play=True)) == whole


def test_a_picture_is_made_small_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (1800, 500), (0, 0, 0, 0)).save(tmp_path / "table.png")
    found = excerpt(Want(Media(tmp_path / "table.png"), "image"))
    assert found.size == (900, 250)
    with Image.open(content(found.picture, "image/webp")) as image:
        assert np.asarray(image.convert("RGB")).min() == 255


def test_the_sound_of_a_clip_is_no_second_thing_to_show(clip: Path, tmp_path: Path) -> None:
    media, other = Media(clip), Media(tmp_path / "other.wav")
    assert Want.of(Item("a", video=media, audio=media), play=True) == [Want(media, "video", play=True)]
    assert Want.of(Item("a", image=media, audio=other), play=True) == [
        Want(media, "image"),
        Want(other, "audio", play=True),
    ]
    assert Want.of(Item("a", text="words")) == []


def test_what_cannot_be_decoded_says_why(tmp_path: Path, clip: Path, workers: Workers) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    mute = write_clip(tmp_path / "mute.mp4", tone=None)
    wants = [
        Want(Media(tmp_path / "empty.mp4"), "video"),
        Want(Media(tmp_path / "gone.png"), "image"),
        Want(Media(mute), "audio", play=True),
        Want(Media(clip), "video"),
    ]
    found = gather(wants, workers, 1_000_000)
    assert list(found) == wants
    assert [isinstance(one, Fault) for one in found.values()] == [True, True, True, False]
    assert found[wants[2]] == Fault("no sound track")


def test_a_budget_keeps_pictures_and_drops_clips_from_the_end(tmp_path: Path, workers: Workers) -> None:
    paths = [write_clip(tmp_path / f"{i}.mp4", shade=30 * i) for i in range(3)]
    wants = [Want(Media(path), "video", play=True) for path in paths]
    whole = gather(wants, workers, 10_000_000)
    assert all(isinstance(one, Excerpt) and one.picture and one.clip for one in whole.values())
    sizes = [(len(one.picture), len(one.clip)) for one in whole.values() if isinstance(one, Excerpt)]
    pictures = sum(picture for picture, _ in sizes)

    def kept(budget: int, wants: list[Want] = wants) -> list[tuple[bool, bool]]:
        found = gather(wants, workers, budget).values()
        return [(bool(one.picture), bool(one.clip)) for one in found if isinstance(one, Excerpt)]

    assert kept(pictures + sizes[0][1]) == [(True, True), (True, False), (True, False)]
    assert kept(pictures) == [(True, False)] * 3
    assert kept(sizes[0][0] + sizes[1][0]) == [(True, False), (True, False), (False, False)]
    # What is shown twice costs twice.
    assert kept(2 * sizes[0][0] + sizes[0][1], [wants[0], wants[0]]) == [(True, False)]
