"""The YAML in front of a model card, as Hugging Face's hub reads it: what a machine looks for."""

from __future__ import annotations

import math
from typing import Any

from mlrun.card.facts import Facts

HUB_TASKS = {"classification": "tabular-classification", "regression": "tabular-regression"}


def front_matter(facts: Facts) -> str:
    """Return the metadata between its lines of dashes; source: huggingface.co/docs/hub/model-cards."""
    import yaml

    record, model = facts.record, facts.model
    kind = record.task.kind if record.task else ""
    content: dict[str, Any] = {"library_name": "mlrun"}
    if kind in HUB_TASKS:
        content["pipeline_tag"] = HUB_TASKS[kind]
    content["tags"] = ["mlrun", "tabular", *([kind] if kind else []), model.family, record.experiment]
    content["metrics"] = [metric.label for metric in record.metrics]
    content["model-index"] = [{"name": model.name, "results": results(facts)}] if scores(facts) else []
    if not content["model-index"]:
        del content["model-index"]
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)}---\n"


def results(facts: Facts) -> list[dict[str, Any]]:
    """Return the test scores as the hub's index of results has them."""
    record = facts.record
    kind = record.task.kind if record.task else "tabular"
    return [
        {
            "task": {"type": HUB_TASKS.get(kind, kind)},
            "dataset": {"name": record.experiment, "type": "tabular", "split": "test", "revision": record.data_id},
            "metrics": scores(facts),
        }
    ]


def scores(facts: Facts) -> list[dict[str, Any]]:
    return [
        {"type": metric.label, "value": value, "name": f"{metric.label} on test"}
        for metric in facts.record.metrics
        if metric.label in facts.model.test
        and (value := facts.model.test[metric.label].value) is not None
        and math.isfinite(value)
    ]
