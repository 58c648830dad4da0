"""From a comparison to what is shown of it: a page for people, rows and objects for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlrun.compare import Comparison, Finding, Pair
from mlrun.comparison.across import Across
from mlrun.json_records import encode
from mlrun.screen.pages import Page, Section, show_page
from mlrun.screen.standings import cv_of, ranked, test_of
from mlrun.screen.tables import Heading, Row, Table
from mlrun.store import stale_models
from mlrun.store.run_record import ModelRecord, RunRecord
from mlrun.view.outcomes import MARK, outcomes, slices, told_budget
from mlrun.wording import ARROWS, NOTHING, as_text, count, difference, interval, number, spread

WHERE = {"test": "the same test rows", "folds": "the same folds", "later": "the later run's test rows"}


def print_comparison(comparison: Comparison, form: str, tests: bool) -> None:
    """Print the runs side by side; as csv the scores alone."""
    parts = sections(comparison, tests)
    show_page(Page(title(comparison), parts, as_object(comparison), scores(comparison)), form)


def told_stale(comparison: Comparison) -> Iterator[str]:
    """Yield which models were trained on a person who was erased since."""
    for subject in (comparison.reference, *(pair.new for pair in comparison.pairs)):
        yield from (f"{subject.record.name}: {told}" for told in stale_models.warnings(subject.record))


def title(comparison: Comparison) -> str:
    return " and ".join([comparison.reference.record.name, *(pair.new.record.name for pair in comparison.pairs)])


def sections(comparison: Comparison, tests: bool) -> list[Section]:
    """Return scores, differences, tests and slices, what changed, then a conclusion for each run."""
    if comparison.across is not None:  # runs of other data have nothing else in common
        return [Section("", ranking(comparison.across), (told_ranking(comparison.across),))]
    parts = [Section("scores", scores(comparison), tuple(told_stale(comparison)))]
    found = [finding for pair in comparison.pairs for finding in pair.findings]
    if found:
        parts.append(Section(f"differences from {comparison.reference.record.name}", differences(comparison, found)))
    for pair in comparison.pairs:
        name = pair.new.record.name
        if pair.outcomes:
            parts.append(Section(f"tests that end otherwise in {name}", outcomes(pair)))
        if pair.slices:
            parts.append(Section(f"slices of the best models in {name}", slices(comparison, pair)))
        parts.append(Section(f"changed in {name}", changed(pair), told_missing(comparison, pair)))
    return [*parts, Section("", None, tuple(conclusion(comparison, pair, tests) for pair in comparison.pairs))]


def ranking(across: Across) -> Table:
    """Return the models that all runs have, by their mean rank."""
    rows = tuple(
        {"model": each.model, "mean_rank": each.mean_rank, "apart": each.apart}
        | dict(zip(across.runs, each.scores, strict=True))
        for each in across.models
    )
    headings = (
        Heading("model", lambda row: row["model"], fold=True),
        Heading("mean rank", lambda row: f"{row['mean_rank']:.2f}", right=True),
        Heading("to the first", lambda row: "worse" if row["apart"] else ""),
        *(
            Heading(name, lambda row, name=name: number(row[name]), rank=place, right=True)  # type: ignore[misc]  # a default binds the name
            for place, name in enumerate(across.runs, 1)
        ),
    )
    alike = f"p = {across.p_value:.3f} that no model differs from another (Friedman)"
    far = f"mean ranks more than {across.critical_difference:.2f} apart differ (Nemenyi)"
    return Table(headings, rows, (f"{across.metric} on {len(across.runs)} data sets; {alike}; {far}",))


def told_ranking(across: Across) -> str:
    """Return one sentence on models over several data sets."""
    first, worse = across.models[0].model, [each.model for each in across.models if each.apart]
    shown = f"it is shown to be better than {', '.join(worse)}" if worse else "no model is shown to be worse than it"
    return f"{first} ranks first over {len(across.runs)} data sets; {shown}"


def scores(comparison: Comparison) -> Table:
    """Return every model of every comparable run by the reference's first metric, equal names in neighbouring rows."""
    records = [comparison.reference.record, *(pair.new.record for pair in comparison.pairs if not pair.obstacle)]
    rows = tuple(score_row(records[0], record, model) for record, model in in_order(records))
    metric = records[0].metrics[0] if records[0].metrics else None
    name = f"{metric.label} {ARROWS[metric.direction]}" if metric else "score"
    marked = {(name, each.model) for pair in comparison.pairs for each in pair.budgets
              for name in (comparison.reference.record.name, each.run)}  # fmt: skip
    headings = [
        Heading("model", lambda row: row["model"] + (MARK if (row["run"], row["model"]) in marked else ""), fold=True),
        Heading("run", lambda row: row["run"], fold=True),
        Heading(f"{name} folds", lambda row: spread(row["cv_mean"], row["cv_sd"]), rank=1, right=True),
    ]
    if any(row["test"] is not None for row in rows):
        headings.append(
            Heading("test [95 %]", lambda row: interval(row["test"], row["test_low"], row["test_high"]), right=True)
        )
    notes = tuple(
        f"{pair.new.record.name} has other test rows: its test scores are of those, and no difference is read off them"
        for pair in comparison.pairs if pair.on_later_rows
    )  # fmt: skip
    notes += tuple(told_budget(comparison, each) for pair in comparison.pairs for each in pair.budgets)
    style = {"baseline": "dim", "model": ""}
    return Table(tuple(headings), rows, notes, lambda row: style[row["kind"]], empty="no models")


