"""A scoring process of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmret.leaderboard.web import crew, observe


def test_why_it_cannot_go_on_stands_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(crew.signal, "signal", lambda *_: None)
    monkeypatch.setattr(crew, "_follow_server", lambda: None)
    monkeypatch.setattr(observe, "log_as_json", lambda: None)
    with pytest.raises(SystemExit) as ended:
        crew._score(tmp_path, "sqlite")
    assert ended.value.code == 1
    (told,) = caplog.records
    assert told.exc_info is not None
    assert "mmret board init" in str(told.exc_info[1])
