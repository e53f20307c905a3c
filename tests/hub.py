"""A server on the loopback that speaks as much of the Hub's protocol as reading datasets and models takes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Hub(ThreadingHTTPServer):
    """Serves the folders in `repositories` as datasets and as models, at any revision; branches are at commit 11….

    JSON lines are kept as Git keeps small files, all others as large ones.

    Attributes
    ----------
    sent: bytes sent of each file.
    asked: name, first byte and authorization of each request for a file.
    cut: a file is broken off once after so many bytes.
    busy: requests for a file are answered with these statuses first.
    held: what lies behind a file's first byte is sent only once the event is set.
    lies, sizes: files of which another digest, and of which another size is stated.
    elsewhere: the address that has the files, where this one has not.
    """

    def __init__(self, repositories: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.sent: Counter[str] = Counter()
        self.asked: list[tuple[str, int, str]] = []
        self.cut: dict[str, int] = {}
        self.busy: dict[str, list[int]] = {}
        self.held: dict[str, threading.Event] = {}
        self.lies: set[str] = set()
        self.sizes: dict[str, int] = {}
        self.elsewhere = ""
        self.digest = cache(_digest)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs that is to ask this Hub."""
        return {"HF_ENDPOINT": self.url, "HF_HUB_OFFLINE": "0", "HF_HOME": os.environ["MMRET_CACHE"] + "/hub"}


@contextmanager
def serve(repositories: dict[str, Path]) -> Iterator[Hub]:
    hub = Hub(repositories)
    thread = threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""

    def do_HEAD(self) -> None:
        self._file()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        api = re.fullmatch(r"/api/(?:datasets|models)/([^/]+/[^/]+)/(revision|tree)/([^/]+)(/.*)?", path)
        if not api:
            self._file()
            return
        folder = self.server.repositories.get(api[1])
        if folder is None:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif api[2] == "revision":
            sha = api[3] if re.fullmatch("[0-9a-f]{40}", api[3]) else "1" * 40
            self._json({"id": api[1], "sha": sha, "siblings": [], "private": False, "tags": []})
        else:
            self._json([self._entry(file, folder) for file in sorted(folder.rglob("*")) if file.is_file()])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        found = re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/paths-info/[^/]+", unquote(self.path))
        assert found
        folder = self.server.repositories[found[1]]
        names = json.loads(body)["paths"] if body.startswith("{") else [unquote(p[6:]) for p in body.split("&")[:1]]
        self._json([self._entry(folder / name, folder) for name in names if (folder / name).is_file()])

    def _entry(self, file: Path, folder: Path) -> dict[str, object]:
        name = str(file.relative_to(folder))
        size, digest = self.server.sizes.get(name, file.stat().st_size), self._digest(file, name)
        if len(digest) == 40:
            return {"type": "file", "path": name, "size": size, "oid": digest}
        lfs = {"oid": digest, "size": size, "pointerSize": 130}
        return {"type": "file", "path": name, "size": size, "oid": "0" * 40, "lfs": lfs}

    def _digest(self, file: Path, name: str) -> str:
        digest = self.server.digest(file)
        return "0" * len(digest) if name in self.server.lies else digest

    def _json(self, content: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self) -> None:
        found = re.fullmatch(r"/(?:datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", unquote(urlsplit(self.path).path))
        file = self.server.repositories[found[1]] / found[3] if found and found[1] in self.server.repositories else None
        if file is None or not file.is_file():
            self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        assert found
        name, span, size = found[3], self.headers.get("Range"), file.stat().st_size
        start, stop = 0, size
        if span:
            low, high = span.removeprefix("bytes=").split("-")
            start, stop = int(low), min(int(high) + 1 if high else stop, stop)
        if self.command == "GET":
            self.server.asked.append((name, start, self.headers.get("Authorization", "")))
        if self.server.busy.get(name):
            self._json({"error": "busy"}, self.server.busy[name].pop(0), {"Retry-After": "0"})
            return
        if self.server.elsewhere:
            self._json({}, 302, {"Location": self.server.elsewhere + self.path})
            return
        if start and name in self.server.held:
            self.server.held[name].wait()
        self.send_response(206 if span else 200)
        self.send_header("ETag", f'"{self._digest(file, name)}"')
        self.send_header("X-Repo-Commit", found[2])
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        limit = min(self.server.cut.pop(name, stop - start), stop - start)
        with file.open("rb") as content:
            content.seek(start)
            self.wfile.write(content.read(limit))
        self.server.sent[name] += limit
        if limit < stop - start:
            self.close_connection = True
            self.connection.close()


def _digest(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix != ".jsonl":
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
