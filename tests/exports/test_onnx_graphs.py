"""Every family in ONNX says what it says here: asked through onnxruntime, on rows with gaps and unseen categories."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from fitted_models import TASKS, fitted, rows
from hypothesis import given, settings
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from mlrun import catalog  # noqa: E402 - after the extras are known to be there
from mlrun.graph.answers import between  # noqa: E402
from mlrun.graph.dates import date_parts  # noqa: E402
from mlrun.graph.equality import TOLERANCE, ask, compare  # noqa: E402
from mlrun.graph.model import PREDICTION, PROBABILITIES, write_model  # noqa: E402
from mlrun.graph.writing import ML, ML_OPSET, OPSET, CannotWrite, Graph  # noqa: E402
from mlrun.prepare import _date_parts  # noqa: E402
from mlrun.records import Prediction  # noqa: E402
from mlrun.wrap.recalibration import learn_curves  # noqa: E402
from mlrun.wrapping import Wrapping  # noqa: E402

FAMILIES = [
    (name, kind)
    for name in catalog.names("models")
    for kind, task in TASKS.items()
    if task.kind in catalog.find("models", name).tasks
]


def others(gaps: float = 0.1) -> pl.DataFrame:
    """Return rows that no model saw, some of a category that none saw."""
    table, _ = rows(300, seed=1, gaps=gaps)
    strange = pl.when(pl.int_range(pl.len()) % 17 == 0).then(pl.lit("unheard of")).otherwise("c").alias("c")
    return table.with_columns(strange)


@pytest.mark.parametrize(("name", "kind"), FAMILIES)
def test_every_family_of_the_shelf_says_the_same_in_onnx(name: str, kind: str) -> None:
    model = fitted(name, kind)
    found = compare(model, write_model(model, {}), others())
    assert found.holds, found
    assert found.wrong == 0
    assert found.ties <= (20 if name in ("k_nearest_neighbors", "local_outlier_factor") else 0)


@pytest.mark.parametrize(
    ("family", "kind", "settings"),
    [
        ("logistic_regression", "binary", {"encode": "ordinal", "scale": "robust", "impute": "mean"}),
        ("logistic_regression", "multiclass", {"encode": "target", "scale": "minmax", "impute": "most_frequent"}),
        ("ridge", "regression", {"encode": "target", "impute": "zero", "rare": 1}),
        ("random_forest", "binary", {"encode": "native"}),
        ("logistic_regression", "multiclass", {"params": {"solver": "newton-cg", "fit_intercept": False}}),
        ("logistic_regression", "binary", {"params": {"class_weight": "balanced"}}),
        ("gradient_boosting", "binary", {"params": {"loss": "exponential"}}),
        ("gradient_boosting", "regression", {"params": {"loss": "huber"}}),
        ("hist_gradient_boosting", "regression", {"params": {"loss": "absolute_error"}}),
        ("xgboost", "binary", {"params": {"booster": "dart"}}),
        ("xgboost", "regression", {"params": {"objective": "reg:absoluteerror"}}),
        ("xgboost", "regression", {"params": {"num_parallel_tree": 3, "base_score": 2.5}}),
        ("xgboost", "multiclass", {"params": {"num_parallel_tree": 2}}),
        ("k_nearest_neighbors", "binary", {"params": {"weights": "distance", "p": 1}}),
        ("k_nearest_neighbors", "regression", {"params": {"weights": "distance", "p": 3, "n_neighbors": 7}}),
        ("k_nearest_neighbors", "multiclass", {"params": {"metric": "chebyshev"}}),
        ("knn_distance", "anomaly", {"params": {"distance": "median", "n_neighbors": 4}}),
        ("knn_distance", "anomaly", {"params": {"distance": "mean"}}),
        ("gaussian_mixture", "anomaly", {"params": {"n_components": 2, "covariance_type": "tied"}}),
        ("gaussian_mixture", "anomaly", {"params": {"n_components": 3, "covariance_type": "spherical"}}),
        ("gaussian_mixture", "anomaly", {"params": {"n_components": 2, "covariance_type": "diag"}}),
        ("mlp", "multiclass", {"params": {"activation": "tanh", "hidden_layer_sizes": [5, 4]}}),
        ("mlp", "regression", {"params": {"activation": "logistic"}}),
        ("bernoulli_nb", "multiclass", {"params": {"binarize": 0.7}}),
        ("voting", "binary", {"params": {"voting": "soft", "weights": [1, 2, 3]}}),
        ("voting", "multiclass", {"params": {"voting": "hard"}}),
        ("voting", "regression", {"params": {"weights": [1, 2, 3]}}),
        ("linear_svm", "multiclass", {}),
        ("lda", "binary", {"params": {"solver": "svd"}}),
        ("decision_tree", "binary", {"params": {"max_depth": 1}}),
    ],
)
def test_settings_of_families_and_of_their_preparation_are_followed(
    family: str, kind: str, settings: dict[str, Any]
) -> None:
    model = fitted(family, kind, **settings)
    found = compare(model, write_model(model, {}), others())
    assert found.holds, found


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize(
    ("family", "reads"),
    [("logistic_regression", "log_odds"), ("gaussian_nb", "probabilities"), ("rbf_svm", "scores")],
)
def test_calibrated_and_cut_models_show_what_they_show_here(family: str, kind: str, method: str, reads: str) -> None:
    plain = fitted(family, kind)
    table, pull = rows(200, seed=2)
    said: Prediction = plain.predict(table)
    truth = (pull > 0.8).astype(int) if kind == "binary" else np.digitize(pull, [0.2, 1.4])
    curves = learn_curves(method, reads, said, truth, len(TASKS[kind].labels))  # type: ignore[arg-type]  # words
    cut = 0.3 if kind == "binary" else None
    model = fitted(family, kind, wrapping=Wrapping(method, reads, curves, cut))  # type: ignore[arg-type]  # words
    found = compare(model, write_model(model, {}), others())
    assert found.holds, found


def test_a_target_learned_as_its_logarithm_comes_back_as_it_was() -> None:
    model = fitted("ridge", "regression", target_transform="log")
    assert compare(model, write_model(model, {}), others()).holds


def test_a_file_of_another_model_is_found_out() -> None:
    """The check would be worth nothing if it held for everything."""
    for kind, family in (("binary", "gaussian_nb"), ("regression", "ridge"), ("anomaly", "kmeans_distance")):
        model = fitted(family, kind)
        other = fitted(family, kind, count=80)
        assert not compare(model, write_model(other, {}), others()).holds
    hard, tree = fitted("linear_svm", "binary"), fitted("linear_svm", "binary", count=60)
    found = compare(hard, write_model(tree, {}), others())
    assert found.wrong > 0


def test_labels_that_differ_only_at_a_tie_are_told_and_no_error() -> None:
    model = fitted("decision_tree", "binary", params={"max_depth": 2})
    written = write_model(model, {})
    table = others()
    cut = float(model.predict(table).probabilities[0, 1])  # type: ignore[index]  # a tree gives them
    nearly = fitted("decision_tree", "binary", params={"max_depth": 2}, wrapping=Wrapping(threshold=cut))
    above = fitted("decision_tree", "binary", params={"max_depth": 2}, wrapping=Wrapping(threshold=cut + TOLERANCE / 2))
    found = compare(nearly, write_model(above, {}), table)
    assert found.holds
    assert found.ties > 0
    assert compare(model, written, table).ties == 0


# -- the file ---------------------------------------------------------------------------------------------------------


def test_inputs_are_the_columns_and_outputs_say_what_they_are() -> None:
    model = fitted("logistic_regression", "binary")
    written = write_model(model, {"mlrun.run": "income@3"})
    loaded = onnx.load_from_string(written.content)
    onnx.checker.check_model(loaded, full_check=True)
    session = onnxruntime.InferenceSession(written.content, providers=["CPUExecutionProvider"])
    assert {each.name: each.type for each in session.get_inputs()} == {
        "a": "tensor(double)", "b": "tensor(double)", "k": "tensor(double)", "c": "tensor(string)",
        "yes": "tensor(double)",
    }  # fmt: skip
    assert [(each.name, each.type) for each in session.get_outputs()] == [
        ("prediction", "tensor(string)"),
        ("probabilities", "tensor(double)"),
    ]
    assert session.get_modelmeta().custom_metadata_map["mlrun.run"] == "income@3"
    assert {each.domain: each.version for each in loaded.opset_import} == {"": OPSET, ML: ML_OPSET}


def test_equal_models_give_equal_bytes() -> None:
    first, second = (write_model(fitted("xgboost", "multiclass"), {"one": "1", "two": "2"}) for _ in range(2))
    assert first.content == second.content


def test_a_single_row_and_no_row_at_all_are_answered() -> None:
    for family in ("k_nearest_neighbors", "random_forest", "logistic_regression", "rbf_svm"):
        written = write_model(fitted(family, "multiclass"), {})
        for count in (1, 0):
            if count or family != "k_nearest_neighbors":  # onnxruntime's Scan wants a row
                assert len(ask(written, others().head(count))[PREDICTION]) == count


def test_a_column_called_like_an_output_keeps_its_name() -> None:
    model = fitted("logistic_regression", "binary")
    names = {"a": "prediction", "b": "probabilities", "k": "/add_1", "c": "c", "yes": "scores"}
    recipe = model.blueprint.recipe
    assert recipe is not None
    assert model.preparation is not None
    from dataclasses import replace

    columns = tuple((names[name], kind) for name, kind in recipe.columns)
    preparation = replace(model.preparation, recipe=replace(recipe, columns=columns))
    renamed = replace(
        model,
        preparation=preparation,
        features=tuple(names.values()),
        schema={names[name]: dtype for name, dtype in model.schema.items()},
    )
    written = write_model(renamed, {})
    assert written.outputs == {PREDICTION: "prediction_", PROBABILITIES: "probabilities_"}
    assert compare(renamed, written, others().rename(names)).holds


# -- what has no equal ------------------------------------------------------------------------------------------------


def test_what_has_no_equal_is_refused_with_the_reason() -> None:
    native = fitted("hist_gradient_boosting", "binary")
    native.estimator.is_categorical_ = np.array([True])
    with pytest.raises(CannotWrite, match="sets of categories"):
        write_model(native, {})
    far = fitted("k_nearest_neighbors", "binary", params={"metric": "cosine", "algorithm": "brute"})
    with pytest.raises(CannotWrite, match="'cosine' is not known here"):
        write_model(far, {})
    linear = fitted("xgboost", "binary", params={"booster": "gblinear"}, impute="median")
    with pytest.raises(CannotWrite, match="gblinear"):
        write_model(linear, {})


# -- pieces against what others say -----------------------------------------------------------------------------------


def run_graph(graph: Graph, outputs: list[str], **inputs: Any) -> list[Any]:
    """Run a graph of one input column."""
    helper = onnx.helper
    made = helper.make_graph(
        graph.nodes,
        "test",
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
         for name, value in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        graph.constants,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    content = helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(outputs, inputs)
    return found


@settings(max_examples=20, deadline=None)
@given(st.lists(st.datetimes(datetime(1583, 1, 1), datetime(2600, 1, 1)), min_size=1, max_size=30))  # noqa: DTZ001 - of no zone
def test_parts_of_dates_are_those_of_polars(moments: list[datetime]) -> None:
    moments += [datetime(2000, 2, 29), datetime(1900, 3, 1), datetime(1969, 12, 31) + timedelta(microseconds=1)]  # noqa: DTZ001 - as above
    table = pl.DataFrame({"t": pl.Series(moments, dtype=pl.Datetime("us"))})
    wanted = table.select(_date_parts("t", table.schema["t"])).to_numpy()
    graph = Graph()
    parts = date_parts(graph, "t", True, np.iinfo(np.int64).min)
    found = run_graph(graph, parts, t=table["t"].dt.timestamp("us").to_numpy().reshape(-1, 1))
    np.testing.assert_allclose(np.hstack(found)[:, 0], wanted[:, 0], rtol=4e-16, atol=0)
    np.testing.assert_array_equal(np.hstack(found)[:, 1:], wanted[:, 1:])


def test_a_missing_date_is_missing_in_all_its_parts() -> None:
    graph = Graph()
    missing = np.iinfo(np.int64).min
    parts = date_parts(graph, "t", False, missing)
    found = run_graph(graph, parts, t=np.array([[missing], [0]]))
    assert np.isnan(np.hstack(found)[0]).all()
    assert np.hstack(found)[1].tolist() == [0, 1, 1, 4]  # 1970-01-01 was a Thursday


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=12, unique=True),
    st.lists(st.floats(-6, 6), min_size=1, max_size=20),
)
def test_isotonic_steps_are_those_of_numpy(places: list[float], x: list[float]) -> None:
    at = np.unique(np.round(places, 3))
    values = np.linspace(0, 1, len(at)) ** 2
    graph = Graph()
    found = between(graph, at, values, "x")
    given = np.array([*x, *at]).reshape(-1, 1)
    np.testing.assert_allclose(run_graph(graph, [found], x=given)[0], np.interp(given, at, values), atol=1e-12)
