"""Teams and their tokens: shown once, kept as a digest, told apart in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from ...errors import InputError
from .board import Board
from .database import Audit, Scope, Team, Token, now

SCOPES: tuple[Scope, ...] = get_args(Scope)
LONGEST = 60  # characters of a name
_NOTED = timedelta(minutes=1)  # how exactly the last use of a token is kept: noting it is a write
_NOBODY = "0" * 64


class DeniedError(InputError):
    """The token is unknown, revoked or expired, or its team is disabled."""


class ScopeError(InputError):
    """The token is good, but not for this."""


def create_team(board: Board, name: str, contact: str = "") -> Team:
    """A new team. Raises `InputError` when its name is not printable, or taken, in whatever letters."""
    name = unicodedata.normalize("NFKC", name).strip()
    if not name.isprintable() or not 1 <= len(name) <= LONGEST:
        raise InputError(f"the name of a team is 1 to {LONGEST} printable characters on one line")
    team = Team(name=name, key=_key(name), contact=contact)
    try:
        with board.writing() as session:
            session.add(team)
    except IntegrityError:
        raise InputError(f"there is a team {name!r} already, perhaps in other letters") from None
    return team


def find_team(session: Session, name: str) -> Team:
    """The team of that name. Raises `InputError` when there is none."""
    team = session.scalar(select(Team).where(Team.key == _key(name)))
    if team is None:
        raise InputError(f"there is no team {name!r}; make it: mmret board team")
    return team


def disable(board: Board, name: str, *, actor: str, disabled: bool = True) -> None:
    """Let no token of a team be good any more, or let them be again; what it has submitted stays.

    Raises `InputError` when there is no such team.
    """
    with board.writing() as session:
        team = find_team(session, name)
        team.disabled = disabled
        session.add(Audit(actor=actor, action="disable" if disabled else "enable", detail={"team": team.name}))


def issue_token(
    board: Board,
    team: str,
    *,
    label: str = "",
    scopes: Sequence[str] = SCOPES,
    expires_at: datetime | None = None,
) -> str:
    """A new token of a team: the secret, `mmret_<prefix>_<43 characters>`, which is kept nowhere."""
    unknown = set(scopes) - set(SCOPES)
    if unknown or not scopes:
        raise InputError(f"the scopes of a token are some of {', '.join(SCOPES)}; not {', '.join(sorted(unknown))}")
    prefix = secrets.token_hex(4)
    secret = f"mmret_{prefix}_{secrets.token_urlsafe(32)}"
    with board.writing() as session:
        owner = find_team(session, team)
        session.add(
            Token(
                team_id=owner.id,
                label=label,
                prefix=prefix,
                digest=_digest(secret),
                scopes=[scope for scope in SCOPES if scope in scopes],
                expires_at=expires_at,
            )
        )
    return secret


def tokens(board: Board) -> list[Token]:
    """All tokens with their teams, oldest first."""
    with board.reading() as session:
        return list(session.scalars(select(Token).options(joinedload(Token.team)).order_by(Token.id)))


def revoke(board: Board, prefix: str) -> None:
    """Make a token useless, now and for ever. Raises `InputError` when there is none with that prefix."""
    with board.writing() as session:
        token = session.scalar(select(Token).where(Token.prefix == prefix))
        if token is None:
            raise InputError(f"there is no token {prefix!r}; list them: mmret board token list")
        token.revoked_at = token.revoked_at or now()


def authenticate(board: Board, secret: str, scope: Scope) -> Team:
    """The team that a token belongs to.

    Raises `DeniedError` for a token that is not good, without a word on why, and `ScopeError` for one that is, but not
    for this scope.
    """
    form = re.fullmatch("mmret_([0-9a-f]{8})_[A-Za-z0-9_-]{43}", secret)
    with board.reading() as session:
        of_prefix = select(Token).options(joinedload(Token.team)).where(Token.prefix == (form[1] if form else ""))
        token = session.scalar(of_prefix)
    known = hmac.compare_digest(_digest(secret), token.digest if token else _NOBODY)
    moment = now()
    if not known or token is None or not _is_good(token, moment):
        raise DeniedError("the token is unknown, revoked or expired; ask those who run the board for another")
    if scope not in token.scopes:
        raise ScopeError(f"the token is for {', '.join(token.scopes)}, not for {scope}; ask for another")
    if token.last_used_at is None or moment - token.last_used_at > _NOTED:
        with board.writing() as session:
            session.get_one(Token, token.id).last_used_at = moment
    return token.team


def _is_good(token: Token, moment: datetime) -> bool:
    expired = token.expires_at is not None and token.expires_at <= moment
    return token.revoked_at is None and not expired and not token.team.disabled


def _digest(secret: str) -> str:
    """A plain digest is enough: nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
