"""HTML tables drawn without a browser: weasyprint lays them out as one page of PDF, which pypdfium2 draws."""

from __future__ import annotations

import math
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import ImageFile

from ...errors import InputError, RunError
from .assets import ORIGIN, Assets
from .documents import MARGIN, Picture, check_size, png_bytes
from .settings import Settings
from .sheet import compose

if TYPE_CHECKING:
    from PIL import Image
    from weasyprint.urls import URLFetcher

SIDE = 200_000  # CSS pixels: a sheet of paper that no table is larger than
POINTS = 72 / 96  # points in a CSS pixel
# The text is no wider than the window; the first table is seen alone and whole, whatever stands around it.
PAPER = """
@page {{ size: {side}px; margin: 0 }}
html {{ width: {width}px }}
:has(table) {{ overflow: visible !important; max-width: none !important; max-height: none !important }}
body {{ visibility: hidden !important }}
"""


def version() -> str:
    """Version of weasyprint. Raises `InputError` that says how to install what it lacks."""
    truncated = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        return str(import_module("weasyprint").__version__)
    except (ImportError, OSError) as error:  # OSError: a library of the system, such as Pango, is missing
        raise InputError(
            f"weasyprint cannot be used: {str(error).splitlines()[0]}; pip install 'mmret[tables]', and on Debian and "
            "Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0"
        ) from error
    finally:  # it tells Pillow to take damaged pictures for whole ones, in all of the process
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated


def draw(html: str, settings: Settings) -> Picture:
    """The first table of a page or fragment. Raises `RunError` when there is none, or when it cannot be drawn."""
    version()
    import pypdfium2
    from weasyprint import CSS, HTML

    assets = Assets(settings.assets)
    page = HTML(string=compose(html, settings.css), base_url=ORIGIN, url_fetcher=_fetcher(assets))
    nested = {id(one) for table in page.etree_element.iter("table") for one in [*table.iter("table")][1:]}
    tables = [table for table in page.etree_element.iter("table") if id(table) not in nested]
    if not tables:
        raise RunError("the document holds no table")
    tables[0].set("style", f"{tables[0].get('style', '')}; visibility: visible !important")
    paper = CSS(string=PAPER.format(side=SIDE, width=settings.viewport[0]))
    laid = page.render(stylesheets=[paper], presentational_hints=True)
    left, top, right, bottom = _edges(laid, tables[0])
    size = (math.ceil((right - left) * settings.scale), math.ceil((bottom - top) * settings.scale))
    check_size(*size, settings.max_pixels)
    crop = tuple(POINTS * edge for edge in (left, SIDE - bottom, SIDE - right, top))
    with pypdfium2.PdfDocument(laid.write_pdf()) as file:
        image: Image.Image = file[0].render(scale=settings.scale / POINTS, crop=crop).to_pil()
    return Picture(png_bytes(image), *image.size, len(tables), assets.used, assets.refused)


def _edges(laid: Any, table: object) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the table on its page with a margin, CSS pixels; what flows over it included.

    Raises `RunError` where it would be cut.
    """
    box = next((one for one in laid.pages[0]._page_box.descendants() if one.element is table), None)
    if box is None or not box.border_width() or not box.border_height():
        raise RunError("the table has no size: it is empty or hidden")
    left, top = math.floor(box.border_box_x()) - MARGIN, math.floor(box.border_box_y()) - MARGIN
    parts = [box, *(one for one in box.descendants() if isinstance(one.width, float))]
    right = MARGIN + math.ceil(max(one.position_x + one.width for one in parts))
    bottom = MARGIN + math.ceil(max(one.position_y + one.height for one in parts))
    if left < 0 or top < 0 or max(right, bottom) > SIDE or len(laid.pages) > 1:
        raise RunError(f"the table does not fit a page of {SIDE:,} x {SIDE:,} pixels, where it would be cut")
    return left, top, right, bottom


def _fetcher(assets: Assets) -> URLFetcher:
    """What weasyprint asks for everything that is not in the HTML itself."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Fetcher(URLFetcher):  # type: ignore[misc]  # weasyprint has no types
        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            if url.startswith("data:"):
                return super().fetch(url, headers)
            if asset := assets.read(url):
                return URLFetcherResponse(url, BytesIO(asset[0]), {"Content-Type": asset[1]})
            raise ValueError(f"{url} is not loaded")

    return Fetcher()
