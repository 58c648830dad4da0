"""A spec after reading: normal, complete, frozen; one record a section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlrun.events import Hook
from mlrun.records import ColumnKind, Label, MetricSpec, Params, Place, PlannedTest, TaskKind
from mlrun.search_contracts import Space

Calibrate = Literal["none", "sigmoid", "isotonic", "temperature"]
Threshold = float | Literal["from_costs", "tuned"]
PlacePath = tuple[Label | None, ...]


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Where the rows come from, and what their columns mean; `params` are those of the source.

    features: () = every column that is not withheld or dropped. snapshot: the data is kept with the runs.
    """

    source: str
    params: Params
    target: str | None = None
    positive: Label | None = None
    id: str | None = None
    time: str | None = None
    group: str | None = None
    weight: str | None = None
    drop: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    withhold_sensitive: bool = True
    types: Mapping[str, ColumnKind] = field(default_factory=dict)
    where: str | None = None
    limit: int | None = None
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """test: the share of the rows, 0 = none; test_params: the source's parameters of a test file of its own.

    folds: how many, or as many as `fold_column` has values. seed: None = the spec's.
    """

    test: float = 0.2
    test_params: Params | None = None
    folds: int = 5
    fold_column: str | None = None
    repeats: int = 1
    shuffle: bool = True
    gap: int = 0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class NumericPrepare:
    """None = what the family needs."""

    impute: Literal["median", "mean", "most_frequent", "zero", "none"] | None = None
    scale: Literal["standard", "minmax", "robust", "none"] | None = None


@dataclass(frozen=True, slots=True)
class CategoryPrepare:
    """None = what the family needs; rare: values seen less often become one."""

    encode: Literal["one_hot", "ordinal", "target", "native"] | None = None
    rare: int | None = None


@dataclass(frozen=True, slots=True)
class TextPrepare:
    """None = what the family needs."""

    encode: Literal["tfidf", "counts", "binary", "hashing"] | None = None
    ngrams: tuple[int, int] | None = None
    max_terms: int | None = None
    lowercase: bool | None = None


@dataclass(frozen=True, slots=True)
class PrepareSpec:
    """What is learned inside each fold before a model sees the columns."""

    numeric: NumericPrepare = field(default_factory=NumericPrepare)
    category: CategoryPrepare = field(default_factory=CategoryPrepare)
    text: TextPrepare = field(default_factory=TextPrepare)


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """How trials are proposed, and what every family may spend; timeout: seconds a fit."""

    strategy: str = "grid"
    trials: int | None = None
    cpu_seconds: float | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model family under a name, with what is to be tried."""

    name: str
    family: str
    space: Space
    members: tuple[str, ...] = ()
    meta: str | None = None
    base: str | None = None
    prepare: PrepareSpec = field(default_factory=PrepareSpec)
    calibrate: Calibrate = "none"
    threshold: Threshold = 0.5

    @property
    def parts(self) -> tuple[str, ...]:
        """The models of the spec that it is made of."""
        return self.members if self.base is None else (*self.members, self.base)


@dataclass(frozen=True, slots=True)
class BaselineSpec:
    """A baseline under a name, unique in the spec."""

    kind: str
    name: str
    params: Params = field(default_factory=dict)


DEFAULT_BASELINES = (
    BaselineSpec("random", "random", {"uniform": False}),
    BaselineSpec("zero_rule", "zero_rule", {"statistic": "mean"}),
)


@dataclass(frozen=True, slots=True)
class AnomalySpec:
    """train_on: which rows models see; contamination: the share of rows to call anomalies."""

    train_on: Literal["all", "normal"] = "all"
    contamination: float = 0.1


@dataclass(frozen=True, slots=True)
class FinalSpec:
    """Which rows the champions that are stored were fitted on."""

    refit_on: Literal["train", "all"] = "train"


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """Which tests are run; auto: those that need no author's knowledge, beside the ones that are written.

    sample: rows of behaviour tests. rope: differences within it do not matter (weighing.tolerance). without: checks
    that are never run, not by `auto` either.
    """

    auto: bool = True
    sample: int = 2000
    tests: tuple[PlannedTest, ...] = ()
    rope: float = 0.005
    confidence: float = 0.95
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsefulSpec:
    """When the best model is worth having.

    utility: what each outcome is worth (tp, fp, tn, fn, defer), {} = by the spec's costs. against: baselines, () = all.
    human: accuracy and cost_per_row of people, or a column or file of their labels. budget: p95_ms_per_row, model_mb,
    train_seconds. target: metric → the score that must be reached. prefer_simpler_within: of the first metric.
    """

    utility: Mapping[str, float] = field(default_factory=dict)
    against: tuple[str, ...] = ()
    human: Params = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    target: Mapping[str, float] = field(default_factory=dict)
    prefer_simpler_within: float | None = None


@dataclass(frozen=True, slots=True)
class GateSpec:
    """One condition that makes `train` exit 1 where it does not hold; kind: beats, bound, drop, suites or useful."""

    kind: Literal["beats", "bound", "drop", "suites", "useful"]
    params: Params = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the condition in the words of the run folder."""
        given = self.params
        if self.kind == "beats":
            return f"beats {given['baseline']}"
        if self.kind == "suites":
            return "suites pass" + (f": {', '.join(given['names'])}" if given["names"] else "")
        if self.kind == "bound":
            side = "at_least" if "at_least" in given else "at_most"
            return f"{given['metric'].label} {side.replace('_', ' ')} {float(given[side]):g}"
        if self.kind == "drop":
            bound = float(given["drop_at_most"])
            return f"{given['metric'].label} drops by at most {bound:g} against {given['against']}"
        return "useful"


@dataclass(frozen=True, slots=True)
class Spec:
    """What one execution is to do.

    task: None = inferred from the target. metrics: () = the task's. models: () = auto. costs: {} = none.
    folder: the spec's, absolute. text: the bytes that were given. path: as the user wrote it. overrides: PATH=VALUE.
    places: where each value stands, by its path in the normal form.
    """

    experiment: str
    data: DataSpec
    task: TaskKind | None = None
    seed: int = 0
    split: SplitSpec = field(default_factory=SplitSpec)
    metrics: tuple[MetricSpec, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    prepare: PrepareSpec = field(default_factory=PrepareSpec)
    search: SearchSpec = field(default_factory=SearchSpec)
    models: tuple[ModelSpec, ...] = ()
    baselines: tuple[BaselineSpec, ...] = DEFAULT_BASELINES
    anomaly: AnomalySpec = field(default_factory=AnomalySpec)
    target_transform: Literal["log"] | None = None
    final: FinalSpec = field(default_factory=FinalSpec)
    evaluation: EvaluationSpec = field(default_factory=EvaluationSpec)
    useful: UsefulSpec | None = None
    gates: tuple[GateSpec, ...] = ()
    hooks: tuple[Hook, ...] = ()
    folder: str = ""
    text: bytes = b""
    path: str = ""
    overrides: tuple[str, ...] = ()
    places: Mapping[PlacePath, Place] = field(default_factory=dict)

    def place(self, path: PlacePath) -> Place:
        """Return where a value stands; of one that is not written out, the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path] if path in self.places else Place(self.path)
