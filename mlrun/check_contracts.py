"""What checks and edits must provide, and what they may know: the contracts of evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mlrun.kinds import Kind, Parameter
from mlrun.records import Dataset, Finding, Fold, MetricSpec, Params, PlannedTest, Prediction, TaskKind

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array

# -- check: checks/<name>.py, ENTRY -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refit:
    """What came of fitting a champion's blueprint again on some rows; failure: why there is no prediction.

    predictions: one for each set of rows that was asked about.
    """

    predictions: tuple[Prediction, ...] = ()
    fit_seconds: float = 0.0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A champion or baseline under evaluation.

    test: its prediction of the context's rows; answered: false where a baseline is silent on one of them.
    folds: held-out predictions, (fold, prediction, answered) each; () where there are none.
    features: the columns that it reads; None = any (a baseline).
    predict: any table with the data's columns → its prediction; None: `silent` says why it cannot be asked.
    refit: [(training rows, [rows to predict, ...]), ...] → a Refit each, side by side where the executor can; None
        for baselines, and where there are no training rows.
    """

    name: str
    kind: Literal["model", "baseline"]
    family: str
    test: Prediction | None
    answered: Array | None = None
    folds: tuple[tuple[Fold, Prediction, Array | None], ...] = ()
    features: tuple[str, ...] | None = None
    predict: Callable[[pl.DataFrame], Prediction] | None = None
    silent: str = ""
    refit: Callable[[Sequence[tuple[Array, Sequence[Array]]]], Sequence[Refit]] | None = None
    rank: int | None = None
    assumptions: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    fit_seconds: float | None = None
    size_bytes: int | None = None
    p95_ms_1_row: float | None = None
    cv: Mapping[str, float | None] = field(default_factory=dict)


class Outputs(Protocol):
    """What the behaviour engine answers for one subject and one test; made once for a whole suite."""

    def of(self, subject: Subject, test: PlannedTest) -> Any: ...

    def size_of(self, test: PlannedTest) -> int: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may know; the same for all subjects.

    rows: positions of the rows that are judged (test; with new data all of them); train: those that models were
    fitted on, () with new data. best: name of the best model. tests: the whole suite. sample: rows of behaviour tests.
    rope: differences of the first metric within it do not matter. engine: behaviour.Engine, shared by its checks.
    training_fits: fits that the search cost, so that `auto` can stay below. time, group: columns or None.
    profile: what the training columns looked like, for drift; None = the rows are the run's own.
    earlier: model name → prediction of the run's own test rows, for drift of predictions. before: what the run itself
    found, () while it is made.
    """

    dataset: Dataset
    rows: Array
    train: Array
    folds: tuple[Fold, ...]
    metrics: tuple[MetricSpec, ...]
    subjects: tuple[Subject, ...]
    best: str | None = None
    tests: tuple[PlannedTest, ...] = ()
    sample: int = 2000
    rope: float = 0.005
    confidence: float = 0.95
    seed: int = 0
    folder: str = ""
    sensitive: tuple[str, ...] = ()
    withheld: Mapping[str, str] = field(default_factory=dict)
    time: str | None = None
    training_fits: float = 0.0
    engine: Outputs | None = None
    profile: Mapping[str, Any] | None = None
    earlier: Mapping[str, Prediction] = field(default_factory=dict)
    before: tuple[Finding, ...] = ()

    @property
    def truth(self) -> Array | None:
        """The truth of the rows that are judged; None where there is none."""
        return None if self.dataset.truth is None else self.dataset.truth[self.rows]

    @property
    def table(self) -> pl.DataFrame:
        """The rows that are judged, all columns."""
        return self.dataset.table[self.rows]

    @property
    def row_ids(self) -> Array:
        """Ids of the rows that are judged."""
        return self.dataset.row_ids[self.rows]

    def subject(self, name: str) -> Subject:
        """Return the subject of this name; raises KeyError."""
        return next(subject for subject in self.subjects if subject.name == name)


CheckNeed = Literal["labels", "test", "probabilities", "predict", "refit", "folds"]


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of evaluation test; what it lacks (`needs`) is told as `not_run (why)` before it is asked.

    run: subject, context and a test's params, every default written out → findings; may raise, which is one `error`.
    of: each = asked of every champion and baseline; run = asked once, of the best model (others are in the context).
    many: `evaluation.NAME` is a list of tests, each with a `name`; else one mapping.
    edits: each test names exactly one edit of the edits shelf; the params hold it as `edit: (name, value)` and
        `along: ((name, value), ...)`.
    automatic: the params of the tests that `evaluation: auto` asks for; () = none.
    fits: what a test costs, 1 = a champion fitted once on all of train, of all subjects together.
    problems: what is wrong with a test's params once the data is known: (path inside the test, sentence).
    """

    run: Callable[[Subject, Context, Params], Iterable[Finding]]
    parameters: Mapping[str, Parameter]
    tasks: tuple[TaskKind, ...]
    needs: tuple[CheckNeed, ...] = ("test",)
    of: Literal["each", "run"] = "each"
    many: bool = False
    edits: bool = False
    automatic: Callable[[Context], Sequence[Params]] = lambda context: ()
    fits: Callable[[Context, Params], float] = lambda context, params: 0.0
    problems: Callable[[Params, Dataset], Iterable[tuple[tuple[str | int, ...], str]]] = lambda params, dataset: ()


# -- edit: edits/<name>.py, ENTRY -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which an edit changes rows; apply: rows and a generator → as many rows, edited.

    level: how strong, for curves. columns: those that it writes.
    """

    name: str
    apply: Callable[[pl.DataFrame, Any], pl.DataFrame]
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of rows that a behaviour test makes; a pure function of table and generator.

    value: what may stand behind the edit's name in a test. beside: keys that stand next to that name in the test and
    belong to the value, which then is a mapping with the edit's own name and these. columns: those that it writes.
    variants: the value and the data → the ways in which it edits. problems: what is wrong with the value, given the
    data: (path inside the value, sentence).
    own_rows: the rows that it edits, where it makes them itself and takes none of the data's.
    """

    value: Kind
    columns: Callable[[Any, Dataset], tuple[str, ...]]
    variants: Callable[[Any, Dataset], Sequence[Variant]]
    problems: Callable[[Any, Dataset], Iterable[tuple[tuple[str | int, ...], str]]] = lambda value, dataset: ()
    text: bool = False
    beside: tuple[str, ...] = ()
    own_rows: Callable[[Any, Dataset], pl.DataFrame] | None = None
