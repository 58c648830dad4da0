"""From typed columns to the matrix of an estimator; all that is learned comes from a fold's training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy import sparse

from mlrun.encoders import Matrix, learn_categories, learn_numeric, learn_text, widths_of
from mlrun.recipes import Recipe

if TYPE_CHECKING:
    from mlrun.records import Array

MISSING, UNSEEN = -1, -2  # codes beside those of the vocabulary
KNOWN_CODES, KNOWN_CELLS = 1_000, 1_000_000  # what an encoder says of every code is kept up to this size
ROWS_AT_ONCE = 65_536  # of a matrix: what is made of them on the way stays small beside it


@dataclass(slots=True)
class Preparation:
    """What was learned from a fold's training rows; `state` is plain data and scikit-learn's transformers."""

    recipe: Recipe
    vocabularies: Mapping[str, list[str]]
    transformers: Mapping[str, Any]
    width: int = 0
    category_positions: tuple[int, ...] = ()
    _said: tuple[Array, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def matrix(self, table: pl.DataFrame) -> Matrix:
        """Return (n, width): float64 in C order, or CSR; unseen categories and terms count as nothing."""
        if table.height == 0:  # which scikit-learn's transformers refuse
            return np.empty((0, self.width))
        first = _join(self.recipe, _apply(self, table[:ROWS_AT_ONCE]))
        if table.height <= ROWS_AT_ONCE:
            return first
        if sparse.issparse(first):
            return _join(self.recipe, _apply(self, table))
        whole = np.empty((table.height, first.shape[1]))
        whole[:ROWS_AT_ONCE] = first
        for begin in range(ROWS_AT_ONCE, table.height, ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            whole[rows] = _join(self.recipe, _apply(self, table[rows]))
        return whole

    def state(self) -> dict[str, Any]:
        """Return what a stored model needs to prepare new rows."""
        recipe = {name: getattr(self.recipe, name) for name in Recipe.__slots__}
        recipe["columns"] = [list(column) for column in self.recipe.columns]
        return {
            "recipe": {**recipe, "ngrams": list(self.recipe.ngrams)},
            "vocabularies": dict(self.vocabularies),
            "transformers": dict(self.transformers),
            "width": self.width,
            "category_positions": list(self.category_positions),
        }

    def encoded(self, table: pl.DataFrame) -> list[Matrix]:
        """Return the blocks of the categories: what the encoder says of each code is asked once, and looked up."""
        codes, encoder = _codes(self, table), self.transformers["category"]
        count = 2 + max(map(len, self.vocabularies.values()))
        if self._said is None and count <= KNOWN_CODES and count * self.width <= KNOWN_CELLS:
            every = np.repeat(np.arange(UNSEEN, count + UNSEEN)[:, None], codes.shape[1], axis=1)
            block = encoder.transform(every)
            if not sparse.issparse(block):
                ends = np.cumsum(widths_of(encoder, block.shape[1]))[:-1]
                self._said = tuple(map(np.ascontiguousarray, np.split(block, ends, axis=1)))
        if self._said is None:
            return [encoder.transform(codes)]
        codes -= UNSEEN
        return [said.take(codes[:, place], axis=0) for place, said in enumerate(self._said)]

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Preparation:
        """Return the preparation that gave this state."""
        recipe = dict(state["recipe"])
        recipe["columns"] = tuple((name, kind) for name, kind in recipe["columns"])
        recipe["ngrams"] = tuple(recipe["ngrams"])
        return cls(
            Recipe(**recipe),
            state["vocabularies"],
            state["transformers"],
            state["width"],
            tuple(state["category_positions"]),
        )


def learn(recipe: Recipe, table: pl.DataFrame, truth: Array | None, seed: int) -> tuple[Preparation, Matrix]:
    """Learn a preparation from training rows; return it with their matrix.

    The matrix is not always what `matrix(table)` gives again: target encoding fits it crosswise, so that no row's
    own label enters its code (scikit-learn's TargetEncoder).
    """
    preparation = Preparation(recipe, {}, {})
    names = recipe.of("category")
    preparation.vocabularies = {name: _vocabulary(table[name]) for name in names}
    blocks: list[Matrix] = []
    transformers: dict[str, Any] = {}
    if recipe.of("numeric", "boolean", "date"):
        transformers["numeric"], block = learn_numeric(recipe, _numbers(recipe, table))
        blocks.append(block)
    if names:
        transformers["category"], block = learn_categories(recipe, _codes(preparation, table), truth, seed)
        if recipe.encode == "native":
            start = sum(part.shape[1] for part in blocks)
            preparation.category_positions = tuple(range(start, start + len(names)))
        blocks.append(block)
    for name in recipe.of("text"):
        transformers[f"text:{name}"], block = learn_text(recipe, name, _documents(table[name]))
        blocks.append(block)
    preparation.transformers = transformers
    narrow = names and not recipe.of("text") and not getattr(transformers["category"], "sparse_output", False)
    matrix = _join(recipe, blocks, dense=bool(narrow))
    preparation.width = matrix.shape[1]
    return preparation, matrix


def _apply(preparation: Preparation, table: pl.DataFrame) -> list[Matrix]:
    """Return the blocks of new rows, in the order of `learn`."""
    recipe, transformers = preparation.recipe, preparation.transformers
    blocks: list[Matrix] = []
    if "numeric" in transformers:
        block = _numbers(recipe, table)
        for step in transformers["numeric"]:
            block = step.transform(block)
        blocks.append(block)
    if "category" in transformers:
        blocks.extend(preparation.encoded(table))
    blocks.extend(transformers[f"text:{name}"].transform(_documents(table[name])) for name in recipe.of("text"))
    return blocks


def _join(recipe: Recipe, blocks: Sequence[Matrix], *, dense: bool = False) -> Matrix:
    """Put blocks side by side: sparse when one is, unless the family needs dense numbers, or they are to be."""
    if any(sparse.issparse(block) for block in blocks) and not recipe.dense and not dense:
        joined = sparse.hstack([sparse.csr_matrix(block) for block in blocks], format="csr", dtype=np.float64)
        joined.sort_indices()
        return sparse.csr_matrix(joined)
    if len(blocks) == 1:
        only = blocks[0].toarray() if sparse.issparse(blocks[0]) else blocks[0]
        return np.ascontiguousarray(only, dtype=np.float64)
    joined, start = np.zeros((blocks[0].shape[0], sum(block.shape[1] for block in blocks))), 0
    for block in blocks:
        _write(block, joined[:, start : start + block.shape[1]])
        start += block.shape[1]
    return joined


def _write(block: Matrix, place: Array) -> None:
    """Write a block where zeros are; a sparse one is never made dense elsewhere first."""
    if sparse.issparse(block) and block.has_canonical_format:
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        place[rows, block.indices] = block.data
    else:
        place[:] = block.toarray() if sparse.issparse(block) else block


# -- numbers, booleans, dates -----------------------------------------------------------------------------------------


def _numbers(recipe: Recipe, table: pl.DataFrame) -> Array:
    """Return (n, d) float64 with NaN for null; a date gives its day count and the parts that repeat."""
    columns: list[pl.Expr] = []
    for name, kind in recipe.columns:
        if kind in ("numeric", "boolean"):
            columns.append(pl.col(name).cast(pl.Float64).alias(name))
        elif kind == "date":
            columns.extend(_date_parts(name, table.schema[name]))
    return np.ascontiguousarray(table.select(columns).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _date_parts(name: str, dtype: pl.DataType) -> list[pl.Expr]:
    when = pl.col(name).cast(pl.Datetime("us"))
    parts = {
        "days": when.dt.timestamp("us").cast(pl.Float64) / 86_400e6,
        "month": when.dt.month(),
        "day": when.dt.day(),
        "weekday": when.dt.weekday(),
    }
    if isinstance(dtype, pl.Datetime):
        parts["hour"] = when.dt.hour()
    return [part.cast(pl.Float64).alias(f"{name}:{title}") for title, part in parts.items()]


# -- categories and text ----------------------------------------------------------------------------------------------


def _vocabulary(column: pl.Series) -> list[str]:
    return column.drop_nulls().cast(pl.String).unique().sort().to_list()


def _codes(preparation: Preparation, table: pl.DataFrame) -> Array:
    """Return (n, d) int64: positions in the training rows' vocabulary, MISSING for null, UNSEEN for the rest."""
    codes = np.empty((table.height, len(preparation.vocabularies)), dtype=np.int64)
    for position, (name, vocabulary) in enumerate(preparation.vocabularies.items()):
        column = table[name].cast(pl.String)
        known = column.cast(pl.Enum(vocabulary), strict=False).to_physical()
        if known.null_count():
            codes[:, position] = known.cast(pl.Int64).fill_null(UNSEEN).to_numpy()
            codes[column.is_null().to_numpy(), position] = MISSING
        else:
            codes[:, position] = known.to_numpy()
    return codes


def _documents(column: pl.Series) -> list[str]:
    return column.cast(pl.String).fill_null("").to_list()
