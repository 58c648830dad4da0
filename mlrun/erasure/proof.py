"""From the folder of runs after an erasure to what still holds the person: every file decoded and searched."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlrun.erasure.decoding import UNREAD, pieces
from mlrun.erasure.receipt import FOLDER as RECEIPTS
from mlrun.erasure.receipt import Left
from mlrun.erasure.run_files import of_person
from mlrun.erasure.scrubbing import id_text
from mlrun.erasure.subject import Piece, Subject
from mlrun.predictions import FOLDER as PREDICTIONS
from mlrun.store.file_names import FINDINGS, LOCK
from mlrun.store.run_names import list_experiments
from mlrun.store.snapshots import FOLDER as SNAPSHOTS
from mlrun.training_rows import FILE as TRAINING_ROWS
from mlrun.training_rows import ID

MOST_PLACES = 3
Hear = Callable[[str], None]


def search(root: Path, experiment: str, subject: Subject, hear: Hear) -> tuple[int, list[Left]]:
    """Return how many files below the root were decoded and searched, and what still holds a value.

    experiment: only its runs, with what is there for all of them; "" = all. A file that cannot be read is told, too.
    """
    count, left = 0, []
    for path in files(root, experiment):
        name = path.relative_to(root).as_posix()
        count += 1
        if count % 1000 == 0:
            hear(f"{count:,} files searched")
        if subject.hide(name) != name:
            left.append(Left(name, "its name holds the value"))
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # a file that another process has written and removed meanwhile
            continue
        except OSError as error:
            left.append(Left(name, f"it cannot be read ({error.strerror})"))
            continue
        found = list(pieces(content, path.name, subject.column))
        if any(piece.place.endswith(UNREAD) for piece in found):
            left.append(Left(name, "it cannot be decoded: it is damaged, or of a kind that nobody knows"))
        places = dict.fromkeys(piece.place for piece in found if subject.stands_in(piece))
        if places:
            told = ", ".join(list(places)[:MOST_PLACES]) + (", ..." if len(places) > MOST_PLACES else "")
            left.append(Left(name, f"it holds the value ({told})"))
    return count, left


def found_in(content: bytes, name: str, subject: Subject) -> Iterator[Piece]:
    """Yield the pieces of a file in which a value stands."""
    return (piece for piece in pieces(content, name, subject.column) if subject.stands_in(piece))


def files(root: Path, experiment: str) -> Iterator[Path]:
    """Yield every file below the root, or those of one experiment and those that no experiment has for itself."""
    others = set() if not experiment else set(list_experiments(root)) - {experiment}
    for place, folders, names in os.walk(root):
        if Path(place) == root:
            folders[:] = [name for name in folders if name not in others]
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and not (name == LOCK and Path(place).name in (RECEIPTS, SNAPSHOTS)):
                yield path


def rows_left(root: Path, run: Path, parts: Mapping[str, frozenset[str]]) -> list[Left]:
    """Return the files of a run that still have rows of the person; parts: "own", "test" → their ids."""
    ids: frozenset[str] = frozenset().union(*parts.values())
    if not ids:
        return []
    found = []
    for name, held in (*predictions_of(run, parts), *others_of(run, ids)):
        if held:
            found.append(Left((run / name).relative_to(root).as_posix(), f"{held:,} rows of the person"))
    return found


def predictions_of(run: Path, parts: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, int]]:
    import polars as pl

    for path in sorted((run / PREDICTIONS).glob("*.parquet")):
        try:
            table = pl.read_parquet(io.BytesIO(path.read_bytes()))
        except (OSError, pl.exceptions.PolarsError):
            continue
        yield f"{PREDICTIONS}/{path.name}", int(of_person(table, parts).sum())


def others_of(run: Path, ids: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Yield the training rows with an id of the person's, and the worst rows of findings that are theirs."""
    import polars as pl

    if (run / TRAINING_ROWS).is_file():
        try:
            table = pl.read_parquet(io.BytesIO((run / TRAINING_ROWS).read_bytes()))
        except (OSError, pl.exceptions.PolarsError):
            table = pl.DataFrame()
        if ID in table.columns:
            yield TRAINING_ROWS, int(table[ID].is_in(sorted(ids)).sum())
    if (run / FINDINGS).is_file():
        lines = (run / FINDINGS).read_bytes().splitlines()
        yield FINDINGS, sum(worst_of(line, ids) for line in lines)


def worst_of(line: bytes, ids: frozenset[str]) -> int:
    """Return how many of a finding's worst rows are among these."""
    try:
        finding = json.loads(line)
    except ValueError:
        return 0
    worst = finding["worst_rows"] if isinstance(finding, Mapping) and "worst_rows" in finding else ()
    return sum(id_text(each["row"]) in ids for each in worst)
