"""From one run after another to all of them without the person, then the snapshots, caches and the search."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlrun import runs
from mlrun.comparison.origins import read_as
from mlrun.erasure import proof
from mlrun.erasure import receipt as receipts
from mlrun.erasure.kept_data import Made, kept_again
from mlrun.erasure.receipt import ChangedFile, ErasedRun, ErasedSnapshot, Left, Receipt
from mlrun.erasure.run_files import DATA, REPORT, Plan, content_of, plan_run
from mlrun.erasure.staleness import CONTAINS
from mlrun.erasure.subject import Subject
from mlrun.erasure.whereabouts import RecordedData, Whereabouts, find
from mlrun.errors import MlrunError, StorageError, UsageError
from mlrun.records import Finding
from mlrun.store.file_names import FINDINGS, RUN
from mlrun.store.rewriting import held, rewrite
from mlrun.store.run_findings import parse_finding
from mlrun.store.run_folder import sha256_of
from mlrun.store.run_names import version_name
from mlrun.store.run_record import RunRecord
from mlrun.store.snapshots import FOLDER as SNAPSHOTS
from mlrun.store.snapshots import guarded, references, snapshots
from mlrun.store.writing import TEMPORARY

CACHES = (".index.sqlite", ".index.sqlite-wal", ".index.sqlite-shm", ".index.sqlite-journal", ".digests.json")

Parts = Mapping[str, frozenset[str]]


@dataclass(slots=True)
class Task:
    """An erasure at work: what it may touch, and what it has done so far.

    report: makes report.md. earlier: receipts of erasures of the same person. parts: run folder → ids of the person's
    rows there, for the search at the end. known: where the person is in the data that was read last; ids: experiment
    and id column → ids of the person's rows.
    """

    root: Path
    subject: Subject
    receipt: Receipt
    made: Made
    hear: proof.Hear
    report: Callable[[RunRecord, Sequence[Finding]], str]
    earlier: frozenset[str]
    keep_models: bool
    dry_run: bool
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parts: dict[Path, Parts] = field(default_factory=dict)
    known: dict[str, Whereabouts] = field(default_factory=dict)
    ids: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)


def run_folders(root: Path, experiment: str) -> Iterator[Path]:
    """Yield the folders of all runs that are wanted, finished or not."""
    for name in [experiment] if experiment else runs.list_experiments(root):
        for version in runs.list_versions(root, name):
            yield runs.run_path(root, name, version)


def name_of(path: Path) -> str:
    return f"{path.parent.name}@{int(path.name)}"


def attend(task: Task, path: Path, *, last: bool = False) -> bool:
    """Erase the person from one run; False when that must wait until other runs have told the ids of its rows."""
    try:
        record = runs.read_run(path) if (path / RUN).is_file() else None
    except MlrunError as error:
        why = "its run.json is damaged" if isinstance(error, StorageError) else str(error)
        task.left.append(Left(name_of(path), f"not touched: {why}"))
        task.parts[path] = {}
        return True
    where = Whereabouts() if record is None else whereabouts(task, path, record, last=last)
    if where is None:
        return False
    remember(task, path, where)
    try:
        change(task, path, record, where)
    except UsageError as error:  # begun or gone on with by another process
        task.left.append(Left(name_of(path), f"not touched: {error}"))
    return True


def whereabouts(task: Task, path: Path, record: RunRecord, *, last: bool) -> Whereabouts | None:
    """Return where the person is in a run's data; None to be asked again, once all ids are known."""
    data = read_as(RecordedData, path / DATA)
    key = "" if data is None else f"{record.spec_folder}\0{content_of(path / DATA)!r}"
    if not key or key not in task.known:
        task.known = {key: find(task.root, path, record.spec_folder, task.subject)}
    where = task.known[key]
    if data is None or data.id_column is None:
        return where
    by = (record.experiment, data.id_column)
    known = task.ids.get(by, frozenset()) | where.ids
    task.ids[by] = known
    if not where.unknown:
        return where
    if data.id_column == task.subject.column:
        return replace(where, unknown="", named=task.subject.exact)
    if not last:
        return None
    if not known:
        return where
    task.notes.append(f"{record.name}: {where.unknown}; its rows were found by the ids that other data tell")
    return replace(where, unknown="", named=known)


def remember(task: Task, path: Path, where: Whereabouts) -> None:
    """Keep what is to be told of a run's data, and looked for again at the end."""
    name = name_of(path)
    task.parts[path] = where.parts
    if where.unknown:
        ids = None if where.data is None else where.data.id_column
        way_out = f". If you know the ids of these rows: --column {ids}" if ids else ""
        task.left.append(Left(name, f"whether it holds rows of the person cannot be told: {where.unknown}{way_out}"))
    if where.alike:
        task.notes.append(
            f"{name}: {where.alike:,} rows of its data differ from the value only in case or in how a number is "
            "written, and stay; give that value too if it means the same person"
        )
    if where.sources:
        task.receipt = replace(task.receipt, sources={**task.receipt.sources, **where.sources})


# -- one run -----------------------------------------------------------------------------------------------------------


def change(task: Task, path: Path, record: RunRecord | None, where: Whereabouts) -> None:
    """Find out what must change in a run folder, and change it all at once, under its lock."""
    if task.dry_run:
        carry_out(task, path, record, where)
        return
    with held(path):
        if record is None and (path / RUN).is_file():
            raise UsageError("it was finished meanwhile: run the same command again")
        carry_out(task, path, record, where)


