"""All that was tracked of a run: every model's curves, the load, fits, scores on each fold, trials, predictions."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

from mlrun.errors import MlrunError
from mlrun.picture.load import load_pictures
from mlrun.records import TrialResult
from mlrun.runs import read_trials
from mlrun.screen.pages import Section
from mlrun.screen.standings import ranked
from mlrun.screen.tables import Heading, Row, Table
from mlrun.store.run_record import ModelRecord, RunRecord
from mlrun.tracked import Timing
from mlrun.view.samples import samples
from mlrun.view.tracking import Tracked, model_picture
from mlrun.wording import ARROWS, NOTHING, as_text, count, duration, number, size, spread


def tracking_in_full(record: RunRecord, tracked: Tracked, folder: Path) -> Iterator[Section]:
    """Yield what is rarely looked at; an HTML page shows only the titles until they are clicked on."""
    models = [model for model in ranked(record) if model.kind == "model"]
    trials = trials_of(folder)
    pictures = tuple(
        picture for model in models if (picture := model_picture(tracked, model.name, model.trial)) is not None
    )
    if pictures:
        yield Section("loss curves of each model's best trial", pictures=pictures, folded=True)
    if drawn := tuple(load_pictures(tracked.samples, tracked.cores)):
        yield Section("system load", pictures=drawn, folded=True)
    if tracked.timings:
        messages = tuple(told_failures(tracked.timings))
        yield Section("fits of each model", fits(tracked.timings), messages, folded=True)
    if scores := fold_scores(record, models, trials):
        yield Section("scores on each fold", scores, folded=True)
    yield Section("hyperparameters of each champion", hyperparameters(models), folded=True)
    if trials:
        yield Section("trials, best first", trial_table(record, models, trials), folded=True)
    if (best := record.champion) is not None and (rows := samples(folder, record, best.name)) is not None:
        yield Section(f"predictions of {best.name} beside the truth", rows, folded=True)


def trials_of(folder: Path) -> tuple[TrialResult, ...]:
    """Return the run's trials; () where its file is damaged, which `mlrun verify` tells."""
    try:
        return read_trials(folder)
    except MlrunError:
        return ()


def fits(timings: Sequence[Timing]) -> Table:
    """Return what the fits of each model cost, the costliest first."""
    rows = [
        fit_row(model, [each for each in timings if each.model == model])
        for model in {each.model: 0 for each in timings}
    ]
    headings = (
        Heading("model", lambda row: row["model"], fold=True),
        Heading("fits", lambda row: f"{row['fits']:,}", right=True),
        Heading("failed", lambda row: f"{row['failed']:,}" if row["failed"] else NOTHING, rank=1, right=True),
        Heading("fit, median", lambda row: duration(row["median_fit_seconds"]), right=True),
        Heading("in all", lambda row: duration(row["wall_seconds"]), rank=2, right=True),
        Heading("CPU", lambda row: duration(row["cpu_seconds"]), rank=3, right=True),
        Heading("rows/s", lambda row: told_count(row["median_rows_per_second"]), rank=1, right=True),
        Heading("memory", lambda row: size(row["peak_bytes"]), rank=2, right=True),
    )
    notes = ("memory: the most that a process which fitted it ever held, before these fits too",)
    return Table(headings, tuple(sorted(rows, key=lambda row: -row["wall_seconds"])), notes)


def fit_row(model: str, mine: Sequence[Timing]) -> Row:
    done = [timing for timing in mine if timing.status == "done"]
    seconds = [timing.fit_seconds for timing in done if timing.fit_seconds is not None]
    paces = [timing.rows_per_second for timing in done if timing.rows_per_second is not None]
    return {
        "model": model,
        "fits": len(mine),
        "failed": len(mine) - len(done),
        "median_fit_seconds": statistics.median(seconds) if seconds else None,
        "wall_seconds": sum(timing.wall_seconds for timing in mine),
        "cpu_seconds": sum(timing.cpu_seconds for timing in mine),
        "median_rows_per_second": statistics.median(paces) if paces else None,
        "peak_bytes": max((timing.peak_bytes or 0 for timing in mine), default=0) or None,
    }


def told_count(amount: float | None) -> str:
    return NOTHING if amount is None else f"{amount:,.0f}"


