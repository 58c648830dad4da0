"""From a finished run's folder to the files whose bytes are not those that were written, by its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from mlrun.errors import MlrunError, StorageError
from mlrun.run_schema import FILES
from mlrun.store.file_names import MANIFEST, RUN
from mlrun.store.run_folder import sealed_files, sha256_of
from mlrun.store.run_reading import files_of, read_json
from mlrun.store.run_record import RunRecord
from mlrun.store.run_seal import is_whole
from mlrun.verification.trouble import Trouble
from mlrun.wording import told_error


@dataclass(frozen=True, slots=True)
class Bytes:
    """What the manifest says of the files: those it vouches for (name → sha256), and what is not so."""

    vouched: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()

    def is_good(self, name: str) -> bool:
        """Say whether a file is there, as it was written."""
        return name in self.vouched and all(trouble.file != name for trouble in self.troubles)


def check_bytes(folder: Path, record: RunRecord | None, leave_out: tuple[str, ...] = ()) -> Bytes:
    """Compare every file with the manifest, and the manifest with run.json; record None = that cannot be read.

    leave_out: how the names of files begin that are not looked at.
    """
    troubles = list(of_record(folder))
    try:
        vouched = files_of(folder / MANIFEST, read_json(folder / MANIFEST))
    except MlrunError as error:
        return Bytes({}, (*troubles, Trouble(MANIFEST, said(folder / MANIFEST, error))))
    if record is not None and sha256_of(folder / MANIFEST) != record.manifest:
        troubles.append(Trouble(MANIFEST, f"it is not the one that {RUN} names: one of the two was changed"))
    troubles += of_files(folder, {name: vouched[name] for name in vouched if not name.startswith(leave_out)})
    added = [name for name in sealed_files(folder) if name not in vouched]
    troubles += [Trouble(name, "it was added after the run", "delete it") for name in added if is_read(name)]
    notes = tuple(f"{name} was added after the run; mlrun reads nothing of it" for name in added if not is_read(name))
    return Bytes(vouched, tuple(troubles), notes)


def of_record(folder: Path) -> Iterator[Trouble]:
    """Yield what is wrong with the bytes of run.json, which no manifest vouches for."""
    try:
        content = (folder / RUN).read_bytes()
    except OSError as error:
        yield Trouble(RUN, f"it cannot be read: {error.strerror}")
        return
    if not is_whole(content):
        yield Trouble(RUN, "it was changed after it was written: its digest is not its own")


def of_files(folder: Path, vouched: Mapping[str, str]) -> Iterator[Trouble]:
    """Yield each file that is not what the manifest says."""
    for name, sha256 in vouched.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            yield Trouble(name, f"{MANIFEST} names a file outside the run: it was forged", "do not use this run")
            continue
        try:
            if sha256_of(folder / name) != sha256:
                yield Trouble(name, "it was changed after the run")
        except FileNotFoundError:
            yield Trouble(name, "it is missing")
        except (OSError, ValueError) as error:
            yield Trouble(name, f"it cannot be read: {told_error(error)}")


def is_read(name: str) -> bool:
    """Say whether mlrun would read a file of this name from a run folder."""
    return any(fnmatch(name, known.replace("NAME", "*")) for known in FILES) or name.startswith("code/")


def said(file: Path, error: MlrunError) -> str:
    """Return what an error says of a file, without the path that stands beside it anyway."""
    text = str(error).removeprefix(str(file)).lstrip(": ").removeprefix("is ")
    return text.split(". Restore it")[0] if isinstance(error, StorageError) else text


def is_json_lines(content: bytes) -> bool:
    """Say whether every line is a JSON object."""
    try:
        return all(isinstance(json.loads(line), dict) for line in content.splitlines())
    except (ValueError, RecursionError):
        return False
