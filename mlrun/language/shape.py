"""What may be written in a spec: every key, its kind and its default, as pydantic definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

NAME = r"^[a-z0-9][a-z0-9_-]*$"
MARK = "\0"  # begins the tags of unions; cannot be part of a key, which the reader sees to
LABEL_SCHEMA = {"type": ["string", "number", "boolean"]}


class Shape(BaseModel):
    """A mapping whose keys are known; values are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def kind_of(value: Any) -> str | None:
    """Return the tag that tells the branches of a union apart."""
    if isinstance(value, bool):
        return f"{MARK}flag"
    for kind, tag in ((str, "text"), ((int, float), "number"), (Mapping, "mapping"), (list, "list")):
        if isinstance(value, kind):
            return f"{MARK}{tag}"
    return f"{MARK}mapping" if isinstance(value, BaseModel) else None


def either(sentence: str, words: tuple[str, ...] | None = None) -> Any:
    """Return a discriminator by the kind of the value, so that a mistake is told once, in one sentence.

    words: the only texts that are among what is admitted; None = any, or a branch of its own knows.
    """

    def tag(value: Any) -> str | None:
        return None if words is not None and isinstance(value, str) and value not in words else kind_of(value)

    return Discriminator(tag, custom_error_type="either", custom_error_message=sentence)


def _written_as(kind: Any) -> Any:
    """Return a note of how people may write a value whose normal form is another; for the JSON Schema."""
    return BeforeValidator(lambda value: value, json_schema_input_type=kind)


def _check_label(value: Any) -> Any:
    if value is None or isinstance(value, (list, Mapping)):
        raise PydanticCustomError("label", "must be text, a number, true or false")
    return value


Name = Annotated[str, Field(pattern=NAME, max_length=100)]
ONE = Field(min_length=1, max_length=1)
Text = Annotated[str, Field(min_length=1)]
Names = list[Text]
Scalar = Annotated[Any, BeforeValidator(_check_label), WithJsonSchema(LABEL_SCHEMA)]
Free = dict[str, Any]
TaskName = Literal["classification", "regression", "anomaly"]
Kind = Literal["numeric", "boolean", "category", "text", "date"]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Positive = Annotated[float, Field(gt=0)]


class SensitiveShape(Shape):
    columns: Names = Field(default=[], description="columns that slices and invariance tests use")
    withhold: bool = Field(default=True, description="whether the models are kept from seeing them")


class DataShape(Shape):
    model_config = ConfigDict(extra="allow")

    source: Text | None = Field(
        default=None,
        description="csv, parquet, sql, sklearn, or module:function; by the ending of `path` when left out",
    )
    target: Text | None = Field(default=None, description="the column to predict")
    positive: Scalar = Field(default=None, description="the label that counts as positive, of two")
    id: Text | None = Field(default=None, description="the column that names a row across versions of the data")
    time: Text | None = Field(default=None, description="when set, the past trains and the future tests")
    group: Text | None = Field(default=None, description="when set, a group is never on both sides of a split")
    weight: Text | None = Field(default=None, description="the column of row weights")
    drop: Names = Field(default=[], description="columns to leave out")
    features: Names = Field(default=[], description="only these columns; [] = all")
    text: Names = Field(default=[], description="columns of free text")
    sensitive: Annotated[SensitiveShape, _written_as(SensitiveShape | Names)] = Field(
        default=SensitiveShape(), description="a list of columns, or {columns: [...], withhold: false}"
    )
    types: dict[str, Kind] = Field(default={}, description="column: numeric, boolean, category, text or date")
    where: Text | None = Field(default=None, description="a SQL condition: the rows to keep")
    limit: Annotated[int, Field(ge=1)] | None = Field(default=None, description="how many rows to keep, the first ones")
    snapshot: bool = Field(default=False, description="whether the data is kept whole, once, beside the runs")


class FoldColumnShape(Shape):
    column: Text = Field(description="a column whose values are the folds")


Test = Annotated[
    Annotated[Annotated[float, Field(ge=0, lt=1)], Tag(f"{MARK}number")] | Annotated[Free, Tag(f"{MARK}mapping")],
    either("must be a share of the rows, such as 0.2, or a file of its own, such as {path: test.csv}"),
]
Folds = Annotated[
    Annotated[Annotated[int, Field(ge=2)], Tag(f"{MARK}number")] | Annotated[FoldColumnShape, Tag(f"{MARK}mapping")],
    either("must be a whole number, such as 5, or a column of folds, such as {column: fold}"),
]


