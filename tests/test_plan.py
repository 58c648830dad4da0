"""What will run: who shares a fit, what everybody may spend, which spec is refused before anything is fitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_tables import spec_of

from mlrun import catalog
from mlrun.errors import SpecError
from mlrun.plan import PlannedModel, blueprint_of, budget_of, plan_models, share_fits, widest
from mlrun.ready import Ready, make_ready
from mlrun.records import Column, Dataset, Task, Trial
from mlrun.run_notes import on_edge
from mlrun.search_contracts import Choice
from mlrun.spec import Spec

PLAIN = {"source": "csv", "path": "rows.csv", "target": "y"}


def dataset(labels: tuple[Any, ...] = ("no", "yes"), kind: Any = "classification", rows: int = 60) -> Dataset:
    truth = np.arange(rows) % max(2, len(labels)) if kind != "regression" else np.linspace(0, 1, rows)
    table = pl.DataFrame({"x": np.linspace(0, 1, rows)})
    return Dataset(table, Task(kind, labels), (Column("x", "numeric", "Float64"),), (), truth, np.arange(rows))


def planned(folder: Path, models: Any, rows: Dataset | None = None, **sections: Any) -> tuple[PlannedModel, ...]:
    return plan_models(spec_of(folder, PLAIN, models=models, **sections), rows or dataset())


def refusal(folder: Path, models: Any, rows: Dataset | None = None, **sections: Any) -> str:
    with pytest.raises(SpecError) as told:
        planned(folder, models, rows, **sections)
    return str(told.value)


def ready(folder: Path, table: pl.DataFrame, models: Any, **sections: Any) -> Ready:
    table.write_csv(folder / "rows.csv")
    spec_of(folder, {**PLAIN, **sections.pop("data", {})}, models=models, **sections)
    return make_ready(folder / "spec.yaml", (), None)


def trials(*params: dict[str, Any]) -> list[Trial]:
    return [Trial(f"m/{number:04d}", "m", "random_forest", one) for number, one in enumerate(params)]


# -- order, ranks, budgets ---------------------------------------------------------------------------------------------


def test_the_simplest_runs_first_and_ensembles_after_their_members(tmp_path: Path) -> None:
    found = planned(
        tmp_path,
        {
            "both": {"family": "voting", "members": ["top", "gaussian_nb"]},
            "top": {"family": "stacking", "members": ["xgboost", "gaussian_nb"]},
            "xgboost": {},
            "gaussian_nb": {},
        },
    )
    assert [model.name for model in found] == ["gaussian_nb", "xgboost", "top", "both"]
    assert [model.level for model in found] == [0, 0, 1, 2]


def test_an_ensembles_rank_is_the_sum_of_its_members_and_one(tmp_path: Path) -> None:
    found = planned(
        tmp_path,
        {"a": {"family": "gaussian_nb"}, "b": {"family": "xgboost"}, "v": {"family": "voting", "members": ["a", "b"]}},
    )
    rank = {model.name: model.rank for model in found}
    assert rank["v"] == rank["a"] + rank["b"] + 1


def test_a_users_family_ranks_last_and_leaves_the_main_process(tmp_path: Path) -> None:
    (tmp_path / "own_plan.py").write_text("def build(params, seed): ...\n")
    found = planned(
        tmp_path, {"mine": {"family": "own_plan:build"}, "b": {"family": "bagging", "base": "mine"}, "xgboost": {}}
    )
    assert [model.name for model in found] == ["xgboost", "mine", "b"]
    assert [model.isolated for model in found] == [False, True, True]


def test_everybody_may_spend_the_same(tmp_path: Path) -> None:
    models = {"gaussian_nb": {"var_smoothing": [1e-9]}, "xgboost": {"max_depth": [2, 3]}, "lda": {}}
    for search, trials_each in (
        ({"budget": {"trials": 5}}, 5),
        ({"strategy": "random"}, 30),
        ({"strategy": "random", "budget": {"trials": 7}}, 7),
        ({}, None),
    ):
        spec = spec_of(tmp_path, PLAIN, models=models, search=search)
        assert {budget_of(spec, model).trials for model in plan_models(spec, dataset())} == {trials_each}


def test_a_grid_over_the_budget_is_refused_with_both_numbers_and_the_cure(tmp_path: Path) -> None:
    models = {"xgboost": {"max_depth": [2, 3, 4], "n_estimators": [10, 20]}, "lda": {}}
    told = refusal(tmp_path, models, search={"budget": {"trials": 4}})
    assert "'xgboost' has 6 combinations, and the budget is 4 trials a family" in told
    assert "strategy: random" in told
    assert "'lda'" not in told
    assert planned(tmp_path, models, search={"budget": {"trials": 6}})
    assert planned(tmp_path, models, search={"strategy": "random", "budget": {"trials": 4}})


def test_without_labels_only_the_first_combination_is_run(tmp_path: Path) -> None:
    unlabelled = Dataset(pl.DataFrame({"x": [0.0] * 60}), Task("anomaly"), (), (), None, np.arange(60))
    data = {"source": "csv", "path": "rows.csv"}
    for search in ({}, {"strategy": "random"}, {"budget": {"cpu_seconds": 60}}):
        spec = spec_of(tmp_path, data, task="anomaly", models=["isolation_forest"], search=search)
        (model,) = plan_models(spec, unlabelled)
        strategy = catalog.find("searches", spec.search.strategy)
        assert len(strategy.propose(model.spec.space, (), budget_of(spec, model), 0)) == 1


# -- sharing -----------------------------------------------------------------------------------------------------------


def test_trials_that_differ_only_in_size_share_a_fit() -> None:
    forest = catalog.find("models", "random_forest")
    groups = share_fits(
        forest,
        trials(
            {"n_estimators": 10, "max_depth": 2},
            {"n_estimators": 10, "max_depth": 3},
            {"n_estimators": 30, "max_depth": 2},
            {"max_depth": 2},
            {"n_estimators": 20, "max_depth": 2, "oob_score": True},
            {"n_estimators": 30, "max_depth": 2, "oob_score": True},
        ),
    )
    assert [[trial.id[-1] for trial in group] for group in groups] == [["0", "2", "3"], ["1"], ["4"], ["5"]]
    assert widest(forest, groups[0]) == {"max_depth": 2}  # the library's own 100
    assert widest(forest, groups[1]) == {"n_estimators": 10, "max_depth": 3}


def test_families_without_nesting_share_nothing() -> None:
    groups = share_fits(catalog.find("models", "logistic_regression"), trials({"C": 1}, {"C": 2}))
    assert [len(group) for group in groups] == [1, 1]


def test_every_trial_is_in_one_group_in_order() -> None:
    params = [{"n_estimators": n, "max_depth": d} for d in (None, 3) for n in (5, 50, 20)]
    groups = share_fits(catalog.find("models", "random_forest"), trials(*params))
    assert sorted(trial.id for group in groups for trial in group) == [f"m/{number:04d}" for number in range(6)]
    assert len(groups) == 2


# -- the edge of a grid ------------------------------------------------------------------------------------------------


def test_a_winner_on_the_edge_of_three_or_more_numbers_is_noted(tmp_path: Path) -> None:
    grid = {"family": "logistic_regression", "C": [0.1, 1, 10], "max_iter": [50, 100]}
    (model,) = planned(tmp_path, {"m": grid})
    assert list(on_edge(model, {"C": 1, "max_iter": 100})) == []
    assert list(on_edge(model, {"C": 10, "max_iter": 100})) == [
        "m: the best C (10) is the largest tried; a wider grid may do better"
    ]
    assert "smallest" in next(on_edge(model, {"C": 0.1, "max_iter": 50}))


def test_an_edge_is_none_where_others_score_the_same_or_null_lies_beyond(tmp_path: Path) -> None:
    (model,) = planned(tmp_path, {"m": {"family": "decision_tree", "max_depth": [2, 4, 8, None]}})
    assert list(on_edge(model, {"max_depth": 2}, [{"max_depth": 2}, {"max_depth": 4}])) == []
    assert list(on_edge(model, {"max_depth": 8})) == []
    assert "smallest" in next(on_edge(model, {"max_depth": 2}, [{"max_depth": 2}]))


# -- what cannot be ----------------------------------------------------------------------------------------------------


def test_families_for_another_task_are_refused_all_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"ridge": {}, "isolation_forest": {}, "lda": {}})
    assert "'ridge' does regression, and the task is classification" in told
    assert "'isolation_forest' does anomaly" in told
    assert "'lda'" not in told


def test_soft_voting_over_a_member_without_probabilities_is_refused(tmp_path: Path) -> None:
    members = {"linear_svm": {}, "lda": {}, "hard": {"family": "voting", "members": ["linear_svm", "lda"]}}
    soft = {"family": "voting", "voting": "soft", "members": ["linear_svm", "lda", "hard"]}
    told = refusal(tmp_path, {**members, "soft": soft})
    assert "soft voting needs probabilities, which linear_svm, hard does not give" in told
    assert "`voting: hard`" in told
    assert planned(tmp_path, members)


def test_a_vote_has_one_weight_a_member(tmp_path: Path) -> None:
    models: dict[str, dict[str, Any]] = {
        "lda": {},
        "gaussian_nb": {},
        "v": {"family": "voting", "members": ["lda", "gaussian_nb"]},
    }
    models["v"]["weights"] = [[1, 2, 3]]
    assert "3 weights for 2 members" in refusal(tmp_path, models)
    models["v"]["weights"] = [[1, 2]]
    assert planned(tmp_path, models)


def test_probabilities_are_needed_only_by_the_metric_that_chooses(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": np.linspace(0, 1, 60), "y": ["no", "yes"] * 30})
    models = ["linear_svm", "lda"]
    with pytest.raises(SpecError, match="'log_loss' chooses, and needs probabilities, which linear_svm does not give"):
        ready(tmp_path, table, models, metrics=["log_loss"])
    assert ready(tmp_path, table, models, metrics=["roc_auc", "log_loss"])


def test_what_does_not_fit_the_task_that_the_data_has_is_told_at_once(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": np.linspace(0, 1, 60), "y": ["a", "b", "c"] * 20})
    costs = {"false_negative": 5, "false_positive": 1}
    with pytest.raises(SpecError) as told:
        ready(tmp_path, table, ["lda"], target_transform="log", costs=costs, anomaly={"contamination": 0.2})
    assert len(told.value.problems) == 3
    assert "'costs' are for two classes, and the task is 3 classes" in str(told.value)
    assert "spec.yaml:1:" in str(told.value)


def test_a_logarithm_of_what_is_not_positive_is_one_sentence_before_any_fit(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": np.linspace(0, 1, 60), "y": [0.0, -1.5, *range(1, 59)]})
    with pytest.raises(SpecError) as told:
        ready(tmp_path, table, ["ridge"], task="regression", target_transform="log")
    assert "the target is not above 0 in 2 of 60 rows (the smallest is -1.5)" in str(told.value)
    assert "data.where" in str(told.value)


def test_normal_rows_need_labels(tmp_path: Path) -> None:
    data = {"source": "csv", "path": "rows.csv"}
    pl.DataFrame({"x": np.linspace(0, 1, 60)}).write_csv(tmp_path / "rows.csv")
    spec_of(tmp_path, data, task="anomaly", anomaly={"train_on": "normal"}, models=["isolation_forest"])
    with pytest.raises(SpecError, match="needs labels that say which rows are normal"):
        make_ready(tmp_path / "spec.yaml", (), None)


# -- blueprints --------------------------------------------------------------------------------------------------------


def blueprint(spec: Spec, model: PlannedModel, rows: Dataset, **params: Any) -> Any:
    return blueprint_of(model, params, rows.task, spec.folder, {}, 0.1)


def test_class_weights_reach_the_estimator_by_code(tmp_path: Path) -> None:
    for labels in (("no", "yes"), (0, 1), (False, True)):
        weights = {str(labels[0]): 1, str(labels[1]): 5}
        rows = dataset(labels)
        spec = spec_of(tmp_path, PLAIN, models={"m": {"family": "decision_tree", "class_weight": weights}})
        (model,) = plan_models(spec, rows)
        (choice,) = (domain for domain in model.spec.space[0].values() if isinstance(domain, Choice))
        built = blueprint(spec, model, rows, class_weight=choice.values[0])
        assert built.params["class_weight"] == {0: 1, 1: 5}


def test_the_final_family_of_stacking_is_a_name_or_a_model_of_the_spec(tmp_path: Path) -> None:
    models: dict[str, dict[str, Any]] = {
        "lda": {},
        "gaussian_nb": {},
        "firm": {"family": "logistic_regression", "C": 0.01},
        "a": {"family": "stacking", "members": ["lda", "gaussian_nb"], "meta": "firm"},
        "b": {"family": "stacking", "members": ["lda", "gaussian_nb"], "meta": "ridge"},
    }
    assert "'ridge' does regression, and the task is classification" in refusal(tmp_path, models)
    models["b"]["meta"] = "a"
    assert "'stacking' is made of other models" in refusal(tmp_path, models)
    del models["b"]
    found = {model.name: model for model in planned(tmp_path, models)}
    assert found["a"].meta is not None
    assert found["a"].meta.params == {"C": 0.01}
