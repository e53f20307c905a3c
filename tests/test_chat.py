"""What chat completions are asked with, at the wire."""

from __future__ import annotations

import pytest

from mmret.chat import KEY, Chat, RefusalError, user
from mmret.errors import InputError

from .chat_server import CUT, SECRET, ChatServer, answer, chat_server


def chat(server: ChatServer, **settings: object) -> Chat:
    return Chat(f"m@{server.address}", 5.0, (), settings=settings)


def test_settings_go_over_the_defaults_and_tokens_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    form = {"type": "json_object"}
    with chat_server(lambda _: answer("yes", usage=(7, 1))) as server:
        asked = chat(server, seed=None, top_p=0.5)
        assert asked.ask([user("Is it?")], 9, form) == ("yes", False, 7, 1)
    assert server.bodies == [
        {
            "model": "m", "max_tokens": 9, "temperature": 0, "top_p": 0.5, "response_format": form,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Is it?"}]}],
        }
    ]  # fmt: skip
    assert server.keys == [None]  # without a key no other is made up


def test_a_question_goes_to_no_other_address_and_refusals_say_their_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)
    with chat_server(lambda _: answer("no")) as other, chat_server(lambda _: CUT) as server:
        server.next = [(307, {"Location": f"{other.address}/chat/completions"}, b""), (422, {}, b"")]
        for status in (307, 422, None):
            with pytest.raises(RefusalError) as raised:
                chat(server).ask([user("Is it?")], 9)
            assert raised.value.status == status
        assert other.bodies == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmret.extras.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"needs openai; install with: pip install 'mmret\[pipeline\]'"):
        Chat("m@http://localhost/v1", 5.0, ())