class SplitShape(Shape):
    test: Test = Field(default=0.2, description="the share of the rows, 0 for none, or a file of its own")
    folds: Folds = Field(default=5, description="how many folds, or {column: NAME}")
    repeats: int = Field(default=1, ge=1, description="how often the folds are drawn anew")
    shuffle: bool = Field(default=True, description="whether rows are shuffled before they are divided")
    gap: int = Field(default=0, ge=0, description="with `time`: rows left out between train and validation")
    seed: Seed | None = Field(default=None, description="the spec's when left out")


class CostsShape(Shape):
    false_negative: float = Field(ge=0, description="what a missed positive costs")
    false_positive: float = Field(ge=0, description="what a false alarm costs")


class NumericShape(Shape):
    impute: Literal["median", "mean", "most_frequent", "zero", "none"] | None = Field(
        default=None, description="what stands in for a missing number"
    )
    scale: Literal["standard", "minmax", "robust", "none"] | None = Field(default=None, description="how it is scaled")


class CategoryShape(Shape):
    encode: Literal["one_hot", "ordinal", "target", "native"] | None = Field(
        default=None, description="how categories become numbers"
    )
    rare: Annotated[int, Field(ge=1)] | None = Field(default=None, description="values seen less often become one")


class TextShape(Shape):
    encode: Literal["tfidf", "counts", "binary", "hashing"] | None = Field(
        default=None, description="how text becomes numbers"
    )
    ngrams: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="the shortest and the longest run of words, such as [1, 2]"
    )
    max_terms: Annotated[int, Field(ge=1)] | None = Field(default=None, description="how many terms to keep")
    lowercase: bool | None = Field(default=None, description="whether case is ignored")


class PrepareShape(Shape):
    numeric: NumericShape = NumericShape()
    category: CategoryShape = CategoryShape()
    text: TextShape = TextShape()


class BudgetShape(Shape):
    trials: Annotated[int, Field(ge=1)] | None = Field(default=None, description="trials a family")
    cpu_seconds: Positive | None = Field(default=None, description="CPU seconds a family")


class SearchShape(Shape):
    strategy: Text = Field(default="grid", description="how trials are proposed")
    budget: BudgetShape | None = Field(default=None, description="the same for every family; null = every grid whole")
    timeout: Positive | None = Field(default=None, description="seconds for a fit that is not shared; null = none")


class ModelShape(Shape):
    model_config = ConfigDict(extra="allow")

    family: Text | None = Field(default=None, description="the family's name, or module:build; the model's own name")
    grid: Literal["default"] | None = Field(default=None, description="default: the family's grid for the rest")
    members: Names = Field(default=[], description="models of this spec, for voting and stacking")
    meta: Text | None = Field(default=None, description="stacking's final family")
    base: Text | None = Field(default=None, description="a model of this spec, for bagging and adaboost")
    prepare: PrepareShape = Field(default=PrepareShape(), description="as `prepare`, for this model")
    calibrate: Literal["none", "sigmoid", "isotonic", "temperature"] = Field(
        default="none", description="how the champion's probabilities are calibrated"
    )
    threshold: Annotated[
        Annotated[Annotated[float, Field(gt=0, lt=1)], Tag(f"{MARK}number")]
        | Annotated[Literal["from_costs", "tuned"], Tag(f"{MARK}text")],
        either("must be a number between 0 and 1, from_costs or tuned", words=("from_costs", "tuned")),
    ] = Field(default=0.5, description="from which probability the positive class is said")
    params: dict[str, Any] | None = Field(default=None, description="hyperparameters whose names collide with these")


Model = Annotated[
    Annotated[ModelShape, Tag(f"{MARK}mapping")]
    | Annotated[Annotated[list[ModelShape], Field(min_length=1)], Tag(f"{MARK}list")],
    either("must be a mapping of hyperparameters, or a list of such mappings"),
]
WrittenModel = ModelShape | list[ModelShape] | None
WrittenModels = Literal["auto"] | dict[Name, WrittenModel] | list[Name | Annotated[dict[Name, WrittenModel], ONE]]
Models = Annotated[
    Annotated[Literal["auto"], Tag(f"{MARK}text")]
    | Annotated[Annotated[dict[Name, Model], Field(min_length=1, max_length=200)], Tag(f"{MARK}mapping")],
    either("must be a list of names, a mapping from names to hyperparameters, or auto", words=("auto",)),
    _written_as(WrittenModels),
]
Entry = Annotated[
    Any,
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}]}),
]


