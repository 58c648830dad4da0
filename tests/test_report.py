"""Reports: best first, failures with their reason, nothing lost, every file safe to open."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made_findings import made_findings
from made_runs import USUAL, baseline, make_run, model, record

from mlrun import report
from mlrun.errors import UsageError
from mlrun.records import Interval
from mlrun.screen.standings import leaderboard, other_metrics, ranked, told_gates, told_notes, verdict_line
from mlrun.screen.tables import to_markdown
from mlrun.store.run_labels import Labels, write_labels
from mlrun.store.run_record import (
    FoldSummary,
    GateRecord,
    MetricRecord,
    RunRecord,
    VerdictPart,
    VerdictRecord,
)

EVIL = "\x1b[31m[/]<script>\u202e|*x*"


def test_the_best_stands_first_and_baselines_among_the_models() -> None:
    made = record((baseline("rule", 0.92), *USUAL))
    assert [each.name for each in ranked(made)] == ["xgboost", "rule", "logistic_regression", "zero_rule", "random"]


def test_a_score_to_be_low_puts_the_lowest_first() -> None:
    made = record(USUAL, metrics=(MetricRecord("log_loss", "minimize"),))
    assert [each.name for each in ranked(made)] == ["xgboost", "logistic_regression", "zero_rule", "random"]


def test_without_folds_test_decides_and_models_without_scores_come_last() -> None:
    silent = model("silent", 0.5, cv={}, test={})
    told = model("told", 0.7, cv={})
    failed = model("broken", 0.99, status="failed", reason="timeout")
    made = record((silent, failed, told))
    assert [each.name for each in ranked(made)] == ["told", "silent", "broken"]


def test_of_equal_scores_the_model_stands_before_the_baseline() -> None:
    made = record((baseline("rule", 0.9), model("xgboost", 0.9)))
    assert [each.name for each in ranked(made)] == ["xgboost", "rule"]


def test_the_leaderboard_tells_scores_intervals_trials_and_marks() -> None:
    shown = to_markdown(leaderboard(record(USUAL)))
    assert "| xgboost \\* | 0.9300 ± 0.012 | 0.9200 [0.900, 0.940] | 4/30 | 1.2 s |" in shown
    assert "zero_rule (baseline)" in shown
    assert "roc_auc ↑" in shown
    assert "best by roc_auc over the folds" in shown


def test_a_failed_model_keeps_its_line_and_its_reason() -> None:
    broken = model("mlp", 0.8, status="failed", reason="raised: ValueError", cv={}, test={})
    shown = to_markdown(leaderboard(record((*USUAL, broken))))
    assert "| mlp | failed |" in shown
    assert "mlp failed: raised: ValueError" in shown


def test_without_test_rows_there_is_no_column_of_test() -> None:
    made = record(tuple(replace(each, test={}) for each in USUAL))
    assert "test" not in to_markdown(leaderboard(made)).splitlines()[0]


def test_a_run_without_metrics_still_has_a_leaderboard() -> None:
    made = record((model("isolation_forest", 0.5, cv={}, test={}),), metrics=(), best=None)
    assert "isolation_forest" in to_markdown(leaderboard(made))


def test_other_metrics_are_told_on_test_or_else_over_the_folds() -> None:
    shown = other_metrics(record(USUAL))
    assert shown is not None
    assert "on test" in shown.headings[0].title
    without = record(tuple(replace(each, test={}) for each in USUAL))
    over_folds = other_metrics(without)
    assert over_folds is not None
    assert "over folds" in over_folds.headings[0].title
    assert other_metrics(record(USUAL, metrics=(MetricRecord("roc_auc", "maximize"),))) is None


def test_a_metric_that_is_not_defined_is_a_dash() -> None:
    svm = model("linear_svm", 0.9, cv={"roc_auc": FoldSummary(None)}, test={"roc_auc": Interval(None)})
    assert "| linear_svm \\* | — | — |" in to_markdown(leaderboard(record((svm, USUAL[2]))))


def test_notes_marks_gates_and_the_verdict_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = record(
        USUAL,
        notes=("edge of the grid",),
        sampled=500,
        depends_on_machine=True,
        failed_trials=2,
        gates=(GateRecord("beats zero_rule", "pass"), GateRecord("against latest", "not_run", "none yet")),
        verdict=VerdictRecord("undecided", "no labels"),
    )
    assert told_notes(made)[0] == "edge of the grid"
    assert any("500 rows" in line for line in told_notes(made))
    assert "edge of the grid" not in told_notes(made, told={"edge of the grid"})
    assert told_gates(made) == ["gate beats zero_rule: pass", "gate against latest: not run (none yet)"]
    report.print_outcome(make_run(tmp_path, made))
    assert capsys.readouterr().out.splitlines()[-1] == verdict_line(made) == "verdict: undecided (no labels)"


def test_show_as_json_is_the_record_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path, record((model("xgboost", 0.1 + 0.2),)))
    report.show(folder, "json")
    shown = json.loads(capsys.readouterr().out)
    assert shown.pop("findings") == []
    assert shown.pop("tracking")["fits"] == 0
    assert (shown.pop("tags"), shown.pop("note")) == ([], "")
    assert shown == json.loads((folder / "run.json").read_bytes())


def test_show_tells_what_the_run_was_made_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.show(make_run(tmp_path), "table")
    written = capsys.readouterr().out
    for part in ("income@1", "took 4 min 10 s", ">50K against <=50K", "C=0.1, penalty=l2", "1,000 rows", "numpy 2.4.6",
                 "ffffffffffff on main", "120 spared by sharing", "verdict: not judged"):  # fmt: skip
        assert part in written, part


def test_a_run_without_provenance_says_so_and_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.show(make_run(tmp_path, provenance=False), "table")
    assert "code.json, env.json, data.json, spec.resolved.json" in capsys.readouterr().out


def test_files_are_written_where_asked_and_nothing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path)
    report.show(folder, markdown_file=str(tmp_path / "x.md"), html_file=str(tmp_path / "x.html"))
    assert capsys.readouterr().out == ""
    assert (tmp_path / "x.md").read_text().startswith("# income@1\n")
    assert "<h1>income@1</h1>" in (tmp_path / "x.html").read_text()


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        report.show(make_run(tmp_path), html_file=str(tmp_path / "nowhere" / "x.html"))


def test_names_and_reasons_cannot_act_on_any_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    best = model(EVIL, 0.9, params={EVIL: EVIL}, notes=(EVIL,))
    made = record(
        (best, model("b", 0.8, status="failed", reason=EVIL)), notes=(EVIL,), verdict=VerdictRecord(EVIL, EVIL)
    )
    folder = make_run(tmp_path, made)
    report.show(folder, html_file=str(tmp_path / "x.html"))
    page = (tmp_path / "x.html").read_text()
    assert "<script" not in page
    assert "Content-Security-Policy" in page
    report.show(folder, "table")
    report.show(folder, "markdown")
    written = capsys.readouterr().out + page
    assert "\x1b" not in written
    assert "\u202e" not in written


def test_the_report_of_the_folder_begins_with_the_verdict() -> None:
    written = report.markdown(record(USUAL))
    verdict = "## verdict: not judged: xgboost is best by roc_auc over the folds"
    assert written.splitlines()[:3] == ["# income@1", "", verdict]


def test_the_end_of_a_quiet_run_is_the_verdict_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.print_outcome(make_run(tmp_path), quiet=True)
    assert capsys.readouterr().out == "verdict: not judged: xgboost is best by roc_auc over the folds\n"


PARTS = (
    VerdictPart("G0", "Does it beat random answers?", "yes", "roc_auc", 0.43, 0.4, 0.46, reason="by far"),
    VerdictPart("U2", "Does it reach the target?", "not asked"),
    VerdictPart("U4", "Does it pass its tests?", "no", reason="calibration fails"),
)


def judged() -> RunRecord:
    return record(
        USUAL,
        verdict=VerdictRecord("good, not useful", "tests fail: calibration", PARTS),
        gates=(GateRecord("suites pass", "fail", "calibration fails"),),
        notes=("a note",),
    )


def test_show_begins_with_the_verdict_and_what_it_rests_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.show(make_run(tmp_path, judged(), findings=made_findings()), "markdown")
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[1:3] == [
        "## verdict: good, not useful: tests fail: calibration",
        "- gate suites pass: fail (calibration fails)",
    ]
    assert "| G0 | Does it beat random answers? | yes | by far |" in lines
    assert "| U4 | Does it pass its tests? | no | calibration fails |" in lines
    assert lines.index("## evaluation of xgboost: 3 fail, 1 error, 5 warn, 2 pass") < lines.index("## calibration")


def test_the_end_of_train_is_leaderboard_suites_notes_gates_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.print_outcome(make_run(tmp_path, judged(), findings=made_findings()), told=("a note",))
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[-2:] == [
        "gate suites pass: fail (calibration fails)",
        "verdict: good, not useful: tests fail: calibration",
    ]
    begins = [next(at for at, line in enumerate(lines) if line.startswith(word)) for word in ("model", "evaluation of")]
    assert begins == sorted(begins)
    assert "a note" not in lines
    assert not any("┤" in line for line in lines)  # pictures are for show


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_show_tells_every_check_with_its_tables_rows_and_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    report.show(make_run(tmp_path, judged(), findings=made_findings()), form)
    written = capsys.readouterr().out
    for part in ("Reliability of xgboost", "3 of 15 bins lie outside", "┤", "worst rows of xgboost", "beaten by",
                 "sex: Male → Female", "gap to the rest", "held back by", "a linear model misses 22 %"):  # fmt: skip
        assert part in written.replace("\n", " "), part
    assert "\x1b" not in written


def test_json_holds_the_findings_whole_and_csv_the_leaderboard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path, judged(), findings=made_findings())
    report.show(folder, "json")
    shown = json.loads(capsys.readouterr().out)
    written = [json.loads(line) for line in (folder / "findings.jsonl").read_text().splitlines()]
    assert len(shown["findings"]) == len(written) == len(made_findings())
    assert all(shown[name] == value for (shown, old) in zip(shown["findings"], written, strict=True)
               for name, value in old.items())  # fmt: skip
    report.show(folder, "csv")
    assert capsys.readouterr().out.splitlines()[1].startswith("xgboost,model,")


def test_the_html_page_is_one_file_that_runs_and_loads_nothing(tmp_path: Path) -> None:
    folder = make_run(tmp_path, judged(), findings=made_findings())
    report.show(folder, html_file=str(tmp_path / "x.html"))
    page = (tmp_path / "x.html").read_text()
    assert page.count('role="img"') == 10
    assert len(set(re.findall(r' id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page)) == 20
    assert not re.search(r"<(script|img|link|iframe|object)|src=|href=|url\(|@import|https?://", page)
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert len(page) < 200_000


def test_the_report_of_the_folder_holds_pictures_in_characters() -> None:
    written = report.markdown(judged(), made_findings())
    assert written.count("```text") == written.count("\n```\n") == 10
    assert "**Reliability of xgboost.** xgboost is off by 0.0617 on average" in written


def test_a_name_cannot_end_the_block_of_a_picture() -> None:
    findings = [replace(each, model="```" if each.model == "xgboost" else each.model) for each in made_findings()]
    written = report.markdown(record((model("```", 0.9), model("logistic_regression", 0.8))), findings)
    assert "\n````text\n" in written


def test_showing_findings_loads_neither_arrays_nor_learners(tmp_path: Path) -> None:
    folder = make_run(tmp_path, judged(), findings=made_findings())
    probe = (
        "import sys; from pathlib import Path; from mlrun import report; "
        f"report.show(Path({str(folder)!r})); "
        f"report.show(Path({str(folder)!r}), html_file={str(tmp_path / 'x.html')!r}); "
        "sys.exit(', '.join({name.partition('.')[0] for name in sys.modules} "
        "& {'numpy', 'polars', 'sklearn', 'scipy', 'pydantic', 'matplotlib'}) or None)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_utf_8_gets_plain_characters(tmp_path: Path) -> None:
    folder = make_run(tmp_path, judged(), findings=made_findings())
    probe = (
        "from pathlib import Path; from mlrun import report; from mlrun.terminal import accept_any_text; "
        f"accept_any_text(); report.show(Path({str(folder)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        timeout=60,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "COLUMNS": "80", "PATH": ""},
    )
    written = done.stdout.decode("ascii")
    assert "share that came true" in written
    assert "\\u28" not in written  # no Braille
    assert "\\u25" not in written  # no marks either


def test_the_best_models_parameters_and_the_labels_stand_above_the_leaderboard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path, record(USUAL))
    write_labels(folder, Labels(("prod",), "the first"))
    report.show(folder)
    shown = capsys.readouterr().out
    lines = ("best: xgboost, C=0.1, penalty=l2 (trial xgboost/0001)", "tags: prod", "note: the first", "leaderboard")
    places = [shown.index(f"{line}\n") for line in lines]
    assert places == sorted(places)
