"""From a fitted estimator to the nodes that say what it says; one table of all that have an equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlrun.graph import ensembles, linear, neighbours, trees
from mlrun.graph.writing import CannotWrite, Graph, Rows, Said

Write = Callable[[Graph, Any, Rows], Said]
WRITERS: dict[str, Write] = {  # class → what writes it
    "Autoencoder": linear.autoencoder,
    "BernoulliNB": linear.bernoulli_nb,
    "ComplementNB": linear.counted_nb,
    "DecisionTreeClassifier": trees.sklearn_trees,
    "DecisionTreeRegressor": trees.sklearn_trees,
    "ElasticNet": linear.linear_number,
    "ExtraTreesClassifier": trees.sklearn_trees,
    "ExtraTreesRegressor": trees.sklearn_trees,
    "GaussianMixture": linear.gaussian_mixture,
    "GaussianNB": linear.gaussian_nb,
    "GradientBoostingClassifier": trees.gradient_boosting,
    "GradientBoostingRegressor": trees.gradient_boosting,
    "HistGradientBoostingClassifier": trees.hist_gradient_boosting,
    "HistGradientBoostingRegressor": trees.hist_gradient_boosting,
    "IsolationForest": trees.isolation_forest,
    "KMeansDistance": neighbours.kmeans_distance,
    "KNeighborsClassifier": neighbours.neighbour_classes,
    "KNeighborsRegressor": neighbours.neighbour_number,
    "KnnDistance": neighbours.knn_distance,
    "Lasso": linear.linear_number,
    "LinearDiscriminantAnalysis": linear.linear_classes,
    "LinearRegression": linear.linear_number,
    "LinearSVC": linear.linear_classes,
    "LinearSVR": linear.linear_number,
    "LocalOutlierFactor": neighbours.local_outlier_factor,
    "LogisticRegression": linear.linear_classes,
    "MLPClassifier": linear.network,
    "MLPRegressor": linear.network,
    "MultinomialNB": linear.counted_nb,
    "OneClassSVM": neighbours.one_class_svm,
    "RandomForestClassifier": trees.sklearn_trees,
    "RandomForestRegressor": trees.sklearn_trees,
    "Ridge": linear.linear_number,
    "SVC": neighbours.kernel_classes,
    "SVR": neighbours.kernel_number,
    "StoppedXGBClassifier": trees.xgboost,
    "StoppedXGBRegressor": trees.xgboost,
    "XGBClassifier": trees.xgboost,
    "XGBRegressor": trees.xgboost,
}
OF_OTHERS: dict[str, Callable[[Graph, Any, Rows, ensembles.Say], Said]] = {
    "AdaBoostClassifier": ensembles.boosted_classes,
    "AdaBoostRegressor": ensembles.boosted_number,
    "BaggingClassifier": ensembles.bag,
    "BaggingRegressor": ensembles.bag,
    "Pipeline": ensembles.pipeline,
    "StackingClassifier": ensembles.stack,
    "StackingRegressor": ensembles.stack,
    "VoteClassifier": ensembles.vote_classes,
    "VoteRegressor": ensembles.vote_number,
}


def say(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write what a fitted estimator says of rows; raise CannotWrite where it has no equal."""
    name = type(estimator).__name__
    if name.startswith("Coded"):
        raise CannotWrite("it splits by sets of categories (`prepare: {category: {encode: native}}`)")
    if name in OF_OTHERS:
        return OF_OTHERS[name](graph, estimator, rows, say)
    if name in WRITERS:
        return WRITERS[name](graph, estimator, rows)
    raise CannotWrite(f"{name} is not among the estimators that are written as ONNX")


def pipelines_of(estimator: Any) -> list[Any]:
    """Return the members that prepare columns for themselves, those of members too."""
    name = type(estimator).__name__
    if name == "Pipeline":
        return [estimator, *pipelines_of(estimator.estimator_)]
    if name not in OF_OTHERS:
        return []
    members = estimator.members_ if name.startswith("Vote") else estimator.estimators_
    return [found for member in members for found in pipelines_of(member)]
