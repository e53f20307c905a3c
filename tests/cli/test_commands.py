from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from typer.main import get_command

from mmret.cli import COMMANDS, app
from mmret.cli.lazy import LazyCommand

from .in_process import mmret


def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """All commands and groups by name."""
    yield " ".join(path), command
    for name, one in getattr(command, "commands", {}).items():
        yield from walk(one.load() if isinstance(one, LazyCommand) else one, (*path, name))


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    return dict(walk(get_command(app), ("mmret",)))


def test_the_lines_of_the_help_are_those_of_the_commands(commands: dict[str, Any]) -> None:
    for name, place in COMMANDS.items():
        command = commands[f"mmret {name}"]
        assert command.name == name
        assert " ".join(command.help.split("\n\n")[0].split()) == place.help


def test_help_imports_no_command() -> None:
    code = (
        "import sys; sys.argv = ['mmret', '--help']\n"
        "from mmret.cli import main\n"
        "try: main()\n"
        "finally: print([name for name in sys.modules if name.startswith(('mmret.', 'rich', 'tomllib'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Evaluate a model on a benchmark." in ran.stdout
    own = ("mmret.cli", "mmret.cli.common", "mmret.cli.configured", "mmret.cli.lazy", "mmret.config", "mmret.errors")
    assert sorted(eval(ran.stdout.splitlines()[-1])) == [*own]


def test_the_help_of_a_group_tells_all_of_its_commands(capfd: pytest.CaptureFixture[str]) -> None:
    for group, words in (
        ("benchmarks", "write the list of what evaluations must leave out."),
        ("board", "Add a team."),
    ):
        code, out, _ = mmret(capfd, group, "--help")
        assert code == 0
        assert words in " ".join(out.split())


def test_commands_speak_with_one_voice(commands: dict[str, Any]) -> None:
    short = {"--bench": "-b", "--model": "-m", "--output": "-o", "--yes": "-y"}
    for name, command in commands.items():
        assert command.help[0].isupper(), name
        assert command.help.rstrip()[-1] in ".?", name
        for parameter in command.params:
            said = f"{name} {parameter.opts}: {parameter.help}"
            assert parameter.help[0].isupper(), said
            assert parameter.help.endswith("."), said
            assert parameter.metavar is None, said
            for long in set(parameter.opts) & set(short):
                assert short[long] in parameter.opts, said


def test_the_version_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert mmret(capfd, "--version") == (0, f"mmret {version('mmret')}\n", "")


def test_a_wrong_command_is_answered_with_near_ones(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = mmret(capfd, "evla")
    assert (code, out) == (2, "")
    assert "Did you mean 'eval'" in err
    assert mmret(capfd)[0] == 2
