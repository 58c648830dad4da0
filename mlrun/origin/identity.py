"""From everything that can change a result to the digests that say whether two results must be equal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Any

from mlrun.json_records import encode

RESULT_VERSION = 1  # goes up when a change of mlrun itself changes a score
PACKAGES_THAT_MATTER = ("python", "scikit-learn", "xgboost", "numpy", "scipy", "polars")
PACKAGES_THAT_DO_NOT = ("mlrun", "joblib", "skops")  # recorded, and no score depends on them


def fit_seed(spec_seed: int, model_name: str, repeat: int, fold: int) -> int:
    """Return the seed of a fit, in [0, 2^31): params never enter, so that a fit can be shared by several trials."""
    key = blake2b(canonical_json(["fit", spec_seed, model_name, repeat, fold]), digest_size=4).digest()
    return int.from_bytes(key, "little") >> 1


def spec_id(canonical: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the sha256 of what a spec says beyond the defaults, and of RESULT_VERSION.

    A key that a later version adds, left at its default, does not change it. The order of keys does not enter.
    """
    content = {"spec": what_differs(canonical, defaults), "result_version": RESULT_VERSION}
    return sha256(canonical_json(content)).hexdigest()


def what_differs(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is not as in the defaults; mappings are looked into, lists are compared whole."""
    different: dict[str, Any] = {}
    for key, value in given.items():
        if key not in defaults:
            different[key] = value
            continue
        default = defaults[key]
        if isinstance(value, Mapping) and isinstance(default, Mapping) and default:
            inner = what_differs(value, default)
            if inner:
                different[key] = inner
        elif canonical_json(value) != canonical_json(default):
            different[key] = value
    return different


def trial_identity(  # noqa: PLR0913 - each is one thing that scores depend on
    *,
    rows_id: str,
    folds: Sequence[str],
    seed: int,
    model: str,
    family: str,
    params: Mapping[str, Any],
    recipe: object,
    task: object,
    user_code: str = "",
    versions: Mapping[str, str],
    architecture: str,
    fidelity: float = 1.0,
) -> str:
    """Return the digest of all that a trial's scores depend on; equal digests mean equal scores (spec.md, section 8).

    rows_id: as in DataDigests. folds: digest of the training and the validation rows of each fold, in order.
    model: the name in the spec, which the seed of a fit depends on. recipe: the preparation with the columns that it
    reads, members and meta of an ensemble with theirs. task: kind, labels, costs, target, weights. versions: as
    packages() gives them; only those that can change a score enter. Metrics do not enter.
    """
    content = {
        "result_version": RESULT_VERSION,
        "rows_id": rows_id,
        "folds": list(folds),
        "seed": seed,
        "model": model,
        "family": family,
        "params": params,
        "recipe": recipe,
        "task": task,
        "user_code": user_code,
        "versions": {name: versions[name] for name in PACKAGES_THAT_MATTER if name in versions},
        "architecture": architecture,
        "fidelity": fidelity,
    }
    return blake2b(canonical_json(content), digest_size=16).hexdigest()


def canonical_json(content: object) -> bytes:
    """Return the one way in which equal content is written: sorted keys, no spaces, ASCII, shortest floats."""
    return json.dumps(encode(content), sort_keys=True, separators=(",", ":")).encode("ascii")
