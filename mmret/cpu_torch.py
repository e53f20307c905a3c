"""Lets torchvision and torchaudio import beside a CPU build of torch.

The package registry carries both only as CUDA builds. Their compiled parts cannot load where torch is a CPU build, and
the imports fail although the pure-torch parts, which are all that mmret and its model libraries use, work. On any
machine whose compiled parts load, and on every CUDA or ROCm build, `prepare` does nothing.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

_libraries: list[object] = []  # operators that are declared live as long as their library
_one_at_a_time = threading.Lock()  # what was declared twice would be an error


def prepare() -> None:
    """Make `import torchvision` and `import torchaudio` work; call it before the first of them. Idempotent."""
    with _one_at_a_time:
        _prepare()


@functools.cache
def _prepare() -> None:
    import torch

    if torch.version.cuda is not None or torch.version.hip is not None:
        return
    if not _loads("torchvision", "_C.so"):
        _declare_vision_operators()
    if not _loads("torchaudio", "lib/_torchaudio.abi3.so"):
        _stand_in_for_audio_extension()


def _loads(package: str, library: str) -> bool:
    """Whether the compiled part of an installed package can be loaded; a part that is not there needs no mending."""
    import torch

    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return True
    path = Path(spec.origin).parent / library
    if not path.exists():
        return True
    try:
        torch.ops.load_library(path)
    except OSError:
        return False
    return True


def _declare_vision_operators() -> None:
    """torchvision attaches shape rules to these two operators when imported, so they must be known by name."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _libraries.append(library)


def _stand_in_for_audio_extension() -> None:
    """Register the module that torchaudio itself behaves as when it was built without its extension."""

    def fail_if_no_align(function: Callable[..., object]) -> Callable[..., NoReturn]:
        @functools.wraps(function)
        def fail(*_args: object, **_kwargs: object) -> NoReturn:
            raise RuntimeError(
                f"{function.__name__} needs the compiled part of torchaudio, made for CUDA builds of torch"
            )

        return fail

    module = types.ModuleType("torchaudio._extension")
    vars(module).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        _check_cuda_version=lambda: None,
        fail_if_no_align=fail_if_no_align,
    )
    sys.modules["torchaudio._extension"] = module
