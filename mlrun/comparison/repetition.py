"""From two folders of one run, the record and its repetition, to what in them is equal, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun import runs
from mlrun.json_records import encode
from mlrun.predictions import FOLDER
from mlrun.records import Finding, TrialResult
from mlrun.store.run_record import ModelRecord, RunRecord

if TYPE_CHECKING:
    import polars as pl

OUTSIDE = {"timeout": "a time limit struck", "killed": "it was killed, for memory or by somebody"}
CPU_BUDGET = "a budget of CPU seconds decides how many trials there are"
TIMED = frozenset({"trade_offs"})  # checks that measure time, which is never the same twice
THERE, GONE = "there", "not there"
WHICH = ("row", "part", "fold", "repeat")  # of a prediction
JUDGED = ("status", "value", "low", "high", "p_value", "n", "n_changed")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not the same: where, what was recorded, what came out now; why nobody promised it, "" = did."""

    where: str
    then: Any
    now: Any
    outside: str = ""

    @property
    def difference(self) -> float | None:
        """Return by how much two numbers differ; None where they are none."""
        if not (is_number(self.then) and is_number(self.now)):
            return None
        return float(abs(self.now - self.then))


@dataclass(frozen=True, slots=True)
class Compared:
    """How many things of a kind were compared, and those that are not the same."""

    what: str
    total: int
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def outside(self) -> int:
        """Return how many differ for a reason that lies outside the promise (spec.md, section 8)."""
        return sum(bool(mismatch.outside) for mismatch in self.mismatches)

    @property
    def different(self) -> int:
        return len(self.mismatches) - self.outside

    @property
    def equal(self) -> int:
        return self.total - len(self.mismatches)


Pair = tuple[str, str, Any, Any]  # the model that it is of, where, then, now


def compare_folders(old: Path, new: Path, parts: Mapping[str, tuple[str, ...]]) -> tuple[Compared, ...]:
    """Compare a run with its repetition: trials, scores, champions, predictions, findings, the best model.

    parts: ensemble → the models that it is made of. Raises StorageError where the record is damaged.
    """
    then, now = runs.read_run(old), runs.read_run(new)
    before = {result.trial.id: result for result in runs.read_trials(old)}
    after = {result.trial.id: result for result in runs.read_trials(new)}
    reasons = outside_reasons(before, after, parts, cpu_budget=then.depends_on_machine)

    def compared(what: str, pairs: Iterable[Pair]) -> Compared:
        return tally(what, pairs, reasons)

    return (
        compared("trials", trial_pairs(before, after)),
        compared("scores on folds", fold_score_pairs(before, after)),
        compared("champions", champion_pairs(then, now)),
        compared("scores of models and baselines", score_pairs(then, now)),
        compared("predictions", prediction_pairs(old, new, erased=bool(then.erasures))),
        compared("findings", finding_pairs(runs.read_findings(old), runs.read_findings(new))),
        compared("best model", [("", "best", then.best, now.best)] if before or then.models else []),
    )


def tally(what: str, pairs: Iterable[Pair], reasons: Mapping[str, str]) -> Compared:
    """Count what is the same; what differs gets the reason for which nobody promised it, where there is one."""
    total, mismatches = 0, []
    for model, where, then, now in pairs:
        total += 1
        if not is_same(then, now):
            reason = reasons.get(model, "") if model else next(iter(reasons.values()), "")
            mismatches.append(Mismatch(where, encode(then), encode(now), reason))
    return Compared(what, total, tuple(mismatches))


def is_same(then: Any, now: Any) -> bool:
    """Say whether two plain values are the same, floats bit for bit; NaN is NaN."""
    if isinstance(then, float) and isinstance(now, float):
        return then.hex() == now.hex()
    return type(then) is type(now) and bool(then == now)


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


# -- what nobody promised ----------------------------------------------------------------------------------------------


def outside_reasons(
    before: Mapping[str, TrialResult],
    after: Mapping[str, TrialResult],
    parts: Mapping[str, tuple[str, ...]],
    *,
    cpu_budget: bool,
) -> dict[str, str]:
    """Return model → why its results may differ: a trial of it, or of a member, met a time limit or was killed."""
    reasons: dict[str, str] = {}
    for trial in sorted({*before, *after}):
        pair = [results[trial] for results in (before, after) if trial in results]
        model = pair[0].trial.model
        if len(pair) == 1 and cpu_budget:
            reasons.setdefault(model, CPU_BUDGET)
        for result in pair:
            if (struck := struck_by(result)) and not same_trial(pair):
                reasons.setdefault(model, f"{OUTSIDE[struck]} ({trial})")
    waiting = True
    while waiting:
        waiting = False
        for model, members in parts.items():
            member = next((name for name in members if name in reasons), None)
            if member is not None and model not in reasons:
                reasons[model], waiting = f"its member {member}: {reasons[member]}", True
    return reasons


def struck_by(result: TrialResult) -> str:
    """Return what ended a trial that no seed can repeat: timeout, killed; '' = nothing of the kind."""
    word = result.reason.partition(":")[0]
    return word if word in OUTSIDE else ("timeout" if result.status == "timeout" else "")


def same_trial(pair: list[TrialResult]) -> bool:
    return len(pair) == 2 and outcome_of(pair[0]) == outcome_of(pair[1]) and pair[0].scores == pair[1].scores


# -- what there is to compare ------------------------------------------------------------------------------------------


