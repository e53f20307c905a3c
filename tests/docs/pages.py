"""The pages of the documentation as what a reader does with them: files to write, commands to run, output to see.

- A fence ```` ```sh ```` is run. One of the language `text` behind it says what can be seen of its output.
- A fence with `title="NAME"`, of any language, is the content of a file of that name.
- A fence ```` ```console ````, whose commands begin with `$`, cannot be run here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
SERVERS = {"mmret board serve": 7860, "mmret explore": 7861, "mmret annotate review": 7862}
"""Commands that serve until they are stopped, and the port at which each does."""

# What a page begins with. `serve PORT COMMAND` leaves a command running until the page ends, once it answers.
PRELUDE = """\
set -e
serve() {
    local port=$1
    shift
    "$@" &
    servers="$servers $!"
    python - "$port" $! <<'WAIT'
import os, sys, time, urllib.request
port, process = map(int, sys.argv[1:])
while True:
    os.kill(process, 0)  # fails once it has ended
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60).read()
        break
    except ConnectionError as error:
        time.sleep(0.2)
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ConnectionError):
            raise
        time.sleep(0.2)
WAIT
}
trap 'test -z "$servers" || { kill $servers; wait $servers || true; }' EXIT
"""


@dataclass(frozen=True)
class Block:
    """A fence: its language, the file it is, if it is one, its text, and the line of the page at which it stands."""

    language: str
    title: str
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """A page by its name, such as "reference/models.md"."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        return [
            Block(match[1], match[2] or "", match[3], self.text.count("\n", 0, match.start()) + 1)
            for match in FENCE.finditer(self.text)
        ]

    @property
    def commands(self) -> list[Block]:
        return [block for block in self.blocks if block.language == "sh" and not block.title]

    @property
    def not_run(self) -> list[str]:
        """Commands of the fences that cannot be run here."""
        shown = [block.text for block in self.blocks if block.language == "console"]
        return re.findall(r"^\$ (.+)$", "\n".join(shown), re.MULTILINE)

    def expected(self, block: Block) -> Sequence[str]:
        """Lines that the output of a block holds, in this order; `…` in them stands for anything."""
        behind = [one for one in self.blocks if one.line > block.line and not one.title]
        return behind[0].text.splitlines() if behind and behind[0].language == "text" else ()

    def script(self) -> str:
        """All that the page tells a reader to run; a line of `mark` stands before the output of each block."""
        parts = [PRELUDE]
        for block in self.commands:
            lines = block.text.replace("\\\n", " ").splitlines()
            parts += [f"echo '{mark(block)}'", *map(_served, lines)]
        return "\n".join([*parts, ""])


def mark(block: Block) -> str:
    """What tells the output of a block from that of those before it."""
    return f"=== line {block.line} ==="


def pages() -> list[Page]:
    """All pages that were written by hand."""
    return [Page(path.relative_to(DOCS).as_posix(), path.read_text("utf-8")) for path in sorted(DOCS.rglob("*.md"))]


def lacking(expected: Sequence[str], output: str) -> str | None:
    """The first expected line that the output does not hold behind the ones before it; None where all are there."""
    lines = map(_evenly, output.splitlines())
    for line in map(_evenly, expected):
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        if line != "…" and not any(re.fullmatch(pattern, one) for one in lines):
            return line
    return None


def _evenly(line: str) -> str:
    """With one blank or stroke where there are several, since the width of a table depends on its widest cell."""
    return re.sub("─+", "─", " ".join(line.split()))


def _served(line: str) -> str:
    port = next((port for command, port in SERVERS.items() if line.startswith(command)), None)
    return line if port is None else f"serve {port} {line}"
