"""From typed columns to the matrix of an estimator; all that is learned comes from a fold's training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy import sparse

from mlrun.errors import DataError

if TYPE_CHECKING:
    from mlrun.contracts import ModelFamily
    from mlrun.records import Array, Column, ColumnKind, TaskKind
    from mlrun.spec import PrepareSpec

WIDE = 200  # one-hot columns from which on a sparse matrix is cheaper
DENSE_TERMS = 5_000  # terms of text that a family without sparse matrices may get
HASHED_TERMS = 2**18
NATIVE_CATEGORIES = 254  # HistGradientBoosting and xgboost hold category codes in a byte
MISSING, UNSEEN = -1, -2  # codes beside those of the vocabulary

Scale = Literal["standard", "minmax", "robust", "none"]
Matrix = Any  # (n, d) float64 array in C order, or a CSR matrix


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is to be learned, equal for all trials of a model: models with equal recipes share prepared folds."""

    columns: tuple[tuple[str, ColumnKind], ...]
    impute: Literal["median", "mean", "most_frequent", "zero", "none"]
    scale: Scale
    encode: Literal["one_hot", "ordinal", "target", "native"]
    rare: int
    text: Literal["tfidf", "counts", "binary", "hashing"]
    ngrams: tuple[int, int]
    max_terms: int | None
    lowercase: bool
    dense: bool
    task: TaskKind

    def of(self, *kinds: ColumnKind) -> list[str]:
        """Return the names of the columns of these kinds, in order."""
        return [name for name, kind in self.columns if kind in kinds]


def recipe_for(family: ModelFamily, prepare: PrepareSpec, features: Sequence[Column], task: TaskKind) -> Recipe:
    """Return what the spec says, and where it is silent what the family needs."""
    scale: Scale = "minmax" if "non_negative" in family.needs else "standard" if "scaling" in family.needs else "none"
    return Recipe(
        columns=tuple((column.name, column.kind) for column in features),
        impute=prepare.numeric.impute or ("none" if "missing" in family.takes else "median"),
        scale=prepare.numeric.scale or scale,
        encode=prepare.category.encode or "one_hot",
        rare=10 if prepare.category.rare is None else prepare.category.rare,
        text=prepare.text.encode or "tfidf",
        ngrams=prepare.text.ngrams or (1, 1),
        max_terms=prepare.text.max_terms,
        lowercase=True if prepare.text.lowercase is None else prepare.text.lowercase,
        dense="dense" in family.needs,
        task=task,
    )


@dataclass(slots=True)
class Preparation:
    """What was learned from a fold's training rows; `state` is plain data and scikit-learn's transformers."""

    recipe: Recipe
    vocabularies: Mapping[str, list[str]]
    transformers: Mapping[str, Any]
    width: int = 0
    category_positions: tuple[int, ...] = ()

    def matrix(self, table: pl.DataFrame) -> Matrix:
        """Return (n, width): float64 in C order, or CSR; unseen categories and terms count as nothing."""
        return _join(self.recipe, _apply(self, table))

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
        transformers["numeric"], block = _learn_numeric(recipe, _numbers(recipe, table))
        blocks.append(block)
    if names:
        transformers["category"], block = _learn_categories(preparation, table, truth, seed)
        if recipe.encode == "native":
            start = sum(part.shape[1] for part in blocks)
            preparation.category_positions = tuple(range(start, start + len(names)))
        blocks.append(block)
    for name in recipe.of("text"):
        transformers[f"text:{name}"], block = _learn_text(recipe, name, _documents(table[name]))
        blocks.append(block)
    preparation.transformers = transformers
    matrix = _join(recipe, blocks)
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
        blocks.append(transformers["category"].transform(_codes(preparation, table)))
    blocks.extend(transformers[f"text:{name}"].transform(_documents(table[name])) for name in recipe.of("text"))
    return blocks


def _join(recipe: Recipe, blocks: Sequence[Matrix]) -> Matrix:
    """Put blocks side by side: sparse when one is, unless the family needs dense numbers."""
    if any(sparse.issparse(block) for block in blocks) and not recipe.dense:
        joined = sparse.hstack([sparse.csr_matrix(block) for block in blocks], format="csr", dtype=np.float64)
        joined.sort_indices()
        return sparse.csr_matrix(joined)
    parts = [block.toarray() if sparse.issparse(block) else block for block in blocks]
    joined = parts[0] if len(parts) == 1 else np.hstack(parts)
    return np.ascontiguousarray(joined, dtype=np.float64)


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


