"""From where a user says the tracking store is to an address that MLflow takes; no password is ever told."""

from __future__ import annotations

import re
from pathlib import Path

from mlrun.errors import UsageError

DEFAULT = "sqlite:///mlflow.db"  # MLflow's own, since it has closed its store of files
DATABASES = (".db", ".sqlite", ".sqlite3")
SECRET = re.compile(r"(?<=://)[^/@\s]*@")


def address_of(written: str) -> str:
    """Return the address of a store: as it is, or of a database file.

    Raises UsageError for a folder, which MLflow does not write to any more, and for a database in no folder.
    """
    if "://" not in written:
        path = Path(written).expanduser()
        if path.suffix not in DATABASES:
            raise UsageError(
                f"{written} is no tracking store: MLflow has closed its store of files. Name a database, such as "
                f"{DEFAULT}, or a server, such as http://localhost:5000"
            )
        written = f"sqlite:///{path}"
    if written.startswith("file:"):
        raise UsageError(f"{written}: MLflow has closed its store of files; name a database, such as {DEFAULT}")
    database = database_of(written)
    if database is not None and not database.parent.is_dir():
        raise UsageError(f"{told(written)}: there is no folder {database.parent} to write it into")
    return written


def database_of(address: str) -> Path | None:
    """Return the file of an SQLite store, None for any other."""
    if not address.startswith("sqlite:///"):
        return None
    name = address.removeprefix("sqlite:///").partition("?")[0]
    return Path(name).absolute() if name not in ("", ":memory:") else None


def told(text: str) -> str:
    """Return a text without the user and the password of the addresses in it."""
    return SECRET.sub("", text)
