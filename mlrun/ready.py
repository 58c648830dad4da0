"""From a spec's file to all that is known before anything is fitted: data, split, models, identity."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun.baseline_plan import plan_baselines
from mlrun.dataset import Read
from mlrun.dataset import load as load_dataset
from mlrun.plan import PlannedModel, plan_models
from mlrun.records import Dataset, MetricSpec, Split
from mlrun.run_identity import RunIdentity, identify
from mlrun.run_rows import stands_in_files
from mlrun.spec import Spec, parse
from mlrun.spec import load as load_spec
from mlrun.splits import split
from mlrun.suggest import chosen_metrics, suggest_models
from mlrun.table.loading import load_table
from mlrun.task_checks import check_task

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Params


@dataclass(frozen=True, slots=True)
class Ready:
    """A spec joined to its data: all that can be known before anything is fitted.

    loading_ns: when its rows began to be loaded, in nanoseconds since 1970.
    tables: as sources without files gave them, the own rows first, where the spec wants its data kept; else ().
    """

    spec: Spec
    dataset: Dataset
    split: Split
    metrics: tuple[MetricSpec, ...]
    models: tuple[PlannedModel, ...]
    identity: RunIdentity
    tables: tuple[pl.DataFrame, ...] = ()
    loading_ns: int = 0


def make_ready(path: Path, overrides: Sequence[str], sample: int | None) -> Ready:
    """Read the spec, then do as `join_to_data`: what can be wrong is told here."""
    return join_to_data(load_spec(path, overrides), sample)


def join_to_data(spec: Spec, sample: int | None, read: Read = load_table) -> Ready:
    """Load, type and split the data of a spec, join its models to families; sample: rows of a try-out, None = all.

    read: what gives the tables as they are, as in `dataset.load`.
    """
    tables: list[pl.DataFrame] = []
    loading_ns = time.time_ns()
    dataset = load_dataset(spec, sample, keeping(read, tables) if spec.data.snapshot else read)
    if not spec.models:
        first = spec.metrics[0] if spec.metrics else None
        suggested = f"models={json.dumps(suggest_models(dataset, first))}"
        spec = parse(spec.text, spec.path, spec.folder, (*spec.overrides, suggested))
    metrics = chosen_metrics(spec, dataset)
    check_task(spec, dataset, metrics)
    models = plan_models(spec, dataset)
    parts = split(dataset, spec)
    spec = replace(spec, baselines=plan_baselines(spec, dataset, parts))
    return Ready(spec, dataset, parts, metrics, models, identify(spec, dataset, parts), tuple(tables), loading_ns)


def keeping(read: Read, tables: list[pl.DataFrame]) -> Read:
    """Return what reads tables, and appends those that stand in no file."""

    def reading(source: str, params: Params, folder: str, as_text: tuple[str, ...] = ()) -> pl.DataFrame:
        table = read(source, params, folder, as_text)
        if not stands_in_files(source, params, folder):
            tables.append(table)
        return table

    return reading
