"""A family that cannot be fitted: its model fails, the run goes on."""

from typing import Any, Never


class Refuses:
    def fit(self, rows: Any, labels: Any) -> Never:  # noqa: ARG002 - the signature is what matters
        raise RuntimeError("not today")

    def predict(self, rows: Any) -> Never:
        raise NotImplementedError


def build(params: dict[str, Any], seed: int) -> Refuses:
    return Refuses()
