"""HalvingGridSearchCV with its defaults: the rows are what grows, by three each time; says what it chose."""

from __future__ import annotations

from estimators import answer, asked, estimator, lists, plain, scorer
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - scikit-learn asks for this import
from sklearn.model_selection import HalvingGridSearchCV


def main() -> None:
    wanted, features, labels, folds = asked()
    ((family, grid),) = wanted["grids"].items()
    model, prefix = estimator(family)
    search = HalvingGridSearchCV(
        model,
        lists(grid, prefix),
        scoring=scorer(wanted["metrics"][0]),
        cv=folds,
        random_state=0,
        n_jobs=wanted["jobs"],
    )
    search.fit(features, labels)
    answer(wanted, [{"family": family, "params": plain(search.best_params_, prefix), "scores": {}}])


if __name__ == "__main__":
    main()
