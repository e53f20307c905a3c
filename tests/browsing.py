"""Pages in a real browser, of which no script fails and nothing is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

Open = Callable[..., Page]


class Visitor:
    """Opens pages and notes what goes wrong in them.

    Pages as wide and as dark as each other share what was fetched, but for those that are `alone`, as another person's.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[tuple[int, bool], BrowserContext] = {}
        self._open: list[Page | BrowserContext] = []
        self._wrong: list[str] = []

    def open(
        self,
        url: str,
        ready: str,
        *,
        width: int = 1280,
        dark: bool = False,
        alone: bool = False,
        before: Callable[[Page], Any] = lambda page: None,
    ) -> Page:
        """A page once the element `ready` is there.

        `before` is told of the page before it goes to its address.
        """
        page = (self._made(width, dark) if alone else self._shared(width, dark)).new_page()
        self._open.append(page.context if alone else page)
        page.set_default_timeout(60_000)  # milliseconds, for a machine that has much else to do
        origin = f"http://{urlsplit(url).netloc}/"
        page.on("pageerror", lambda error: self._wrong.append(str(error)))
        page.on("request", lambda one: one.url.startswith((origin, "blob:", "data:")) or self._wrong.append(one.url))
        before(page)
        page.goto(url)
        page.locator(ready).wait_for()
        return page

    def _shared(self, width: int, dark: bool) -> BrowserContext:
        if (width, dark) not in self._contexts:
            self._contexts[width, dark] = self._made(width, dark)
        return self._contexts[width, dark]

    def _made(self, width: int, dark: bool) -> BrowserContext:
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        return self._browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)

    def leave(self) -> None:
        """Close all pages; nothing had gone wrong."""
        for one in self._open:
            one.close()
        wrong = self._wrong
        self._open, self._wrong = [], []
        assert not wrong
