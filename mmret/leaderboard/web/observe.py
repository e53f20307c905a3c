"""What is seen of the server from outside: logs in JSON, metrics for Prometheus, and whether it is well."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..board import Board
from ..board.database import Job, Progress, Submission, now
from .limits import has_room
from .problems import ProblemError

SECRET = re.compile(r"(mmret_\w{8})_[\w-]+")
CLIENT_LEFT = 499  # nginx's number for a client that hung up before it was answered
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
STALLED = 60.0  # seconds that a job may wait while none runs

_log = logging.getLogger("mmret.web")
_request: ContextVar[str | None] = ContextVar("request", default=None)


class JsonLines(logging.Formatter):
    """One JSON object a line, with the id of the request; secrets of tokens are cut off wherever they stand."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request": _request.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return without_secrets(json.dumps(entry, ensure_ascii=False, default=str))


def without_secrets(text: str) -> str:
    """The text with the secret part of each token in it cut off; the prefix tells which token it was."""
    return SECRET.sub(r"\1_…", text)


def log_as_json(level: int = logging.INFO) -> None:
    """Send all logs of this process to stderr as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


class Metrics:
    """Counts of this process, and of the board as it stands when they are asked for."""

    def __init__(self, board: Board) -> None:
        self.registry = CollectorRegistry()
        names = ["method", "route"]
        self._answers = Counter("mmret_http_requests", "Requests answered.", [*names, "status"], registry=self.registry)
        self._seconds = Histogram("mmret_http_request_seconds", "Time to answer.", names, registry=self.registry)
        ProcessCollector(registry=self.registry)
        self.registry.register(_BoardMetrics(board))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the template, and rare methods are one, so that nobody can make more series."""
        method = method if method in METHODS else "other"
        self._answers.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)


class _BoardMetrics(Collector):
    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges read from the database."""
        for name, text, column in (
            ("mmret_jobs", "Scoring jobs by state.", Job.state),
            ("mmret_submissions", "Submissions by state.", Submission.state),
        ):
            gauge = GaugeMetricFamily(name, text, labels=["state"])
            with self._board.reading() as session:
                for state, count in session.execute(select(column, func.count()).group_by(column)):
                    gauge.add_metric([state.value], count)
            yield gauge


class Health(BaseModel):
    """Whether the server can do its work."""

    ok: bool
    database: bool = Field(description="The database answers.")
    files: bool = Field(description="The folder of files can be written, and the disk has room.")
    workers: int | None = Field(description="Living scoring processes of this server; null where they run elsewhere.")
    queue: int | None = Field(description="Submissions that wait for the scorer.")
    waiting: float | None = Field(description="Seconds that the first of them has waited; 0 for an empty queue.")


def health_of(board: Board, workers: Callable[[], int] | None) -> Health:
    """Look at database, files and queue; `workers` counts the living scoring processes of this server."""
    alive = None if workers is None else workers()
    files = has_room(board.files.folder)
    try:
        with board.reading() as session:
            states = (Progress.queued, Progress.running)
            rows = session.execute(select(Job.state, func.count(), func.min(Job.created_at)).group_by(Job.state))
            jobs = {state: (count, first) for state, count, first in rows if state in states}
    except Exception:  # whatever a driver raises, the answer is that the database does not work
        _log.exception("the database does not answer")
        return Health(ok=False, database=False, files=files, workers=alive, queue=None, waiting=None)
    queue, first = jobs.get(Progress.queued, (0, None))
    waiting = 0.0 if first is None else (now() - first).total_seconds()
    stalled = waiting > STALLED and Progress.running not in jobs
    ok = files and alive != 0 and not stalled
    return Health(ok=ok, database=True, files=files, workers=alive, queue=queue, waiting=waiting)


class Observed:
    """ASGI middleware: each request has an id, a line in the log and a count; one that fails is answered 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, began, status = uuid.uuid4().hex, time.perf_counter(), CLIENT_LEFT

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = number
            await send(message)

        held = _request.set(number)
        try:
            await self._app(scope, receive, noted)
        except Exception:  # a mistake of ours: told in the log, and answered without a word of it
            _log.exception("the request failed")
            if status == CLIENT_LEFT:
                detail = f"the server failed; whoever runs it finds the cause in the log under {number}"
                problem = ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", detail)
                await problem.response()(scope, receive, noted)
        finally:
            seconds = time.perf_counter() - began
            self._tell(scope, status, seconds)
            _request.reset(held)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.answered(scope["method"], route, status, seconds)
        fields = {
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": status,
            "ms": round(1000 * seconds, 1),
            "client": scope["client"][0] if scope.get("client") else None,
        }
        _log.info("request", extra={"fields": fields})
