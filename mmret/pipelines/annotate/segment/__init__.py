"""From originals to clips: one decoding pass finds the stretches, those that pass the filters are cut out."""

from ....extras import need

need("cutting videos into clips", "pipeline", "scenedetect", "cv2")

from .segment import segment  # noqa: E402  (it imports what is needed)

__all__ = ["segment"]
