"""From a column and a person's values in it to runs without them: rows dropped, models marked, a search, a receipt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlrun import runs
from mlrun.catalog import suggestion
from mlrun.comparison.origins import read_as
from mlrun.erasure import receipt as receipts
from mlrun.erasure.course import Task, attend, clear, judge, run_folders
from mlrun.erasure.kept_data import Made
from mlrun.erasure.proof import Hear
from mlrun.erasure.receipt import Erasure, Receipt
from mlrun.erasure.run_files import DATA
from mlrun.erasure.subject import Subject, make_subject
from mlrun.erasure.whereabouts import RecordedData
from mlrun.errors import MlrunError, NothingConcluded, StorageError, UsageError
from mlrun.report import markdown
from mlrun.store.rewriting import recover
from mlrun.store.run_names import check_known
from mlrun.store.snapshots import guarded, snapshots

SHOWN = 5  # names of runs in a message


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. experiment: only its runs, "" = all. receipt: a second place for the receipt, "" = none."""

    column: str
    values: tuple[str, ...] = field(repr=False)
    experiment: str = ""
    keep_models: bool = False
    dry_run: bool = False
    receipt: str = ""


def erase(root: Path, wish: Wish, hear: Hear) -> Erasure:
    """Erase a person from the runs below the root; when it is cut off, the same command goes on.

    Raises UsageError for live runs and for values that cannot be, StorageError. No message ever holds a value.
    """
    subject = make_subject(wish.column, wish.values)
    with silent(subject):
        if not root.is_dir():
            raise UsageError(f"there are no runs in {root}")
        if wish.experiment:
            check_known(root, wish.experiment)
        check_column(root, wish)
        target = check_receipt(wish.receipt)
        refuse_living(root, wish.experiment)
        if wish.dry_run:
            return worked(root, wish, subject, hear)
        with receipts.alone(root):
            back = recover(root)
            done = worked(root, wish, subject, hear, tuple(f"{name} was put back into its place" for name in back))
        if done.path and target is not None:
            runs.write_atomically(target, receipts.as_bytes(done.receipt))
        return done


def exit_code(done: Erasure) -> int:
    """Return 1 when something is left, 3 when nothing was found to erase, else 0."""
    if done.receipt.left:
        return 1
    return 0 if done.has_found else NothingConcluded.exit_code


@contextmanager
def silent(subject: Subject) -> Iterator[None]:
    """Let no error say a value: the words of libraries, and the errors behind ours, may quote rows."""
    try:
        yield
    except (MlrunError, OSError) as error:
        told = str(error) if isinstance(error, MlrunError) else f"{error.filename or 'a file'}: {error.strerror}"
        kind = StorageError if isinstance(error, (StorageError, OSError)) else UsageError
        raise kind(subject.hide(told)) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, its words may quote the person's rows
        trace, place = error.__traceback__, ""
        while trace is not None:
            place, trace = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}", trace.tb_next
        raise RuntimeError(f"{type(error).__name__} at {place} (its words may quote rows, and are left out)") from None


def check_column(root: Path, wish: Wish) -> None:
    """Raise UsageError when no run's data has the column: nobody shall take a wrong name for a person who is not there.

    Where the data of a run is not described, nothing can be said.
    """
    known: set[str] = set()
    for path in run_folders(root, wish.experiment):
        data = read_as(RecordedData, path / DATA)
        if data is None or not data.columns:
            return
        known |= set(data.columns)
    if known and wish.column not in known:
        raise UsageError(f"no run's data has a column '{wish.column}'{suggestion(wish.column, known)}")


def check_receipt(name: str) -> Path | None:
    """Return where the receipt is to be copied to; raise UsageError before anything is done when it cannot be."""
    if not name:
        return None
    path = Path(name).expanduser().absolute()
    if not path.parent.is_dir() or path.is_dir():
        raise UsageError(f"{path} cannot be a receipt: name a file in a folder that is there")
    return path


def refuse_living(root: Path, experiment: str) -> None:
    """Raise UsageError with the names of runs that are being run, before anything is touched."""
    living = [f"{path.parent.name}@{int(path.name)}" for path in run_folders(root, experiment) if runs.is_locked(path)]
    if living:
        more = f" and {len(living) - SHOWN} more" if len(living) > SHOWN else ""
        told = f"{', '.join(living[:SHOWN])}{more} {'is' if len(living) == 1 else 'are'} being run"
        raise UsageError(f"{told}: wait for the end, or stop it. Nothing was erased")


def worked(root: Path, wish: Wish, subject: Subject, hear: Hear, notes: tuple[str, ...] = ()) -> Erasure:
    """Go through all runs, then snapshots, caches, the search; write the receipt."""
    task = begun(root, wish, subject, hear)
    with nothing_tidied(root, wish):
        waiting = [path for path in run_folders(root, wish.experiment) if not attend(task, path)]
        for path in waiting:
            attend(task, path, last=True)
    if not wish.dry_run:
        clear(task)
        judge(task, wish.experiment)
    told = tuple(dict.fromkeys((*task.receipt.notes, *notes, *task.notes)))
    receipt = replace(task.receipt, left=tuple(dict.fromkeys(task.left)), notes=told, finished=receipts.now())
    done = Erasure(receipt, "", wish.dry_run)
    if wish.dry_run or not (done.has_found or receipt.left):
        return done
    return replace(done, path=str(receipts.write(root, receipt)))


def begun(root: Path, wish: Wish, subject: Subject, hear: Hear) -> Task:
    """Return the task with its receipt: that of the same erasure which was cut off, or a new one."""
    texts = tuple(value.text for value in subject.values)
    subjects = receipts.sealed_subjects(texts)
    earlier = receipts.of_subjects(root, wish.column, subjects)
    receipt = next((each for each in earlier if not each.finished), None) if not wish.dry_run else None
    if receipt is None:
        receipt = Receipt(receipts.new_name(), wish.column, len(texts), subjects, receipts.now())
    return Task(
        root=root,
        subject=subject,
        receipt=receipt,
        made=Made(root, wish.dry_run),
        hear=hear,
        report=markdown,
        earlier=frozenset(each.name for each in earlier),
        keep_models=wish.keep_models,
        dry_run=wish.dry_run,
    )


@contextmanager
def nothing_tidied(root: Path, wish: Wish) -> Iterator[None]:
    """Keep snapshots from being tidied up while new ones have no run yet."""
    if wish.dry_run or next(snapshots(root), None) is None:
        yield
        return
    with guarded(root):
        yield


def check(path: str, values: Sequence[str]) -> tuple[Receipt, bool | None]:
    """Return a receipt, and whether it is about these values; None where the key that sealed it is not here."""
    subject = make_subject("", values)
    with silent(subject):
        found = receipts.read(Path(path).expanduser())
        return found, receipts.is_about(found, tuple(value.text for value in subject.values))
