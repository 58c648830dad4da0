"""`--set` addresses the normal form of a spec."""

from __future__ import annotations

from mlrun import spec
from mlrun.search_contracts import Choice
from mlrun.spec import BaselineSpec, Spec

SMALL = "experiment: tries\ndata: {source: sklearn, name: iris}\n"


def read(text: str, *overrides: str) -> Spec:
    return spec.parse(text.encode(), "s.yaml", "/somewhere", overrides)


def test_models_of_a_list_are_addressed_by_name() -> None:
    found = read(SMALL + "models: [ridge, lasso]", "models.ridge.alpha=[3, 6]", "models.lasso.family=ridge")
    assert found.models[0].space == ({"alpha": Choice((3, 6))},)
    assert found.models[1].family == "ridge"


def test_what_is_missing_on_the_way_is_made() -> None:
    found = read(SMALL, "search.budget.trials=7", "models.ridge={}", "prepare.numeric.scale=none")
    assert (found.search.trials, found.models[0].name, found.prepare.numeric.scale) == (7, "ridge", "none")


def test_values_are_read_as_the_file_is() -> None:
    assert read(SMALL, "data.positive=NO").data.positive == "NO"
    assert read(SMALL, "data.positive='1'").data.positive == "1"
    assert read(SMALL, "seed=012").seed == 12
    assert read(SMALL, "data.where=a = 1").data.where == "a = 1"


def test_shorthands_work_in_values() -> None:
    found = read(SMALL, "models=[ridge, lasso]", "models.lasso.alpha=1", "metrics=[r2]", "data.sensitive=[a]")
    assert [model.name for model in found.models] == ["ridge", "lasso"]
    assert found.data.sensitive == ("a",)


def test_entries_of_lists_are_addressed_by_position() -> None:
    found = read(
        SMALL + "baselines: [random, {rule: {when: a > 1}}]", "baselines.1.rule.when=a > 2", "baselines.0=zero_rule"
    )
    assert found.baselines[1] == BaselineSpec("rule", "rule", {"when": "a > 2"})
    assert found.baselines[0].kind == "zero_rule"


def test_nothing_takes_a_section_out() -> None:
    assert read(SMALL + "costs: {false_negative: 1, false_positive: 2}", "costs=").costs == {}


def test_the_last_of_several_overrides_wins() -> None:
    assert read(SMALL, "seed=1", "seed=2").seed == 2


def test_the_place_of_an_overridden_value_is_the_override() -> None:
    found = read(SMALL + "models: [ridge]", "models.ridge.alpha=3")
    assert str(found.place(("models", "ridge", "alpha"))) == "--set models.ridge.alpha=3"
    assert found.text == (SMALL + "models: [ridge]").encode()
