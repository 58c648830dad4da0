"""From a run's facts to the pages of a model card (Mitchell et al. 2019): sections in their order."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun.card.facts import Facts
from mlrun.card.front import front_matter
from mlrun.card.judged import behaviour, calibration, limitations, slices, verdict
from mlrun.comparison.origins import SHORT, told_git
from mlrun.screen.pages import Section, page_as_markdown
from mlrun.screen.standings import ranked
from mlrun.screen.tables import Heading, Table
from mlrun.wording import ARROWS, as_text, count, duration, interval, size, spread

NAMES = {"numeric": "number", "boolean": "yes or no", "category": "category", "text": "text", "date": "date"}


def card(facts: Facts) -> str:
    """Return the card as Markdown; equal for equal runs."""
    record, model = facts.record, facts.model
    sections = [
        Section("Model details", None, tuple(details(facts))),
        Section("Intended use", None, tuple(use(facts))),
        Section("Data", columns(facts), tuple(data(facts))),
        Section("Results", results(facts), tuple(below(facts))),
        *verdict(facts),
        *slices(facts),
        *behaviour(facts),
        *calibration(facts),
        *limitations(facts),
        Section("Reproduction", None, tuple(reproduction(facts))),
    ]
    title = f"{model.name} of {record.name}"
    shown = [section for section in sections if section.table is not None or section.lines or section.points]
    return f"{front_matter(facts)}\n{page_as_markdown(title, shown)}\n{loading(facts)}"


def details(facts: Facts) -> Iterator[str]:
    """Yield what the model is: family, hyperparameters, when and with what it was made."""
    record, model = facts.record, facts.model
    yield f"family: {model.family}"
    params = ", ".join(f"{name} = {as_text(value)}" for name, value in model.params.items())
    yield f"hyperparameters: {params or 'the defaults of its library'}"
    yield from preparation(facts)
    yield f"version: {record.name}, finished {record.finished}"
    if model.file:
        yield f"file: {model.file}, {size(model.size_bytes)}, sha256 {facts.sha256}"
    if model.p95_ms_1_row is not None:
        yield f"a row takes {duration(model.p95_ms_1_row / 1000)} (95th percentile, where the run was made)"
    yield from model.notes
    if record.champion is not None and record.champion.name != model.name:
        yield f"it is not the best of its run: that is {record.champion.name}"
    packages = facts.environment.packages
    yield "made with " + ", ".join(
        f"{name} {packages[name]}" for name in ("mlrun", "scikit-learn", "xgboost", "python") if packages.get(name)
    )


def preparation(facts: Facts) -> Iterator[str]:
    """Yield what the spec asks of columns and of members."""
    if facts.model.name not in facts.spec.models:
        return
    asked = facts.spec.models[facts.model.name]
    if asked.members:
        yield f"members, each with its own preparation: {', '.join(asked.members)}"
        return
    kinds = {column.kind for column in facts.data.features}
    parts = (
        ("numbers", asked.prepare.numeric, {"numeric", "boolean", "date"}),
        ("categories", asked.prepare.category, {"category"}),
        ("text", asked.prepare.text, {"text"}),
    )
    for what, settings, of in parts:
        said = ", ".join(f"{name} {as_text(value)}" for name, value in settings.items() if value is not None)
        if said and kinds & of:
            yield f"preparation of {what}: {said}; the rest as the family needs it"


def use(facts: Facts) -> Iterator[str]:
    """Yield what the model is for, as far as the spec says it."""
    task, spec = facts.record.task, facts.spec
    target = spec.data.target or facts.data.target
    if task is not None:
        labels = ""
        if len(task.labels) == 2:
            labels = f": {as_text(task.labels[1])} against {as_text(task.labels[0])}"
        elif task.labels:
            labels = f": one of {', '.join(map(as_text, task.labels))}"
        yield f"{task.kind}{f' of {target}' if target else ''}{labels}"
    if spec.costs:
        yield "costs of mistakes: " + ", ".join(
            f"{name.replace('_', ' ')} {cost:g}" for name, cost in spec.costs.items()
        )
    yield from worth(facts)
    yield "the spec names no other use: any is outside what was evaluated"


def worth(facts: Facts) -> Iterator[str]:
    """Yield when the author of the spec finds such a model worth having."""
    useful = facts.spec.useful
    if useful is None:
        yield "the spec does not say when such a model is worth having: it has no section useful"
        return
    wanted = {
        "worth of an outcome": useful.utility,
        "must reach": useful.target,
        "may take": useful.budget,
    }
    for what, values in wanted.items():
        if values:
            yield f"{what}: " + ", ".join(f"{name} {value:g}" for name, value in values.items())
    if useful.against:
        yield f"must be worth more than {', '.join(useful.against)}"


def columns(facts: Facts) -> Table | None:
    """Return the columns that the model reads."""
    if not facts.data.features:
        return None
    headings = (
        Heading("column", lambda row: row["name"]),
        Heading("read as", lambda row: row["kind"]),
    )
    rows = tuple({"name": column.name, "kind": NAMES[column.kind]} for column in facts.data.features)
    return Table(headings, rows)


def data(facts: Facts) -> Iterator[str]:
    """Yield where the rows are from, how they were divided, what was kept from the model; no value of any row."""
    spec, found = facts.spec.data, facts.data
    name = next((str(spec.params[key]) for key in ("path", "name") if key in spec.params), "")
    place = name.replace("\\", "/").rpartition("/")[2].partition("?")[0]  # a file's name; not whose folder it was in
    yield f"source: {spec.source or 'not recorded'}{f', {place}' if place else ''}"
    if found.rows is not None:
        yield (
            f"{count(found.rows, 'row')}: {found.train_rows or 0:,} to train, {found.test_rows or 0:,} held out as test"
        )
    if spec.where:
        yield f"only rows with {spec.where}"
    for what, column in (("order in time", spec.time), ("whole groups", spec.group)):
        if column:
            yield f"divided by {what}: {column}"
    for column, *reason in found.withheld:
        if column != found.target:
            yield f"withheld from the model: {column} ({', '.join(reason)})"
    if spec.sensitive:
        yield f"sensitive columns, used to look at groups of people only: {', '.join(spec.sensitive)}"
    yield f"digest of the data: {found.data_id or facts.record.data_id}"


def results(facts: Facts) -> Table:
    """Return every metric of this model and of all baselines, with 95 % intervals on test."""
    record = facts.record
    shown = [model for model in ranked(record) if model.kind == "baseline" or model.name == facts.model.name]
    rows = tuple(
        {
            "model": f"{model.name} (baseline)" if model.kind == "baseline" else model.name,
            "metric": f"{metric.label} {ARROWS[metric.direction]}",
            "folds": spread(model.cv[metric.label].mean, model.cv[metric.label].sd)
            if metric.label in model.cv
            else "—",
            "test": interval(test.value, test.low, test.high) if (test := model.test.get(metric.label)) else "—",
        }
        for metric in record.metrics
        for model in shown
        if model.status == "done"
    )
    headings = tuple(
        Heading(title, lambda row, key=key: str(row[key]), right=right)  # type: ignore[misc]  # one function each
        for key, title, right in (
            ("metric", "metric", False),
            ("model", "model", False),
            ("folds", "over the folds", True),
            ("test", "test [95 %]", True),
        )
    )
    return Table(headings, rows, empty="nothing was scored")


def below(facts: Facts) -> Iterator[str]:
    """Yield how the scores were made."""
    split = facts.spec.split
    if split.folds:
        drawn = f", drawn {split.repeats} times" if (split.repeats or 1) > 1 else ""
        yield f"over the folds: mean ± standard deviation of {split.folds} folds{drawn}, where parameters were chosen"
    for model in facts.record.models:
        if model.kind == "baseline" and model.coverage is not None and model.coverage < 1:
            yield f"{model.name} says something on {model.coverage:.1%} of the rows only, and is scored on those"


def reproduction(facts: Facts) -> Iterator[str]:
    """Yield what is needed to make the model again, and to see whether it is the same."""
    record, code = facts.record, facts.code
    yield f"run it again and compare every score: mlrun reproduce {record.name}"
    yield f"spec_id {record.spec_id}"
    yield f"data_id {record.data_id}"
    yield f"seed {facts.spec.seed}"
    yield f"code: {told_git(code.git) if code.git else 'no git repository'}"
    if code.user_code:
        yield f"modules of its author: {code.user_code[:SHORT]}"
    told = ", ".join(f"{name} {version}" for name, version in facts.environment.packages.items() if version)
    yield f"packages: {told or 'not recorded'}"


def loading(facts: Facts) -> str:
    """Return how to use the model, as commands."""
    record, model = facts.record, facts.model
    name = "" if model.name == record.best else f" --model {model.name}"
    named = "" if model.name == record.best else f', model="{model.name}"'
    if not model.file:
        return "## How to use it\n\nThe model was not stored.\n"
    return (
        "## How to use it\n\n"
        f"```sh\nmlrun predict {record.name} rows.csv -o predictions.csv{name}\n"
        f"mlrun evaluate {record.name} --data rows.csv\n```\n\n"
        f'```python\nfrom mlrun.runs import load_model\n\npayload = load_model("{record.name}"{named})\n```\n'
    )
