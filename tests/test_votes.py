"""Committees: the same numbers as scikit-learn's, from fits, from fitted members and from predictions alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import VotingClassifier, VotingRegressor

from mlrun import catalog
from mlrun.estimator.votes import average_probabilities, count_votes
from mlrun.records import Prediction, Task, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array

ROWS, CODES = load_iris(return_X_y=True)
NUMBER_ROWS, NUMBERS = load_diabetes(return_X_y=True)
IRIS = Task("classification", ("setosa", "versicolor", "virginica"))
WEIGHTS = (0.3, 1.0, 0.6)


def members_of(task: TaskKind) -> tuple[tuple[str, Any], ...]:
    names = ("gaussian_nb", "decision_tree", "lda") if task == "classification" else ("ridge", "decision_tree", "lasso")
    return tuple((name, catalog.find("models", name).build({}, 0, (), task)) for name in names)


class OnTable(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A member as the spec's are: it takes a table with a column of text and prepares its rows itself."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, table: pl.DataFrame, truth: Array) -> OnTable:
        self.estimator_ = clone(self.estimator).fit(self._rows(table), truth)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, table: pl.DataFrame) -> Any:
        return self.estimator_.predict(self._rows(table))

    def predict_proba(self, table: pl.DataFrame) -> Any:
        return self.estimator_.predict_proba(self._rows(table))

    def _rows(self, table: pl.DataFrame) -> Any:
        assert isinstance(table, pl.DataFrame)
        return table.drop("note").to_numpy()


def table() -> pl.DataFrame:
    return pl.DataFrame({**{f"x{i}": ROWS[:, i] for i in range(4)}, "note": ["text"] * len(ROWS)})


def predictions(members: tuple[tuple[str, Any], ...], rows: Any, truth: Any) -> list[Prediction]:
    fitted = [member.fit(rows, truth) for _, member in members]
    return [Prediction(m.predict(rows), m.predict_proba(rows) if hasattr(m, "predict_proba") else None) for m in fitted]


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_a_committee_is_scikit_learns_voting_classifier(voting: str, weights: tuple[float, ...] | None) -> None:
    entry, members = catalog.find("models", "voting"), members_of("classification")
    params = {"voting": voting, "weights": weights}
    theirs = VotingClassifier(list(members), voting=voting, weights=weights).fit(ROWS, CODES)
    ours = entry.build(params, 0, members).fit(ROWS, CODES)
    combined = entry.combine(params, predictions(members, ROWS, CODES), IRIS)
    assert_array_equal(ours.predict(ROWS), theirs.predict(ROWS))
    assert_array_equal(combined.values, theirs.predict(ROWS))
    assert hasattr(ours, "predict_proba") == (voting == "soft")
    if voting == "soft":
        assert_array_equal(ours.predict_proba(ROWS), theirs.predict_proba(ROWS))
        assert_array_equal(combined.probabilities, theirs.predict_proba(ROWS))
    else:
        assert combined.probabilities is None


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_committee_is_scikit_learns_voting_regressor(weights: tuple[float, ...] | None) -> None:
    entry, members = catalog.find("models", "voting"), members_of("regression")
    theirs = VotingRegressor(list(members), weights=weights).fit(NUMBER_ROWS, NUMBERS)
    ours = entry.build({"weights": weights}, 0, members, "regression").fit(NUMBER_ROWS, NUMBERS)
    said = predictions(members, NUMBER_ROWS, NUMBERS)
    combined = entry.combine({"weights": weights}, said, Task("regression"))
    assert_array_equal(ours.predict(NUMBER_ROWS), theirs.predict(NUMBER_ROWS))
    assert_array_equal(combined.values, theirs.predict(NUMBER_ROWS))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=6), st.data())
def test_votes_are_counted_as_numpys_bincount_counts_them(votes: list[list[int]], data: st.DataObject) -> None:
    weights = data.draw(st.none() | st.lists(st.floats(0.01, 10), min_size=len(votes), max_size=len(votes)))
    ours = count_votes([np.array(codes) for codes in votes], 4, weights)
    theirs = [np.argmax(np.bincount(row, weights=weights)) for row in np.array(votes).T]
    assert_array_equal(ours, theirs)


def test_a_tie_goes_to_the_lowest_code() -> None:
    assert count_votes([np.array([2, 1]), np.array([1, 2])], 3).tolist() == [1, 1]


def test_weights_must_be_as_many_as_members() -> None:
    with pytest.raises(ValueError, match="2 weights for 3 members"):
        average_probabilities([np.ones((1, 2))] * 3, [1, 2])


def test_soft_voting_over_a_member_without_probabilities_is_refused() -> None:
    with pytest.raises(ValueError, match="without probabilities"):
        catalog.find("models", "voting").combine({"voting": "soft"}, [Prediction(CODES)], IRIS)


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_a_committee_of_fitted_members_is_the_fitted_committee(voting: str) -> None:
    entry = catalog.find("models", "voting")
    members = tuple((name, OnTable(member)) for name, member in members_of("classification"))
    whole = entry.build({"voting": voting}, 0, members).fit(table(), CODES)
    adopted = entry.build({"voting": voting}, 0, members).adopt([m.fit(table(), CODES) for _, m in members])
    assert_array_equal(adopted.predict(table()), whole.predict(table()))
    assert_array_equal(adopted.classes_, [0, 1, 2])


def test_a_stored_committee_votes_the_same() -> None:
    whole = catalog.find("models", "voting").build({"voting": "soft"}, 0, members_of("classification"))
    whole.fit(ROWS, CODES)
    stored = skops.io.dumps(whole)
    loaded = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    assert_array_equal(loaded.predict_proba(ROWS), whole.predict_proba(ROWS))


def test_stacking_hands_tables_to_its_members_and_a_matrix_to_the_last_model() -> None:
    """The same numbers as from a matrix, where scikit-learn's own class is used in the ordinary way."""
    entry, members = catalog.find("models", "stacking"), members_of("classification")
    last = ("(meta)", catalog.find("models", "logistic_regression").build({"C": 0.5, "max_iter": 1000}, 0))
    on_table = tuple((name, OnTable(member)) for name, member in members)
    of_table = entry.build({"cv": 3}, 0, (*on_table, last)).fit(table(), CODES)
    of_matrix = entry.build({"cv": 3}, 0, (*members, last)).fit(ROWS, CODES)
    assert_array_equal(of_table.predict_proba(table()), of_matrix.predict_proba(ROWS))
    assert of_table.final_estimator_.C == 0.5


def test_stacking_takes_members_of_any_name() -> None:
    members = tuple((name, catalog.find("models", "gaussian_nb").build({}, 0)) for name in ("my__model", "cv", "(m)"))
    catalog.find("models", "stacking").build({"cv": 2}, 0, members).fit(ROWS, CODES)


def test_stacking_of_numbers_uses_the_last_model_given() -> None:
    last = ("(meta)", catalog.find("models", "ridge").build({"alpha": 3.0}, 0, (), "regression"))
    build = catalog.find("models", "stacking").build
    stack = build({}, 0, (*members_of("regression"), last), "regression").fit(NUMBER_ROWS, NUMBERS)
    assert stack.final_estimator_.alpha == 3.0
    assert stack.score(NUMBER_ROWS, NUMBERS) > 0.4
