"""From a fold's training columns to scikit-learn's transformers, fitted, with the settings of a recipe."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.errors import DataError

if TYPE_CHECKING:
    from mlrun.recipes import Recipe
    from mlrun.records import Array, TaskKind

WIDE = 200  # one-hot columns from which on a sparse matrix is cheaper
DENSE_TERMS = 5_000  # columns of terms, or of categories, that a family without sparse matrices may get
HASHED_TERMS = 2**18
TARGET_FOLDS = 5  # inside a fold's training rows, so that no row's own label enters its code
NATIVE_CATEGORIES = 254  # HistGradientBoosting and xgboost hold category codes in a byte

Matrix = Any  # (n, d) float64 array in C order, or a CSR matrix


def learn_numeric(recipe: Recipe, block: Array) -> tuple[list[Any], Array]:
    """Return what fills and scales (n, d) numbers, NaN = missing, and the block that it makes of them."""
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


def learn_categories(recipe: Recipe, codes: Array, truth: Array | None, seed: int) -> tuple[Any, Matrix]:
    """Return an encoder of (n, d) category codes (missing and unseen ones are codes of their own), and their block.

    Raises DataError when target encoding has no target, or a dense block would be too wide.
    """
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    rare = recipe.rare if recipe.rare > 1 else None
    if recipe.encode == "target":
        if truth is None:
            raise DataError("`encode: target` needs labels that the models may see; use one_hot or ordinal")
        encoder = _target_encoder(recipe.task, seed)
        with warnings.catch_warnings():  # of classes with fewer rows than its inner folds: they only weigh less
            warnings.simplefilter("ignore", UserWarning)
            block = encoder.fit_transform(codes, truth)
        return encoder.set_params(cv=TARGET_FOLDS), block  # the splitter has done its work, and is not stored
    if recipe.encode == "one_hot":
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=rare, dtype=np.float64)
        block = encoder.fit_transform(codes)
        if block.shape[1] > WIDE and not recipe.dense:
            return encoder, block
        what = f"the categories of {_listed(recipe.of('category'))}"
        _refuse_wide(recipe, block, what, "category: {encode: ordinal}")
        return encoder.set_params(sparse_output=False), block
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan if recipe.encode == "native" else -1,
        min_frequency=rare,
        max_categories=NATIVE_CATEGORIES if recipe.encode == "native" else None,
    )
    return encoder, encoder.fit_transform(codes)


def widths_of(encoder: Any, width: int) -> list[int]:
    """Return how many columns of a block of so many an encoder of categories makes of each column that it reads."""
    if not hasattr(encoder, "drop_idx_"):  # not one column for each value: as many for each
        return [width // encoder.n_features_in_] * encoder.n_features_in_
    values = [len(values) for values in encoder.categories_]
    rare = getattr(encoder, "infrequent_categories_", [None] * len(values))  # these share one column
    return [count if few is None else count - len(few) + 1 for count, few in zip(values, rare, strict=True)]


def learn_text(recipe: Recipe, name: str, documents: list[str]) -> tuple[Any, Matrix]:
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
    _refuse_wide(recipe, block, f"the terms of '{name}'", f"text: {{max_terms: {DENSE_TERMS}}}")
    return vectorizer, block.astype(np.float64)


def _target_encoder(task: TaskKind, seed: int) -> Any:
    """Return an encoder whose inner folds are shuffled; how that is said changed with scikit-learn 1.9."""
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    kind, folds = ("continuous", KFold) if task == "regression" else ("auto", StratifiedKFold)
    if TargetEncoder().get_params()["shuffle"] == "deprecated":
        return TargetEncoder(target_type=kind, cv=folds(TARGET_FOLDS, shuffle=True, random_state=seed))
    return TargetEncoder(target_type=kind, cv=TARGET_FOLDS, shuffle=True, random_state=seed)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:3]) + (" and others" if len(names) > 3 else "")


def _refuse_wide(recipe: Recipe, block: Matrix, what: str, cure: str) -> None:
    """Raise DataError for a sparse block that a family without sparse matrices would hold as dense numbers."""
    if not recipe.dense or block.shape[1] <= DENSE_TERMS:
        return
    gigabytes = block.shape[0] * block.shape[1] * 8 / 1e9
    raise DataError(
        f"{what} give {block.shape[1]:,} columns, which this family would hold as dense numbers ({gigabytes:.1f} GB a "
        f"fold; at most {DENSE_TERMS:,} are allowed): set `prepare: {{{cure}}}`, or choose another family"
    )
