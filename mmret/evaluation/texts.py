"""Text files of runs, judgements and galleries, which may be gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TextIO, cast

# What reading one may raise; the last two are of gzipped files that are cut short or damaged.
UNREADABLE = (ValueError, OSError, EOFError, zlib.error)


def open_text(path: Path) -> TextIO:
    """The file in UTF-8, whatever the locale, without a byte order mark, unzipped where its name ends in `.gz`."""
    opened = gzip.open if path.suffix == ".gz" else open
    return cast(TextIO, opened(path, "rt", encoding="utf-8-sig"))
