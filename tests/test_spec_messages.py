"""What a user reads when a spec is wrong: whole sentences, all of them at once, each at its place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlrun import catalog, spec
from mlrun.baselines import ENTRIES
from mlrun.errors import SpecError
from mlrun.language.baselines import BASELINES, TASKS

SMALL = "experiment: tries\ndata: {source: sklearn, name: iris}\n"


def told(text: str, *overrides: str) -> list[str]:
    """Return the problems, without the line that is shown under each."""
    try:
        spec.parse(text.encode(), "s.yaml", "/somewhere", overrides)
    except SpecError as error:
        return [str(problem).split("\n    ")[0] for problem in error.problems]
    return []


def test_a_problem_shows_its_line() -> None:
    with pytest.raises(SpecError) as caught:
        spec.parse(b"experiment: tries\ndata: {path: x.csv, tragte: y}\n", "spec.yaml", ".")
    assert str(caught.value) == (
        "spec.yaml:2:21: there is no key 'tragte' in 'data'; did you mean 'target'?\n    data: {path: x.csv, tragte: y}"
    )


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
experiment: My Run
task: clasification
data: {path: x.csv, target: 5, drop: a}
split: {tets: 0.3, folds: five, repeats: yes}
metrics: [roc_acu, 5]
search: {strategy: gird, budget: {trails: 3}}
models:
  random_forest: {n_estimator: [1, 2], max_depth: -3}
  xgbost: {}
baselines: [rnadom]
"""
    assert told(text) == [
        (
            "s.yaml:1:13: 'experiment' may hold only a-z, 0-9, '-' and '_', and must begin with a letter or a digit, "
            "not 'My Run'"
        ),
        (
            "s.yaml:2:7: 'task' must be classification, regression or anomaly, not 'clasification'; "
            "did you mean 'classification'?"
        ),
        "s.yaml:3:29: 'data.target' must be text, not 5; quote it if it is a name",
        "s.yaml:3:38: 'data.drop' must be a list, not 'a'; write [a]",
        "s.yaml:4:9: there is no key 'tets' in 'split'; did you mean 'test'?",
        (
            "s.yaml:4:27: 'split.folds' must be a whole number, such as 5, or a column of folds, such as "
            "{column: fold}, not 'five'"
        ),
        "s.yaml:4:42: 'split.repeats' must be a whole number, not 'yes'",
        "s.yaml:5:11: there is no metric 'roc_acu'; did you mean 'roc_auc'?",
        "s.yaml:5:20: each of the metrics must be a name, or a mapping with one name, not 5",
        "s.yaml:6:20: there is no search strategy 'gird'; did you mean 'grid'?",
        "s.yaml:6:35: there is no key 'trails' in 'search.budget'; did you mean 'trials'?",
        "s.yaml:8:19: random_forest has no hyperparameter 'n_estimator'; did you mean 'n_estimators'?",
        "s.yaml:8:51: 'max_depth' must be an integer ≥ 1, or null, not -3",
        "s.yaml:9:3: there is no model family 'xgbost'; did you mean 'xgboost'?",
        "s.yaml:10:13: there is no baseline 'rnadom'; did you mean 'random'?",
    ]


