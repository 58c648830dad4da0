"""From what was found in a table to the text of a spec: what runs, why each choice, what else could be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlrun.language.yaml_lines import SHOWN, comment, few, flow_list, offer, quote, quote_condition, say
from mlrun.records import Column
from mlrun.table.guesses import Roles
from mlrun.table.sniffing import Origin
from mlrun.table.target_choice import TargetChoice

SCHEMA_FILE = "mlrun.schema.json"
LEFT_OUT = 5  # columns that are no features whose reason is told
OFFERED = 2  # columns offered for a part that one column can have


@dataclass(frozen=True, slots=True)
class Choices:
    """What a spec is to say; `features` and `withheld` as the dataset found them."""

    command: str
    experiment: str
    origin: Origin
    rows: int
    target: TargetChoice
    roles: Roles
    features: tuple[Column, ...]
    withheld: tuple[tuple[str, str], ...]
    metrics: tuple[str, ...]
    models: tuple[str, ...]
    steps: tuple[tuple[str, float], ...] = ()  # numeric features, each with a round number near its spread


def write_draft(choices: Choices) -> str:
    """Return the text of the spec."""
    sections: tuple[Callable[[Choices], Iterator[str]], ...] = (
        _head,
        _source,
        _columns,
        _offered_columns,
        _split,
        _metrics,
        _prepare,
        _models,
        _baselines,
    )
    sections += (_evaluation, _useful, _gates)
    return "\n".join(line for section in sections for line in section(choices)) + "\n"


def _head(choices: Choices) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA_FILE}"
    yield f"# Written by `{choices.command}`; it runs as it is."
    yield "# What stands behind a # says nothing yet: take the mark away where it is right."
    yield ""
    yield say(f"experiment: {quote(choices.experiment)}", "what its runs are called")
    yield say(f"task: {choices.target.task}", choices.target.task_reason)
    yield say("seed: 0", "of every draw: equal seed, data and spec give equal scores")
    yield ""


def _source(choices: Choices) -> Iterator[str]:
    origin = choices.origin
    yield "data:"
    yield say(f"  source: {quote(origin.source)}", f"{choices.rows:,} rows")
    for name, value in origin.params.items():
        yield say(f"  {name}: {quote(value)}", _remark(origin, name))
    if origin.others:
        yield offer("  query: SELECT ... FROM ...", f"there are also {few(origin.others)}; a SELECT may join them")
    if "header" in origin.params:
        yield offer("  columns: [...]", "names for the columns; without them column_1, column_2, ...")
    if choices.roles.placeholders:
        yield offer('  null_values: ["?"]', f"does it mean missing? in {few(tuple(choices.roles.placeholders))}")


def _remark(origin: Origin, name: str) -> str:
    if name in origin.remarks:
        return origin.remarks[name]
    return {
        "path": "relative to this file" + ("; .gz and .zip too" if origin.source == "csv" else ""),
        "separator": "what stands between the fields",
        "decimal": "numbers are written 3,14",
    }.get(name, "")


def _columns(choices: Choices) -> Iterator[str]:
    target, roles = choices.target, choices.roles
    yield say(f"  target: {quote(target.name)}", f"what to predict; {target.reason}")
    if target.positive is not None:
        yield say(f"  positive: {quote(target.positive)}", target.positive_reason)
    if target.where is not None:
        yield say(f"  where: {quote_condition(target.where)}", target.where_reason)
    if roles.id is not None:
        yield say(f"  id: {quote(roles.id)}", f"{roles.id_reason}; no model sees it")
    text = [column.name for column in choices.features if column.kind == "text"]
    if text:
        yield say(f"  text: {flow_list(text)}", "free text, which becomes terms")
    kinds = Counter(column.kind for column in choices.features)
    told = ", ".join(f"{many} {kind}" for kind, many in kinds.items())
    yield say("  # features: [...]", f"only these columns; now all {len(choices.features)}: {told}")
    left = [f"{name} ({reason})" for name, reason in choices.withheld if name not in (target.name, roles.id)]
    yield from (comment(f"no feature: {told}") for told in left[:LEFT_OUT])
    if len(left) > LEFT_OUT:
        yield comment(f"no feature: {len(left) - LEFT_OUT} more; `mlrun plan` names them")


def _offered_columns(choices: Choices) -> Iterator[str]:
    roles = choices.roles
    if choices.target.where is None:
        yield offer("  where: ...", "a SQL condition over the columns: the rows to use")
    for name in roles.times[:OFFERED]:
        yield offer(f"  time: {quote(name)}", "the past trains and the future tests")
    for name in roles.groups[:OFFERED]:
        yield offer(f"  group: {quote(name)}", "rows of equal value stay on one side of each split")
    if roles.sensitive:
        yield offer(f"  sensitive: {flow_list(roles.sensitive)}", "withheld from the models, used to judge them")
    if roles.leaks:
        yield offer(f"  drop: {flow_list(roles.leaks)}", "each value goes with one class: known only afterwards?")
    else:
        yield offer("  drop: [...]", "columns to leave out, such as those known only afterwards")
    if roles.codes:
        kinds = ", ".join(f"{quote(name)}: category" for name in roles.codes[:SHOWN])
        yield offer(f"  types: {{{kinds}}}", "few whole numbers: amounts, or names of kinds?")
    yield ""


def _split(choices: Choices) -> Iterator[str]:
    target = choices.target
    yield say(f"split: {{test: {target.test:g}, folds: {target.folds}}}", target.split_reason)
    yield offer("split: {test: {path: test.csv}}", "a test file of its own")
    yield ""


def _metrics(choices: Choices) -> Iterator[str]:
    yield say(f"metrics: {flow_list(choices.metrics)}", "the first one chooses; more: mlrun catalog metrics")
    task = choices.target.task
    if choices.target.positive is not None:
        yield offer("costs: {false_negative: 5, false_positive: 1}", "what mistakes cost; adds the metric `cost`")
    if task == "regression":
        yield offer("target_transform: log", "for positive targets of many magnitudes, such as prices")
    if task == "anomaly":
        yield offer("anomaly: {train_on: normal}", "when the normal rows are known: fit on these alone")
    yield ""


def _prepare(choices: Choices) -> Iterator[str]:  # noqa: ARG001 - the sections' signature
    yield offer("prepare:", "each family gets what it needs; to say otherwise:")
    yield "#   numeric: {impute: median, scale: standard}"
    yield "#   category: {encode: one_hot, rare: 10}"
    yield "#   text: {encode: tfidf, ngrams: [1, 2]}"
    yield offer("search: {strategy: random, budget: {trials: 30}}", "draws from the grids, as often for each family")
    yield ""


def _models(choices: Choices) -> Iterator[str]:
    yield say("models:", "the simplest first; a name alone tries the family's own grid")
    yield from (f"  - {name}" for name in choices.models)
    yield offer("  - NAME: {PARAMETER: [1, 2, 3]}", "a grid of your own; more: mlrun catalog models")
    yield ""


def _baselines(choices: Choices) -> Iterator[str]:
    task = choices.target.task
    yield say("baselines:", "what a useful model must beat")
    yield say("  - random", "draws by class frequency" if task == "classification" else "draws at random")
    if task != "anomaly":
        yield say("  - zero_rule", "the most frequent class" if task == "classification" else "the mean")
    elif any(column.kind == "numeric" for column in choices.features):
        yield say("  - max_z", "the number farthest from its mean, in standard deviations")
    if choices.roles.times and task != "anomaly":
        yield offer("  - previous", "the last known target; needs `time`")
    yield offer(f"  - rule: {{when: ..., predict: {_example(choices)}}}", "a rule of thumb, its condition in SQL")
    yield offer("  - existing: {column: ...}", "what is in use today: its answers, in a column")


def _example(choices: Choices) -> str:
    target = choices.target
    if target.task == "regression":
        return "1.0, otherwise: 2.0"
    return quote(target.labels[-1] if target.positive is None else target.positive)


def _evaluation(choices: Choices) -> Iterator[str]:
    """Yield tests that need the author's knowledge, with columns that fit; what needs none runs without a word."""
    yield ""
    yield "# Every model is tested anyway: calibration, confidence, slices, noise, lost columns, assumptions."
    yield "# Tests that need your knowledge; take the marks away from `evaluation:` and from a test."
    yield _marked("evaluation:", "none = no tests")
    yield _marked("  auto: true", "those that need no knowledge, and:")
    kinds = {column.name: column for column in choices.features}
    judged = [name for name in choices.roles.sensitive if name in kinds]
    parts = judged or [column.name for column in choices.features if column.kind in {"category", "boolean"}][:OFFERED]
    if parts:
        yield _marked(f"  slices: {{by: {flow_list(parts)}}}", "scores of each part beside the rest")
    turned = [name for name in judged if kinds[name].kind in {"category", "boolean"}][:OFFERED]
    if turned:
        yield _marked("  invariance:", "what must not change an answer")
        for name in turned:
            told = "not run where it is withheld: then `proxies` is"
            yield _marked(f"    - {{name: {quote(name)}, every_other_value: {quote(name)}}}", told)
    yield from _pushes(choices)


