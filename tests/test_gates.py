"""Gates: what passes, what fails, what cannot be concluded, and the exit code of `train` that follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import run, write_spec
from made_courses import baseline, course, finding, line, noisy, said, two_classes

from mlrun.cli import run as command
from mlrun.course import Course
from mlrun.errors import SpecError
from mlrun.gates import Judged, judge_gates
from mlrun.leaderboard import Line
from mlrun.preview import make_plan
from mlrun.records import Finding, PlannedTest
from mlrun.references import References
from mlrun.run_options import TrainOptions
from mlrun.verdict import best_line, verdict_of

TRUTH = two_classes(1000)
HALF = said(TRUTH, np.full(1000, 0.5))
NONE_YET = References((), missing={"made@latest": "no runs yet"})


def judged(around: Course, *lines: Line, findings: tuple[Finding, ...] = (), known: References = NONE_YET) -> Judged:
    best = best_line(around, lines)
    return judge_gates(around, best, lines, findings, known, verdict_of(around, best, lines, findings))


def usual(around: Course, strength: float = 1.0) -> tuple[Line, Line]:
    model = line(around, "best", said(TRUTH, noisy(TRUTH, strength)))
    return model, baseline(around, "zero_rule", HALF)


def statuses(found: Judged) -> list[str]:
    return [gate.status for gate in found.gates]


def test_without_gates_nothing_is_asked_and_all_is_well() -> None:
    around = course(TRUTH)
    assert judged(around, *usual(around)) == Judged((), 0)


def test_beats_passes_when_the_lead_is_shown_and_fails_when_there_is_none() -> None:
    around = course(TRUTH, "gates: [{beats: zero_rule}]\n")
    found = judged(around, *usual(around))
    assert (statuses(found), found.exit_code) == (["pass"], 0)
    assert found.gates[0].gate == "beats zero_rule"
    upside_down = line(around, "best", said(TRUTH, 1 - noisy(TRUTH, 1.0)))
    found = judged(around, upside_down, baseline(around, "zero_rule", HALF))
    assert (statuses(found), found.exit_code) == (["fail"], 1)


def test_a_lead_that_could_be_chance_is_undecided() -> None:
    few = two_classes(40)
    around = course(few, "gates: [{beats: zero_rule}]\n")
    weak = line(around, "best", said(few, noisy(few, 0.25, seed=5)))
    found = judged(around, weak, baseline(around, "zero_rule", said(few, np.full(40, 0.5))))
    assert (statuses(found), found.exit_code) == (["undecided"], 3)
    assert " rows more" in found.gates[0].reason


def test_several_claims_are_held_together_by_holm() -> None:
    # two baselines that are worse with p = .03 each: alone each is shown, together neither (2 × .03 > .05)
    few = two_classes(200, seed=2)
    alone = "metrics: [accuracy]\ngates: [{beats: zero_rule}]\n"
    both = "metrics: [accuracy]\ngates: [{beats: zero_rule}, {beats: rule}]\n"
    rule = "baselines: [zero_rule, {rule: {when: age > 1}}]\n"
    right, wrong = few.copy(), few.copy()
    right[:20], wrong[8:28] = 1 - few[:20], 1 - few[8:28]
    wrong[28:34] = 1 - few[28:34]  # 8 against 14 discordant rows
    wrong[34:40] = 1 - few[34:40]  # 8 against 20: McNemar's p is .036
    for written, expected in [(alone, ["pass"]), (both, ["undecided", "undecided"])]:
        around = course(few, rule + written)
        lines = (
            line(around, "best", said(right)),
            baseline(around, "zero_rule", said(wrong)),
            baseline(around, "rule", said(wrong)),
        )
        assert statuses(judged(around, *lines)) == expected


def test_bounds_look_at_the_score_on_test() -> None:
    top = "{metric: {precision_at: {k: 0.1}}, at_least: 0.9}"
    around = course(TRUTH, f"gates: [{{metric: roc_auc, at_least: 0.9}}, {{metric: log_loss, at_most: 2}}, {top}]\n")
    found = judged(around, *usual(around))
    assert statuses(found) == ["pass", "pass", "pass"]
    assert found.gates[2].gate == "precision_at(k=0.1) at least 0.9"
    found = judged(around, *usual(around, 0.3))
    assert statuses(found)[0] == "fail"
    assert found.exit_code == 1


def test_a_metric_that_is_missing_is_never_green() -> None:
    around = course(TRUTH, "gates: [{metric: log_loss, at_most: 9}]\n")
    labels_only = line(around, "best", said((noisy(TRUTH, 1.0) > 0.5).astype(np.int64)))
    found = judged(around, labels_only, baseline(around, "zero_rule", HALF))
    assert (statuses(found), found.exit_code) == (["not_run"], 3)


def test_a_run_that_measured_nothing_is_never_green() -> None:
    gates = "gates: [{beats: zero_rule}, {metric: roc_auc, at_least: 0}, {suites: pass}, {useful: true}]\nuseful: {}\n"
    around = course(TRUTH, gates)
    for lines in [(line(around, "best", None),), ()]:
        found = judged(around, *lines)
        assert (set(statuses(found)), found.exit_code) == ({"not_run"}, 3)


def test_a_baseline_that_could_not_answer_is_not_beaten() -> None:
    around = course(TRUTH, "gates: [{beats: zero_rule}]\n")
    model, zero = usual(around)
    broken = replace(zero, record=replace(zero.record, status="failed", reason="no such file"), parts=())
    found = judged(around, model, broken)
    assert (statuses(found), found.exit_code) == (["not_run"], 3)
    assert "no such file" in found.gates[0].reason
    assert judged(around, model).exit_code == 3  # left out of the run


def test_where_there_is_no_earlier_run_yet_the_gate_is_not_run_and_all_is_well() -> None:
    around = course(TRUTH, "gates: [{metric: roc_auc, drop_at_most: 0.01, against: latest}]\n")
    found = judged(around, *usual(around))
    assert (statuses(found), found.exit_code) == (["not_run"], 0)
    assert "nothing to compare with yet" in found.gates[0].reason


SUITES = "gates: [{suites: pass}]\n"


@pytest.mark.parametrize(
    ("findings", "status", "code"),
    [
        ([finding("pass"), finding("warn", "slices"), finding("info", "trade_offs")], "pass", 0),
        ([finding("pass"), finding("fail", "slices", variant="sex = F")], "fail", 1),
        ([finding("pass"), finding("fail", "slices", severity="warn")], "pass", 0),
        ([finding("pass"), finding("fail", "slices", model="other")], "pass", 0),
        ([finding("pass"), finding("error", "slices", reason="it broke")], "not_run", 3),
        ([finding("pass"), finding("not_run", "invariance", test="asked", reason="30 rows")], "not_run", 3),
        ([finding("pass"), finding("vacuous", "invariance", test="asked")], "not_run", 3),
        ([finding("pass"), finding("not_run", "learning_curve", reason="too dear")], "pass", 0),  # of auto
        (  # a slice of few rows does not silence the others
            [
                finding("pass", "invariance", test="asked", variant="a"),
                finding("not_run", "invariance", test="asked", variant="b", reason="few"),
            ],
            "pass",
            0,
        ),
        ([finding("info")], "not_run", 3),
        ([], "not_run", 3),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_suites_pass_when_no_test_fails_and_those_asked_for_speak(
    findings: list[Finding], status: str, code: int
) -> None:
    around = course(TRUTH, SUITES)
    suite = replace(around.spec.evaluation, tests=(PlannedTest("invariance", "asked"),))
    around = replace(around, spec=replace(around.spec, evaluation=suite))
    found = judged(around, *usual(around), findings=tuple(findings))
    assert (statuses(found), found.exit_code) == ([status], code)


def test_a_gate_may_name_the_suites_that_must_pass() -> None:
    around = course(TRUTH, "evaluation: {calibration: {}}\ngates: [{suites: [calibration]}]\n")
    findings = (finding("pass"), finding("fail", "slices"))
    assert statuses(judged(around, *usual(around), findings=findings)) == ["pass"]


def test_useful_is_what_the_verdict_says() -> None:
    around = course(TRUTH, "useful: {target: {roc_auc: 0.8}}\ngates: [{useful: true}]\n")
    assert statuses(judged(around, *usual(around))) == ["pass"]
    found = judged(around, *usual(around, 0.2))
    assert (statuses(found), found.exit_code) == (["fail"], 1)


def test_one_failed_gate_outweighs_those_that_could_not_be_concluded() -> None:
    around = course(TRUTH, "gates: [{suites: pass}, {metric: roc_auc, at_least: 1}]\n")
    found = judged(around, *usual(around))
    assert (statuses(found), found.exit_code) == (["not_run", "fail"], 1)


# -- whole runs --------------------------------------------------------------------------------------------------------


def people(rows: int, seed: int, first: int = 0, strength: float = 2.0) -> pl.DataFrame:
    """Return rows with ids whose label follows from `a`, as far as the strength goes."""
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=rows), generator.normal(size=rows)
    y = generator.random(rows) < 1 / (1 + np.exp(-strength * a))
    return pl.DataFrame({"id": np.arange(first, first + rows), "a": a, "b": b, "y": y.astype(int)})


def spec_of(folder: Path, gates: list[dict[str, Any]], **sections: Any) -> Path:
    data = {"path": "rows.csv", "target": "y", "id": "id", **sections.pop("data", {})}
    whole: dict[str, Any] = {
        "experiment": "nightly",
        "data": data,
        "models": {"logistic_regression": {"C": 1}},
        "split": {"folds": 2},
        "evaluation": "none",
        "gates": gates,
        **sections,
    }
    return write_spec(folder, json.dumps(whole))


def gates_of(record: dict[str, Any]) -> list[str]:
    return [gate["status"] for gate in record["gates"]]


DROP = [{"metric": "roc_auc", "drop_at_most": 0.02, "against": "latest"}]


def test_a_nightly_run_on_more_data_is_judged_by_yesterdays_champion(tmp_path: Path) -> None:
    people(800, 0).write_csv(tmp_path / "rows.csv")
    spec = spec_of(tmp_path, DROP)
    first = run(spec).record
    assert (gates_of(first), first["exit_code"]) == (["not_run"], 0)
    pl.concat([people(800, 0), people(800, 1, 800)]).write_csv(tmp_path / "rows.csv")
    second = run(spec).record
    assert (gates_of(second), second["exit_code"]) == (["pass"], 0)
    assert second["references"] == {"nightly@latest": "nightly@1"}
    assert "over nightly@1 on " in second["gates"][0]["reason"]
    rows = int(second["gates"][0]["reason"].split(" over nightly@1 on ")[1].split(" ")[0])
    assert 100 <= rows < 320  # test rows of today, without those that yesterday's model was trained on


def test_a_model_that_got_worse_fails_against_the_champion_of_yesterday(tmp_path: Path) -> None:
    people(800, 0).write_csv(tmp_path / "rows.csv")
    people(500, 5, 5000).write_csv(tmp_path / "test.csv")
    spec = spec_of(tmp_path, DROP, split={"folds": 2, "test": {"path": "test.csv"}})
    run(spec)
    broken = people(800, 2, 10_000).with_columns(y=1 - pl.col("y"))  # labels turned round on the way
    broken.write_csv(tmp_path / "rows.csv")
    people(500, 6, 6000).write_csv(tmp_path / "test.csv")
    second = run(spec).record
    assert (gates_of(second), second["exit_code"]) == (["fail"], 1)
    assert command(["train", str(spec), "--quiet", "--executor", "serial", "--fresh"]) == 0  # no worse than that one


def test_rows_on_which_yesterdays_champion_does_worse_are_told_though_no_model_fell(tmp_path: Path) -> None:
    people(800, 0).write_csv(tmp_path / "rows.csv")
    spec = spec_of(tmp_path, DROP)
    first = run(spec).record
    assert "no earlier run of it is complete" in first["gates"][0]["reason"]
    noise = people(400, 2, 800).with_columns(y=pl.int_range(400) % 2)  # labels that mean nothing
    pl.concat([people(800, 0), noise]).write_csv(tmp_path / "rows.csv")
    second = run(spec).record
    assert gates_of(second) == ["pass"]
    reason = second["gates"][0]["reason"]
    assert "; but nightly@1 itself has 0." in reason
    assert reason.endswith("look at the new rows")
    assert run(spec, fresh=True).record["gates"][0]["reason"].startswith("the same roc_auc as nightly@2 on ")


def test_on_the_same_test_rows_stored_predictions_are_compared(tmp_path: Path) -> None:
    people(400, 0).write_csv(tmp_path / "rows.csv")
    run(spec_of(tmp_path, []))
    gates = [*DROP, {"metric": "log_loss", "drop_at_most": 0.0, "against": "nightly@1"}]
    found = run(spec_of(tmp_path, gates)).record
    assert (gates_of(found), found["exit_code"]) == (["pass", "pass"], 0)
    assert all(gate["reason"].endswith(" nightly@1 on 80 rows") for gate in found["gates"])
    people(400, 0).reverse().write_csv(tmp_path / "rows.csv")  # other folds, another test
    found = run(spec_of(tmp_path, gates)).record
    assert found["exit_code"] == 3  # fewer than 100 rows that it was not trained on
    assert "not comparable" in found["gates"][0]["reason"]


def test_a_version_that_is_not_there_is_told_before_anything_is_fitted(tmp_path: Path) -> None:
    people(100, 0).write_csv(tmp_path / "rows.csv")
    run(spec_of(tmp_path, []))
    gates = [{"metric": "roc_auc", "drop_at_most": 0.01, "against": "nightly@7"}]
    with pytest.raises(SpecError, match=r"spec.yaml:1:\d+: there is no run nightly@7"):
        run(spec_of(tmp_path, gates))
    with pytest.raises(SpecError, match=r"spec.yaml:1:\d+: there is no run nightly@7"):
        make_plan(spec_of(tmp_path, gates), (), TrainOptions())
    assert len(list((tmp_path / "runs" / "nightly").iterdir())) == 1


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        ([{"beats": "zero_rule"}], 0),
        ([{"metric": "roc_auc", "at_least": 0.99}], 1),
        ([{"suites": "pass"}], 3),
        ([{"suites": "pass"}, {"metric": "roc_auc", "at_least": 0.99}], 1),
        ([{"metric": "roc_auc", "drop_at_most": 0.01, "against": "best"}], 0),
        ([{"beats": "zero_rul"}], 2),
    ],
)
def test_train_exits_as_its_gates_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gates: list[dict[str, Any]], code: int
) -> None:
    people(300, 0).write_csv(tmp_path / "rows.csv")
    assert command(["train", str(spec_of(tmp_path, gates)), "--executor", "serial"]) == code
    assert ("gate " in capsys.readouterr().out) is (code != 2)


def test_trials_that_failed_count_less_than_a_gate(tmp_path: Path) -> None:
    people(300, 0).write_csv(tmp_path / "rows.csv")
    models = {"logistic_regression": {"C": 1}, "broken": {"family": "no_such:build"}}
    (tmp_path / "no_such.py").write_text("def build(params, seed):\n    raise ValueError('broken')\n")
    cases: list[tuple[list[dict[str, Any]], int]] = [
        ([], 4),
        ([{"suites": "pass"}], 3),
    ]
    for gates, code in cases:
        found = run(spec_of(tmp_path, gates, models=models)).record
        assert found["exit_code"] == code