# A mistake, and below it what is told. What does not begin a spec of its own is added to a small one.
SENTENCES = """
1: 2
    3:1: keys must be text, and this one is 1; quote it: '1'

modles: [ridge]
    3:1: there is no key 'modles'; did you mean 'models'?

models:
    3:8: 'models' must be a list of names, a mapping from names to hyperparameters, or auto, not nothing

models: xgboost
    3:9: 'models' must be a list of names, a mapping from names to hyperparameters, or auto, not 'xgboost'; write [xgboost]

models: []
    3:9: 'models' must not be empty

models: [ridge, ridge]
    3:17: the model 'ridge' is named twice, first on line 3. Give one of them a name of its own: {other_name: {family: ...}}.

models: {My_Model: {}}
    3:10: the name 'My_Model' may hold only a-z, 0-9, '-' and '_', and must begin with a letter or a digit

models: {ridge: 5}
    3:17: 'models.ridge' must be a mapping of hyperparameters, or a list of such mappings, not 5

models: {mlp: {hidden_layer_sizes: [50, 100]}}
    3:36: 'hidden_layer_sizes' takes lists, and a list of lists is what is tried. Write [[50, 100]] to try this one, or more of them: [[...], [...]].

models: {ridge: {alpha: []}}
    3:25: 'alpha' is an empty list: there is nothing to try. Remove it, or give it values.

models: {ridge: {alpha: [1, 2, 1]}}
    3:32: 'alpha' lists 1 twice. Remove one.

models: {ridge: {alpha: {log_uniform: [1, 9]}}}
    3:25: 'log_uniform' is a distribution, and the strategy tries every value of a grid. Say `search: {strategy: random}`, or list the values to try.

models: {ridge: {alpha: 1, params: {alpha: 2}}}
    3:37: 'alpha' stands here and in 'params'. Remove one.

models: [{logistic_regression: {calibrate: platt}}]
    3:44: 'models.logistic_regression.calibrate' must be none, sigmoid, isotonic or temperature, not 'platt'

models: [{logistic_regression: {threshold: from_costs}}]
    3:33: 'threshold: from_costs' needs 'costs'. Write costs: {false_negative: 5, false_positive: 1}.

models: [{ridge: {threshold: 3}}]
    3:30: 'models.ridge.threshold' must be less than 1, not 3

models: [{m: {family: 'my:1'}}]
    3:23: 'my:1' must be module:build, such as my_models.trees:build

models: [{ridge: {members: [a, b]}}]
    3:19: 'members' is for voting and stacking, not for ridge. Remove it.

models: [voting]
    3:10: voting needs two or more members. Write voting: {members: [a, b]}.

models: [ridge, {voting: {members: [ridge, rigde]}}]
    3:44: there is no model 'rigde' in this spec; did you mean 'ridge'?

models: [ridge, {voting: {members: [[ridge], ridge]}}]
    3:37: 'models.voting.members.0' must be text, not ['ridge']

models: [ridge, {a: {family: voting, members: [b, ridge]}}, {b: {family: voting, members: [a, ridge]}}]
    3:47: the ensembles hold each other: a → b → a

models: [{bagging: {base: ridge}}]
    3:27: there is no model 'ridge' in this spec. `base` names one of `models`.

models: [{logistic_regression: {solver: lbfgs, l1_ratio: 1}}]
    3:32: solver lbfgs has no l1 penalty; use liblinear or saga

metrics: roc_auc
    3:10: 'metrics' must be a list, not 'roc_auc'; write [roc_auc]

metrics: [accuracy, accuracy]
    3:21: the metric 'accuracy' is named twice. Remove one.

metrics: [cost]
    3:11: the metric 'cost' needs to know what mistakes cost. Add `costs: {false_negative: ..., false_positive: ...}`.

metrics: [accuracy]
task: regression
    3:11: the metric 'accuracy' is for binary and multiclass and anomaly, and the task is regression

costs: {false_negative: 5}
    3:8: 'costs' lacks 'false_positive': what a false alarm costs

costs: {false_negative: -1, false_positive: 1}
    3:25: 'costs.false_negative' must be at least 0, not -1

baselines: [{rule: {predict: 1}}]
    3:20: 'baselines.0.rule' lacks 'when': a SQL condition over the columns

baselines: [{existing: {column: a, run: b}}]
    3:24: baseline 'existing' needs exactly one of column, predictions, run; it has 2

baselines: [previous]
    3:13: baseline 'previous' needs 'data.time': without it the rows have no order

task: regression
baselines: [max_z]
    4:13: baseline 'max_z' is for anomaly, and the task is regression

models: [ridge]
baselines: [{random: {name: ridge}}]
    4:29: a model and a baseline are both called 'ridge'. Give one of them another name.

task: regression
models: [gaussian_nb]
    4:10: gaussian_nb is for classification, and the task is regression

task: anomaly
target_transform: log
    4:19: 'target_transform' is for regression, and the task is anomaly

task: regression
anomaly: {train_on: normal}
    4:1: 'anomaly' is for that task, and the task is regression

split: {test: 1}
    3:15: 'split.test' must be less than 1, not 1

split: {test: .nan}
    3:15: 'split.test' must be a finite number, not nan

split: {folds: 1}
    3:16: 'split.folds' must be at least 2, not 1

split: {gap: 3}
    3:14: 'split.gap' needs 'data.time'

split: {test: {pth: x}}
    3:16: there is no key 'pth' in 'split.test'; known: name, scaled

prepare: {text: {ngrams: [2, 1]}}
    3:26: 'ngrams' goes from a longer run to a shorter one: [2, 1]

search: {timeout: 0}
    3:19: 'search.timeout' must be greater than 0, not 0

search: {timeout: .inf}
    3:19: 'search.timeout' must be a finite number, not inf

seed: 1.5
    3:7: 'seed' must be a whole number, not 1.5

seed: true
    3:7: 'seed' must be a whole number, not true

hooks: {don: x}
    3:9: there is no key 'don' in 'hooks'; did you mean 'done'?

hooks: {done: [notify, now]}
    3:16: 'notify' is no hook. Write {run: [PROGRAM, ARGUMENT, ...]} for a command, {url: ADDRESS} for a webhook, or a list of such.

hooks: {failed: 5}
    3:17: 5 is no hook. Write {run: [PROGRAM, ARGUMENT, ...]} for a command, {url: ADDRESS} for a webhook, or a list of such.

hooks: {done: {run: a, url: b}}
    3:15: a hook needs exactly one of run, url; it has 2

hooks: {failed: {run: a, headers: {a: b}}}
    3:26: 'headers' goes with 'url'. Remove it.

hooks: {regressed: {run: 5}}
    3:26: 'hooks.regressed.0.run' must be a command as text, or a list: the program and its arguments, not 5

hooks: {done: 'echo a > b'}
    3:15: '>' is for a shell, and no shell reads a hook. Write {run: [sh, -c, '...']}, or put the line into a script.

hooks: {done: "echo 'a"}
    3:15: a quotation mark in 'echo 'a' is not closed

hooks: {done: {url: 'file:///etc/passwd'}}
    3:21: a webhook's address begins with http:// or https://, then the host

hooks: {done: {url: 'https://me:secret@host/'}}
    3:21: a name or password does not belong into the address. Write headers: {Authorization: 'Basic ${ENV:NAME}'}, so that no run folder holds it.

hooks: {done: {url: 'https://host/${SLACK}'}}
    3:21: what stands in ${...} is no variable. Write ${ENV:NAME}.

hooks: {done: {url: 'https://host', headers: {'a b': c}}}
    3:47: 'a b' cannot be the name of a header

hooks: {always: {run: a, timeout: 0}}
    3:35: 'hooks.always.0.timeout' must be greater than 0, not 0

prepare: {text: {ngrams: [1]}}
    3:26: 'prepare.text.ngrams' must have at least 2 items

experiment: a
data: x.csv
    2:7: 'data' must be a mapping, not 'x.csv'

experiment: a
data: {path: x.json}
    2:7: no source is known by the ending '.json'. Add `source:`, one of csv, parquet, sklearn, sql, or module:function.

experiment: a
data: {source: sklearn}
    2:7: source 'sklearn' needs 'name': breast_cancer, diabetes, digits, iris, wine

experiment: a
data: {path: x.csv, seperator: ';'}
    2:21: there is no key 'seperator' in 'data'; did you mean 'separator'?

experiment: a
data: {path: x.csv, target: y}
split: {test: {pth: x}}
    3:16: there is no key 'pth' in 'split.test'; did you mean 'path'?

experiment: a
data: {path: x.csv, target: y, snapshot: yes}
    2:42: 'data.snapshot' must be true or false, not 'yes'

experiment: a
data: {path: x.csv, target: y, id: y}
    2:36: the column 'y' is 'id' and 'target' at once

experiment: a
data: {path: x.csv, target: y, drop: [y]}
    2:38: the column 'y' is 'target', and in 'drop' too

experiment: a
data: {path: x.csv, positive: y}
    2:31: 'data.positive' needs 'data.target'

data: {path: x.csv}
    1:1: the spec lacks 'experiment': what the runs are called

experiment: a
    1:1: the spec lacks 'data'

- a
    1:1: a spec is a mapping of keys, not ['a']. Begin with `experiment: NAME`, `data: {path: ..., target: ...}` and `models: [...]`.

    1:1: the spec is empty. Begin with `experiment: NAME`, `data: {path: ..., target: ...}` and `models: [...]`.
"""  # noqa: E501


