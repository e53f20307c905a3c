from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmret.items import Media
from mmret.media.spectrogram import BANDS, HIGHEST, LOWEST, WAVE, WIDTH, draw_sound

RATE = 32_000


def drawn(sound: np.ndarray, path: Path) -> np.ndarray:
    """Brightness of the picture of a sound, int `(height, width)`."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    with Image.open(io.BytesIO(draw_sound(Media(path)))) as image:
        return np.asarray(image.convert("L")).astype(int)


@pytest.mark.parametrize("tone", [200.0, 1000.0, 8000.0])
def test_a_tone_is_a_line_at_its_height(tmp_path: Path, tone: float) -> None:
    seconds = np.arange(2 * RATE) / RATE
    picture = drawn(0.5 * np.sin(2 * np.pi * tone * seconds), tmp_path / "tone.wav")
    assert picture.shape == (WAVE + BANDS, WIDTH)
    found = picture[WAVE:, 10:-10].mean(axis=1).argmax()
    wanted = BANDS * (1 - np.log(tone / LOWEST) / np.log(HIGHEST / LOWEST))
    assert abs(found - wanted) < 3


def test_the_waveform_follows_loudness_and_silence_is_a_line(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, RATE)
    picture = drawn(np.concatenate([np.zeros(RATE), noise]), tmp_path / "half.wav")
    bright = (picture[:WAVE] > 60).sum(axis=0)
    assert set(bright[5:175].tolist()) == {2}
    assert bright[185:].min() >= WAVE - 4
    silent = drawn(np.zeros(RATE), tmp_path / "silent.wav")
    assert silent[WAVE:].max() == silent[WAVE:].min()


def test_a_file_without_sound_has_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no sound"):
        drawn(np.zeros(0), tmp_path / "empty.wav")
