"""Prompts stand in `prompts/*.md`, so that everybody can read what models are asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Self

from ....items import text_digest

FOLDER = Path(__file__).with_name("prompts")


@dataclass(frozen=True)
class Prompt:
    """A text with places such as $source that questions fill in; `digest` is of the text as it stands in the file."""

    name: str
    text: str

    @classmethod
    def named(cls, name: str) -> Self:
        """The prompt in `prompts/<name>.md`."""
        return cls(name, FOLDER.joinpath(f"{name}.md").read_text(encoding="utf-8").strip())

    @property
    def digest(self) -> str:
        """SHA-256 in hex, its first 16 digits."""
        return text_digest(self.text)[:16]

    def fill(self, **values: object) -> str:
        """The text with its places filled. Raises `KeyError` where a value is missing."""
        return Template(self.text).substitute({name: str(value) for name, value in values.items()})
