"""What of a spec can change a result: what its digest is made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlrun import spec
from mlrun.language.shape import SpecShape
from mlrun.spec import Spec

SMALL = "experiment: tries\ndata: {source: sklearn, name: iris}\n"


def read(text: str, *overrides: str) -> Spec:
    return spec.parse(text.encode(), "s.yaml", "/somewhere", overrides)


def identity(text: str, *overrides: str) -> str:
    found = read(text, *overrides)
    return json.dumps(spec.canonical(found), allow_nan=False) + json.dumps(spec.differing(found), allow_nan=False)


def test_the_order_of_keys_and_the_way_of_writing_leave_no_trace() -> None:
    one = SMALL + "models: [ridge, {lasso: {alpha: [1, 2], max_iter: 50}}]\nseed: 3\nsplit: {folds: 3, test: 0}\n"
    other = """\
seed: 0o3
split: {test: 0.0, "folds": 3}
models: {lasso: {max_iter: 50, alpha: [1, 2]}, ridge: ~}
data: {name: iris, source: sklearn}
experiment: tries
"""
    assert identity(one) == identity(other)


def test_an_override_is_as_if_it_were_written() -> None:
    assert identity(SMALL + "models: {ridge: {alpha: [3, 6]}}") == identity(
        SMALL + "models: [ridge]", "models.ridge.alpha=[3, 6]"
    )


def test_defaults_that_are_written_out_change_nothing() -> None:
    written = "split: {test: 0.2, folds: 5, shuffle: true, gap: 0, repeats: 1}\nsearch: {strategy: grid, budget: ~}\n"
    rest = "baselines: [random, zero_rule]\nseed: 0\nevaluation: auto\nfinal: {refit_on: train}\nmodels: auto\n"
    assert identity(SMALL) == identity(SMALL + written + rest)
    assert identity(SMALL + "models: [ridge]") == identity(SMALL + "models: {ridge: {grid: default, threshold: 0.5}}")


def test_only_what_differs_from_the_defaults_is_in_the_digest() -> None:
    assert spec.differing(read(SMALL)) == {"data": {"params": {"name": "iris"}, "source": "sklearn"}}
    models = spec.differing(read(SMALL + "models: {r: {family: ridge, alpha: 1}}"))["models"]
    assert models == {"r": {"family": "ridge", "space": [{"alpha": {"choice": [1]}}]}}


def test_the_name_of_the_experiment_is_for_people() -> None:
    assert identity(SMALL) == identity(SMALL.replace("tries", "other"))


@pytest.mark.parametrize(
    "override",
    [
        "seed=1", "task=classification", "data.name=wine", "data.target=y", "data.drop=[a]", "data.types={a: text}",
        "data.sensitive=[a]", "data.where=a > 1", "data.limit=5", "split.test=0.3", "split.test={name: wine}",
        "split.folds=4", "split.folds={column: f}", "split.repeats=2", "split.shuffle=false", "split.seed=0",
        "metrics=[accuracy]", "costs={false_negative: 1, false_positive: 2}", "prepare.numeric.scale=none",
        "prepare.text.ngrams=[1, 2]", "search.strategy=random", "search.budget={trials: 3}", "search.timeout=1",
        "models=[ridge]", "models={a: {family: ridge}}", "models={a: {family: ridge, alpha: .inf}}", "baselines=[]",
        "baselines=[{random: {name: chance}}]", "anomaly.contamination=0.2", "target_transform=log",
        "final.refit_on=all", "evaluation.sample=500", "evaluation.compare.rope=0.01", "useful={}",
        "useful.against=[random]", "gates=[{suites: pass}]",
    ],
)  # fmt: skip
def test_what_can_change_a_result_is_in_the_digest(override: str) -> None:
    assert spec.differing(read(SMALL, override)) != spec.differing(read(SMALL))


def test_labels_of_two_kinds_stay_two() -> None:
    weights = [
        SMALL + f"models: {{lda: {{family: logistic_regression, class_weight: {{{key}: 1}}}}}}" for key in ("1", "'1'")
    ]
    assert identity(weights[0]) != identity(weights[1])


def test_every_section_is_in_the_canonical_form() -> None:
    absent = {"experiment", "hooks"}
    assert set(spec.canonical(read(SMALL))) == set(SpecShape.model_fields) - absent


def test_the_canonical_form_is_plain_and_sorted() -> None:
    def check(value: Any) -> None:
        if isinstance(value, dict):
            assert list(value) == sorted(value)
            for inner in value.values():
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)
        else:
            assert value is None or type(value) in (str, int, float, bool)

    check(spec.canonical(read(SMALL + "models: {mlp: {hidden_layer_sizes: [[5], [6, 7]]}, ridge: }\nmetrics: [rmse]")))
