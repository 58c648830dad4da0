"""From the label of a metric, such as precision_at(k=0.05), to the metric."""

from __future__ import annotations

import ast
from typing import Any

from mlrun.metrics import specify
from mlrun.records import MetricSpec


def metric_of(label: str, folder: str = "") -> MetricSpec:
    """Return the metric of a label or a name; raise UsageError where there is none."""
    name, _, inside = label.removesuffix(")").partition("(")
    params: dict[str, Any] = {}
    for part in filter(None, inside.split(",")):
        key, _, value = part.partition("=")
        params[key.strip()] = parsed(value.strip())
    return specify(name, params, folder)


def parsed(value: str) -> Any:
    """Return a number as a number, all else as it is."""
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