def _learn_numeric(recipe: Recipe, block: Array) -> tuple[list[Any], Array]:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    steps: list[Any] = []
    if recipe.impute == "zero":
        steps.append(SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True))
    elif recipe.impute != "none":
        steps.append(SimpleImputer(strategy=recipe.impute, keep_empty_features=True))
    if recipe.scale == "minmax":
        steps.append(MinMaxScaler(clip=True))
    elif recipe.scale != "none":
        steps.append(RobustScaler() if recipe.scale == "robust" else StandardScaler())
    for step in steps:
        block = step.fit_transform(block)
    return steps, block


# -- categories -------------------------------------------------------------------------------------------------------


def _vocabulary(column: pl.Series) -> list[str]:
    return column.drop_nulls().cast(pl.String).unique().sort().to_list()


def _codes(preparation: Preparation, table: pl.DataFrame) -> Array:
    """Return (n, d) int64: positions in the training rows' vocabulary, MISSING for null, UNSEEN for the rest."""
    codes = np.empty((table.height, len(preparation.vocabularies)), dtype=np.int64)
    for position, (name, vocabulary) in enumerate(preparation.vocabularies.items()):
        column = table[name].cast(pl.String)
        known = column.cast(pl.Enum(vocabulary), strict=False).to_physical().cast(pl.Int64).fill_null(UNSEEN).to_numpy()
        codes[:, position] = np.where(column.is_null().to_numpy(), MISSING, known)
    return codes


def _learn_categories(
    preparation: Preparation, table: pl.DataFrame, truth: Array | None, seed: int
) -> tuple[Any, Matrix]:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    recipe, codes = preparation.recipe, _codes(preparation, table)
    rare = recipe.rare if recipe.rare > 1 else None
    if recipe.encode == "target":
        if truth is None:
            raise DataError("`encode: target` needs a target; use one_hot or ordinal")
        kind = "continuous" if recipe.task == "regression" else "auto"
        encoder = TargetEncoder(target_type=kind, random_state=seed, shuffle=True)
        return encoder, encoder.fit_transform(codes, truth)
    if recipe.encode == "one_hot":
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=rare, dtype=np.float64)
        block = encoder.fit_transform(codes)
        if block.shape[1] > WIDE and not recipe.dense:
            return encoder, block
        encoder.set_params(sparse_output=False)
        return encoder, block.toarray()
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan if recipe.encode == "native" else -1,
        min_frequency=rare,
        max_categories=NATIVE_CATEGORIES if recipe.encode == "native" else None,
    )
    return encoder, encoder.fit_transform(codes)


# -- text -------------------------------------------------------------------------------------------------------------


def _documents(column: pl.Series) -> list[str]:
    return column.cast(pl.String).fill_null("").to_list()


def _learn_text(recipe: Recipe, name: str, documents: list[str]) -> tuple[Any, Matrix]:
    """Learn the terms of a text column; a family that needs dense numbers gets a bounded number of terms."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

    common = {"ngram_range": recipe.ngrams, "lowercase": recipe.lowercase}
    if recipe.text == "hashing":
        terms = recipe.max_terms or (DENSE_TERMS if recipe.dense else HASHED_TERMS)
        vectorizer = HashingVectorizer(n_features=terms, alternate_sign=False, **common)
    elif recipe.text == "tfidf":
        vectorizer = TfidfVectorizer(max_features=recipe.max_terms, **common)
    else:
        vectorizer = CountVectorizer(max_features=recipe.max_terms, binary=recipe.text == "binary", **common)
    try:
        block = vectorizer.fit_transform(documents)
    except ValueError as error:
        raise DataError(f"column '{name}' holds no words: mark it as a category, or drop it") from error
    if recipe.dense and block.shape[1] > DENSE_TERMS:
        gigabytes = len(documents) * block.shape[1] * 8 / 1e9
        raise DataError(
            f"column '{name}' has {block.shape[1]:,} terms, which this family would hold as dense numbers "
            f"({gigabytes:.1f} GB a fold): set `prepare: {{text: {{max_terms: {DENSE_TERMS}}}}}`, or choose another family"
        )
    return vectorizer, block.astype(np.float64)
