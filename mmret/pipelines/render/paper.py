"""Pages of PDF files, drawn by poppler."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path
from typing import Any

from ...errors import InputError, RunError
from .documents import PdfPage, Picture, check_size, png_bytes
from .settings import Settings

POINTS = 72  # points in an inch
MISSING = "poppler is missing, which draws PDF pages; on Debian and Ubuntu: apt-get install poppler-utils"


def version() -> str:
    """Version of poppler. Raises `InputError` that says how to install it."""
    try:
        told = subprocess.run(["pdftoppm", "-v"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(MISSING) from error
    found = re.search(r"\d+(\.\d+)+", told)
    return found[0] if found else told


def count_pages(file: Path) -> int:
    """Number of pages of a PDF file. Raises `RunError` for a file that is damaged or locked."""
    return int(_info(file, 1)["Pages"])


def draw(page: PdfPage, settings: Settings) -> Picture:
    """A page at `settings.dpi`. Raises `RunError` when it cannot be drawn."""
    from pdf2image import convert_from_path
    from pdf2image.exceptions import PDFPopplerTimeoutError

    info, number = _info(page.file.path, page.number), page.number
    size = next(value for key, value in info.items() if key.split() == ["Page", str(number), "size"])
    width, height = (float(one) * settings.dpi / POINTS for one in re.findall(r"[\d.]+", size)[:2])
    check_size(int(width), int(height), settings.max_pixels)
    try:
        images = convert_from_path(
            page.file.path, settings.dpi, first_page=number, last_page=number, timeout=math.ceil(settings.time_limit)
        )
    except PDFPopplerTimeoutError as error:
        raise RunError(f"poppler did not end within {settings.time_limit:g} s") from error
    if len(images) != 1:
        raise RunError("poppler drew nothing: the page is damaged")
    return Picture(png_bytes(images[0]), *images[0].size)


def _info(file: Path, page: int) -> dict[str, Any]:
    from pdf2image import pdfinfo_from_path
    from pdf2image.exceptions import PDFInfoNotInstalledError, PDFPageCountError, PDFPopplerTimeoutError

    try:
        return dict(pdfinfo_from_path(str(file), first_page=page, last_page=page, timeout=30))
    except PDFInfoNotInstalledError as error:
        raise InputError(MISSING) from error
    except (PDFPageCountError, PDFPopplerTimeoutError) as error:
        raise RunError(f"{file.name}: the PDF cannot be read: {' '.join(str(error).split())[:200]}") from error
