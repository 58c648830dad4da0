"""From a spec to the files beside its rows that a result depends on: people's labels, predictions, rows of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlrun.spec import Spec


def files_of_baselines(spec: Spec) -> Iterator[str]:
    """Yield the files that people's labels, and predictions that exist, are read from; absolute."""
    for baseline in spec.baselines:
        for key in ("path", "predictions"):
            if baseline.params.get(key) is not None:
                yield absolute(spec, baseline.params[key])


def files_of_tests(spec: Spec) -> Iterator[str]:
    """Yield the files that tests of `evaluation:`, and what `useful:` knows of people, are read from; absolute."""
    for test in spec.evaluation.tests:
        if ":" not in test.check and test.params.get("file") is not None:
            yield absolute(spec, test.params["file"])
    if spec.useful is not None and spec.useful.human.get("path") is not None:
        yield absolute(spec, spec.useful.human["path"])


def absolute(spec: Spec, name: object) -> str:
    return str((Path(spec.folder) / Path(str(name)).expanduser()).absolute())
