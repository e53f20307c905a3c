"""Teams and tokens: shown once, kept as a digest, scoped, revocable."""

from __future__ import annotations

import hmac
from datetime import timedelta

import pytest
from sqlalchemy import select

from mmret.errors import InputError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.database import Audit, Token, now
from mmret.leaderboard.board.teams import (
    DeniedError,
    ScopeError,
    authenticate,
    create_team,
    disable,
    issue_token,
    revoke,
    tokens,
)


def test_a_token_lets_its_team_in(board: Board) -> None:
    team = create_team(board, "Ärzte & Söhne", "a@example.org")
    secret = issue_token(board, "ÄRZTE & SÖHNE", label="laptop", scopes=["read"])
    assert authenticate(board, secret, "read").id == team.id
    with pytest.raises(ScopeError, match="for read, not for submit"):
        authenticate(board, secret, "submit")


def test_the_secret_is_kept_nowhere(board: Board) -> None:
    create_team(board, "A")
    secret = issue_token(board, "A")
    head, prefix, rest = secret.split("_", 2)
    assert (head, len(prefix), len(rest)) == ("mmret", 8, 43)
    (token,) = tokens(board)
    assert token.prefix == prefix
    assert rest not in f"{vars(token)}"
    for path in board.folder.glob("board.sqlite3*"):
        assert rest.encode() not in path.read_bytes()


def test_tokens_are_compared_in_constant_time(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    create_team(board, "A")
    secret = issue_token(board, "A")
    compared: list[tuple[str, str]] = []

    def watched(first: str, second: str) -> bool:
        compared.append((first, second))
        return real(first, second)

    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", watched)
    wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for guess in (wrong, "mmret_00000000_" + "x" * 43, "", "mmret_\0_", "x" * 10_000, "mmret_" + "é" * 8 + "_"):
        with pytest.raises(DeniedError, match="unknown, revoked or expired"):
            authenticate(board, guess, "read")
    assert authenticate(board, secret, "read").name == "A"
    assert len(compared) == 7  # a guess at an unknown token is compared too
    assert {len(part) for pair in compared for part in pair} == {64}


def test_revoked_expired_and_disabled_ones_are_denied(board: Board) -> None:
    create_team(board, "A")
    secrets = [issue_token(board, "A"), issue_token(board, "A", expires_at=now() + timedelta(seconds=-1))]
    revoke(board, secrets[0].split("_")[1])
    secrets.append(issue_token(board, "A", expires_at=now() + timedelta(days=1)))
    assert authenticate(board, secrets[2], "read")
    disable(board, "a", actor="ann")
    for secret in secrets:
        with pytest.raises(DeniedError):
            authenticate(board, secret, "read")
    disable(board, "a", actor="ben", disabled=False)
    assert authenticate(board, secrets[2], "read")
    with board.reading() as session:
        acts = [(one.actor, one.action, one.detail) for one in session.scalars(select(Audit).order_by(Audit.id))]
    assert acts == [("ann", "disable", {"team": "A"}), ("ben", "enable", {"team": "A"})]
    with pytest.raises(InputError, match="no team 'B'"):
        disable(board, "B", actor="ann")


def test_the_last_use_is_noted(board: Board) -> None:
    create_team(board, "A")
    secret = issue_token(board, "A")
    authenticate(board, secret, "read")
    first = tokens(board)[0].last_used_at
    authenticate(board, secret, "read")
    assert first is not None
    assert tokens(board)[0].last_used_at == first  # within a minute it is not written again
    with board.writing() as session:
        session.scalars(select(Token)).one().last_used_at = now() - timedelta(hours=1)
    authenticate(board, secret, "read")
    assert tokens(board)[0].last_used_at > first


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 61, "a\0b", "\u202eevil"])
def test_names_are_short_and_printable(board: Board, name: str) -> None:
    with pytest.raises(InputError, match="printable"):
        create_team(board, name)


def test_a_name_is_taken_in_whatever_letters(board: Board) -> None:
    create_team(board, "Straße")
    for name in ("STRASSE", " straße ", "Ｓtrasse"):
        with pytest.raises(InputError, match="already"):
            create_team(board, name)


def test_wrong_names_say_what_to_do(board: Board) -> None:
    create_team(board, "A")
    with pytest.raises(InputError, match="mmret board team"):
        issue_token(board, "B")
    with pytest.raises(InputError, match="token list"):
        revoke(board, "12345678")
    with pytest.raises(InputError, match="not root"):
        issue_token(board, "A", scopes=["read", "root"])
