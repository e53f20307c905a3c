"""The site that is built of the pages: whole, without a warning, and with nothing loaded from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from pkgutil import resolve_name

import pytest
import typer.main

import mmret
from mmret.cli import COMMANDS, app

from .pages import DOCS, FENCE

ROOT = DOCS.parent
ELSEWHERE = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
TEXTS = sorted([*ELSEWHERE, *DOCS.rglob("*.md"), *(ROOT / "mmret" / "data_cards").glob("*.md")])
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


def options_of_commands() -> dict[tuple[str, ...], set[str]]:
    """The options of each command, such as ("mmret", "board", "token", "issue")."""
    found = {}
    todo = [(("mmret",), typer.main.get_command(app))]
    while todo:
        words, command = todo.pop()
        context = typer.Context(command)
        found[words] = {option for one in command.get_params(context) for option in (*one.opts, *one.secondary_opts)}
        below = getattr(command, "commands", {})
        todo += [((*words, name), one.load() if len(words) == 1 else one) for name, one in below.items()]
    return found


def test_what_is_said_in_passing_exists() -> None:
    """Commands, their options, and names of Python in running text, which are not run."""
    options = options_of_commands()
    for path in TEXTS:
        for code in re.findall(r"`([^`]+)`", FENCE.sub("", path.read_text("utf-8"))):
            words, known = code.split(), set().union(*options.values())
            if words[0] == "mmret":
                command = max((one for one in options if tuple(words[: len(one)]) == one), key=len)
                groups = {one[:-1] for one in options}
                assert command not in groups or words[len(command) :] == [] or words[len(command)][0] == "-", code
                known = options[command]
            elif name := re.match(r"mmret(?!\.toml)(\.\w+)+", code):
                resolve_name(name[0])
            if words[0] == "mmret" or words[0].startswith("--"):
                assert {word for word in words if re.fullmatch("--[a-z-]+", word)} <= known, f"{path}: {code}"


def test_links_of_the_repository_lead_somewhere() -> None:
    """Those of the pages are looked at by mkdocs."""
    for path in ELSEWHERE:
        for target in re.findall(r'(?:\]\(|(?:src|srcset)=")([^)"]+)', path.read_text("utf-8")):
            file, _, anchor = target.partition("#")
            if not file.startswith("https://"):
                assert (ROOT / file).exists(), f"{path.name}: {target}"
                headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text("utf-8"), re.MULTILINE) if anchor else []
                assert not anchor or anchor in [one.lower().replace(" ", "-") for one in headings], target
