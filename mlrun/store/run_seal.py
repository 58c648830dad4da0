"""run.json's bytes, with what shows that they were not changed: a digest for anybody, a seal for the one who ran it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

from mlrun.json_records import encode
from mlrun.store.own_key import seal_of
from mlrun.store.run_record import RunRecord

PURPOSE = "run"


def sealed(record: RunRecord, *, own: bool) -> RunRecord:
    """Return the record with its digest, which covers the manifest's sha256 too; own: with this user's seal of it."""
    record = replace(record, digest="", seal=seal_of(unsealed(content_of(record)), PURPOSE) if own else "")
    return replace(record, digest=digest_of(content_of(record)))


def to_json(record: RunRecord) -> bytes:
    """Return run.json's bytes: the format first, then the fields in their order."""
    return as_bytes(content_of(record))


def is_whole(content: bytes) -> bool:
    """Say whether these bytes of a run.json are those that were written; an older mlrun wrote no digest: True."""
    read = as_object(content)
    if "digest" not in read:
        return bool(read) and "seal" not in read
    try:
        return read["digest"] == digest_of(read) and as_bytes(read) == content
    except RecursionError:  # what can be read can be too deep to be written
        return False


def has_own_seal(content: bytes) -> bool:
    """Say whether these bytes of a run.json bear the seal of this user, as they are; never without a key."""
    read = as_object(content)
    if "digest" not in read or "seal" not in read or not is_whole(content):
        return False
    ours = seal_of(unsealed(read), PURPOSE)
    return ours != "" and hmac.compare_digest(ours.encode(), str(read["seal"]).encode("ascii", "replace"))


def as_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object that these bytes are, {} for anything else."""
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def content_of(record: RunRecord) -> dict[str, Any]:
    """Return the record as plain data in the order of run.json."""
    content = encode(record)
    return {"format": content.pop("format"), **content}


def unsealed(content: dict[str, Any]) -> str:
    """Return the text that a seal vouches for: all but itself and the digest."""
    return json.dumps({name: content[name] for name in content if name not in ("digest", "seal")})


def digest_of(content: dict[str, Any]) -> str:
    """Return the sha256 of plain data, its seal included, hexadecimal."""
    signed = {name: content[name] for name in content if name != "digest"}
    return hashlib.sha256(json.dumps(signed).encode()).hexdigest()


def as_bytes(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode() + b"\n"
