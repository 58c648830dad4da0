"""Shares of variance: closed forms, balanced tables, Optuna's own fANOVA; nothing where nothing can be said."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import run, write_spec

from mlrun.records import Params
from mlrun.report import markdown
from mlrun.runs import read_run
from mlrun.sensitivity import sensitivity_of
from mlrun.view.sensitivity import told_sensitivity

Trials = list[tuple[Params, float]]


def factorial(score: Callable[..., float], **values: Sequence[Any]) -> Trials:
    designs = [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]
    return [(design, score(**design)) for design in designs]


def shares(trials: Trials) -> Mapping[str, float]:
    found = sensitivity_of(trials)
    assert found is not None
    return found.shares


def test_of_an_additive_function_the_shares_are_those_of_the_squared_effects() -> None:
    found = sensitivity_of(factorial(lambda a, b, c: 3 * a + 2 * b + c, a=(-1, 1), b=(-1, 1), c=(-1, 1)))
    assert found is not None
    assert dict(found.shares) == pytest.approx({"a": 9 / 14, "b": 4 / 14, "c": 1 / 14}, abs=1e-6)
    assert list(found.shares) == ["a", "b", "c"]
    assert found.together == 0
    assert (found.method, found.trials) == ("exact", 8)


def test_of_an_exclusive_or_neither_explains_anything_alone() -> None:
    pure = sensitivity_of(factorial(lambda a, b: float(a ^ b), a=(0, 1), b=(0, 1)))
    assert pure is not None
    assert dict(pure.shares) == {"a": 0, "b": 0}
    assert pure.together == 1


def test_a_balanced_table_gives_the_sums_of_squares_of_a_two_way_analysis_of_variance() -> None:
    table = np.random.default_rng(3).normal(size=(3, 4))
    found = sensitivity_of(factorial(lambda a, b: float(table[a, b]), a=range(3), b=range(4)))
    assert found is not None
    total = float(np.square(table - table.mean()).sum())
    rows = 4 * float(np.square(table.mean(1) - table.mean()).sum())
    columns = 3 * float(np.square(table.mean(0) - table.mean()).sum())
    assert dict(found.shares) == pytest.approx({"a": rows / total, "b": columns / total}, abs=1e-6)
    assert found.together == pytest.approx(1 - (rows + columns) / total, abs=2e-6)


def test_a_score_far_from_zero_has_the_same_shares() -> None:
    near = factorial(lambda a, b: 0.001 * a + 0.0005 * b, a=(0, 1, 2), b=(0, 1))
    assert shares([(params, score + 1e6) for params, score in near]) == pytest.approx(shares(near), abs=1e-4)


@pytest.mark.parametrize("trials", [60, 200])
def test_a_random_design_gives_what_fanova_of_optuna_gives(trials: int) -> None:
    optuna = pytest.importorskip("optuna", reason="what it is compared with")
    draw = np.random.default_rng(trials)
    design = draw.uniform(size=(trials, 4))
    scores = design @ np.array([3.0, 2.0, 1.0, 0.0]) + 6 * (design[:, 0] - 0.5) * (design[:, 1] - 0.5)
    tried = [
        ({f"x{at}": float(value) for at, value in enumerate(row)}, float(y))
        for row, y in zip(design, scores, strict=True)
    ]
    study = optuna.create_study()
    space = {name: optuna.distributions.FloatDistribution(0, 1) for name in tried[0][0]}
    study.add_trials([optuna.create_trial(params=dict(p), distributions=space, value=y) for p, y in tried])
    theirs = optuna.importance.FanovaImportanceEvaluator(seed=1).evaluate(study)
    found = sensitivity_of(tried)
    assert found is not None
    assert found.method == "forest"
    assert dict(found.shares) == pytest.approx(theirs, abs=0.06)
    assert found.together == pytest.approx(1 - sum(theirs.values()), abs=0.1)


def test_a_forest_over_most_of_a_grid_comes_near_to_the_whole_of_it() -> None:
    whole = factorial(lambda a, b, c: a + 2 * math.sqrt(b) + (c == "z"), a=range(5), b=range(5), c="xyz")
    exact, part = shares(whole), shares(whole[:-4])
    assert all(abs(exact[name] - part[name]) < 0.1 for name in exact)


def test_the_same_trials_give_the_same_shares() -> None:
    trials = factorial(lambda a, b: a * b, a=range(4), b=range(4))[:-1]
    assert sensitivity_of(trials) == sensitivity_of(trials)


def test_a_hyperparameter_of_another_grid_counts_as_not_set() -> None:
    rbf = factorial(lambda C, gamma: C + gamma, C=(1, 2, 3), gamma=(0.1, 1.0))  # noqa: N803 - its name
    linear: Trials = [({"C": C}, float(C)) for C in (1, 2, 3)]
    assert set(shares(rbf + linear)) == {"C", "gamma"}


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [({"a": 1, "b": 2}, 0.5)],
        factorial(lambda a, b: 0.9, a=(1, 2, 3), b=(1, 2, 3)),  # all scores are equal
        factorial(lambda a, b: float(a), a=(1, 2, 3), b=(1,)),  # one was varied: its share is all, by definition
        factorial(lambda a, b: a + b, a=(1, 2, 3), b=(1, 2))[:5],  # neither whole nor eight
    ],
)
def test_nothing_is_said_where_nothing_can_be(trials: Trials) -> None:
    assert sensitivity_of(trials) is None


def test_a_run_tells_what_mattered(tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path,
        "experiment: e\ndata: {source: sklearn, name: iris}\nsplit: {folds: 2}\n"
        "models: {decision_tree: {max_depth: [1, 3], min_samples_leaf: [1, 2]}, gaussian_nb: {}}\n",
    )
    folder = run(spec).folder
    assert folder is not None
    record = read_run(folder)
    tree, bayes = (
        next(model for model in record.models if model.name == name) for name in ("decision_tree", "gaussian_nb")
    )
    assert bayes.sensitivity is None
    assert tree.sensitivity is not None
    assert next(iter(tree.sensitivity.shares)) == "max_depth"
    (line,) = told_sensitivity(record)
    assert line.startswith("What mattered most: decision_tree max_depth ")
    page = markdown(record)
    assert "## what mattered" in page
    assert "over what was tried" in page
