from __future__ import annotations

import pytest

from mmret.serving.local import is_local


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("10.0.0.7", False)],
)
def test_who_reaches_a_server_depends_on_its_address(host: str, only_here: bool) -> None:
    assert is_local(host) == only_here
