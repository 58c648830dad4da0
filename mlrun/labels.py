"""From a label as a spec or a file writes it to its class code."""

from __future__ import annotations

from mlrun.records import Label, Task


def code_of(value: Label | None, task: Task) -> int | None:
    """Return the code of a label: `1`, `1.0`, `"1"` and `true` find the same class; None where there is none such.

    Anomalies without labels are 0 and 1.
    """
    labels: tuple[Label, ...] = task.labels or (False, True)
    if value in labels:
        return labels.index(value)
    return next((code for code, label in enumerate(labels) if _words(label) & _words(value)), None)


def _words(label: Label | None) -> set[str]:
    """Return the ways in which a label may be written."""
    if isinstance(label, bool):
        return {"true", "1"} if label else {"false", "0"}
    if isinstance(label, float) and label.is_integer():
        return {str(int(label)), str(label)}
    word = str(label)
    return {word, word.lower()} if word.lower() in ("true", "false") else {word}