def in_order(records: list[RunRecord]) -> Iterator[tuple[RunRecord, ModelRecord]]:
    """Yield models as the reference ranks them, each run's after the other; then those that only later runs have."""
    names = list(dict.fromkeys(model.name for record in records for model in ranked(record)))
    for name in names:
        for record in records:
            yield from ((record, model) for model in record.models if model.name == name)


def score_row(reference: RunRecord, record: RunRecord, model: ModelRecord) -> Row:
    """Return a line for machines, numbers exact."""
    metric = reference.metrics[0] if reference.metrics else None
    folds, test = (cv_of(model, metric), test_of(model, metric)) if metric else (None, None)
    return {
        "run": record.name,
        "model": model.name,
        "kind": model.kind,
        "family": model.family,
        "best": model.name == record.best,
        "metric": metric.label if metric else None,
        "cv_mean": folds.mean if folds else None,
        "cv_sd": folds.sd if folds else None,
        "test": test.value if test else None,
        "test_low": test.low if test else None,
        "test_high": test.high if test else None,
    }


def differences(comparison: Comparison, found: list[Finding]) -> Table:
    """Return the differences with their intervals and words."""
    several = len(comparison.pairs) > 1
    rows = tuple(finding_row(finding) for finding in found)
    headings = [
        Heading("model", told_models, fold=True),
        Heading(
            f"difference [{comparison.confidence:.0%}]".replace("%", " %"),
            lambda row: difference(row["difference"], row["low"], row["high"]),
            right=True,
        ),
        Heading("p", lambda row: told_p(row["p_value"] if row["p_holm"] is None else row["p_holm"]), 1, right=True),
        Heading("", told_word, fold=True),
        Heading("test", lambda row: row["method"] or NOTHING, rank=2),
    ]
    if any(row["chances"] for row in rows):
        headings.insert(4, Heading("P(worse, same, better)", told_chances, rank=3))
    if several:
        headings.insert(1, Heading("run", lambda row: row["run"], fold=True))
    metric = comparison.reference.record.metrics[0]
    more = "more" if metric.direction == "maximize" else "less"
    parts = dict.fromkeys(WHERE[finding.part] for finding in found)
    words = f"same: within {told_rope(comparison, found)}; undecided: the interval holds zero."
    notes = [f"{metric.label}, {more} is better, on {' or '.join(parts)}; {words}"]
    if sum(row["p_holm"] is not None for row in rows) > 1:
        notes.append("The models but for the best are many questions: their p are held together (Holm).")
    return Table(tuple(headings), rows, tuple(notes), style_of)


def told_rope(comparison: Comparison, found: Sequence[Finding]) -> str:
    """Return which differences do not matter: in the metric's unit, or as a share of the reference's score."""
    share = any(finding.word and finding.rope != comparison.rope for finding in found)
    return f"± {100 * comparison.rope:g} % of the reference's score" if share else f"± {comparison.rope:g}"


def told_word(row: Row) -> str:
    """Return the word, and about how many rows more would decide."""
    if row["word"] == "undecided" and row["more_rows"]:
        return f"undecided (about {row['more_rows']:,} rows more)"
    return str(row["word"] or row["reason"])


def told_chances(row: Row) -> str:
    """Return the probabilities of worse, same within the rope, better."""
    return ", ".join(f"{chance:.2f}" for chance in row["chances"]) or NOTHING


