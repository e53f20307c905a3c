"""The server of a board under load: `python perf/board_web.py`; each line says what is aimed at.

1. With 2,000 submissions on 10 benchmarks: how long the server takes to answer, beside `import gradio` alone, and how
   many requests for rows it answers a second, asked by another process; and until a browser has painted a table.
2. A submission of 10 million rows: from the first byte sent to the score, and the memory of the server's processes.
3. Thousands of malformed files: each refused, none left behind.

All by the clock, from real processes on this machine; memory is the sum over processes of what is theirs alone and
their part of what is shared (PSS).
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmret.benchmarks import Benchmark, Ragged  # noqa: E402
from mmret.items import Item  # noqa: E402
from mmret.leaderboard.board import Board  # noqa: E402
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark  # noqa: E402
from mmret.leaderboard.board.teams import create_team, issue_token  # noqa: E402
from mmret.leaderboard.submissions import Ground  # noqa: E402
from mmret.pipelines.render.chromium import find_browser  # noqa: E402
from tests.leaderboard.board import filled  # noqa: E402
from tests.leaderboard.submissions.malformed import malformed  # noqa: E402
from tests.leaderboard.web import made  # noqa: E402

SERVE = """
import sys
from pathlib import Path
from mmret.leaderboard.web.limits import Limits
from mmret.leaderboard.web.server import run_server
if __name__ == "__main__":
    run_server(Path(sys.argv[1]), port=int(sys.argv[2]), limits=Limits(requests=1e9, uploads=1e9))
"""
ASK = """
import sys, time, httpx
url, seconds = sys.argv[1], float(sys.argv[2])
with httpx.Client() as client:
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        assert client.get(url).status_code == 200
        count += 1
print(count / seconds)
"""
SWITCH = """
async (name) => {
  const start = performance.now();
  [...document.querySelectorAll(".tabs a")].find((link) => link.textContent.trim() === name).click();
  while (document.querySelector(".tabs [aria-current]").textContent.trim() !== name)
    await new Promise((next) => setTimeout(next, 5));
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  return performance.now() - start;
}
"""
PORT = 7861


@contextmanager
def serving(folder: Path) -> Iterator[tuple[psutil.Process, float]]:
    """The server and the seconds until it first answered."""
    start = time.perf_counter()
    with (folder.parent / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-c", SERVE, str(folder), str(PORT)], stderr=log)
    try:
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{PORT}/", timeout=30).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.02)
        yield psutil.Process(process.pid), time.perf_counter() - start
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Peak:
    """The most memory that a process and its children had while a block ran, bytes, and of the process alone."""

    def __init__(self, process: psutil.Process) -> None:
        self.process, self.all, self.alone = process, 0, 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.1):
            own = pss(self.process)
            self.alone = max(self.alone, own)
            self.all = max(self.all, own + sum(map(pss, self.process.children(recursive=True))))


def pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def upload(path: Path | bytes, token: str, benchmark: str) -> httpx.Response:
    url = f"http://127.0.0.1:{PORT}/api/v1/benchmarks/{benchmark}/submissions"
    content = path if isinstance(path, bytes) else path.read_bytes()
    return httpx.post(url, content=content, headers=bearer(token), timeout=300)


def wait_until(what: Callable[[], bool]) -> None:
    while not what():
        time.sleep(0.05)


def full_board(folder: Path, submissions: int, benchmarks: int) -> None:
    """Fill a board: of each benchmark 20 systems are scored, and submitted again and again."""
    with Board.make(folder) as board:
        teams = filled.teams_on(board, *(f"Team {i}" for i in range(20)))
        for number in range(benchmarks):
            labels = filled.labelled(f"made-{number}")
            stored = filled.benchmark_on(board, labels)
            scored = [
                filled.scored_run(board, stored, filled.run_of(labels, filled.honest(labels, i / 10, i)), folder)
                for i in range(20)
            ]
            for i in range(submissions // benchmarks):
                filled.submission_of(board, stored, teams[i % 20], scored[i % 20], name=f"model {i}")


def start_and_rows(folder: Path, seconds: float) -> None:
    """Time to answer, and requests a second."""
    bare = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import gradio"], check=True)
        bare.append(time.perf_counter() - start)
    starts = []
    for _ in range(3):
        with serving(folder) as (_, took):
            starts.append(took)
    print(f"gradio     {median(bare):8.2f} s to import")
    print(f"start      {median(starts):8.2f} s to the first page; aim {median(bare) + 2:.2f} or less")
    with serving(folder) as (server, _):
        url = f"http://127.0.0.1:{PORT}/api/v1/benchmarks/made-0/rows"
        first = [timed(lambda i=i: httpx.get(url.replace("made-0", f"made-{i}"), timeout=60)) for i in range(10)]
        asked = subprocess.run(
            [sys.executable, "-c", ASK, url, str(seconds)], check=True, capture_output=True, text=True
        )
        print(f"first      {max(first):8.2f} s at most for a table that is not made yet")
        print(f"rows       {float(asked.stdout):8.0f} requests a second, 100 rows each; aim 200 or more")
        print(f"memory     {pss(server) / 1e6:8.0f} MB of the server")
        painted()


def painted() -> None:
    """Time to see a table, by a browser that has none of its parts yet and by one that has, and another's tab."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(None), chromium_sandbox=False)
        page = browser.new_page()

        def paint() -> None:
            page.goto(f"http://127.0.0.1:{PORT}/", wait_until="commit")
            page.wait_for_selector("table.ranking tbody tr")

        cold, warm = timed(paint), median(timed(paint) for _ in range(3))
        names = [name.strip() for name in page.locator(".tabs a").all_inner_texts()]
        switches = [page.evaluate(SWITCH, name) / 1000 for name in (*names[1:], names[0])]
        browser.close()
    print(f"painted    {cold:8.2f} s at first, {warm:.2f} s when the browser has been there; aim 2.0 or less")
    print(f"tab        {median(switches):8.2f} s to another benchmark, {max(switches):.2f} s at most; aim 0.5 or less")


