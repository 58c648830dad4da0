"""The JSON Schema that editors use, and the reference: both made from the definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from mlrun import catalog, spec
from mlrun.errors import SpecError
from mlrun.language.keys import table
from mlrun.language.yaml_reader import read

REFERENCE = Path(__file__).parents[1] / "docs" / "spec.md"
DESIGN = Path(__file__).parents[2] / "shared" / "design.md"
BEGIN, END = "<!-- the table begins -->\n", "\n<!-- the table ends -->"
SMALL = "experiment: tries\ndata: {source: sklearn, name: iris}\n"
VALIDATOR = jsonschema.Draft202012Validator(spec.json_schema())


def plain(text: str) -> Any:
    return read(text.encode(), "s.yaml").plain


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.skipif(not DESIGN.exists(), reason="the design is not here")
def test_the_examples_of_the_design_fit_the_schema() -> None:
    blocks = DESIGN.read_text(encoding="utf-8").split("```yaml")[1:]
    assert len(blocks) == 2
    for block in blocks:
        shown = (
            block.split("```")[0].replace("evaluation: {...}", "evaluation: {}").replace("useful: {...}", "useful: {}")
        )
        assert list(VALIDATOR.iter_errors(plain(shown))) == []


GOOD = [
    "models: auto",
    "models: [ridge, {lasso: }, {forest: {family: random_forest, max_depth: [3, ~]}}]",
    "models: {mine: {family: 'a.b:c', anything: 1}, m: [{family: ridge, alpha: 1}, {solver: svd}], ridge: }",
    "metrics: [rmse, neg_log_loss, {precision_at: {k: 0.05}}, 'mine:score']",
    "baselines: [random, {constant: mean}, {constant: {value: 3, name: n}}, {previous: true}, {rule: {when: a > 1}}]",
    "baselines: [{existing: {column: s, is: score, at_least: 5}}, {human: {column: h}}, max_z]",
    "split: {test: {path: x.csv}, folds: {column: f}}",
    "split:\nprepare:\nsearch: {budget: }",
    "search: {strategy: random, budget: {cpu_seconds: 60}}",
    "hooks: {done: notify, failed: {url: 'https://a'}, regressed: [{run: [a, b]}, {url: '${ENV:A}', body: {c: d}}]}",
]
BAD = [
    "modles: []",
    "models: ridge",
    "models: [{A: {}}]",
    "models: {ridge: 5}",
    "metrics: [roc_acu]",
    "metrics: roc_auc",
    "baselines: [rule]",
    "baselines: [{rule: {predict: 1}}]",
    "baselines: [{rnadom: {}}]",
    "split: {tets: 0.1}",
    "split: {test: 2}",
    "search: {strategy: gird}",
    "seed: x",
    "task: clasification",
    "hooks: {don: x}",
    "hooks: {done: [x]}",
    "hooks: {done: {runs: x}}",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_a_spec_may_say_fits_the_schema(text: str) -> None:
    assert list(VALIDATOR.iter_errors(plain(SMALL + text))) == []


@pytest.mark.parametrize("text", BAD)
def test_what_the_reader_refuses_the_schema_refuses_too(text: str) -> None:
    assert list(VALIDATOR.iter_errors(plain(SMALL + text)))
    with pytest.raises(SpecError):
        spec.parse((SMALL + text).encode(), "s.yaml", ".")


def test_editors_are_offered_the_hyperparameters_of_each_family() -> None:
    text = str(VALIDATOR.schema["properties"]["models"])
    for name in catalog.names("models"):
        for parameter in catalog.find("models", name).hyperparameters:
            assert f"'{parameter}': " in text


def test_the_references_table_is_up_to_date() -> None:
    written = REFERENCE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert written == table(), f"run: python {Path(__file__).name}"


def rewrite_the_reference() -> None:
    before, rest = REFERENCE.read_text(encoding="utf-8").split(BEGIN)
    REFERENCE.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    rewrite_the_reference()
