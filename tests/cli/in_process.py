"""The command `mmret` in the process of the tests, which spares its start."""

from __future__ import annotations

import sys

import pytest

from mmret import cli


def mmret(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command: its exit code, stdout and stderr."""
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mmret", *arguments])
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    out, err = capfd.readouterr()
    return code, out, err
