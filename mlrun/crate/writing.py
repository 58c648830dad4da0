"""A crate on disk: a folder or a zip, there whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlrun.comparison.origins import read_object
from mlrun.crate.entities import METADATA, TOOL, Part
from mlrun.errors import StorageError, UsageError
from mlrun.runs import read_manifest
from mlrun.store.file_names import SCRATCH
from mlrun.store.run_folder import sha256_of
from mlrun.store.writing import TEMPORARY, storing, sync_folder

EPOCH = (1980, 1, 1, 0, 0, 0)  # of all members of a zip, so that equal runs give equal bytes


def parts_of(run: Path, found: Sequence[str], left_out: Sequence[str]) -> list[Part]:
    """Return the files of a run folder with their digests; raise StorageError for one that was changed since."""
    manifest = read_manifest(run)
    with storing(run):
        kept = [name for name in found if name not in left_out]
        parts = [Part(name, (run / name).stat().st_size, sha256_of(run / name)) for name in kept]
    changed = [part.name for part in parts if part.name in manifest and manifest[part.name] != part.sha256]
    lost = [name for name in manifest if name not in found and not name.startswith(f"{SCRATCH}/")]  # of older runs
    if changed or lost:
        what = f"{changed[0]} was changed" if changed else f"{lost[0]} is gone"
        raise StorageError(f"{run}: {what} since the run. Restore it; mlrun verify says all that is wrong")
    return parts


def check_place(target: Path, run: Path, force: bool) -> None:
    """Raise UsageError when a crate may not be written there."""
    place = target.absolute()
    if not place.parent.is_dir():
        raise UsageError(f"{target}: there is no folder {place.parent} to write it into")
    if place.resolve().is_relative_to(run.resolve()):
        raise UsageError(f"{target} is inside the run's own folder; write the crate elsewhere")
    is_zip = target.suffix == ".zip"
    if place.is_dir() if is_zip else place.is_file():
        raise UsageError(f"{target} is a {'folder' if is_zip else 'file'}; name another place")
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    if not force:
        raise UsageError(f"{target} is there already: --force replaces it, -o names another place")
    if place.is_dir() and not is_ours(place):
        raise UsageError(
            f"{target} holds other files than a crate of mlrun's, so it is not replaced; name another place"
        )


def is_ours(folder: Path) -> bool:
    """Say whether a folder is a crate that mlrun wrote, and holds nothing else."""
    content = read_object(folder / METADATA)
    graph = content["@graph"] if content is not None and isinstance(content.get("@graph"), list) else []
    named = {str(entity["@id"]) for entity in graph if isinstance(entity, dict) and "@id" in entity}
    held = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return TOOL in named and all(quote(name) in named for name in held)


def write_crate(target: Path, run: Path, parts: Sequence[Part], content: dict[str, Any]) -> None:
    """Write metadata and files; raise StorageError when the disk refuses, with nothing left behind."""
    text = json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"
    place = target.absolute()
    with storing(target):
        made = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=place.parent))
        try:
            made.chmod(0o755)
            fill = fill_zip if target.suffix == ".zip" else fill_folder
            fill(made / "crate", run, parts, text)
            if place.is_dir():
                (made / "old").mkdir()
                place.replace(made / "old" / "crate")
            os.replace(made / "crate", place)  # noqa: PTH105 - of files and of folders
            sync_folder(place.parent)
        finally:
            with suppress(OSError):
                shutil.rmtree(made)


def fill_folder(place: Path, run: Path, parts: Sequence[Part], text: bytes) -> None:
    place.mkdir()
    (place / METADATA).write_bytes(text)
    for part in parts:
        (place / part.name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run / part.name, place / part.name)


def fill_zip(place: Path, run: Path, parts: Sequence[Part], text: bytes) -> None:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member(METADATA), text)
        for part in parts:
            with (run / part.name).open("rb") as source, archive.open(member(part.name), "w", force_zip64=True) as to:
                shutil.copyfileobj(source, to, 1 << 20)


def member(name: str) -> zipfile.ZipInfo:
    """Return what a zip says of a member: no time and no rights of this machine."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
