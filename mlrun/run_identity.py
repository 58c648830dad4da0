"""What says whether two runs, and two trials, must give equal results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun import provenance
from mlrun.origin.digests import DataDigests, digest
from mlrun.pipelines import Blueprint
from mlrun.records import Dataset, Fold, Split

if TYPE_CHECKING:
    from mlrun.provenance import UserModule
    from mlrun.spec import Spec


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Digests of a spec joined to its data; `of` gives that of a trial, `of_champion` that of a refit."""

    spec_id: str
    digests: DataDigests
    folds: tuple[str, ...]
    parts: str
    task: Mapping[str, Any]
    seed: int
    code: str
    modules: tuple[UserModule, ...]
    versions: Mapping[str, str]
    architecture: str

    def of(self, blueprint: Blueprint, fidelity: float = 1.0) -> str:
        """Return the identity of a trial: all that its scores depend on."""
        return provenance.trial_identity(
            rows_id=self.digests.rows_id,
            folds=self.folds,
            seed=self.seed,
            model=blueprint.model,
            family=blueprint.family,
            params=blueprint.params,
            recipe=facts_of(blueprint),
            task=self.task,
            user_code=self.code,
            versions=self.versions,
            architecture=self.architecture,
            fidelity=fidelity,
        )

    def of_champion(self, trial_identity: str, refit_on: str, wish: str = "") -> str:
        """Return the identity of a trial's refit: the trial's, which rows are train and test, and what wraps it."""
        whole = f"{trial_identity} {self.parts} {refit_on} {wish}".rstrip()
        return digest(whole.encode(), np.empty(0, dtype=np.uint64))


def identify(spec: Spec, dataset: Dataset, split: Split) -> RunIdentity:
    """Return the identity of a run that is about to start."""
    from mlrun.spec import differing

    digests = provenance.data_digests(dataset.table)
    families = [name for model in spec.models for name in (model.family, model.meta) if name is not None]
    references = [name for name in families if ":" in name]
    references += [name for name in (spec.data.source, *(metric.name for metric in spec.metrics)) if ":" in name]
    references += [test.check for test in spec.evaluation.tests if ":" in test.check]
    references += [value for name, value in edits_of(spec) if name == "python"]
    modules = provenance.user_modules(references, spec.folder)
    known = provenance.packages()
    others = {name: version for name, version in provenance.user_packages(modules).items() if name not in known}
    return RunIdentity(
        spec_id=provenance.spec_id(differing(spec), {}),
        digests=digests,
        folds=tuple(fold_digest(digests, fold) for fold in split.folds),
        parts=provenance.split_digest(digests.rows, split.train) + provenance.split_digest(digests.rows, split.test),
        task={
            "kind": dataset.task.kind,
            "costs": dict(dataset.task.costs),
            "labels": [str(label) for label in dataset.task.labels],
            "truth": array_digest(dataset.truth),
            "weights": array_digest(dataset.weights),
            "train_on": spec.anomaly.train_on,
            "target_transform": spec.target_transform,
        },
        seed=spec.seed,
        code=provenance.user_code_digest(modules, others),
        modules=tuple(modules),
        versions={**known, **others},
        architecture=str(provenance.machine()["architecture"]),
    )


def edits_of(spec: Spec) -> Iterator[tuple[str, Any]]:
    """Yield every edit that the tests make, (name, value)."""
    for test in spec.evaluation.tests:
        if "edit" in test.params:
            yield from (test.params["edit"], *test.params["along"])


def fold_digest(digests: DataDigests, fold: Fold) -> str:
    """Return the digest of a fold's training rows and held-out rows."""
    inside = provenance.split_digest(digests.rows, fold.train)
    return f"{fold.name} {inside} {provenance.split_digest(digests.rows, fold.valid)}"


def named_folds(identity: RunIdentity) -> dict[str, str]:
    """Return fold → digests of its training rows and of its held-out rows, as data.json has them."""
    return dict(fold.split(" ", 1) for fold in identity.folds)


def array_digest(values: Any) -> str:
    """Return the digest of an array of numbers; '' for none."""
    return "" if values is None else digest(str(values.dtype).encode(), np.ascontiguousarray(values).view(np.uint64))


def facts_of(blueprint: Blueprint) -> dict[str, Any]:
    """Return what beside family and params a blueprint's scores depend on, members and meta with theirs."""
    recipe = blueprint.recipe
    return {
        "recipe": None if recipe is None else {name: getattr(recipe, name) for name in type(recipe).__slots__},
        "contamination": blueprint.contamination,
        "members": [member_facts(member) for member in blueprint.members],
        "meta": None if blueprint.meta is None else member_facts(blueprint.meta),
    }


def member_facts(blueprint: Blueprint) -> dict[str, Any]:
    """Return all that an ensemble depends on in one of its members."""
    return {
        "model": blueprint.model,
        "family": blueprint.family,
        "params": dict(blueprint.params),
        **facts_of(blueprint),
    }
