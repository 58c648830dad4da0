"""A spec as people write it, and what is made of it."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mlrun import catalog, spec
from mlrun.errors import SpecError
from mlrun.records import MetricSpec
from mlrun.search_contracts import Choice, Range
from mlrun.spec import BaselineSpec, Spec

SMALL = "experiment: tries\ndata: {source: sklearn, name: iris}\n"
DESIGN = Path(__file__).parents[2] / "shared" / "design.md"


def read(text: str, *overrides: str) -> Spec:
    return spec.parse(text.encode(), "s.yaml", "/somewhere", overrides)


def space(model: str, *before: str) -> Any:
    return read(SMALL + "".join(before) + f"models:\n  {model}\n").models[0].space


def examples_of_the_design() -> list[str]:
    """The YAML of the design; what it leaves to the page on evaluation is empty."""
    text = DESIGN.read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in text.split("```yaml")[1:]]
    return [
        block.replace("evaluation: {...}", "evaluation: {}").replace("useful: {...}", "useful: {}") for block in blocks
    ]


@pytest.mark.skipif(not DESIGN.exists(), reason="the design is not here")
def test_the_examples_of_the_design_are_specs() -> None:
    small, large = (read(text) for text in examples_of_the_design())
    assert [model.name for model in small.models] == ["logistic_regression", "random_forest", "xgboost"]
    assert large.data.params == {"path": "../data/adult.csv"}
    assert (large.data.positive, large.data.sensitive, large.search.trials) == (">50K", ("sex", "race"), 30)
    assert large.prepare.text.ngrams == (1, 2)
    assert [model.family for model in large.models] == ["logistic_regression", "random_forest", "mlp", "voting"]
    assert [baseline.name for baseline in large.baselines] == ["random", "zero_rule", "gain_rule", "human", "existing"]
    assert large.costs == {"false_negative": 5.0, "false_positive": 1.0}
    assert [gate.kind for gate in large.gates] == ["beats", "bound", "drop", "suites"]
    assert large.gates[2].params["against"] == "income@latest"


def test_what_is_left_out_has_its_default() -> None:
    found = read(SMALL)
    assert found.models == ()
    assert found.baselines == Spec("x", found.data).baselines
    assert (found.split.test, found.split.folds, found.search.strategy) == (0.2, 5, "grid")
    assert found.folder == "/somewhere"
    assert found.text == SMALL.encode()


def test_empty_sections_are_as_if_left_out() -> None:
    assert spec.canonical(read(SMALL + "split:\nprepare:\nmetrics:\ncosts:\nbaselines:\n")) == spec.canonical(
        read(SMALL)
    )


def test_all_ways_of_naming_models_mean_the_same() -> None:
    ways = [
        "models: [ridge, lasso]",
        "models: {ridge: {}, lasso: {}}",
        "models: {ridge: , lasso: ~}",
        "models: [ridge, {lasso: {}}]",
        "models: [{ridge: {grid: default}}, {lasso: {family: lasso, grid: default}}]",
    ]
    found = [read(SMALL + way).models for way in ways]
    assert all(models == found[0] for models in found)


def test_a_name_alone_has_the_familys_grid() -> None:
    family = catalog.find("models", "ridge")
    assert space("ridge: {}") == ({name: Choice(tuple(values)) for name, values in family.grid.items()},)


def test_a_mapping_is_exactly_what_is_written() -> None:
    assert space("random_forest: {n_estimators: [10, 20], max_depth: 3}") == (
        {"n_estimators": Choice((10, 20)), "max_depth": Choice((3,))},
    )
    assert space("random_forest: {params: {}}") == ({},)


def test_the_default_grid_fills_what_is_not_named() -> None:
    (grid,) = space("random_forest: {grid: default, n_estimators: 7}")
    family = catalog.find("models", "random_forest")
    assert grid["n_estimators"] == Choice((7,))
    assert set(grid) == set(family.grid)


def test_a_list_of_mappings_is_a_union_of_grids() -> None:
    found = read(
        SMALL + "models:\n  m:\n  - {family: logistic_regression, solver: saga, l1_ratio: [0, 1]}\n  - {C: [1, 2]}\n"
    )
    assert found.models[0].family == "logistic_regression"
    assert found.models[0].space == (
        {"solver": Choice(("saga",)), "l1_ratio": Choice((0, 1))},
        {"C": Choice((1, 2))},
    )


def test_lists_inside_lists_are_values() -> None:
    assert space("mlp: {hidden_layer_sizes: [[50], [100, 50]]}") == (
        {"hidden_layer_sizes": Choice(((50,), (100, 50)))},
    )


def test_distributions_are_ranges() -> None:
    random = "search: {strategy: random}\n"
    assert space("svm: {family: rbf_svm, C: {log_uniform: [0.1, 10]}, gamma: {uniform: [0, 1]}}", random) == (
        {"C": Range(0.1, 10, log=True), "gamma": Range(0, 1)},
    )
    assert space("random_forest: {max_depth: {int: [2, 9]}, n_estimators: {log_int: [10, 500]}}", random) == (
        {"max_depth": Range(2, 9, integer=True), "n_estimators": Range(10, 500, log=True, integer=True)},
    )
    assert space("ridge: {alpha: {choice: [1, 2]}}", random) == ({"alpha": Choice((1, 2))},)


def test_any_other_mapping_is_a_fixed_value_and_may_have_labels_as_keys() -> None:
    assert space("logistic_regression: {class_weight: {0: 1, 1: 5}}") == ({"class_weight": Choice(({0: 1, 1: 5},))},)


def test_hyperparameters_whose_names_collide_stand_in_params() -> None:
    assert space("ridge: {params: {alpha: [1, 2]}, solver: svd}") == (
        {"solver": Choice(("svd",)), "alpha": Choice((1, 2))},
    )


def test_a_users_own_family_is_not_checked() -> None:
    found = read(SMALL + "models: {mine: {family: 'my_models.trees:build', depth: [1, 2], odd: {a: 1}}}").models[0]
    assert found.space == ({"depth": Choice((1, 2)), "odd": Choice(({"a": 1},))},)


def test_a_models_preparation_lies_over_the_specs() -> None:
    found = read(
        SMALL + "prepare: {numeric: {impute: mean, scale: robust}, category: {rare: 5}}\n"
        "models: {ridge: {prepare: {numeric: {scale: none}, text: {ngrams: [1, 3]}}}, lasso: }"
    )
    ridge, lasso = (model.prepare for model in found.models)
    assert (ridge.numeric.impute, ridge.numeric.scale, ridge.category.rare) == ("mean", "none", 5)
    assert ridge.text.ngrams == (1, 3)
    assert lasso == found.prepare


def test_ensembles_name_models_of_the_spec() -> None:
    found = read(
        SMALL + "models: {ridge: , lasso: , v: {family: voting, members: [ridge, lasso]}, bagging: {base: ridge},"
        " stacking: {members: [v, ridge], meta: linear_regression}}"
    )
    by_name = {model.name: model for model in found.models}
    assert by_name["v"].members == ("ridge", "lasso")
    assert by_name["bagging"].base == "ridge"
    assert by_name["stacking"].meta == "linear_regression"


def test_metrics_are_canonical() -> None:
    found = read(SMALL + "metrics: [rmse, neg_mean_absolute_error, {precision_at: {k: 0.05}}, {r2: }]").metrics
    assert found[2] == MetricSpec("precision_at", {"k": 0.05})
    assert found[2].label == "precision_at(k=0.05)"
    assert [metric.name for metric in found] == ["rmse", "mae", "precision_at", "r2"]


def test_baselines_have_unique_names_and_defaults_written_out() -> None:
    found = read(
        SMALL + "baselines: [{rule: {when: a > 1}}, {rule: {when: b > 1, predict: x}}, {constant: mean}, "
        "{random: {uniform: true, name: chance}}, {existing: {column: s, is: score, at_least: 5}}, {previous: true}]\n",
        "data.time=t",
    ).baselines
    assert found == (
        BaselineSpec("rule", "rule", {"when": "a > 1"}),
        BaselineSpec("rule", "rule_2", {"when": "b > 1", "predict": "x"}),
        BaselineSpec("constant", "constant", {"value": "mean"}),
        BaselineSpec("random", "chance", {"uniform": True}),
        BaselineSpec("existing", "existing", {"column": "s", "is": "score", "at_least": 5}),
        BaselineSpec("previous", "previous", {}),
    )


def test_the_split_is_a_share_or_a_file_and_folds_a_number_or_a_column() -> None:
    text = "experiment: a\ndata: {path: train.csv, target: y}\nsplit: {test: {path: test.csv}, folds: {column: fold}}"
    split = read(text).split
    assert (split.test, split.test_params, split.fold_column) == (0.0, {"path": "test.csv"}, "fold")
    assert read(SMALL + "split: {test: 0, folds: 3}").split.test == 0.0


@pytest.mark.parametrize(
    ("path", "source"),
    [("a.csv", "csv"), ("a.TSV", "csv"), ("a.csv.gz", "csv"), ("a.parquet", "parquet"), ("a/b.sqlite", "sql")],
)
def test_the_source_is_told_by_the_files_ending(path: str, source: str) -> None:
    extra = ", query: select 1" if source == "sql" else ""
    assert read(f"experiment: a\ndata: {{path: {path}, target: y{extra}}}").data.source == source


def test_sensitive_columns_may_be_features() -> None:
    assert read(SMALL, "data.sensitive=[sex]").data.withhold_sensitive
    kept = read(SMALL, "data.sensitive={columns: [sex], withhold: false}").data
    assert (kept.sensitive, kept.withhold_sensitive) == (("sex",), False)


def test_a_strategy_that_samples_has_a_budget() -> None:
    assert read(SMALL + "search: {strategy: random}").search.trials == 30
    assert read(SMALL + "search: {strategy: random, budget: {cpu_seconds: 60}}").search.trials is None
    assert read(SMALL).search.trials is None


def test_places_are_those_of_the_normal_form() -> None:
    found = read(SMALL + "models:\n  - ridge\n  - lasso: {alpha: [1, 2]}\n")
    assert str(found.place(("models", "ridge"))) == "s.yaml:4:5"
    assert str(found.place(("models", "lasso", "alpha", 1))) == "s.yaml:5:24"
    assert str(found.place(("data", "target"))) == "s.yaml:2:7"
    assert str(found.place(("split", "folds"))) == "s.yaml:1:1"


def test_a_spec_can_be_sent_to_another_process() -> None:
    found = read(SMALL + "models: [ridge, xgboost]")
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own


def test_a_file_that_is_not_there_is_told_with_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, told in [("no.yaml", "there is no file"), (".", "is a folder"), ("a\0b", "not a file's name")]:
        with pytest.raises(SpecError) as caught:
            spec.load(Path(name))
        assert told in str(caught.value)
        assert str(tmp_path) in str(caught.value)


def test_a_specs_folder_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.yaml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    found = spec.load(Path("s.yaml"))
    assert (found.folder, found.path) == (str(tmp_path), "s.yaml")


def test_a_small_spec_is_read_in_milliseconds() -> None:
    text = SMALL + "models: [logistic_regression, random_forest, xgboost]\nmetrics: [accuracy]"
    read(text)
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 0.06


def test_reading_imports_no_heavy_library() -> None:
    script = (
        "import sys; from mlrun import spec; spec.parse(sys.argv[1].encode(), 's.yaml', '.'); "
        "print(*({'numpy', 'polars', 'sklearn', 'scipy', 'xgboost', 'pandas'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, SMALL + "models: [ridge, xgboost]"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == ""
