"""mmret as a process of its own, and waiting for what it does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """The command, under way, with these variables besides our own."""
    command = [sys.executable, "-m", "mmret", *map(str, arguments)]
    pipe = subprocess.PIPE
    own = os.environ | environment
    return subprocess.Popen(command, env=own, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def mmret(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    with start(*arguments, **environment) as process:
        told, noted = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, told, noted)


def until(condition: Callable[[], object], process: subprocess.Popen[Any] | None = None) -> None:
    """Wait for something, for a minute at the most, and no longer than the process lives that is to bring it about."""
    end = time.monotonic() + 60
    while not condition():
        assert process is None or process.poll() is None, "the process ended before"
        assert time.monotonic() < end
        time.sleep(0.01)