def cases() -> Iterator[tuple[str, str]]:
    for case in SENTENCES.strip("\n").split("\n\n"):
        text, _, problem = f"\n{case}".rpartition("\n    ")
        whole = text[1:].startswith(("experiment", "data", "-")) or not text
        yield text[1:] if whole else SMALL + text[1:], problem


@pytest.mark.parametrize(("text", "problem"), list(cases()), ids=lambda value: value.rpartition("\n")[2][:50])
def test_one_mistake_is_one_sentence(text: str, problem: str) -> None:
    assert told(text) == [f"s.yaml:{problem}"]


def test_a_grid_that_nobody_could_finish_is_told() -> None:
    values = list(range(1, 400))
    assert told(SMALL + f"models: [{{random_forest: {{max_depth: {values}, n_estimators: {values}}}}}]") == [
        (
            "s.yaml:3:11: 159,201 combinations are more than can be tried. "
            "Try fewer values, or say `search: {strategy: random}`."
        )
    ]


def test_evaluation_none_is_accepted() -> None:
    assert told(SMALL + "evaluation: none") == []


def test_distributions_must_fit_the_hyperparameter() -> None:
    text = (
        SMALL
        + """\
search: {strategy: random}
models:
  random_forest: {n_estimators: {uniform: [1, 5]}, max_features: {log_uniform: [0, 1]}}
  ridge: {alpha: {uniform: [2, 1]}}
  lasso: {alpha: {uniform: [-1, 1]}}
"""
    )
    assert told(text) == [
        "s.yaml:5:33: 'n_estimators' must be an integer ≥ 1, and 'uniform' may draw 2.27324. Use `int` or `log_int`.",
        "s.yaml:5:66: 'log_uniform' of 'max_features' must begin above 0, not [0, 1]",
        "s.yaml:6:18: 'uniform' of 'alpha' must go from a lower number to a higher one, not [2, 1]",
        "s.yaml:7:18: 'alpha' must be a number ≥ 0, and 'uniform' may draw -1",
    ]


