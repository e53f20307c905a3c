"""The site that is built of the pages: whole, without a warning, and with nothing loaded from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer.main

import mmret
from mmret.cli import COMMANDS, app

from .pages import DOCS, pages

LOADING = {"link", "script", "img", "iframe", "video", "audio", "source", "object", "embed"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=DOCS.parent, env=os.environ | quiet, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


class Loaded(HTMLParser):
    """Addresses of what a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in LOADING and said.get("rel") not in ("canonical", "prev", "next"):
            self.addresses += [address for name in ("src", "href", "data") if (address := said.get(name))]


def loaded(site: Path) -> Iterator[tuple[Path, str]]:
    for path in site.rglob("*.html"):
        for address in Loaded(path.read_text("utf-8")).addresses:
            yield path, address
    for path in site.rglob("*.css"):
        for address in re.findall(r"url\(['\"]?([^)'\"]+)|@import\s+['\"]([^'\"]+)", path.read_text("utf-8")):
            yield path, "".join(address)


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    found = list(loaded(site))
    assert len(found) > 100
    assert [(path.name, address) for path, address in found if re.match(r"(https?:)?//", address)] == []


def test_every_command_stands_in_the_reference(site: Path) -> None:
    text = (site / "reference" / "cli.html").read_text("utf-8")
    for name in COMMANDS:
        assert f"<code>mmret {name}</code>" in text, name
    assert "mmret board token issue" in text
    assert "--batch-size" in text


def test_every_public_name_stands_in_the_reference(site: Path) -> None:
    text = (site / "reference" / "api.html").read_text("utf-8")
    named = re.findall(r"^::: mmret\.(\w+)$", (DOCS / "reference" / "api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(mmret.__all__)
    assert [name for name in named if f'id="mmret.{name}"' not in text] == []
    assert 'id="parameters"' not in text, "a section of a docstring was taken for a heading"


def test_what_the_pages_say_in_passing_exists() -> None:
    """Commands and options in running text, which are not run."""
    known, options = {"mmret"}, {"--help", "--version", "--install-completion"}
    todo = [(f"mmret {name}", lazy.load()) for name, lazy in typer.main.get_command(app).commands.items()]
    while todo:
        name, command = todo.pop()
        known.add(name)
        context = typer.Context(command)
        options |= {option for one in command.get_params(context) for option in (*one.opts, *one.secondary_opts)}
        if hasattr(command, "list_commands"):
            todo += [(f"{name} {one}", command.get_command(context, one)) for one in command.list_commands(context)]
    for page in pages():
        for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", page.text):
            words = " ".join(code.split())
            if said := re.match(r"mmret(?: [a-z][a-z-]*)?", words):
                assert said[0] in known, f"{page.name}: {words}"
            if page.name != "hosting.md" or words.startswith(("mmret", "--")):
                for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", words):
                    assert option in options, f"{page.name}: {words}"