def told_models(row: Row) -> str:
    name = row["model"] if row["model"] == row["against"] else f"{row['model']} against {row['against']}"
    return f"best: {name}" if row["best"] else name


def told_p(value: float | None) -> str:
    if value is None:
        return NOTHING
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def style_of(row: Row) -> str:
    return {"better": "green", "worse": "red"}.get(row["word"], "")


def finding_row(finding: Finding) -> Row:
    """Return a difference as one flat line."""
    row = encode(finding)
    return {**{key: value for key, value in row.items() if key != "difference"}, **row["difference"]}


def changed(pair: Pair) -> Table:
    """Return what changed since the reference."""
    rows = tuple(change_row(pair, place) for place in range(len(pair.changes)))
    headings = (
        Heading("", lambda row: row["what"]),
        Heading("where", lambda row: row["path"], fold=True),
        Heading("before → now", told_change, fold=True),
    )
    return Table(headings, rows, empty="nothing that the run folders know of")


def told_change(row: Row) -> str:
    return f"{brief(row['old'])} → {brief(row['new'])}"


def brief(value: object) -> str:
    """Return a value of a spec for people: whole models, metrics and baselines by their names; json has all of them."""
    if isinstance(value, dict) and "family" in value:
        return str(value["family"])
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return ", ".join(str(item["name"]) for item in value)
    if isinstance(value, dict) and list(value) == ["choice"]:
        return as_text(value["choice"])
    return as_text(value)


def change_row(pair: Pair, place: int) -> Row:
    change = pair.changes[place]
    return {"run": pair.new.record.name, "what": change.what, "path": change.path, "old": change.old, "new": change.new}


def told_missing(comparison: Comparison, pair: Pair) -> tuple[str, ...]:
    """Return which provenance files the two runs lack, so that nobody takes silence for equality."""
    subjects = (comparison.reference, pair.new)
    return tuple(
        f"{subject.record.name} has no readable {', '.join(subject.origins.missing)}: not compared"
        for subject in subjects
        if subject.origins.missing
    )


def conclusion(comparison: Comparison, pair: Pair, tests: bool) -> str:
    """Return one sentence on a run beside the reference."""
    reference, name = comparison.reference.record.name, pair.new.record.name
    if pair.obstacle:
        return f"{name} and {reference}: not comparable ({pair.obstacle})"
    if not tests:
        return f"{name} and {reference}: comparable; differences were not tested (--no-tests)"
    best = next((finding for finding in pair.findings if finding.best), None)
    if best is None:
        return (
            f"{name} and {reference}: {count(len(pair.findings), 'model')} compared, but not both runs have a best one"
        )
    if not best.word:
        return f"{name} and {reference}: not tested ({best.reason or 'the difference is not defined'})"
    found = best.difference
    told = f"({best.metric} {difference(found.difference, found.low, found.high)})"
    if best.part == "later":
        told += f", on {count(best.rows or 0, 'row')} of the later run that the earlier one was not trained on"
    if best.word == "undecided":
        more = f" (about {best.more_rows:,} rows more)" if best.more_rows else ""
        return f"{name} and {reference}: undecided{more} {told}"
    if best.word == "same within rope":
        return f"{name} is the same as {reference} within {told_rope(comparison, [best])} {told}"
    return f"{name} is {best.word} than {reference} {told}"


def as_object(comparison: Comparison) -> dict[str, Any]:
    """Return the whole comparison for machines."""
    return {
        "reference": comparison.reference.record.name,
        "rope": comparison.rope,
        "confidence": comparison.confidence,
        "across": None if comparison.across is None else encode(comparison.across),
        "scores": [dict(row) for row in scores(comparison).rows],
        "runs": [
            {
                "run": pair.new.record.name,
                "comparable": not pair.obstacle,
                "reason": pair.obstacle,
                "regressed": pair.regressed,
                "differences": [finding_row(finding) for finding in pair.findings],
                "outcomes": [encode(outcome) for outcome in pair.outcomes],
                "slices": [{**encode(each), "difference": each.difference} for each in pair.slices],
                "reversals": list(pair.reversals),
                "budgets": [encode(each) for each in pair.budgets],
                "changes": [encode(change) for change in pair.changes],
                "missing": sorted({*comparison.reference.origins.missing, *pair.new.origins.missing}),
            }
            for pair in comparison.pairs
        ],
    }