def told_failures(timings: Sequence[Timing]) -> Iterator[str]:
    """Yield each way in which fits failed, with what was said and how many did so."""
    failed = [timing for timing in timings if timing.status != "done"]
    for key in dict.fromkeys((each.model, each.status, each.error, each.message) for each in failed):
        many = [each for each in failed if (each.model, each.status, each.error, each.message) == key]
        model, status, error, message = key
        told = f"{model}: {count(len(many), 'fit')} {status}" + (f" {error}" if error else "")
        yield f"{told} ({many[0].fit}{' and others' if len(many) > 1 else ''})" + (f": {message}" if message else "")


def fold_scores(record: RunRecord, models: Sequence[ModelRecord], trials: Sequence[TrialResult]) -> Table | None:
    """Return every metric of each champion on each fold; None where no trial is known."""
    by_id = {result.trial.id: result for result in trials}
    rows = tuple(
        {"model": model.name, "metric": metric.label, "direction": metric.direction, "scores": list(scores)}
        for model in models
        if model.trial in by_id
        for metric in record.metrics
        if (scores := by_id[model.trial].scores.get(metric.label))
    )
    headings = (
        Heading("model", lambda row: row["model"], fold=True),
        Heading("metric", lambda row: f"{row['metric']} {ARROWS[row['direction']]}"),
        Heading("fold by fold", lambda row: "  ".join(map(number, row["scores"])), fold=True),
    )
    return Table(headings, rows) if rows else None


def hyperparameters(models: Sequence[ModelRecord]) -> Table:
    """Return what each champion was built with."""
    rows = tuple(
        {"model": model.name, "family": model.family, "parameter": name, "value": value, "given": given}
        for model in models
        for given, found in ((True, model.params), (False, model.defaults))
        for name, value in found.items()
    )
    headings = (
        Heading("model", lambda row: row["model"], fold=True),
        Heading("hyperparameter", lambda row: row["parameter"], fold=True),
        Heading("value", lambda row: as_text(row["value"]), fold=True),
        Heading("", lambda row: "" if row["given"] else "default"),
    )
    notes = ("default: not from the spec; null: the library decides",)
    return Table(headings, rows, notes, lambda row: "" if row["given"] else "dim", "the defaults of their libraries")


def trial_table(record: RunRecord, models: Sequence[ModelRecord], trials: Sequence[TrialResult]) -> Table:
    """Return the trials, models in the order of the leaderboard, each model's best first."""
    place = {model.name: at for at, model in enumerate(models)}
    rows = sorted((trial_row(record, result) for result in trials), key=lambda row: trial_order(record, row, place))
    title = f"{record.metrics[0].label} {ARROWS[record.metrics[0].direction]}" if record.metrics else "score"
    champions = {model.trial for model in models}
    return Table(
        (
            Heading("trial", lambda row: row["trial"], fold=True),
            Heading(title, told_score, right=True),
            Heading("hyperparameters", told_params, fold=True),
        ),
        tuple(rows),
        style=lambda row: "red" if row["status"] != "done" else "bold" if row["trial"] in champions else "",
    )


def trial_row(record: RunRecord, result: TrialResult) -> Row:
    scores = result.scores.get(record.metrics[0].label, ()) if record.metrics else ()
    known = [score for score in scores if score is not None]
    return {
        "trial": result.trial.id,
        "model": result.trial.model,
        "status": result.status,
        "reason": result.reason,
        "mean": statistics.fmean(known) if known and result.status == "done" else None,
        "sd": statistics.stdev(known) if len(known) > 1 and result.status == "done" else None,
        "params": dict(result.trial.params),
    }


def trial_order(record: RunRecord, row: Row, place: dict[str, int]) -> tuple[float, float, str]:
    mean, first = row["mean"], record.metrics[0] if record.metrics else None
    turned = inf if mean is None or first is None else mean if first.direction == "minimize" else -mean
    return place.get(row["model"], inf), turned, row["trial"]


def told_score(row: Row) -> str:
    return row["reason"] or row["status"] if row["status"] != "done" else spread(row["mean"], row["sd"])


def told_params(row: Row) -> str:
    return ", ".join(f"{name}={as_text(value)}" for name, value in row["params"].items()) or "defaults"
