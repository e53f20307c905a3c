"""Sound at the rate a model was trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import cpu_torch


def resample(sound: NDArray[np.float32], rate: int, to_rate: int) -> NDArray[np.float32]:
    """Bring mono sound `(samples,)` from `rate` to `to_rate` Hz by torchaudio's windowed sinc interpolation."""
    if rate == to_rate or sound.size == 0:
        return sound
    cpu_torch.prepare()
    import torch
    from torchaudio.functional import resample as sinc

    out: NDArray[np.float32] = sinc(torch.from_numpy(sound), rate, to_rate).numpy()
    return out
