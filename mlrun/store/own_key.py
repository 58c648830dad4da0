"""The user's own key: what tells runs made here from those that came from elsewhere. Never copied with a run."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlrun.errors import UsageError

KEY_BYTES = 32
LEAST_CHARACTERS = 16  # of a key in words


def own_key(environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Return this user's key, made on first use; None where no place for it can be written.

    $MLRUN_KEY gives it where machines share their runs (CI); else it stands in $XDG_STATE_HOME/mlrun/key (by default
    ~/.local/state/mlrun/key), readable by its owner only. Raises UsageError when $MLRUN_KEY is short.
    """
    given = environment.get("MLRUN_KEY", "").strip()
    if given:
        if len(given) < LEAST_CHARACTERS:
            raise UsageError(f"MLRUN_KEY needs {LEAST_CHARACTERS} characters at least: it vouches for runs")
        return hashlib.sha256(given.encode(errors="surrogateescape")).digest()
    named = environment.get("XDG_STATE_HOME", "")
    try:
        state = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
        path = state / "mlrun" / "key"
        if not path.exists():
            make_key(path)
        key = path.read_bytes()
    except (OSError, RuntimeError):  # no home, or it cannot be written
        return None
    return key if len(key) == KEY_BYTES else None


def make_key(path: Path) -> None:
    """Write a new key, unless another process was quicker; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".tmp-{os.getpid()}-{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()


def seal_of(text: str, purpose: str) -> str:
    """Return the HMAC-SHA-256 of a text for a purpose under the user's key, hexadecimal; "" without a key."""
    key = own_key()
    return "" if key is None else hmac.digest(key, f"{purpose}\0{text}".encode(), "sha256").hex()