class AnomalyShape(Shape):
    train_on: Literal["all", "normal"] = Field(default="all", description="which rows models see")
    contamination: float = Field(default=0.1, gt=0, lt=1, description="the share of rows to call anomalies")


class FinalShape(Shape):
    refit_on: Literal["train", "all"] = Field(default="train", description="which rows stored champions are fitted on")


class CompareShape(Shape):
    rope: float = Field(
        default=0.005,
        ge=0,
        description="differences within it do not matter; a share of the score where a metric has no highest value",
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="of every interval")


class EvaluationShape(Shape):
    """What stands beside the names of checks."""

    auto: bool | None = Field(default=None, description="what needs no author, too; true when no check is named")
    sample: Annotated[int, Field(ge=1)] = Field(default=2000, description="rows used by behaviour tests")
    compare: CompareShape = CompareShape()


class UtilityShape(Shape):
    tp: float = Field(default=0.0, description="what a positive that was found is worth")
    fp: float = Field(default=0.0, description="what a false alarm is worth, below 0 when it costs")
    tn: float = Field(default=0.0, description="what a negative that was left alone is worth")
    fn: float = Field(default=0.0, description="what a missed positive is worth, below 0 when it costs")
    defer: float | None = Field(default=None, description="what a row is worth that the model leaves to people")


class PeopleShape(Shape):
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = Field(default=None, description="their share of right rows")
    cost_per_row: float = Field(default=0.0, ge=0, description="in the unit of `utility`")
    column: Text | None = Field(default=None, description="a column of their labels")
    path: Text | None = Field(default=None, description="a file of their labels")
    id: Text | None = Field(default=None, description="the file's id column")


class LimitsShape(Shape):
    p95_ms_per_row: Positive | None = Field(default=None, description="milliseconds for one row, 95th percentile")
    model_mb: Positive | None = Field(default=None, description="megabytes of the stored model")
    train_seconds: Positive | None = Field(default=None, description="seconds to fit it on all of train")


class UsefulShape(Shape):
    utility: UtilityShape | None = Field(default=None, description="what each outcome is worth; by `costs` if left out")
    against: Names = Field(default=[], description="the baselines that it must be worth more than; [] = all")
    human: PeopleShape | None = Field(default=None, description="what people reach, and what they cost")
    budget: LimitsShape | None = Field(default=None, description="what it may need")
    target: dict[Text, float] = Field(default={}, description="metric: the score that must be reached on test")
    prefer_simpler_within: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="by how much a simpler model may be worse and still be kept"
    )


class SpecShape(Shape):
    """A spec of mlrun."""

    experiment: Name = Field(description="what the runs are called")
    task: TaskName | None = Field(default=None, description="inferred from the target when left out")
    seed: Seed = Field(default=0, description="of every draw")
    data: DataShape
    split: SplitShape = SplitShape()
    metrics: list[Entry] | None = Field(
        default=None, min_length=1, max_length=100, description="the first one chooses; the task's when left out"
    )
    costs: CostsShape | None = Field(default=None, description="what mistakes cost; metric `cost`")
    prepare: PrepareShape = PrepareShape()
    search: SearchShape = SearchShape()
    models: Models = Field(default="auto", description="what is compared; auto = what suits the task")
    baselines: list[Entry] = Field(
        default=[{"random": {}}, {"zero_rule": {}}], max_length=100, description="what a useful model must beat"
    )
    anomaly: AnomalyShape = AnomalyShape()
    target_transform: Literal["log"] | None = Field(default=None, description="log: for regression of positive targets")
    final: FinalShape = FinalShape()
    evaluation: Any = Field(
        default="auto",
        description="auto, none, or a mapping of tests by the name of their check",
    )
    useful: UsefulShape | None = Field(default=None, description="when the best model is worth having")
    gates: list[Any] = Field(default=[], max_length=100, description="what makes `train` exit 1 where it does not hold")
    hooks: Any = Field(default=None, description="what is run, or told, when a run ends")