def test_a_mistake_in_an_override_names_the_override() -> None:
    overrides = (
        "split.folds",
        "split.fold=3",
        "seed=x",
        "models=[ridge, ridg]",
        "models.ridge.alpha=[3",
        "metrics.9=x",
    )
    assert sorted(told(SMALL + "metrics: [accuracy]\n", *overrides)) == [
        "--set metrics.9=x: '9' is not a position in a list of 1; they count from 0",
        "--set models.ridge.alpha=[3: a list was not closed: a ',' or a ']' was expected here",
        "--set models=[ridge, ridg]: there is no model family 'ridg'; did you mean 'ridge'?",
        "--set seed=x: 'seed' must be a whole number, not 'x'",
        "--set split.fold=3: there is no key 'fold' in 'split'; did you mean 'folds'?",
        "--set split.folds: must be PATH=VALUE, such as split.folds=10",
    ]


def test_a_broken_part_has_no_consequences_elsewhere() -> None:
    text = SMALL + "models: {m: {family: 5}, v: {family: voting, members: [m, n]}, n: {family: ridge, alpha: x}}\n"
    assert len(told(text)) == 2
    assert len(told(SMALL + "task: regression\nmodels: {m: {family: rigde}}")) == 1


def test_names_from_the_file_are_shown_printable() -> None:
    found = told(SMALL + 'models: ["\\e[31m\\u202e[/]"]\n')
    assert len(found) == 1
    assert found[0].isprintable()


LIBRARYS_WORDS = ("input", "pydantic", "valid", "shape", "dict", "\0")


def test_no_word_of_the_library_is_shown() -> None:
    wrong = [5, "x", [], {}, None, True, [{}], {"a": 1}, float("nan")]
    keys = (
        "experiment task seed data split metrics costs prepare search models baselines anomaly final target_transform"
    )
    for key in keys.split():
        for value in wrong:
            shown = {float: ".nan", bool: "true", type(None): "null"}.get(type(value), str(value))
            for problem in told(SMALL, f"{key}={shown}"):
                assert not any(word in problem.lower() for word in LIBRARYS_WORDS)


def test_baselines_are_those_of_the_table() -> None:
    assert set(BASELINES) == set(ENTRIES)
    for name, shape in BASELINES.items():
        keys = {field.alias or key for key, field in shape.model_fields.items()} - {"name"}
        assert keys == set(ENTRIES[name].parameters)
        assert set(TASKS.get(name, ENTRIES[name].tasks)) == set(ENTRIES[name].tasks)


def test_large_wrong_files_are_refused_in_time() -> None:
    many = range(15_000)
    for text in (
        "\n".join(f"k{number}: 1" for number in many),
        SMALL + "models: [" + ", ".join(f"m{number}" for number in many) + "]",
        SMALL + "models: {ridge: {alpha: [" + ", ".join(f"a{number}" for number in many) + "]}}",
        SMALL + "models: {ridge: {" + ", ".join(f"a{number}: 1" for number in many) + "}}",
        SMALL + "metrics: [" + ", ".join(f"m{number}" for number in many) + "]",
    ):
        began = time.process_time()
        assert told(text)
        assert time.process_time() - began < 5


WORDS = st.sampled_from(
    """experiment data source csv path models ridge alpha voting members split test name folds metrics baselines rule
    when search budget trials auto none x params grid family prepare numeric uniform random costs sensitive columns <<
    default constant""".split()  # noqa: SIM905 - easier to read
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(allow_nan=False, allow_infinity=False), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=6), st.booleans())
def test_any_values_are_a_spec_or_problems(values: dict[str, Any], whole: bool) -> None:
    import json

    if whole:
        values = {**values, "experiment": "a", "data": {"source": "csv", "path": "x.csv"}}
    assert all(told(json.dumps(values)) or ["fine"])


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.text(max_size=30))
@example("models: {a: {<<: *x}}", "models.a.<<=1")
@example("experiment: &x [*x]", "=")
def test_any_text_is_a_spec_or_problems(text: str, override: str) -> None:
    assert all(told(SMALL, override) or ["fine"])
    try:
        content = (SMALL + text).encode()
    except UnicodeEncodeError:
        return
    assert all(told(content.decode(), override) or ["fine"])


def test_every_familys_default_grid_is_admitted() -> None:
    for name in catalog.names("models"):
        if catalog.find("models", name).members != "many":
            assert told(SMALL + f"models: {{{name}: {{grid: default}}}}") == []
