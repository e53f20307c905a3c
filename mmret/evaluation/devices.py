"""Devices of torch: which one to run on, what people call it, and how much of its memory was taken."""

from __future__ import annotations

from ..encoders import Model, find_encoder
from ..engines import EngineName
from ..errors import InputError


def resolve_device(wanted: str, model: str | Model, engine: EngineName = "local") -> str:
    """The device to run on; torch is asked only for models that use it, and a cluster that is connected for itself."""
    spec = find_encoder(model).spec if isinstance(model, str) else model.spec
    if wanted == "auto" and not spec.packages:
        return "cpu"
    if engine == "ray":
        from ..engines import cluster

        return wanted if wanted != "auto" else "cuda" if cluster.gpus() else "cpu"
    if wanted == "cpu":
        return wanted
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:
        why = str(error).partition("\n")[0]
        raise InputError(f"device {wanted!r} cannot be used here: {why}") from None
    return wanted


def device_name(device: str) -> str:
    """The device as people know it: "cuda (NVIDIA H100)"."""
    if not device.startswith("cuda"):
        return device
    import torch

    if not torch.cuda.is_available():  # it is a GPU of another machine
        return device
    return f"{device} ({torch.cuda.get_device_name(device)})"


def peak_device_mb(device: str) -> float | None:
    """Peak of the memory torch took of a CUDA device, in MB (10^6 bytes); None where nothing ran there."""
    if not device.startswith("cuda"):
        return None
    import torch

    if not torch.cuda.is_initialized():
        return None
    return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
