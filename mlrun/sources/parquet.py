"""Parquet: one file, a folder of files, or a pattern such as `parts/*.parquet`; in the order of their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlrun.contracts import Source
from mlrun.errors import DataError
from mlrun.records import Params
from mlrun.table.files import resolve_file

if TYPE_CHECKING:
    import polars as pl

MAGIC = b"PAR1"  # how a Parquet file begins and ends
SMALLEST = 12


def load(params: Params, folder: str) -> pl.DataFrame:
    """Read one or more Parquet files with equal columns.

    Raises DataError when a file is missing, is no Parquet file or a damaged one, or has other columns than the first.
    """
    import polars as pl

    tables = [_read(path) for path in _paths(params["path"], folder)]
    first = tables[0][1]
    for path, table in tables:
        if table.columns != first.columns:
            other = sorted(set(table.columns) ^ set(first.columns)) or ["the order of columns"]
            raise DataError(f"{path} has other columns than {tables[0][0]}: {', '.join(other[:5])}.")
    if len(tables) == 1:
        return first
    try:
        return pl.concat([table for _, table in tables], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"the files of {params['path']} have columns of different types.") from error


def _paths(given: object, folder: str) -> tuple[Path, ...]:
    if not isinstance(given, str):
        return (resolve_file(given, folder),)
    place = Path(folder) / Path(given).expanduser()
    if place.is_dir():
        found = sorted(place.glob("*.parquet"))
    elif any(mark in given for mark in "*?[") and not place.exists():
        start = Path(place.anchor or ".")
        found = sorted(start.glob(str(place.relative_to(start))))
    else:
        return (resolve_file(given, folder),)
    if not found:
        raise DataError(f"{place}: no file ending in .parquet is there.")
    return tuple(resolve_file(str(path), folder) for path in found)


def _read(path: Path) -> tuple[Path, pl.DataFrame]:
    import polars as pl

    with path.open("rb") as file:
        start = file.read(4)
        size = file.seek(0, 2)
        file.seek(max(size - 4, 0))
        end = file.read(4)
    if size < SMALLEST or start != MAGIC or end != MAGIC:
        cut = start == MAGIC
        raise DataError(
            f"{path} is {'cut off' if cut else 'no Parquet file'}; {'write it again' if cut else 'name one'}."
        )
    try:
        return path, pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(
            f"{path} is a damaged Parquet file, or one of a kind that cannot be read; write it again."
        ) from error


def _files(params: Params, folder: str) -> tuple[str, ...]:
    return tuple(map(str, _paths(params["path"], folder)))


ENTRY = Source(
    load=load,
    files=_files,
    required=("path",),
    parameters={"path": "a file, a folder of .parquet files, or a pattern with *"},
)
