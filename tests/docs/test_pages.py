"""Every command of the documentation, run as it stands there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from mmret.paths import shipped_folder

from ..benchmarks.omnicvr_files import make_labels, write_reupload, write_tars
from ..conftest import write_clip
from ..hub import serve
from .pages import Page, lacking, mark, pages

PAGES = {page.name: page for page in pages()}
NOT_RUN: dict[str, list[str]] = {}
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


def hub(folder: Path) -> AbstractContextManager[object]:
    """A Hub with a small set of OmniCVR's layout."""
    labels = make_labels(queries=5, documents=12, gallery=10)
    write_reupload(folder / "labels", labels)
    clip = write_clip(folder / "clip.mp4", seconds=1.0, frames=8).read_bytes()
    write_tars(folder / "clips", labels.documents, [clip])
    return serve({"mteb/OmniCVR": folder / "labels", "Jun-Yang/OmniCVR": folder / "clips"})


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one page has embedded the next finds, also in another process of the same tests."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache-of-pages"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.commands])
def test_commands_do_what_the_page_says(name: str, tmp_path: Path, cache: Path) -> None:
    page, here = PAGES[name], tmp_path / "here"
    here.mkdir()
    BEFORE.get(name, lambda folder: None)(here)
    write_files(page, here)
    with hub(tmp_path) if name == "omnicvr.md" else nullcontext() as server:
        output = run(page, here, cache, getattr(server, "environment", {}))
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