def _marked(text: str, why: str) -> str:
    """Return a line of a section that is taken as a whole: its mark stands in the first column."""
    return say(f"# {text}", why)


def _pushes(choices: Choices) -> Iterator[str]:
    """Yield what should move an answer one way, and what should hardly lower the score."""
    steps = [(name, step) for name, step in choices.steps if name not in choices.roles.sensitive]
    text = next((column.name for column in choices.features if column.kind == "text"), "")
    if steps:
        name, step = steps[0]
        many = choices.target.task == "classification" and choices.target.positive is None
        outcome = f", outcome: {_example(choices)}" if many else ""
        yield _marked("  directional:", f"what should raise the {_outcome(choices)}; or expect: decrease")
        pushed = f"add: {{{quote(name)}: {step:g}}}, expect: increase{outcome}"
        yield _marked(f"    - {{name: {quote(f'more {name}')}, {pushed}}}", "")
    if text:
        yield _marked("  perturbation:", f"what should hardly lower {choices.metrics[0]}")
        yield _marked(
            f"    - {{name: typing, typos: {{rate: 0.05, columns: {flow_list([text])}}}, max_drop: 0.05}}", ""
        )


def _outcome(choices: Choices) -> str:
    target = choices.target
    if target.task == "regression":
        return "answer"
    return "score" if target.task == "anomaly" else f"probability of {_example(choices)}"


def _useful(choices: Choices) -> Iterator[str]:
    yield ""
    yield _marked("useful:", "when is the best model worth having?")
    if choices.target.positive is not None and choices.target.task == "classification":
        yield _marked("  utility: {tp: 1.0, fp: -0.5, tn: 0.0, fn: -1.0}", "what each kind of answer is worth")
    yield _marked("  budget: {p95_ms_per_row: 50, model_mb: 50}", "it may take so long, and be so large")
    yield _marked("  prefer_simpler_within: 0.01", f"of {choices.metrics[0]}: the simpler model wins")


def _gates(choices: Choices) -> Iterator[str]:
    first = "random" if choices.target.task == "anomaly" else "zero_rule"
    yield ""
    yield _marked("gates:", "what makes `mlrun train` exit 1")
    yield _marked(f"  - {{beats: {first}}}", "")
    yield _marked(
        f"  - {{metric: {choices.metrics[0]}, drop_at_most: 0.02, against: latest}}", "the run before, every night"
    )
    yield _marked("  - {suites: pass}", "no test fails")
