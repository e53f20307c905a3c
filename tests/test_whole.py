from __future__ import annotations

from pathlib import Path

import pytest

from mmret.errors import RunError
from mmret.whole import whole, write_whole


def test_a_file_appears_when_its_block_has_ended_and_not_where_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_whole(path, b"before")
    with pytest.raises(UnicodeEncodeError), whole(path) as part:
        part.write_text("half of it \ud83d", encoding="utf-8")
    assert path.read_text() == "before"
    with whole(path) as part:
        part.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(path.parent.iterdir()) == [path]


def test_two_may_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole(path) as part:
        part.write_text("first")
        path.write_text("meanwhile")
    assert path.read_text() == "first"


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file/a\.txt: it is lost: File exists; name another"):
        write_whole(tmp_path / "file" / "a.txt", b"", "it is lost", "name another")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match=r"folder: cannot be written: Is a directory$"):
        write_whole(tmp_path / "folder", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
