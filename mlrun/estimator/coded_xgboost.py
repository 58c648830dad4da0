"""XGBoost on columns of category codes in a plain matrix, with no data frame library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from xgboost import XGBClassifier, XGBRegressor

if TYPE_CHECKING:
    from mlrun.records import Array


class CodedXGBClassifier(XGBClassifier):
    """XGBClassifier that is told the positions of the category columns instead of the type of every column."""

    def __init__(self, *, category_positions: Sequence[int] = (), **params: Any) -> None:
        super().__init__(**params)
        self.category_positions = category_positions

    def get_xgb_params(self) -> dict[str, Any]:
        return own_left_out(super().get_xgb_params())

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> Self:
        type_columns(self, X)
        super().fit(X, y, sample_weight=sample_weight)
        return self


class CodedXGBRegressor(XGBRegressor):
    """XGBRegressor that is told the positions of the category columns instead of the type of every column."""

    def __init__(self, *, category_positions: Sequence[int] = (), **params: Any) -> None:
        super().__init__(**params)
        self.category_positions = category_positions

    def get_xgb_params(self) -> dict[str, Any]:
        return own_left_out(super().get_xgb_params())

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> Self:
        type_columns(self, X)
        super().fit(X, y, sample_weight=sample_weight)
        return self


def own_left_out(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in ("category_positions", "validation_fraction")}


def type_columns(estimator: Any, rows: Array) -> None:
    """Say of every column whether it holds codes (c) or quantities (q); nothing where there are no codes."""
    codes = frozenset(estimator.category_positions)
    if not codes:
        return
    types = ["c" if position in codes else "q" for position in range(rows.shape[1])]
    estimator.set_params(enable_categorical=True, feature_types=types)