def timed(what: Callable[[], Any]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def large(folder: Path) -> None:
    """5,000 queries of 2,000 candidates each."""
    n, size, N = 5000, 2000, 16_316
    rng = np.random.default_rng(0)
    galleries = Ragged.of([np.sort(rng.choice(N, size, replace=False)) for _ in range(n)])
    asked = Benchmark(
        name="large",
        version="1",
        queries=[Item(f"query-{i:05}") for i in range(n)],
        documents=[Item(f"document-{i:06}") for i in range(N)],
        positives=Ragged.of([[int(one[0])] for one in galleries]),
        gains=np.ones(n),
        galleries=galleries,
    )
    with Board.make(folder) as board:
        add_benchmark(board, asked, Terms(), source="made")
        create_team(board, "Team")
        token = issue_token(board, "Team")
    path = made.submission(folder.parent / "large.parquet", asked)
    print(f"file       {path.stat().st_size / 1e6:8.1f} MB of {n * size:,} rows")
    with serving(folder) as (server, _), Peak(server) as peak:
        start = time.perf_counter()
        answer = upload(path, token, "large")
        accepted = time.perf_counter() - start
        assert answer.status_code == 201, answer.text
        number = answer.json()["submission"]
        state = f"http://127.0.0.1:{PORT}/api/v1/submissions/{number}"
        wait_until(lambda: httpx.get(state, headers=bearer(token)).json()["state"] != "pending")
        scored = time.perf_counter() - start
        assert httpx.get(state, headers=bearer(token)).json()["state"] == "verified"
    print(f"accepted   {accepted:8.1f} s after the first byte")
    print(f"scored     {scored:8.1f} s after the first byte, {scored - accepted:.1f} after acceptance; aim 20 or less")
    print(
        f"memory     {peak.alone / 1e6:8.0f} MB of the server, {peak.all / 1e6:.0f} with its children; aim 700 or less"
    )


def fuzz(folder: Path, count: int) -> None:
    """Malformed files."""
    asked = made.benchmark()
    with Board.make(folder) as board:
        add_benchmark(board, asked, Terms(), source="made")
        create_team(board, "Team")
        token = issue_token(board, "Team")
    good = made.submission(folder.parent / "good.parquet", asked)
    before = files_of(folder)
    with serving(folder):
        start = time.perf_counter()
        statuses = Counter(
            upload(case.content, token, "made").status_code for case in malformed(good, Ground.of(asked), count=count)
        )
        took = time.perf_counter() - start
    left = files_of(folder) - before
    print(f"malformed  {sum(statuses.values()):8} files in {took:.0f} s, answered {dict(statuses)}; left: {len(left)}")
    assert all(400 <= status < 500 for status in statuses)
    assert not left


def files_of(folder: Path) -> set[Path]:
    folders = (folder / "files", folder / "private")
    return {path for one in folders for path in one.rglob("*") if path.is_file()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=2000)
    parser.add_argument("--malformed", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10, help="for which rows are asked for")
    parser.add_argument("--only", choices=["rows", "large", "malformed"])
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        if options.only in (None, "rows"):
            full_board(Path(scratch) / "full" / "board", options.submissions, 10)
            start_and_rows(Path(scratch) / "full" / "board", options.seconds)
        if options.only in (None, "large"):
            large(Path(scratch) / "large" / "board")
        if options.only in (None, "malformed"):
            fuzz(Path(scratch) / "malformed" / "board", options.malformed)


if __name__ == "__main__":
    main()
