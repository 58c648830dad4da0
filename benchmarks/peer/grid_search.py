"""GridSearchCV over each family in turn, with its best refitted: what scikit-learn's user writes for such a grid."""

from __future__ import annotations

from typing import Any

from estimators import SIGNS, answer, asked, estimator, lists, plain, scorer
from sklearn.model_selection import GridSearchCV


def main() -> None:
    wanted, features, labels, folds = asked()
    scoring = {metric: scorer(metric) for metric in wanted["metrics"]}
    said: list[dict[str, Any]] = []
    for family, grid in wanted["grids"].items():
        model, prefix = estimator(family)
        one = len(scoring) == 1  # a single metric is given plainly, as GridSearchCV is quickest
        search = GridSearchCV(
            model,
            lists(grid, prefix),
            scoring=scoring[wanted["metrics"][0]] if one else scoring,
            refit=True if one else wanted["metrics"][0],
            cv=folds,
            n_jobs=wanted["jobs"],
        )
        search.fit(features, labels)
        columns = {metric: "score" if one else metric for metric in scoring}
        for number, params in enumerate(search.cv_results_["params"]):
            scores = {
                metric: [
                    SIGNS.get(metric, 1) * float(search.cv_results_[f"split{fold}_test_{column}"][number])
                    for fold in range(search.n_splits_)
                ]
                for metric, column in columns.items()
            }
            said.append({"family": family, "params": plain(params, prefix), "scores": scores})
    answer(wanted, said)


if __name__ == "__main__":
    main()
