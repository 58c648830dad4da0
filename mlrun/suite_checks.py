"""What the tests, utilities and gates of a spec say that its data does not bear out; told before anything is fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun import catalog, metrics
from mlrun.catalog import suggestion
from mlrun.check_contracts import Check, Edit
from mlrun.check_entries import find_check
from mlrun.errors import MlrunError, UsageError
from mlrun.kinds import ColumnName, Condition
from mlrun.language.parameters import leaves
from mlrun.metric_labels import metric_of
from mlrun.records import Dataset, MetricSpec, PlannedTest, Problem
from mlrun.table.row_conditions import select_rows

if TYPE_CHECKING:
    from mlrun.spec import Spec

Path = tuple[Any, ...]
Told = tuple[Path, str]
HOLDS_FOR_NONE = "holds for none of"


def suite_problems(spec: Spec, dataset: Dataset) -> Iterator[Problem]:
    """Yield each problem once, at the place of what is wrong in the spec."""
    said: set[tuple[object, str]] = set()
    for path, told in (*_of_tests(spec, dataset), *_of_useful(spec, dataset), *_of_gates(spec, dataset)):
        place = spec.place(path)
        if (place, told) not in said:
            said.add((place, told))
            yield Problem(told, place)


def misfit(test: PlannedTest, dataset: Dataset, folder: str) -> str:
    """Return why a test of a run cannot be asked of these rows, which may lack what only it names; '' when it can."""
    check = find_check(test.check, folder)
    found = _of_test(check, test, dataset) if dataset.task.kind in check.tasks else []
    # a condition of one slice among many that holds for nobody now leaves the others to be judged
    told = [said for path, said in found if HOLDS_FOR_NONE not in said or len(path) == 1]
    return told[0] if told else ""


def _of_tests(spec: Spec, dataset: Dataset) -> Iterator[Told]:
    numbers: Counter[str] = Counter()
    for test in spec.evaluation.tests:
        path: Path = ("evaluation", test.check, numbers[test.check])
        numbers[test.check] += 1
        if path not in spec.places:  # one test is written as it is, several as a list
            path = path[:-1]
        check = find_check(test.check, spec.folder)
        if dataset.task.kind not in check.tasks:  # a finding says so; what it names may be right on other data
            continue
        for inside, told in _of_test(check, test, dataset):
            yield (*path, *inside), told


def _of_test(check: Check, test: PlannedTest, dataset: Dataset) -> list[Told]:
    """Return what is wrong with one test: columns and conditions by their kinds, then what edit and check know."""
    try:
        found = list(_of_params(check, test, dataset))
        return found or list(check.problems(test.params, dataset))  # the second may rest on the first
    except MlrunError as error:
        return [((), str(error))]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a check or an edit of the user's own may raise anything
        return [((), f"test '{test.name}' cannot tell whether it fits: {type(error).__name__}: {error}")]


def _of_params(check: Check, test: PlannedTest, dataset: Dataset) -> Iterator[Told]:
    for name, parameter in check.parameters.items():
        if name in test.params:
            for inside, kind, value in leaves(parameter.kind, test.params[name]):
                yield from (((name, *inside), told) for told in _of_leaf(kind, value, dataset))
    if not check.edits:
        return
    (name, value), main = test.params["edit"], True
    for edit_name, inside in ((name, value), *test.params["along"]):
        edit: Edit = catalog.find("edits", edit_name)
        around: Path = () if edit.beside and main else (edit_name,) if main else ("along",)
        for path, told in _of_edit(edit, inside, dataset):
            yield (*around, *path), told
        main = False


def _of_edit(edit: Edit, value: Any, dataset: Dataset) -> Iterator[Told]:
    known = [(path, told) for path, kind, leaf in leaves(edit.value, value) for told in _of_leaf(kind, leaf, dataset)]
    yield from known
    if not known:
        yield from edit.problems(value, dataset)


def _of_leaf(kind: object, value: Any, dataset: Dataset) -> Iterator[str]:
    columns = dataset.table.columns
    if isinstance(kind, ColumnName) and isinstance(value, str) and value not in columns:
        yield f"there is no column '{value}'{suggestion(value, columns)}"
    if isinstance(kind, Condition) and isinstance(value, str):
        try:
            holds = select_rows(dataset.table, value)
        except UsageError as error:
            yield str(error)
            return
        if not holds.any():
            yield f"the condition `{value}` {HOLDS_FOR_NONE} the {dataset.table.height:,} rows"


def _of_useful(spec: Spec, dataset: Dataset) -> Iterator[Told]:
    useful, task = spec.useful, dataset.task
    if useful is None:
        return
    what = f"{len(task.labels)} classes" if task.multiclass else task.kind
    if useful.utility and not (task.binary or task.kind == "anomaly"):
        yield ("useful", "utility"), f"'utility' is for two classes, and the task is {what}"
    if "accuracy" in useful.human and task.kind == "regression":
        yield ("useful", "human"), f"'human.accuracy' is for classes, and the task is {what}; name a column or a file"
    for label in useful.target:
        misfit = _misfit(metric_of(label, spec.folder).name, dataset, spec.folder)
        if misfit:
            yield ("useful", "target", label), misfit


def _of_gates(spec: Spec, dataset: Dataset) -> Iterator[Told]:
    for index, gate in enumerate(spec.gates):
        if "metric" in gate.params:
            metric: MetricSpec = gate.params["metric"]
            misfit = _misfit(metric.name, dataset, spec.folder)
            if misfit:
                yield ("gates", index, "metric"), misfit


def _misfit(name: str, dataset: Dataset, folder: str) -> str | None:
    return metrics.applies(name, dataset.task, folder)
