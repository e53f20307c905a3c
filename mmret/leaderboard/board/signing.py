"""Documents that a board signs: JSON that anybody can read, and tell from one that was changed.

The file is `{"content": …, "key": …, "signature": …}`, key and signature (Ed25519, RFC 8032) in hexadecimal digits.
What is signed is the content as JSON without blanks, in UTF-8, with keys in order and numbers as short as they can be.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ...errors import InputError, RunError


def make_key(folder: Path) -> None:
    """Make the key of the board in a folder, unless it has one. Raises `OSError`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = key_path(folder)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="key-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
            file.flush()
            os.fsync(handle)
        path.hardlink_to(part)
    except FileExistsError:  # it has one
        pass
    finally:
        part.unlink()


def key_path(folder: Path) -> Path:
    """Where the private key of the board in a folder stands: 32 bytes, for its owner only."""
    return folder / "private" / "key"


def public_key(folder: Path) -> str:
    """The key by which others know the board's documents, 64 hexadecimal digits. Raises as `sign` does."""
    return _key(folder).public_key().public_bytes_raw().hex()


def sign(folder: Path, content: dict[str, Any]) -> bytes:
    """A signed document; raises `RunError` when the board has lost its key."""
    key, text = _key(folder), canonical(content)
    end = {"key": key.public_key().public_bytes_raw().hex(), "signature": key.sign(text).hex()}
    return b'{"content":' + text + b"," + canonical(end)[1:] + b"\n"


def verify(document: bytes, key: str | None = None) -> tuple[dict[str, Any], str]:
    """Content and key of a signed document.

    Parameters
    ----------
    key: the public key that must have signed it; None for whichever it names, which proves no more than that nothing
        was changed since.

    Raises `InputError` for what is no such document, was changed or was signed by another key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signed = json.loads(document)
        content, signature = signed["content"], bytes.fromhex(signed["signature"])
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed["key"]))
        public.verify(signature, canonical(content))
        if signed.keys() != {"content", "key", "signature"} or not isinstance(content, dict):
            raise ValueError
    except InvalidSignature:
        raise InputError("the signature does not fit: the document was changed after it was signed") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError("this is no document that a board has signed") from None
    signer = public.public_bytes_raw().hex()
    if key is not None and key.lower() != signer:
        raise InputError(f"the document was signed by another key: {signer}")
    return content, signer


def canonical(content: Any) -> bytes:
    """The bytes that are signed. Raises `ValueError` for numbers that JSON does not have."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _key(folder: Path) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        return Ed25519PrivateKey.from_private_bytes(key_path(folder).read_bytes())
    except (OSError, ValueError):
        raise RunError(
            f"{key_path(folder)}: the board's key is gone or damaged: restore it from a backup, or remove what is "
            f"left of it and make a new one, which others must be told: mmret board init {folder}"
        ) from None
