from __future__ import annotations

from pathlib import Path

from mmret.items import Item, text_digest
from mmret.lines import append_lines, read_lines

HALF = "half a character: \ud83d"


def test_half_a_character_is_content_like_other(tmp_path: Path) -> None:
    assert text_digest(HALF) != text_digest(HALF[:-1])
    assert Item("a", text=HALF).digest != Item("a", text=HALF[:-1]).digest
    append_lines(tmp_path / "a.jsonl", {"sha256": "1", "said": HALF})
    assert [row["said"] for _, row in read_lines(tmp_path / "a.jsonl")] == [HALF]
