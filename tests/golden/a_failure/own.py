"""A family that cannot be fitted: its model fails, the run goes on."""


class Refuses:
    def fit(self, rows, labels):  # noqa: ARG002 - the signature is what matters
        raise RuntimeError("not today")

    def predict(self, rows):
        raise NotImplementedError


def build(params, seed):
    return Refuses()