def carry_out(task: Task, path: Path, record: RunRecord | None, where: Whereabouts) -> None:
    """Make the plan of a run, tell it in the receipt, then rewrite the folder: the receipt is never behind."""
    plan = planned(task, path, record, where)
    if plan is None or (not plan.changes and plan.record == record):
        return
    done = ErasedRun(
        run=name_of(path),
        rows=where.count or len(where.named),
        files=tuple(changed_files(path, plan.changes)),
        models=plan.models,
        deleted=plan.deleted,
        replaced=plan.replaced,
    )
    others = tuple(each for each in task.receipt.runs if each.run != done.run)
    made = dict.fromkeys((*task.receipt.snapshots, *task.made.known.values()))
    task.receipt = replace(task.receipt, runs=(*others, done), snapshots=tuple(made))
    task.hear(f"{done.run}: {len(plan.changes):,} files change")
    if task.dry_run:
        return
    receipts.write(task.root, task.receipt)
    new = plan.record
    if new is not None:
        new = replace(new, erasures=tuple(dict.fromkeys((*new.erasures, task.receipt.name))))
    rewrite(path, plan.changes, new)


def planned(task: Task, path: Path, record: RunRecord | None, where: Whereabouts) -> Plan | None:
    """Return what a run folder becomes; None for one with damaged files, which is told and left as it is."""
    from polars.exceptions import PolarsError

    again = record is not None and not task.earlier.isdisjoint(record.erasures)
    try:
        data = None if record is None else kept_again(path, where, task.subject, task.made)
        plan = plan_run(path, record, where, task.subject, data, keep_models=task.keep_models, again=again)
        return with_report(task, path, record, plan)
    except (PolarsError, ValueError, KeyError, TypeError, AttributeError) as error:  # what damaged files come to
        told = f"not touched: one of its files is damaged ({type(error).__name__}); mlrun verify names it"
        task.left.append(Left(name_of(path), told))
        return None


def changed_files(path: Path, changes: Mapping[str, bytes | None]) -> Iterator[ChangedFile]:
    """Yield each changed file with its sha256 before and after."""
    for name, content in sorted(changes.items()):
        before = sha256_of(path / name) if (path / name).is_file() else ""
        yield ChangedFile(name, before, "" if content is None else hashlib.sha256(content).hexdigest())


def with_report(task: Task, path: Path, record: RunRecord | None, plan: Plan) -> Plan:
    """Return the plan with report.md made again, where what it is made from has changed."""
    if plan.record is None or (plan.record == record and FINDINGS not in plan.changes):
        return plan
    content = plan.changes.get(FINDINGS) or (content_of(path / FINDINGS) if (path / FINDINGS).is_file() else b"")
    findings = [parse_finding(line, FINDINGS) for line in content.splitlines()]
    new = task.report(plan.record, findings).encode()
    if not (path / REPORT).is_file() or content_of(path / REPORT) == new:
        return plan
    return replace(plan, changes={**plan.changes, REPORT: new})


# -- what is there for all runs ----------------------------------------------------------------------------------------


def clear(task: Task) -> None:
    """Remove the snapshots that were replaced, those that no run needs and that hold the person, and caches."""
    if (task.root / SNAPSHOTS).is_dir():
        with guarded(task.root, alone=True):
            drop_snapshots(task)
    for name in CACHES:
        cache = task.root / name
        if cache.is_file() and (task.receipt.runs or holds_them(cache, task.subject)):
            cache.unlink(missing_ok=True)
            task.receipt = replace(task.receipt, caches=tuple(dict.fromkeys((*task.receipt.caches, name))))


def drop_snapshots(task: Task) -> None:
    """Remove snapshots that nothing refers to any more, the person's; one that another experiment needs stays."""
    needed, old = references(task.root), {each.before for each in task.receipt.snapshots}
    for leftover in (task.root / SNAPSHOTS).glob(f"*/{TEMPORARY}*"):  # whoever made them holds the lock no more
        leftover.unlink(missing_ok=True)
    for path in list(snapshots(task.root)):
        if path.name in needed or not (path.name in old or holds_them(path, task.subject)):
            continue
        path.unlink(missing_ok=True)
        with suppress(OSError):  # others are in it
            path.parent.rmdir()
        if path.name not in old:
            gone = ErasedSnapshot(path.name, "", 0)
            task.receipt = replace(task.receipt, snapshots=(*task.receipt.snapshots, gone))
            task.notes.append("a snapshot that no run needs any more held the value, and is gone")


def holds_them(path: Path, subject: Subject) -> bool:
    return next(iter(proof.found_in(path.read_bytes(), path.name, subject)), None) is not None


def judge(task: Task, experiment: str) -> None:
    """Search everything again; tell what is left, and what could not be looked at."""
    count, found = proof.search(task.root, experiment, task.subject, task.hear)
    for path, parts in task.parts.items():
        found += proof.rows_left(task.root, path, parts)
    for path in run_folders(task.root, experiment):
        if path not in task.parts:
            found.append(Left(name_of(path), "it was begun while this ran: run the same command again"))
    kept = list(kept_models(task))
    task.left += [each for each in found if each.where not in {model.where for model in kept}] + kept
    task.receipt = replace(task.receipt, searched=count)


def kept_models(task: Task) -> Iterator[Left]:
    """Yield the models that hold the person and were kept on purpose; a search sees no rows in them."""
    for done in task.receipt.runs:
        experiment, _, version = done.run.partition("@")
        folder = f"{experiment}/{version_name(int(version))}"
        for name, stale in done.models.items():
            file = f"models/{name}.skops"
            if stale.startswith(CONTAINS) and file not in done.deleted:
                yield Left(f"{folder}/{file}", f"{stale}, and kept on purpose (--keep-models)")
