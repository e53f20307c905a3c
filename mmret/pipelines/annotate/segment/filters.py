"""Which stretches become clips; each that does not is given the reason."""

from __future__ import annotations

from ..config import Segment
from .scan import Span

SOUND = 0.95  # least share of a clip that must have sound


def fault_of(span: Span, settings: Segment) -> str | None:
    """Why a stretch is no clip; None when it is one."""
    length = span.end - span.start
    if length < settings.shortest:
        return f"too short: {length:.2f} s"
    if span.sound < SOUND:
        return f"sound missing: {1 - span.sound:.0%} of it"
    if span.loudness < settings.loudness:
        return f"too quiet: {span.loudness:.1f} dB"
    if span.motion < settings.motion:
        return f"too little motion: {span.motion:.4f}"
    if span.richness < settings.richness:
        return f"too plain: {span.richness:.4f}"
    return None
