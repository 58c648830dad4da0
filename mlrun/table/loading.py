"""From a source's name and its parameters to a table; `${ENV:NAME}` is filled in here and never stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlrun import catalog
from mlrun.contracts import Source
from mlrun.errors import DataError, MlrunError
from mlrun.records import Params
from mlrun.table.column_names import refuse_names
from mlrun.variables import fill

if TYPE_CHECKING:
    import polars as pl


def load_table(source: str, params: Params, folder: str, as_text: tuple[str, ...] = ()) -> pl.DataFrame:
    """Return the table of a source as loaded; columns named in `as_text` keep what is written in the file.

    Raises DataError in one sentence; what a library says of the data is never passed on.
    """
    import polars as pl

    entry = find_source(source, folder)
    if entry.reads_text:
        params = {**params, "as_text": as_text}
    try:
        table = entry.load(fill_in(params), folder)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"the data of source '{source}' cannot be read as a table ({type(error).__name__}).") from error
    if not table.width or not table.height:
        what = str(params["path"]) if "path" in params else f"the data of source '{source}'"
        raise DataError(f"{what} has {table.height} rows and {table.width} columns.")
    refuse_names(table.columns, f"source '{source}'")
    return table


def source_files(source: str, params: Params, folder: str) -> tuple[str, ...]:
    """Return the absolute paths of the files that `load_table` reads."""
    return find_source(source, folder).files(fill_in(params), folder)


def find_source(source: str, folder: str) -> Source:
    """Return the source's entry; a user's `module:function` becomes one."""
    found = catalog.find("sources", source, folder)
    return found if isinstance(found, Source) else _of_function(source, found)


def fill_in(params: Params) -> dict[str, Any]:
    """Return the parameters with each `${ENV:NAME}` replaced by the variable's value.

    Raises DataError that names a variable that is not set.
    """
    return {name: fill(value, _variable) for name, value in params.items()}


def _variable(name: str) -> str:
    if name not in os.environ:
        raise DataError(f"the environment variable {name}, which `data` names, is not set.")
    return os.environ[name]


def _of_function(reference: str, function: Callable[..., Any]) -> Source:
    def load(params: Params, folder: str) -> pl.DataFrame:  # noqa: ARG001 - the sources' signature
        try:
            given = function(**params)
        except MlrunError:
            raise
        except (Exception, SystemExit) as error:  # the function is the user's: what it raises is said, no crash of ours
            raise DataError(f"source '{reference}' failed with {type(error).__name__}: {error}") from error
        return _as_table(reference, given)

    return Source(load=load, parameters={})


def _as_table(reference: str, given: Any) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    if isinstance(given, pl.LazyFrame):
        return given.collect()
    if isinstance(given, pl.DataFrame):
        return given
    if isinstance(given, tuple) and len(given) == 2:
        rows, target = (np.asarray(part) for part in given)
        if rows.ndim == 2 and target.shape == (len(rows),):
            return pl.DataFrame(
                {**{f"x{number}": rows[:, number] for number in range(rows.shape[1])}, "target": target}
            )
    if type(given).__module__.partition(".")[0] == "pandas":
        given = {str(name): given[name].to_list() for name in given.columns}
    if isinstance(given, Mapping):
        return pl.DataFrame({str(name): _values(column) for name, column in given.items()}, strict=False)
    raise DataError(
        f"source '{reference}' returned {type(given).__name__}; return a polars DataFrame, a dict of columns, "
        f"or a pair (X, y) of arrays with as many rows."
    )


def _values(column: Any) -> Any:
    return column if hasattr(column, "dtype") else list(column)
