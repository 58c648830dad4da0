"""Tags and a note that people give a run: labels.json in its folder; two who write at once lose nothing."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlrun.errors import StorageError, UsageError
from mlrun.json_records import decode, encode
from mlrun.store.alone import alone
from mlrun.store.file_names import LABELS, RUN
from mlrun.store.run_reading import check_format
from mlrun.store.writing import storing, write_atomically
from mlrun.terminal import printable
from mlrun.wording import told_error

TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,49}")
RESERVED = ("latest", "best")  # what EXPERIMENT@WORD means already
TAGS_AT_MOST, NOTE_AT_MOST, BYTES_AT_MOST = 20, 1_000, 65_536


@dataclass(frozen=True, slots=True)
class Labels:
    """The tags of a run, in alphabetical order, and its note; "" = none."""

    tags: tuple[str, ...] = ()
    note: str = ""
    format: int = 1


def read_labels(path: Path) -> Labels:
    """Return the labels of the run in a folder, none where it has no file of them.

    Raises StorageError when the file is damaged, UsageError when its format is newer.
    """
    file = path / LABELS
    try:
        with file.open("rb") as opened:
            content = json.loads(opened.read(BYTES_AT_MOST))
    except FileNotFoundError:
        return Labels()
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{file} cannot be read: {told_error(error)}. Delete it, and label the run again") from error
    check_format(file, content)
    try:
        labels = decode(Labels, content)
        for tag in labels.tags:
            check_tag(tag)
        check_note(labels.note)
    except (ValueError, UsageError) as error:
        raise StorageError(f"{file} is damaged: {error}. Delete it, and label the run again") from error
    return labels


def change_labels(path: Path, change: Callable[[Labels], Labels]) -> Labels:
    """Change the labels of the run in a folder; two at once come one after the other. Return the new ones.

    Raises UsageError for what no label can be, StorageError.
    """
    with alone(path):
        old = read_labels(path)
        new = change(old)
        if new != old:
            write_labels(path, new)
    return new


def write_labels(path: Path, labels: Labels) -> None:
    """Write labels.json, and touch run.json: what the index knows of a run follows that file's time."""
    tags = tuple(sorted({check_tag(tag) for tag in labels.tags}))
    if len(tags) > TAGS_AT_MOST:
        raise UsageError(f"a run has at most {TAGS_AT_MOST} tags; these are {len(tags)}")
    content = encode(Labels(tags, check_note(labels.note)))
    write_atomically(path / LABELS, json.dumps({"format": content.pop("format"), **content}).encode() + b"\n")
    file = path / RUN
    with storing(file), suppress(FileNotFoundError):  # a run that is not finished has none
        stamp = file.stat()
        os.utime(file, ns=(stamp.st_atime_ns, max(time.time_ns(), stamp.st_mtime_ns + 1)))


def check_tag(tag: str) -> str:
    """Return the tag; raise UsageError when it cannot be one."""
    if not TAG.fullmatch(tag):
        raise UsageError(
            f"'{printable(tag)[:60]}' cannot be a tag: a letter, then letters, digits, '.', '_' and '-', "
            "50 characters at most"
        )
    if tag.lower() in RESERVED:
        raise UsageError(f"'{tag}' cannot be a tag: EXPERIMENT@{tag.lower()} means a run already")
    return tag


def check_note(note: str) -> str:
    """Return the note; raise UsageError for what a terminal would act on or not show, and for what is too long."""
    if printable(note) != note:
        strange = next(shown for character in note if (shown := printable(character)) != character)
        raise UsageError(f"a note is one line of text; this one holds {strange}, which would not be shown")
    if len(note) > NOTE_AT_MOST:
        raise UsageError(f"a note has at most {NOTE_AT_MOST:,} characters; this one has {len(note):,}")
    return note
