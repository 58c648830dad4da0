"""A model card: all that a reader should know of a model, nothing of any person, the same for the same run."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from exported_runs import people, trained
from made_runs import USUAL, baseline, make_run, model, record

from mlrun.errors import UsageError
from mlrun.export import export
from mlrun.records import Finding, Interval
from mlrun.store.run_record import FoldSummary, RunRecord, VerdictRecord

SECTIONS = (
    "Model details", "Intended use", "Data", "Results", "Verdict", "Results by group", "Calibration", "Limitations",
    "Reproduction", "How to use it",
)  # fmt: skip


def card_of(run: Path, folder: Path, name: str | None = None) -> str:
    target = folder / "card.md"
    export(str(run), "model-card", str(target), name, (), True, None)
    return target.read_text()


@pytest.fixture(scope="module")
def pay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("pay"))


def test_the_card_has_the_sections_of_mitchell_in_their_order(pay: Path, tmp_path: Path) -> None:
    card = card_of(pay, tmp_path)
    places = [card.index(f"\n## {title}\n") for title in SECTIONS]
    assert places == sorted(places)


def test_the_front_matter_is_what_the_hub_reads(pay: Path, tmp_path: Path) -> None:
    card = card_of(pay, tmp_path)
    content = json.loads((pay / "run.json").read_bytes())
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["library_name"] == "mlrun"
    assert front["pipeline_tag"] == "tabular-classification"
    assert front["metrics"] == ["roc_auc", "log_loss", "precision_at(k=0.1)"]
    best = next(each for each in content["models"] if each["name"] == content["best"])
    told = {each["type"]: each["value"] for each in front["model-index"][0]["results"][0]["metrics"]}
    assert told == {label: best["test"][label]["value"] for label in front["metrics"]}


def test_the_card_names_nobody(pay: Path, tmp_path: Path) -> None:
    for name in ("logistic_regression", "cut", "calibrated"):
        card = card_of(pay, tmp_path, name)
        assert "secret-" not in card
        assert str(pay.parent.parent.parent) not in card  # nor whose folder it was
        for value in people()["hours"].drop_nulls().head(50).to_list():
            assert repr(value) not in card


def test_equal_runs_give_equal_cards(pay: Path, tmp_path: Path) -> None:
    assert card_of(pay, tmp_path) == card_of(pay, tmp_path)


def test_the_card_tells_every_score_beside_the_baselines(pay: Path, tmp_path: Path) -> None:
    lines = card_of(pay, tmp_path, "cut").splitlines()
    for metric in ("roc_auc ↑", "log_loss ↓", "precision_at(k=0.1) ↑"):
        for name in ("cut", "zero_rule (baseline)", "random (baseline)"):
            assert any(line.startswith(f"| {metric} | {name} |") for line in lines), (metric, name)
    assert any("threshold 0.167 from costs" in line for line in lines)
    assert any("it is not the best of its run" in line for line in lines)


def test_the_card_says_how_the_model_was_meant_to_be_used(pay: Path, tmp_path: Path) -> None:
    card = card_of(pay, tmp_path)
    for sentence in (
        "classification of paid: well against badly", "false negative 5, false positive 1", "must reach: roc_auc 0.6",
        "may take: p95_ms_per_row 1000", "withheld from the model: sex (sensitive)", "source: csv, people.csv",
        "mlrun reproduce pay@1", "sex = f",
        "240 rows: 192 to train, 48 held out as test",
    ):  # fmt: skip
        assert sentence in card, sentence


FOUND = (
    Finding("calibration", "calibration", "xgboost", status="fail", reason="probabilities are off by 0.2"),
    Finding("invariance", "names", "xgboost", status="warn", reason="3 of 100 rows change"),
    Finding("invariance", "names", "logistic_regression", status="fail", reason="of another model"),
    Finding("slices", "slices", "xgboost", status="pass", reason="no group is worse"),
    Finding("drift", "drift", "", status="not_run", reason="there is no order in time"),
    Finding(
        "assumptions", "assumptions", "xgboost", "iid", status="warn", reason="violated: rows repeat",
        details={"consequence": "intervals are too narrow"},
    ),
)  # fmt: skip


def test_limitations_are_what_failed_warned_or_was_not_asked_of_this_model(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", findings=FOUND)
    card = card_of(run, tmp_path)
    limits = card[card.index("## Limitations") : card.index("## Reproduction")]
    assert limits.count("\n- ") == 4
    for sentence in ("off by 0.2", "3 of 100 rows", "intervals are too narrow", "no order in time"):
        assert sentence in limits
    assert "of another model" not in card
    assert "no group is worse" not in limits


def test_a_run_without_tests_and_without_provenance_has_a_card_too(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", provenance=False)
    card = card_of(run, tmp_path)
    assert "the run was not evaluated" in card
    assert "packages: not recorded" in card


def test_what_is_not_finite_is_no_result_of_the_hub(tmp_path: Path) -> None:
    odd = model("xgboost", 0.9, test={"roc_auc": Interval(math.nan), "log_loss": Interval(None)})
    run = make_run(tmp_path / "runs", record((odd, baseline("random", 0.5))))
    assert "model-index" not in yaml.safe_load(card_of(run, tmp_path).split("---\n")[1])


def test_names_cannot_write_into_the_card(tmp_path: Path) -> None:
    """Names and reasons are data: no link, no tag, no line of their own, no YAML."""
    evil = "x\n---\n# owned <script>alert(1)</script> [a](http://x) | `y` \x1b[31m"
    made = replace(
        record((model("xgboost", 0.9, params={evil: evil}, reason=evil), baseline("random", 0.5))),
        verdict=VerdictRecord("good", evil),
        best="xgboost",
    )
    finding = Finding("slices", evil, "xgboost", evil, status="fail", reason=evil)
    card = card_of(make_run(tmp_path / "runs", made, findings=[finding]), tmp_path)
    assert "\n# owned" not in card
    assert "<script>" not in card
    assert "\x1b" not in card
    assert "](http" not in card
    assert yaml.safe_load(card.split("---\n")[1])["library_name"] == "mlrun"


@pytest.mark.parametrize("stale", ["contains-verbatim", "contains-identifier", "influenced"])
def test_the_card_of_a_stale_model_says_so_first(stale: str, tmp_path: Path) -> None:
    made: RunRecord = record((model("xgboost", 0.9, stale=stale), *USUAL[1:]))
    card = card_of(make_run(tmp_path / "runs", made), tmp_path)
    limits = card[card.index("## Limitations") :]
    assert limits.splitlines()[2].startswith("- **fail** it ")


def test_another_name_than_that_of_a_model_is_answered_with_the_nearest(pay: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model 'calibrate'; did you mean 'calibrated'"):
        card_of(pay, tmp_path, "calibrate")
    with pytest.raises(UsageError, match="no model 'zero_rule'"):
        card_of(pay, tmp_path, "zero_rule")


def test_a_run_without_a_best_model_says_which_it_has(tmp_path: Path) -> None:
    made = replace(record(USUAL), best=None)
    run = make_run(tmp_path / "runs", made)
    with pytest.raises(UsageError, match="--model: xgboost, logistic_regression"):
        card_of(run, tmp_path)
    assert "xgboost of income@1" in card_of(run, tmp_path, "xgboost")


def test_regression_and_anomalies_have_cards(tmp_path: Path) -> None:
    made = replace(
        record((model("ridge", 0.5, cv={"rmse": FoldSummary(1.0, 0.1)}, test={"rmse": Interval(1.1, 1.0, 1.2)}),)),
        task=None,
    )
    front = yaml.safe_load(card_of(make_run(tmp_path / "runs", made), tmp_path).split("---\n")[1])
    assert "pipeline_tag" not in front
