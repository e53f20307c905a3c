"""Slices of questions by what their tables look like: the paper's bands of size, and structure."""

from __future__ import annotations

from PIL import Image

from ...errors import InputError
from ...items import Media
from ...tables import area_band, features
from .records import TableRecord

_MARKS = (  # slice, feature of `mmret.tables.features`, least value
    ("merged", "merged", 1),
    ("multi-header", "header_depth", 2),
    ("pictures", "pictures", 1),
    ("nested", "nested", 1),
    ("sparse", "empty_share", 0.25),
)


def slices_of(record: TableRecord) -> list[str]:
    """The slices that a question is in whose answer is this table."""
    return [*_size(record.image), *_structure(record)]


def _size(image: Media | None) -> list[str]:
    if image is None:
        return []
    try:
        with image.open() as file, Image.open(file) as opened:
            return [f"area:{area_band(*opened.size)}"]
    except Exception:  # Pillow raises many kinds on damaged files; the preflight names this one
        return []


def _structure(record: TableRecord) -> list[str]:
    try:
        found = features(record.table) if record.table is not None else {}
    except InputError:
        return []
    return [name for name, key, least in _MARKS if found.get(key, 0) >= least]
