"""What each shelf's entries must provide; a newcomer reads this page, adds one file and is done."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from mlrun.kinds import ByTask, Kind
from mlrun.records import Outcome, Params, Prediction, Task, TaskKind
from mlrun.run_options import ExportRequest
from mlrun.search_contracts import Domain

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array

Estimator = Any  # scikit-learn's border: has fit and predict
Need = Literal["scaling", "non_negative", "dense", "weights"]
Take = Literal["missing", "categories"]
Gives = Literal["probabilities", "scores", "labels"]


# -- model family: models/<name>.py, ENTRY ----------------------------------------------------------------------------


class Build(Protocol):
    """Make an unfitted estimator; the library is imported inside. `members` are (name, estimator) pairs.

    A user's own `module:build` need not take `members` or `task`: it is called with what its signature accepts.
    """

    def __call__(
        self,
        params: Params,
        seed: int,
        members: tuple[tuple[str, Estimator], ...] = (),
        task: TaskKind = "classification",
    ) -> Estimator: ...


@dataclass(frozen=True, slots=True)
class Nested:
    """One fit that answers for several values of `parameters`, bit for bit as separate fits would.

    widest: of several params that differ only in `parameters`, those to fit.
    restrict: a fitted estimator and params to the estimator that a fit with these params would have given;
        shares memory with the first, changes nothing in it.
    allowed: whether a fit with these params can be shared at all.
    apart: what must be equal among params that share a fit, beyond the parameters that are not nested: where a value
        of a nested one changes how the library goes about it.
    """

    parameters: tuple[str, ...]
    widest: Callable[[Sequence[Params]], Params]
    restrict: Callable[[Estimator, Params], Estimator]
    allowed: Callable[[Params], bool] = lambda params: True
    apart: Callable[[Params], Hashable] = lambda params: None


@dataclass(frozen=True, slots=True)
class Staged:
    """What the rounds of a fitted estimator say of any rows; only looks at it.

    rounds: how many there are; 0 = nothing can be said.
    losses: the estimator, rows, truth, some rounds in ascending order → for each of these the rows' (n,) losses, in
        the unit of its `train` curve.
    """

    rounds: Callable[[Estimator], int]
    losses: Callable[[Estimator, Any, Array, Sequence[int]], Iterator[Array]]


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """What mlrun must know of a family before anything is fitted; plain data but for its functions.

    hyperparameters: None = not checked (a user's own family).
    grid: the default grid, parameter → values to try; ordered as it should be tried.
    ranges: what a strategy that looks for itself draws from where the spec says nothing; {} = the grid.
    needs: scaling (of numbers), non_negative, dense (no sparse matrix).
    takes: what it can do without preparation: missing (NaN), categories (ordinal codes, with the
        positions of the category columns passed as `categorical_features` by `with_categories`).
    members: how many models of the spec it is made of.
    curves: the fitted estimator to {curve name: losses}, one value a round, epoch or iteration, as its library kept it.
    staged: the losses of a fitted estimator's rounds on rows that it is shown, held-out ones too.
    combine: the score of an ensemble from its members' predictions, without a fit.
    anomaly_score: a fitted estimator and rows to (n,) scores, higher = more anomalous; of every anomaly family.
    says_likeliest: its classes are those of the highest probability, so that one question answers both; exactly so.
    likeliest_by: where only some of its estimators do, which.
    training_scores: the scores of the rows that it was fitted on, where these are not what anomaly_score says of
        them (a row is not its own neighbour).
    thread_exact: whether fits with these params are the same, bit for bit, on any number of threads; a conformance
        test holds it. with_threads: the estimator on so many.
        threads_yield: they sleep while they wait for each other, so that other fits may run beside them.
    fit_in_turn: how trials are fitted, which follow each other on the same rows: estimator, rows, truth, weights; as
        estimator.fit does, bit for bit, but it may keep what it made of the rows, as long as these live.
    answers: a fitted estimator, the params that its fit answers for, rows → for each params something that says of
        these rows, and of no others, what that estimator would, bit for bit; where one pass finds it for all.
    stores_rows: a fitted estimator keeps rows of training as they are (neighbours, support vectors): erasing a person
        makes it go, where others are only marked.
    """

    build: Build
    tasks: tuple[TaskKind, ...]
    simplicity_rank: int
    hyperparameters: Mapping[str, Kind] | None
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    ranges: Mapping[str, Domain] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    takes: tuple[Take, ...] = ()
    gives: Gives = "labels"
    gives_by: Callable[[Params], Gives] | None = None
    weights: bool = False
    nested: Nested | None = None
    members: Literal["none", "one", "many"] = "none"
    curves: Callable[[Estimator], Mapping[str, Sequence[float]]] | None = None
    staged: Staged | None = None
    combine: Callable[[Params, Sequence[Prediction], Task], Prediction] | None = None
    with_categories: Callable[[Estimator, Sequence[int]], Estimator] | None = None
    check: Callable[[Params], str | None] = lambda params: None
    extra: str = ""
    anomaly_score: Callable[[Estimator, Array], Array] | None = None
    training_scores: Callable[[Estimator], Array] | None = None
    says_likeliest: bool = False
    likeliest_by: Callable[[Estimator], bool] | None = None
    stores_rows: bool = False
    thread_exact: Callable[[Params], bool] = lambda params: False
    with_threads: Callable[[Estimator, int], Estimator] | None = None
    threads_yield: bool = False
    fit_in_turn: Callable[[Estimator, Any, Array, Array | None], Estimator] | None = None
    answers: Callable[[Estimator, Sequence[Params], Any], Sequence[Estimator]] | None = None

    def kinds(self, task: TaskKind) -> Mapping[str, Kind] | None:
        """Return the hyperparameters that the family has for a task; None = not checked."""
        if self.hyperparameters is None:
            return None
        found = {
            name: kind.of(task) if isinstance(kind, ByTask) else kind for name, kind in self.hyperparameters.items()
        }
        return {name: kind for name, kind in found.items() if kind is not None}


# -- source: sources/<name>.py, ENTRY ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """load(params, folder): a table with named columns; relative paths are relative to the spec's folder.

    parameters: what `data:` may say for this source, name → one line of explanation.
    files: the files that a load reads, for fingerprints; () when it reads none.
    reads_text: infers types itself, so its params also take `as_text`: the columns to leave as they are written.
    target, task: what is known of the data without asking (the column to predict), by params.
    """

    load: Callable[[Params, str], pl.DataFrame]
    parameters: Mapping[str, str]
    required: tuple[str, ...] = ()
    files: Callable[[Params, str], tuple[str, ...]] = lambda params, folder: ()
    extra: str = ""
    reads_text: bool = False
    target: str = ""
    task: Callable[[Params], TaskKind | None] = lambda params: None


# -- executor: executors/<name>.py, ENTRY -----------------------------------------------------------------------------


class Job(Protocol):
    """A unit of work that can be pickled: run() gives a picklable value.

    isolated: must not run in the main process (user code, or a timeout is set).
    timeout: seconds, or None.
    """

    @property
    def key(self) -> str: ...

    @property
    def isolated(self) -> bool: ...

    @property
    def timeout(self) -> float | None: ...

    def run(self) -> Any: ...


class OnStart(Protocol):
    """Told when a job begins, in which process, and whether it runs in the main process."""

    def __call__(self, key: str, pid: int, in_main: bool) -> None: ...


class Executor(Protocol):
    """A context manager; run(jobs) gives outcomes in any order; a dead worker costs one fit, never the run.

    cores: of this machine that its fits may use at once; a single fit may have them all. 1 where they run elsewhere.
    """

    @property
    def cores(self) -> int: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, jobs: Iterable[Job], on_start: OnStart) -> Iterator[Outcome]: ...


@dataclass(frozen=True, slots=True)
class ExecutorKind:
    """make(jobs): an executor of so many processes."""

    make: Callable[[int], Executor]
    isolates: bool
    extra: str = ""


# -- export: exports/<name>.py, ENTRY ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExportKind:
    """write(wanted): write a run, or one model of it, for another tool; return sentences on what was written.

    writes: what comes out, in a few words. place(run, model): where to when nothing is said, from `income-3` and the
    model's name. of_model: it is about one model, so that one may be named. modules: what must be importable for it;
    extra: which extra of the distribution installs that.
    """

    write: Callable[[ExportRequest], tuple[str, ...]]
    writes: str
    place: Callable[[str, str], str]
    of_model: bool = False
    modules: tuple[str, ...] = ()
    extra: str = ""


# -- metric: a row of metrics.py --------------------------------------------------------------------------------------


class Compute(Protocol):
    """Truth (n,), prediction of the same n rows, task → the score; NaN where it is not defined."""

    def __call__(self, truth: Array, prediction: Prediction, task: Task, **parameters: Any) -> float: ...


@dataclass(frozen=True, slots=True)
class Metric:
    """needs: labels = predicted classes or numbers; scores = a ranking (probabilities will do).

    targets: for which kinds of target it is defined.
    rows: the per-row losses or gains whose mean the metric is, where it is one; for closed-form intervals.
    interval: how its interval is found: mean (of rows), proportion (of rows that truth chooses), chosen (a
        proportion of rows that the prediction chooses), root_mean (the root of a mean of rows), auc (DeLong),
        bootstrap, none (an extreme has no honest one).
    parameters: name → default; kinds: name → the values that it admits.
    """

    compute: Compute
    direction: Literal["maximize", "minimize"]
    targets: tuple[Literal["binary", "multiclass", "regression", "anomaly"], ...]
    needs: Literal["labels", "probabilities", "scores"]
    bounds: tuple[float, float]
    caption: str
    interval: Literal["mean", "proportion", "chosen", "root_mean", "auc", "bootstrap", "none"] = "bootstrap"
    rows: Callable[..., Array] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
