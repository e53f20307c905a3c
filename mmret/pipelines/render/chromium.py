"""HTML tables drawn by a Chromium that runs no script, reaches no network and opens no file."""

from __future__ import annotations

import base64
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ...errors import InputError, RunError
from ...extras import need
from .assets import ORIGIN, Assets
from .documents import MARGIN, Picture, check_size, png_bytes
from .settings import Settings
from .sheet import compose

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page, Route

NAMES = ("chromium", "chromium-browser", "google-chrome")
TILE = 16_000  # pixels: a side of 16,384 is the most that many textures have
# The sandbox of this policy also stops refreshes; pictures are let through to `_answer`, which decides and takes note.
POLICY = (
    "sandbox; default-src 'none'; img-src * data:; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
ARGUMENTS = [
    "--disable-gpu",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
# Shows the first table alone and whole, whatever stands around it, and measures it. What words overflow belongs to it;
# right-to-left pages would grow to the left, where nothing can be captured; what sticks to the window covers rows.
MEASURE = """async () => {
  const tables = [...document.querySelectorAll('table')].filter(one => !one.parentElement.closest('table'));
  if (!tables.length) return null;
  const table = tables[0];
  const put = (element, name, value) => element.style.setProperty(name, value, 'important');
  put(table, 'direction', getComputedStyle(table).direction);
  const own = {
    visibility: 'visible', position: 'relative', inset: 'auto', margin: '0', float: 'none', transform: 'none',
  };
  for (const name in own) put(table, name, own[name]);
  for (const part of table.querySelectorAll('*'))
    if (['sticky', 'fixed'].includes(getComputedStyle(part).position)) put(part, 'position', 'static');
  for (let parent = table.parentElement; parent; parent = parent.parentElement) {
    for (const name of ['max-width', 'max-height', 'clip-path', 'transform', 'filter']) put(parent, name, 'none');
    put(parent, 'overflow', 'visible');
    put(parent, 'direction', 'ltr');
    put(parent, 'opacity', '1');
  }
  put(document.body, 'visibility', 'hidden');
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  const box = table.getBoundingClientRect();
  const [width, height] = [Math.max(box.width, table.scrollWidth), Math.max(box.height, table.scrollHeight)];
  return [box.x + scrollX, box.y + scrollY, width, height, tables.length];
}"""


def find_browser(given: Path | None) -> str:
    """The path of a Chromium or Chrome. Raises `InputError` that says how to install it, or what drives it."""
    need("drawing with a browser", "tables", "playwright")
    found = shutil.which(given) if given else next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    raise InputError(
        f"{given}: no such browser"
        if given
        else f"no browser found, looked for {', '.join(NAMES)}; on Debian and Ubuntu: apt-get install chromium; "
        "or name one with --browser PATH; or draw without one: --engine weasyprint"
    )


def version(settings: Settings) -> str:
    """Version of the browser, started once to see that it does. Raises `RunError` when it does not."""
    browser = find_browser(settings.browser)
    from playwright.sync_api import Error

    def started() -> str:
        with Chromium(settings) as one:
            return one.version

    # Playwright refuses to start beside an event loop, which the caller may run in this thread.
    with ThreadPoolExecutor(1) as pool:
        try:
            return pool.submit(started).result()
        except Error as error:
            raise RunError(
                f"{browser} does not start ({str(error).splitlines()[0]}); see why: {browser} --headless "
                "--dump-dom about:blank; or draw without a browser: --engine weasyprint"
            ) from error


class Chromium:
    """A browser with one page, used again for each table; for a `with` block in one thread.

    Each table replaces the document before it. The page's policy and origin stay, and nothing else does.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._assets = Assets(settings.assets)
        self._running = ExitStack()
        self._page: Page | None = None
        self._session: CDPSession | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser; the next table starts another one."""
        from playwright.sync_api import Error

        self._page = self._session = None
        with suppress(Error):  # of a browser that has ended already
            self._running.close()

    @property
    def version(self) -> str:
        """The browser's own version."""
        browser = (self._page or self._open()).context.browser
        assert browser is not None
        return browser.version

    def draw(self, html: str) -> Picture:
        """The first table of a page or fragment. Raises `RunError` when there is none, or when it cannot be drawn."""
        from playwright.sync_api import Error

        try:
            return self._draw(html)
        except Error as error:
            self.close()  # whatever state it is in
            raise RunError(f"the browser failed: {str(error).splitlines()[0]}") from error

    def _draw(self, html: str) -> Picture:
        page = self._page or self._open()
        self._assets = Assets(self._settings.assets)
        page.set_content(compose(html, self._settings.css))
        measured = page.evaluate(MEASURE)
        if measured is None:
            raise RunError("the document holds no table")
        x, y, width, height, tables = measured
        if not width or not height:
            raise RunError("the table has no size: it is empty or hidden")
        if x < 0 or y < 0:
            raise RunError("the table lies beyond the upper or left edge of its page, where it would be cut")
        png, size = self._capture(max(x - MARGIN, 0), max(y - MARGIN, 0), width + 2 * MARGIN, height + 2 * MARGIN)
        return Picture(png, *size, tables, self._assets.used, self._assets.refused)

    def _open(self) -> Page:
        """Start the browser, and leave its page at an address that keeps a policy over all that is put there."""
        from playwright.sync_api import sync_playwright

        settings = self._settings
        playwright = sync_playwright().start()
        self._running.callback(playwright.stop)
        browser = playwright.chromium.launch(
            executable_path=find_browser(settings.browser),
            args=ARGUMENTS,
            chromium_sandbox=os.geteuid() != 0,  # which Chromium refuses to set up as root
        )
        self._running.callback(browser.close)
        width, height = settings.viewport
        context = browser.new_context(
            java_script_enabled=False,
            offline=True,
            accept_downloads=False,
            service_workers="block",
            viewport={"width": width, "height": height},
        )
        context.route("**/*", self._answer)
        page = context.new_page()
        page.set_default_timeout(1000 * settings.time_limit)
        page.goto(ORIGIN)
        self._session = context.new_cdp_session(page)
        self._page = page
        return page

    def _answer(self, route: Route) -> None:
        """All requests end here, and none goes further."""
        address = route.request.url
        if self._page is None and address == ORIGIN:
            headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=utf-8"}
            route.fulfill(body="<!doctype html>", headers=headers)
        elif asset := self._assets.read(address):
            route.fulfill(body=asset[0], content_type=asset[1])
        else:
            route.abort("aborted")

    def _capture(self, x: float, y: float, width: float, height: float) -> tuple[bytes, tuple[int, int]]:
        """PNG and size of a stretch of the page given in CSS pixels; it may be of any size up to `max_pixels`."""
        from PIL import Image

        scale = Fraction(str(self._settings.scale))
        step = scale.denominator  # CSS pixels after which a whole number of pixels has passed
        left, top = int(x), int(y)
        right, bottom = (int(-(-edge // step) * step) for edge in (x - left + width, y - top + height))
        size = int(right * scale), int(bottom * scale)
        check_size(*size, self._settings.max_pixels)
        side = int(TILE / scale) // step * step
        if right <= side and bottom <= side:
            return self._shoot(left, top, right, bottom), size
        whole = Image.new("RGB", size)
        for low in range(0, bottom, side):
            for near in range(0, right, side):
                tile = self._shoot(left + near, top + low, min(side, right - near), min(side, bottom - low))
                whole.paste(Image.open(BytesIO(tile)), (int(near * scale), int(low * scale)))
        return png_bytes(whole), size

    def _shoot(self, x: int, y: int, width: int, height: int) -> bytes:
        """PNG of a stretch of at most `TILE` pixels a side. Raises `RunError` when it comes out in another size."""
        scale = Fraction(str(self._settings.scale))
        assert self._session is not None
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": self._settings.scale}
        answer = self._session.send(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
        )
        png = base64.b64decode(answer["data"])
        found = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])  # PNG (ISO 15948), section 11.2.1
        if found != (int(width * scale), int(height * scale)):
            raise RunError(f"the browser drew {found[0]:,} x {found[1]:,} pixels of {width}x{height} at {scale}")
        return png
