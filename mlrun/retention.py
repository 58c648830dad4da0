"""From the rows of the index to why each run stays when old ones go: the last, the best, the tagged, what is in use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlrun.run_fields import instant
from mlrun.store.run_row import IndexRow, best_of
from mlrun.wording import count

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Wish:
    """Which runs may go: of one experiment or, with "", of all; all but the last so many; older than so many days."""

    experiment: str = ""
    keep_last: int = 10
    older_than_days: int = 0


def reasons(rows: Sequence[IndexRow], wish: Wish, now: float) -> Mapping[str, tuple[str, ...]]:
    """Return for each run of the experiments looked at why it stays, () = nothing keeps it; now: in seconds since 1970.

    rows: of all experiments, newest first, since a run of one may refer to a run of another.
    """
    experiments: dict[str, list[IndexRow]] = defaultdict(list)
    for row in rows:
        experiments[row.experiment].append(row)
    found: dict[str, list[str]] = {row.name: [] for row in rows}
    for name, mine in experiments.items():
        if wish.experiment in ("", name):
            for row, reason in why_kept(mine, wish, now):
                found[row.name].append(reason)
        else:  # not looked at: all of them stay, and so does what they refer to
            for row in mine:
                found[row.name].append("not looked at")
    hold_referenced(rows, found)
    looked_at = {row.name for row in rows if wish.experiment in ("", row.experiment)}
    return {name: tuple(dict.fromkeys(why)) for name, why in found.items() if name in looked_at}


def why_kept(mine: Sequence[IndexRow], wish: Wish, now: float) -> Iterator[tuple[IndexRow, str]]:
    """Yield (run, why it stays) for the runs of one experiment, newest first."""
    whole = [row for row in mine if row.status == "complete" and row.sampled is None]
    last = f"one of the last {wish.keep_last}" if wish.keep_last > 1 else "the last complete one"
    yield from ((row, last) for row in whole[: wish.keep_last])
    if (best := best_of(mine)) is not None:
        yield best, "the best"
    yield mine[0], "the newest: its number must not be given again"
    cut_off = [row for row in mine if row.status == "interrupted"]
    yield from ((row, "interrupted: train can go on with it") for row in cut_off[:1])
    live = next((row for row in mine if row.status == "running"), None)
    for row in mine:
        if row.tags:
            yield row, f"tagged {row.tags.replace(' ', ', ')}"
        if live is not None:
            yield row, "running" if row.status == "running" else f"{live.name} is running, and may read it"
        if row.status in ("damaged", "newer"):
            yield row, "cannot be read: nobody can say what it holds"
        if wish.older_than_days and (reason := too_young(row, wish.older_than_days, now)):
            yield row, reason


def too_young(row: IndexRow, days: int, now: float) -> str:
    """Return why a run's age keeps it; '' = it does not."""
    started = instant(row.started)
    if started is None:
        return "its age is not known"
    return f"not older than {count(days, 'day')}" if now - started <= days * DAY_SECONDS else ""


def hold_referenced(rows: Sequence[IndexRow], found: Mapping[str, list[str]]) -> None:
    """Let the runs that a run which stays has for baselines, or in its gates, stay too, and what those refer to."""
    refers = {row.name: row.refers_to.split() for row in rows}
    waiting = [name for name, why in found.items() if why]
    while waiting:
        holder = waiting.pop()
        for name in refers[holder]:
            if name not in found or name == holder:
                continue
            if not found[name]:
                waiting.append(name)
            found[name].append(f"{holder} refers to it")
