"""Every command of the documentation, run as it stands there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmret.paths import shipped_folder

from ..benchmarks.omnicvr_files import make_labels, write_reupload, write_tars
from ..conftest import write_clip
from ..hub import serve
from .pages import Page, lacking, mark, pages

PAGES = {page.name: page for page in pages()}
NOT_RUN = {
    "annotate.md": ["pip install 'mmret[offline,asr,tables,pipeline]'"],
    "cluster.md": ["sbatch embed.sbatch", "pip install 'mmret[ray]'"],
    "evaluate-your-model.md": [
        "pip install 'mmret[models]'",
        "mmret eval --bench omnicvr-mini --model clip:ViT-B-32/openai --device cuda",
        "mmret eval --bench omnicvr-mini --model st:sentence-transformers/clip-ViT-B-32",
        "pip install --editable my-model",
        "mmret eval --bench omnicvr-mini --model my-model",
    ],
    "first-ten-minutes.md": ["pip install 'mmret[offline]'"],
    "hosting.md": [
        "pip install 'mmret[board]'",
        "docker build -t mmret-board .",
        "docker run -d --name board -p 7860:7860 -v board:/data mmret-board",
        "docker exec board mmret board add-benchmark /data omnicvr-mini",
    ],
    "reference/models.md": ["pip install 'mmret[models,asr]'"],
    "tables.md": ["pip install 'mmret[tables]'", "apt-get install chromium poppler-utils"],
}
"""Page → commands that need a network, another system or administrator rights."""


def clips(folder: Path) -> None:
    """The reader's own two clips, one of them in a tar."""
    (folder / "mine" / "clips").mkdir(parents=True)
    write_clip(folder / "mine" / "clips" / "a.mp4", seconds=1.0, frames=8)
    write_clip(folder / "b.mp4", seconds=1.0, frames=8, tone=900.0)
    with tarfile.open(folder / "mine" / "clips.tar", "w") as tar:
        tar.add(folder / "b.mp4", "b.mp4")


def films(folder: Path) -> None:
    """The reader's own films: a horse with ducks, a photographer with a siren, a dahlia with an accordion."""
    (folder / "films").mkdir()
    for name in ("c037", "c013", "c002"):
        shutil.copy(shipped_folder("omnicvr-mini") / "videos" / f"{name}.mp4", folder / "films")


BEFORE: dict[str, Callable[[Path], None]] = {"bring-your-benchmark.md": clips, "annotate.md": films}
"""What a reader of a page has before."""


def omnicvr(folder: Path) -> dict[str, Path]:
    """A small set in OmniCVR's layout."""
    folder.mkdir()
    labels = make_labels(queries=5, documents=12, gallery=10)
    write_reupload(folder / "labels", labels)
    clip = write_clip(folder / "clip.mp4", seconds=1.0, frames=8).read_bytes()
    write_tars(folder / "clips", labels.documents, [clip])
    return {"mteb/OmniCVR": folder / "labels", "Jun-Yang/OmniCVR": folder / "clips"}


def tables(folder: Path) -> dict[str, Path]:
    """The tables of another page."""
    write_files(PAGES["bring-your-benchmark.md"], folder)
    return {"OWNER/NAME": folder / "tables"}


HUB: dict[str, Callable[[Path], dict[str, Path]]] = {"omnicvr.md": omnicvr, "tables.md": tables}
"""What the Hub has that a page asks."""


@contextmanager
def hub(name: str, folder: Path) -> Iterator[dict[str, str]]:
    """The variables by which the commands of a page reach their Hub."""
    if name not in HUB:
        yield {}
        return
    with serve(HUB[name](folder)) as server:
        yield server.environment


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.commands])
def test_commands_do_what_the_page_says(name: str, tmp_path: Path, cache: Path) -> None:
    page, here = PAGES[name], tmp_path / "here"
    here.mkdir()
    BEFORE.get(name, lambda folder: None)(here)
    write_files(page, here)
    with hub(name, tmp_path / "hub") as variables:
        output = run(page, here, cache, variables)
    for block in page.commands:
        told = output.partition(mark(block))[2].partition("\n=== line ")[0]
        line = lacking(page.expected(block), told)
        assert line is None, f"{name}:{block.line}: no line {line!r} in\n{told}"


def write_files(page: Page, here: Path) -> None:
    for block in page.blocks:
        if block.title:
            (here / block.title).parent.mkdir(parents=True, exist_ok=True)
            (here / block.title).write_text(block.text, encoding="utf-8")


def run(page: Page, here: Path, cache: Path, more: dict[str, str]) -> str:
    """What the commands of a page print, all in one shell."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("MMRET_", "RAY_", "XDG_"))}
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(here),
        "MMRET_CACHE": str(cache),
        "MMRET_DATA": str(here / "data"),
        "PYTHONUNBUFFERED": "1",
    }
    script = here.with_name("page.sh")
    script.write_text(page.script(), encoding="utf-8")
    done = subprocess.run(
        ["bash", script],
        stdin=subprocess.DEVNULL,
        cwd=here,
        env=known | own | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{page.name}: exit code {done.returncode} of the last command in\n{done.stdout}"
    return done.stdout


def test_what_is_not_run_is_named_here() -> None:
    assert {name: page.not_run for name, page in PAGES.items() if page.not_run} == NOT_RUN


def test_a_fence_is_a_command_a_file_or_an_output() -> None:
    for page in PAGES.values():
        assert page.text.count("\n```") == 2 * len(page.blocks), page.name
        for block in page.blocks:
            assert block.title or block.language in ("sh", "console", "text", "nginx"), f"{page.name}:{block.line}"
