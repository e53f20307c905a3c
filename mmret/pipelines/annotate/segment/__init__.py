"""From originals to clips: one decoding pass finds the stretches, those that pass the filters are cut out."""

from .segment import segment

__all__ = ["segment"]
