"""Histogram gradient boosting on columns of category codes, storable as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

if TYPE_CHECKING:
    from mlrun.records import Array


class CodedHistBoostingClassifier(HistGradientBoostingClassifier):
    """scikit-learn's own, without the function that it keeps when columns are categories."""

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> Self:
        super().fit(X, y, sample_weight=sample_weight)
        _forget_function(self)
        return self


class CodedHistBoostingRegressor(HistGradientBoostingRegressor):
    """scikit-learn's own, without the function that it keeps when columns are categories."""

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> Self:
        super().fit(X, y, sample_weight=sample_weight)
        _forget_function(self)
        return self


def _forget_function(estimator: Any) -> None:
    """Take away the functools.partial that checks numeric columns: a stored model must hold no callable.

    Rows are float64 matrices already, so that without it they pass as they are.
    """
    columns = estimator._preprocessor  # noqa: SLF001 - held by a test of storage
    for name, transformer, _ in [*columns.transformers, *columns.transformers_]:
        if name == "numerical" and hasattr(transformer, "func"):
            transformer.func = None
