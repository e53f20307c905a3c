"""Talk to a board over HTTP: send a submission, and wait for its score."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx

from ...errors import InputError, RunError
from ...progress import bar
from ..submissions import PARQUET, Fault

PIECE = 1 << 18
ATTEMPTS = 6
PATIENCE = 60.0  # seconds that the server may ask to wait before a request is given up
AGAIN = (502, 503, 504)  # and whatever tells when to try again


class Client:
    """A team's connection to a board, for a `with` block.

    What fails on the way is tried again: an upload too, because the board answers the same file of the same team with
    the submission it has.

    Parameters
    ----------
    url: of the board, such as https://board.example.org.
    token: the team's secret; it goes into a header only.
    note: takes lines for the person who waits.
    """

    def __init__(self, url: str, token: str, note: Callable[[str], None]) -> None:
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise InputError(f"{url}: no address of a board: {error}") from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise InputError(f"{url}: the address of a board begins with https:// or http://")
        if not token.isascii() or not token.isprintable():
            raise InputError("the token holds signs that no token has; copy it again")
        self._note = note
        self._http = httpx.Client(
            base_url=self._url.join(self._url.path.rstrip("/") + "/api/v1/"),
            headers={"Authorization": f"Bearer {token}"},
            # The answer to an upload comes when the file is checked, after those that came before.
            timeout=httpx.Timeout(30, read=300),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def benchmark_of(self, digest: str) -> str:
        """Id of the one active benchmark on the board that is asked as the digest says (`Ground.digest`)."""
        found = [one["id"] for one in self._pages("benchmarks") if one["digest"] == digest and one["active"]]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"several benchmarks of the board ask the same: {', '.join(found)}; name one: --benchmark")
        raise InputError("the board has no benchmark of the file's digest: another benchmark, or another version of it")

    def submit(self, path: Path, benchmark: str) -> dict[str, Any]:
        """Upload a file; the submission that the board made of it, or had.

        Raises `InputError` for a file, token or benchmark that the board refuses, naming each fault; `RunError` when
        the board cannot be reached or takes none now.
        """
        size = path.stat().st_size

        def send() -> httpx.Response:
            with path.open("rb") as file, bar(size, path.name, "B") as progress:
                headers = {"Content-Length": str(size), "Content-Type": PARQUET}
                content = _read(file.read, progress.update)
                return self._http.post(f"benchmarks/{benchmark}/submissions", content=content, headers=headers)

        return self._ask(send)

    def submission(self, number: str) -> dict[str, Any]:
        """A submission as it stands."""
        return self._ask(lambda: self._http.get(f"submissions/{number}"))

    def scores(self, number: str) -> dict[str, Any]:
        """Its figures: protocol → slice → `n` and measures; empty while it is not scored."""
        scores: dict[str, Any] = self._ask(lambda: self._http.get(f"submissions/{number}/scores"))["scores"]
        return scores

    def scored(self, number: str, seconds: float) -> dict[str, Any]:
        """The submission once it is no longer pending. Raises `RunError` when that takes longer than `seconds`."""
        end, pause = time.monotonic() + seconds, 0.5
        while (found := self.submission(number))["state"] == "pending":
            if time.monotonic() > end:
                raise RunError(f"{number}: accepted and safe, and not scored within {seconds:g} s; look again later")
            time.sleep(pause)
            pause = min(1.5 * pause, 5)
        return found

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        page, pages = 1, 1
        while page <= pages:
            found = self._ask(partial(self._http.get, path, params={"page": page}))
            yield from found["items"]
            page, pages = page + 1, found["pages"]

    def _ask(self, send: Callable[[], httpx.Response]) -> dict[str, Any]:
        """The answer, after as many attempts as it takes while there is hope."""
        for attempt in range(1, ATTEMPTS + 1):
            pause = random.uniform(0.5, 1) * 2 ** (attempt - 1)
            try:
                answer = send()
            except httpx.TransportError as error:
                reason = f"{self._url.host}: {error or type(error).__name__}"
            else:
                if answer.status_code not in AGAIN and "retry-after" not in answer.headers:
                    return _content(answer)
                reason = _refusal(answer)
                after = answer.headers.get("retry-after", "")
                pause = max(pause, float(after) if after.isdecimal() else 0)  # a proxy may name a date
            if attempt == ATTEMPTS or pause > PATIENCE:
                raise RunError(reason)
            self._note(f"{reason}; trying again in {pause:.0f} s")
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def told(fault: Mapping[str, Any]) -> str:
    """A fault as the board named it, on a line."""
    return f"{fault['severity']} {fault['code']}: {Fault(**fault)}"


def _read(read: Callable[[int], bytes], moved: Callable[[int], object]) -> Iterator[bytes]:
    while piece := read(PIECE):
        yield piece
        moved(len(piece))


def _content(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        with contextlib.suppress(ValueError):  # of a page of something else
            content = answer.json()
            if isinstance(content, dict):
                return content
    refused = answer.is_client_error and answer.status_code != HTTPStatus.TOO_MANY_REQUESTS
    raise (InputError if refused or answer.is_success else RunError)(_refusal(answer))


def _refusal(answer: httpx.Response) -> str:
    """What the board says is wrong, a line each; of anything else that answers there, its status."""
    try:
        problem = answer.json()
        lines = [problem["detail"], *map(told, problem["faults"])]
    except (ValueError, KeyError, TypeError):
        where = answer.headers.get("location")
        return f"{answer.url}: status {answer.status_code}, not from a board" + (f"; see {where}" if where else "")
    return "\n  ".join(lines)
