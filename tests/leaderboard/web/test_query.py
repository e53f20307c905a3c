"""What an address asks of a page."""

from __future__ import annotations

import pytest

from mmret.errors import InputError
from mmret.leaderboard.web.pages.query import Query
from mmret.serving.address import FIELDS


def test_each_field_has_what_is_said_for_it() -> None:
    query = Query.parse("?id=b&id=a&id=b&track=%C3%A9")
    assert (query.texts("id"), query.texts("none")) == (["b", "a"], [])
    assert query.one("track", ["é"], "usual") == "é"
    assert query.one("none", ["é"], "usual") == "usual"


@pytest.mark.parametrize("text", ["id=%00", "id=a&x=b%00", "id=\ud800", "&".join(["a=1"] * (FIELDS + 1))])
def test_what_no_page_takes_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the address"):
        Query.parse(text)
