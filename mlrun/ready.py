"""From a spec's file to all that is known before anything is fitted: data, split, models, identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlrun.baseline_plan import plan_baselines
from mlrun.dataset import load as load_dataset
from mlrun.plan import PlannedModel, plan_models
from mlrun.records import Dataset, MetricSpec, Split
from mlrun.run_identity import RunIdentity, identify
from mlrun.spec import Spec, parse
from mlrun.spec import load as load_spec
from mlrun.splits import split
from mlrun.suggest import chosen_metrics, suggest_families
from mlrun.task_checks import check_task


@dataclass(frozen=True, slots=True)
class Ready:
    """A spec joined to its data: all that can be known before anything is fitted."""

    spec: Spec
    dataset: Dataset
    split: Split
    metrics: tuple[MetricSpec, ...]
    models: tuple[PlannedModel, ...]
    identity: RunIdentity


def make_ready(path: Path, overrides: Sequence[str], sample: int | None) -> Ready:
    """Read the spec, then do as `join_to_data`: what can be wrong is told here."""
    return join_to_data(load_spec(path, overrides), sample)


def join_to_data(spec: Spec, sample: int | None) -> Ready:
    """Load, type and split the data of a spec, join its models to families; sample: rows of a try-out, None = all."""
    dataset = load_dataset(spec, sample)
    if not spec.models:
        first = spec.metrics[0] if spec.metrics else None
        suggested = f"models=[{', '.join(suggest_families(dataset, first))}]"
        spec = parse(spec.text, spec.path, spec.folder, (*spec.overrides, suggested))
    metrics = chosen_metrics(spec, dataset)
    check_task(spec, dataset, metrics)
    models = plan_models(spec, dataset)
    parts = split(dataset, spec)
    spec = replace(spec, baselines=plan_baselines(spec, dataset, parts))
    return Ready(spec, dataset, parts, metrics, models, identify(spec, dataset, parts))