def trial_pairs(before: Mapping[str, TrialResult], after: Mapping[str, TrialResult]) -> Iterator[Pair]:
    """Yield each trial: its params, how it ended and why."""
    for trial in sorted({*before, *after}):
        old, new = before.get(trial), after.get(trial)
        model = (old or new).trial.model if old or new else ""  # type: ignore[union-attr]  # one of them is there
        if old is None or new is None:
            yield model, trial, GONE if old is None else THERE, GONE if new is None else THERE
        elif (then := encode(old.trial.params)) != (now := encode(new.trial.params)):
            yield model, f"{trial} params", then, now
        else:
            yield model, trial, outcome_of(old), outcome_of(new)


def outcome_of(result: TrialResult) -> str:
    return f"{result.status} {result.reason}".strip()


def fold_score_pairs(before: Mapping[str, TrialResult], after: Mapping[str, TrialResult]) -> Iterator[Pair]:
    """Yield each score that a trial has on a fold; those of trials that are in one run only count as trials."""
    for trial in sorted({*before} & {*after}):
        old, new = before[trial], after[trial]
        for label in old.scores:
            other = new.scores.get(label, ())
            for fold, score in enumerate(old.scores[label]):
                again = other[fold] if fold < len(other) else GONE
                yield old.trial.model, f"{trial} {label} on fold {fold}", score, again


def champion_pairs(then: RunRecord, now: RunRecord) -> Iterator[Pair]:
    """Yield each model's winning trial with its params."""
    after = {model.name: model for model in now.models}
    for model in then.models:
        if model.kind == "model":
            yield model.name, model.name, champion_of(model), champion_of(after.get(model.name))


def champion_of(model: ModelRecord | None) -> Any:
    """Return what says which trial won, as a text; why there is none."""
    if model is None:
        return GONE
    return model.trial if model.status == "done" else f"{model.trial} {model.status} {model.reason}".strip()


def score_pairs(then: RunRecord, now: RunRecord) -> Iterator[Pair]:
    """Yield the mean over the folds and the score on test of each model and baseline, the ends of its interval too."""
    after = {model.name: model for model in now.models}
    for model in then.models:
        if model.name not in after:
            yield model.name, model.name, THERE, GONE
            continue
        other = after[model.name]
        for label, summary in model.cv.items():
            again = other.cv.get(label)
            yield model.name, f"{model.name} {label}, mean of folds", summary.mean, again.mean if again else GONE
        for label, score in model.test.items():
            new = other.test.get(label)
            for word, part in (("", "value"), (", low end", "low"), (", high end", "high")):
                value = getattr(score, part)
                if value is not None or not word:
                    yield model.name, f"{model.name} {label} on test{word}", value, getattr(new, part, GONE)


def finding_pairs(old: tuple[Finding, ...], new: tuple[Finding, ...]) -> Iterator[Pair]:
    """Yield what each test found, but for tests that measure time."""
    after = {key_of(finding): finding for finding in new}
    for finding in old:
        if finding.check in TIMED:
            continue
        key = key_of(finding)
        again = after.get(key)
        where = " ".join(dict.fromkeys(part for part in key if part))
        if again is None:
            yield finding.model, where, THERE, GONE
            continue
        wrong = next((part for part in JUDGED if not is_same(getattr(finding, part), getattr(again, part))), "status")
        yield finding.model, f"{where}: {wrong}", getattr(finding, wrong), getattr(again, wrong)


def key_of(finding: Finding) -> tuple[str, str, str, str]:
    return finding.model, finding.check, finding.test, finding.variant


def prediction_pairs(old: Path, new: Path, *, erased: bool) -> Iterator[Pair]:
    """Yield each file of predictions; of one that differs the first row and column in which it does.

    erased: rows went from the old ones, so only those that are still there are compared.
    """
    for file in sorted((old / FOLDER).glob("*.parquet")):
        again = new / FOLDER / file.name
        if not again.is_file():
            yield file.stem, file.name, THERE, GONE
        elif file.read_bytes() == again.read_bytes():
            yield file.stem, file.name, THERE, THERE
        else:
            yield (file.stem, *first_difference(file, again, erased=erased))


def first_difference(file: Path, again: Path, *, erased: bool) -> tuple[str, Any, Any]:
    """Return where two files of predictions differ first, and both values; equal values in other bytes are equal."""
    import polars as pl

    name = file.stem
    try:
        then, now = pl.read_parquet(file, glob=False), pl.read_parquet(again, glob=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return name, "a file that can be read", "one of them is damaged"
    if erased and then.schema == now.schema:
        now = now.join(then, on=WHICH, how="semi", nulls_equal=True, maintain_order="left")
    if then.schema != now.schema or then.height != now.height:
        return f"{name}: rows and columns", told_shape(then), told_shape(now)
    for column in then.columns:
        wrong = then[column].ne_missing(now[column])
        if wrong.any():
            at = int(wrong.arg_max() or 0)
            return f"{name}: {told_row(then, at)} {column}", then[column][at], now[column][at]
    return name, THERE, THERE


def told_shape(table: pl.DataFrame) -> str:
    return f"{table.height} rows of {', '.join(table.columns)}"


def told_row(table: pl.DataFrame, at: int) -> str:
    """Return which row of a file of predictions it is, in the words of the file."""
    row = table.row(at, named=True)
    return f"row {row['row']} ({row['part']}" + (f" {row['repeat']}.{row['fold']})" if row["part"] == "fold" else ")")
