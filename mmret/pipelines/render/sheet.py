"""The page around a table: our style first, so that a table's own style wins, and rules that nothing overrides."""

from __future__ import annotations

import re
import shutil
import subprocess

from .documents import MARGIN

# What plays, moves or holds another page is left out: it could not be drawn the same way twice.
RULES = f"""
html {{ margin: 0; padding: 0; }}
body {{ margin: {MARGIN}px; width: fit-content; min-width: calc(100% - {2 * MARGIN}px); box-sizing: border-box; }}
iframe, frame, object, embed, video, audio, marquee {{ display: none !important; }}
*, *::before, *::after {{ animation: none !important; transition: none !important; }}
"""


def compose(html: str, css: str) -> str:
    """A page that holds `html`, a fragment or a page itself: the parser merges what stands in its head into ours."""
    return f'<!doctype html><html><head><meta charset="utf-8"><style>{css}{RULES}</style></head><body>{html}'


def fonts(css: str) -> list[str]:
    """The families that fontconfig takes for the style's own; empty where fontconfig is missing."""
    if shutil.which("fc-match") is None:
        return []
    stacks = re.findall(r"font: \S+ ([^;]+);", css)
    found = {
        subprocess.run(
            ["fc-match", "-f", "%{family[0]}", one.replace('"', "")], capture_output=True, text=True, check=False
        ).stdout
        for one in stacks
    }
    return sorted(found - {""})
