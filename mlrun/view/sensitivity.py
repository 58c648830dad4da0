"""From what a search tried to which hyperparameters mattered: a line at the end of `train`, a table and a picture."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun.picture.choice import MOST_ROWS
from mlrun.picture.shapes import Axis, Dot, DotRows
from mlrun.screen.pages import Section
from mlrun.screen.standings import ranked
from mlrun.screen.tables import Heading, Row, Table
from mlrun.store.run_record import ModelRecord, RunRecord, SensitivityRecord
from mlrun.wording import count

WIDE = 80  # columns of the line at the end of train
TOGETHER = "(together)"


def told_sensitivity(record: RunRecord) -> tuple[str, ...]:
    """Return one line: what mattered most to the best models, as many as it holds; () where nothing can be said."""
    told = ""
    for model, known in searched(record):
        name, share = next(iter(known.shares.items()))
        longer = f"{told}; " if told else "What mattered most: "
        longer += f"{model.name} {name} {percent(share)}"
        if told and len(longer) > WIDE:
            break
        told = longer
    return (told,) if told else ()


def what_mattered(record: RunRecord) -> Iterator[Section]:
    """Yield the shares of each model's hyperparameters, and those of the best one as a picture."""
    known = searched(record)
    if not known:
        return
    rows: list[Row] = [row for model, found in known for row in rows_of(model, found)]
    headings = (
        Heading("model", lambda row: row["model"], fold=True),
        Heading("hyperparameter", lambda row: row["hyperparameter"], fold=True),
        Heading("explains", lambda row: percent(row["share"]), right=True),
        Heading("trials", lambda row: str(row["trials"]), rank=1, right=True),
        Heading("read from", lambda row: told_method(row["method"]), rank=2),
    )
    notes = (
        "Shares of the variance of the scores over what was tried, each hyperparameter alone; other values may matter.",
        f"{TOGETHER}: what only several of them explain.",
    )
    (best, found), *_ = known
    yield Section("what mattered", Table(headings, tuple(rows), notes), pictures=(drawn(best, found),))


def searched(record: RunRecord) -> list[tuple[ModelRecord, SensitivityRecord]]:
    """Return the models of whose search something is known, the best first."""
    return [(model, model.sensitivity) for model in ranked(record) if model.sensitivity is not None]


def rows_of(model: ModelRecord, known: SensitivityRecord) -> Iterator[Row]:
    shares = {**known.shares, TOGETHER: known.together}
    for name, share in shares.items():
        yield {
            "model": model.name,
            "hyperparameter": name,
            "share": share,
            "trials": known.trials,
            "method": known.method,
        }


def drawn(model: ModelRecord, known: SensitivityRecord) -> DotRows:
    """Return the picture of one model's shares, those that matter most."""
    shares = {**dict(list(known.shares.items())[: MOST_ROWS - 1]), TOGETHER: known.together}
    first, share = next(iter(known.shares.items()))
    told = f"{first} explains {percent(share)} of the variance of the scores of {count(known.trials, 'trial')}."
    dots = tuple(Dot(name, 100 * each) for name, each in shares.items())
    return DotRows(f"What mattered to {model.name}", told, Axis("% of the variance over what was tried", 0, 100), dots)


def percent(share: float) -> str:
    return "< 1 %" if 0 < share < 0.01 else f"{share:.0%}".replace("%", " %")


def told_method(method: str) -> str:
    return "all combinations" if method == "exact" else "a random forest"
