"""Model files made wrong on purpose: nodes that want to run something, arrays and bytes changed in a valid archive."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

Members = dict[str, bytes]
ODD_NUMBERS = (0, -1, -2, 1, 10**6, 2**31 - 1, -(2**31), 2**62)


def members_of(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(members: Mapping[str, bytes]) -> bytes:
    """Return an archive with these members, its checksums right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_node(node: Mapping[str, Any], members: Mapping[str, bytes] = {}, protocol: int | None = None) -> bytes:
    """Return a model file whose estimator is a node of the forger's choice."""
    whole = members_of(skops.io.dumps({"format": 1, "versions": {}, "estimator": None}))
    schema = json.loads(whole["schema.json"])
    schema["content"]["estimator"] = node
    if protocol is not None:
        schema["protocol"] = protocol
    return archive_of({**whole, "schema.json": json.dumps(schema).encode(), **members})


def node(loader: str, module: str, name: str, **rest: Any) -> dict[str, Any]:
    return {"__loader__": loader, "__module__": module, "__class__": name, **rest}


def text(value: object) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


def sequence(*items: Mapping[str, Any], kind: str = "tuple") -> dict[str, Any]:
    return node(f"{kind.capitalize()}Node", "builtins", kind, content=list(items))


def mapping(**items: Mapping[str, Any]) -> dict[str, Any]:
    kinds = sequence(*(node("TypeNode", "builtins", "str") for _ in items), kind="list")
    return node("DictNode", "builtins", "dict", content=items, key_types=kinds)


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Return a valid archive in which numbers of an array, bytes of a member or digits of the schema are others."""
    members = members_of(content)
    arrays = sorted(name for name in members if name.endswith(".npy") and len(np.load(io.BytesIO(members[name])).shape))
    ways = [change_bytes, change_schema]
    if arrays:
        ways += [change_numbers, change_numbers]
    if len(arrays) > 1:
        ways.append(exchange)
    draw.choice(ways)(members, arrays, draw)
    return archive_of(members)


def change_numbers(members: Members, arrays: list[str], draw: random.Random) -> None:
    """Put numbers out of all bounds into an array: children, features, positions, thresholds."""
    name = draw.choice(arrays)
    array = np.load(io.BytesIO(members[name])).copy()
    for _ in range(draw.choice((1, 3)) if array.size else 0):
        fields = array.dtype.names
        part = array[draw.choice(fields)] if fields else array
        if part.dtype.kind in "iub":
            lowest, highest = (0, 1) if part.dtype.kind == "b" else (np.iinfo(part.dtype).min, np.iinfo(part.dtype).max)
            part.flat[draw.randrange(part.size)] = min(max(draw.choice(ODD_NUMBERS), lowest), highest)
        elif part.dtype.kind == "f":
            part.flat[draw.randrange(part.size)] = draw.choice((*ODD_NUMBERS, float("nan"), float("inf")))
    file = io.BytesIO()
    np.save(file, array)
    members[name] = file.getvalue()


def exchange(members: Members, arrays: list[str], draw: random.Random) -> None:
    """Let two arrays change places."""
    one, other = draw.sample(arrays, 2)
    members[one], members[other] = members[other], members[one]


def change_schema(members: Members, arrays: list[str], draw: random.Random) -> None:
    """Change digits of the schema, sometimes any of its bytes."""
    schema = bytearray(members["schema.json"])
    digits = [at for at, byte in enumerate(schema) if chr(byte).isdigit()]
    for _ in range(draw.choice((1, 2, 4))):
        if draw.random() < 0.8:
            schema[draw.choice(digits)] = ord(draw.choice("0123456789"))
        else:
            schema[draw.randrange(len(schema))] = draw.randrange(256)
    members["schema.json"] = bytes(schema)


def change_bytes(members: Members, arrays: list[str], draw: random.Random) -> None:
    """Flip bits of a member, or cut it off; of xgboost's own format where it is there."""
    own = [name for name in members if name.endswith((".bin", ".npz"))]
    name = draw.choice(own if own and draw.random() < 0.7 else sorted(members))
    content = bytearray(members[name])
    for _ in range(draw.choice((1, 2, 8)) if content else 0):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    members[name] = bytes(content[: draw.randrange(len(content))] if content and draw.random() < 0.1 else content)


def write(folder: Path, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "m.skops").write_bytes(content)
    return folder / "m.skops"
