"""Pages that nobody writes by hand: the reference of the commands, and the data cards of the benchmarks."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

CARDS = Path(__file__).resolve().parents[1] / "mmret" / "data_cards"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    pages = {"reference/cli.md": commands()}
    pages |= {f"benchmarks/{path.name}": card(path.read_text(encoding="utf-8")) for path in sorted(CARDS.glob("*.md"))}
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files


def commands() -> str:
    """What the commands say of themselves, by typer's own utility."""
    import typer
    from typer.cli import get_docs_for_click
    from typer.main import get_command

    from mmret.cli import app

    command = get_command(app)
    command.commands = {name: lazy.load() for name, lazy in command.commands.items()}
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="mmret", title="Commands")
    return re.sub(r"\*\*Commands\*\*:\n\n(?:\* .+\n)+\n", "", text)  # cut short there, and told in full below


def card(text: str) -> str:
    """A data card: the Hub's metadata as a table behind its text."""
    _, head, body = text.split("---\n", 2)
    facts = {name: _plain(value) for name, value in yaml.safe_load(head).items()}
    rows = "".join(f"| `{name}` | {value} |\n" for name, value in facts.items())
    return f"{body.strip()}\n\n## Metadata for the Hub\n\n| field | value |\n|---|---|\n{rows}"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return " ".join(_plain(one) for one in value.values())
    return str(value)
