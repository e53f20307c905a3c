"""Drawing tables: two reused pages beside a browser process for each table: `python perf/render.py`.

All tables are drawn by one call, the start of its two browsers and the writing of files included. The browser process
for each table is the browser's own `--screenshot`, two at a time, with the same switches. Both take turns by the clock,
because the work is done by other processes.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from mmret.pipelines.render import Document, Settings, render
from mmret.pipelines.render.chromium import ARGUMENTS, find_browser, version
from mmret.pipelines.render.sheet import compose
from mmret.tables import Table

AT_ONCE = 2


def tables(count: int) -> list[Document]:
    """Tables of 3 to 30 rows and 2 to 8 columns."""
    draw, made = random.Random(0), []
    for number in range(count):
        columns, rows = draw.randint(2, 8), draw.randint(3, 30)
        cells = [
            [f"{draw.choice('abcdefgh') * 6} {draw.randint(0, 99_999)}" for _ in range(columns)] for _ in range(rows)
        ]
        table = Table.from_rows([f"column {i}" for i in range(columns)], cells, f"table {number}")
        made.append(Document(f"table {number}", table.to_html()))
    return made


def reused(documents: list[Document], settings: Settings, folder: Path) -> float:
    """Seconds a table."""
    start = time.perf_counter()
    report = render(documents, folder, settings)
    assert report.drawn == len(documents)
    return (time.perf_counter() - start) / len(documents)


def processes(documents: list[Document], settings: Settings, folder: Path) -> float:
    """Seconds a table with a browser process for each."""
    folder.mkdir()
    browser, css = find_browser(None), settings.css

    def shoot(number: int) -> None:
        page = folder / f"{number}.html"
        page.write_text(compose(str(documents[number].content), css), encoding="utf-8")
        switches = ["--headless", "--no-sandbox", "--window-size=1280,800", f"--user-data-dir={folder / str(number)}"]
        picture = page.with_suffix(".png")
        command = [browser, *ARGUMENTS, *switches, f"--screenshot={picture}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)
        assert picture.stat().st_size

    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(shoot, range(len(documents))))
    return (time.perf_counter() - start) / len(documents)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tables", type=int, default=300)
    options = parser.parse_args()
    documents, settings = tables(options.tables), Settings(pages=AT_ONCE)
    ours, cold = [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            ours.append(reused(documents, settings, Path(folder) / "reused"))
            cold.append(processes(documents[: options.tables // 20], settings, Path(folder) / "processes"))
    print(f"Chromium {version(settings)}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"reused pages       {1 / median(ours):6.1f} tables/s   aim at least 12")
    print(f"process a table    {1 / median(cold):6.1f} tables/s")
    print(f"ratio              {median(cold) / median(ours):6.1f}            aim at least 8")


if __name__ == "__main__":
    main()
