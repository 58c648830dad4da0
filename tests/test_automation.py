"""docs/automation.md does what it says: its crontab line, its workflow and its GitLab job are run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_process import write_spec
from made_runs import USUAL, make_run, record

from mlrun.cli import EPILOG
from mlrun.cli import run as command
from mlrun.language.hooks import HooksShape
from mlrun.notice.facts import NAMES
from mlrun.notice.step_summary import LARGEST, append
from mlrun.spec import parse
from mlrun.store.run_record import GateRecord

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "automation.md").read_text("utf-8")
WORKFLOW = DOCS / "examples" / "github-workflow.yml"
PROGRAMS = Path(sys.executable).parent
SPEC = """
experiment: nightly
data: {source: sklearn, name: iris}
models: {lda: {params: {}}}
evaluation: none
split: {folds: 2}
"""
FAILING = "gates: [{metric: accuracy, at_least: 1.1}]\n"


def block(language: str, beginning: str) -> str:
    """Return the page's block of a language that begins so."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (found,) = [each for each in blocks if each.startswith(beginning)]
    return str(found)


def run_folders(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "runs" / "nightly").glob("0*"))


# -- cron --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with a project as the crontab line has it."""
    project = tmp_path / "project"
    project.mkdir()
    write_spec(project, SPEC)
    (project / ".venv").symlink_to(PROGRAMS.parent)
    return tmp_path


def by_cron(home: Path) -> subprocess.CompletedProcess[str]:
    """Run the documented line as cron does: the five fields of time taken off, by sh, in an environment of its own."""
    line = block("crontab", "MAILTO").splitlines()[1]
    match = re.fullmatch(r"(?:\S+\s+){5}(.*)", line)
    assert match is not None
    assert "%" not in match[1]
    environment = {"HOME": str(home), "LOGNAME": "me", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    return subprocess.run(
        ["/bin/sh", "-c", match[1]],
        cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_crontab_line_trains_once_and_then_is_silent(home: Path) -> None:
    first = by_cron(home)
    assert (first.returncode, first.stderr) == (0, "")
    assert re.fullmatch(r"verdict: [^\n\x1b]*\n", first.stdout)
    second = by_cron(home)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert run_folders(home / "project") == ["0001"]
    assert (home / ".local/state/mlrun/key").exists()


def test_the_crontab_line_says_in_the_mail_which_gate_failed(home: Path) -> None:
    write_spec(home / "project", SPEC + FAILING)
    first = by_cron(home)
    assert first.returncode == 1
    assert first.stdout.startswith("gate accuracy at least 1.1: fail")


def test_two_crontab_lines_at_once_make_one_run(home: Path) -> None:
    line = block("crontab", "MAILTO").splitlines()[1]
    job = re.sub(r"^(?:\S+\s+){5}", "", line)
    both = subprocess.run(
        ["/bin/sh", "-c", f"({job}) & ({job}); one=$?; wait $!; exit $((one + $?))"],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (both.returncode, both.stderr) == (0, "")
    assert run_folders(home / "project") == ["0001"]


# -- GitHub ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    project = tmp_path / "repository"
    project.mkdir()
    write_spec(project, SPEC)
    (project / "requirements.txt").write_text("mlrun-cli\n")
    return project


def on_github(checkout: Path, summary: Path) -> list[tuple[str, subprocess.CompletedProcess[str]]]:
    """Run the steps of the workflow that are commands, each by `bash -e` and until one fails, as a runner does."""
    job = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["train"]
    done = []
    for step in job["steps"]:
        if "run" not in step:
            assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@v\d+", step["uses"])
            continue
        named = {**job.get("env", {}), **step.get("env", {})}
        environment = {
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "HOME": str(checkout.parent),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(checkout),
            "GITHUB_STEP_SUMMARY": str(summary),
            "PIP_NO_INDEX": "1",  # what is asked for is here already
            **{name: f"a secret called {name}" if "secrets." in value else value for name, value in named.items()},
        }
        script = checkout.parent / "step.sh"
        script.write_text(step["run"])
        ended = subprocess.run(
            ["bash", "-e", str(script)],
            cwd=checkout, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        done.append((str(step["name"]), ended))
        if ended.returncode:
            break
    return done


def test_the_workflow_runs_and_leaves_report_and_summary(checkout: Path) -> None:
    summary = checkout.parent / "summary.md"
    summary.write_text("# of another step\n\n")
    done = on_github(checkout, summary)
    assert [(name, ended.returncode) for name, ended in done] == [("Install", 0), ("Train", 0)], done[-1][1].stderr
    told = summary.read_text()
    assert told.startswith("# of another step\n\n# nightly@1\n\n## verdict: ")
    assert "| lda \\* |" in told
    assert "\x1b" not in told + done[-1][1].stdout + done[-1][1].stderr
    assert ET.parse(checkout / "report.xml").getroot().get("name") == "nightly@1"  # noqa: S314 - our own text
    again = on_github(checkout, summary)
    assert again[-1][1].returncode == 0
    assert "Nothing has changed since nightly@1: there is no new run." in summary.read_text()
    assert run_folders(checkout) == ["0001"]


def test_the_workflow_is_red_where_a_gate_fails_and_stays_so(checkout: Path) -> None:
    summary = checkout.parent / "summary.md"
    write_spec(checkout, SPEC + FAILING)
    assert on_github(checkout, summary)[-1][1].returncode == 1
    assert "gate accuracy at least 1.1: fail" in summary.read_text()
    assert on_github(checkout, summary)[-1][1].returncode == 1
    assert run_folders(checkout) == ["0001"]
    (failure,) = ET.parse(checkout / "report.xml").getroot().iter("failure")  # noqa: S314 - our own text
    assert failure.get("type") == "fail"


def test_a_mistake_in_the_spec_is_shown_where_it_stands(checkout: Path) -> None:
    summary = checkout.parent / "summary.md"
    write_spec(checkout, SPEC + "modles: [a]\n")
    name, ended = on_github(checkout, summary)[-1]
    assert (name, ended.returncode) == ("Train", 2)
    assert "::error file=spec.yaml,line=7,col=1::there is no key 'modles'; did you mean 'models'?\n" in ended.stderr
    assert "stopped with exit code 2" in summary.read_text()


def test_marks_cannot_be_broken_by_what_they_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / "a,b:c%.yaml"
    odd.write_text(SPEC + '"100%": 1\n')
    assert command(["plan", odd.name]) == 2
    (mark,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("::")]
    assert mark.startswith("::error file=a%2Cb%3Ac%25.yaml,line=7,col=1::there is no key '100%25'")
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert command(["plan", odd.name]) == 2
    assert "::error" not in capfd.readouterr().err


# -- GitLab, Jenkins ---------------------------------------------------------------------------------------------------


def test_the_gitlab_job_runs(checkout: Path) -> None:
    job = yaml.safe_load(block("yaml", "train:"))["train"]
    environment = {"PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(checkout.parent), "PIP_NO_INDEX": "1", "CI": "true"}
    script = "set -eo pipefail\n" + "\n".join(job["script"])
    done = subprocess.run(
        ["bash", "-c", script], cwd=checkout, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ET.parse(checkout / job["artifacts"]["reports"]["junit"]).getroot().tag == "testsuites"  # noqa: S314 - ours
    assert "\x1b" not in done.stdout + done.stderr


# -- what the page says ------------------------------------------------------------------------------------------------


def test_the_examples_of_hooks_and_gates_are_specs() -> None:
    small = "experiment: e\ndata: {source: sklearn, name: breast_cancer}\n"
    read = parse((small + block("yaml", "hooks:") + block("yaml", "gates:")).encode(), "s.yaml", ".")
    assert {hook.event for hook in read.hooks} == set(HooksShape.model_fields)
    assert len(read.gates) == 3


def test_every_fact_and_every_exit_code_is_documented() -> None:
    assert set(re.findall(r"`(MLRUN_[A-Z_]+)`", PAGE)) >= NAMES
    table = PAGE[PAGE.index("## Exit codes") : PAGE.index("## GitHub Actions")]
    codes = re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
    assert [code.strip() for row in codes for code in row.split(",")] == [
        "130",
        "143",
        "2",
        "70",
        "74",
        "1",
        "3",
        "4",
        "0",
    ]
    assert set(re.findall(r"\b\d+\b", EPILOG)) == {code.strip() for row in codes for code in row.split(",")}


# -- the summary of a job ----------------------------------------------------------------------------------------------


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


@pytest.mark.parametrize("before", [0, 1000, LARGEST - 400, LARGEST - 30, LARGEST, LARGEST + 5])
def test_a_summary_never_grows_beyond_what_is_shown(summary: Path, before: int) -> None:
    summary.write_text("x" * before)
    trouble = append("a line of the report, é\n" * 100_000)
    size = summary.stat().st_size
    assert size <= max(before, LARGEST)
    assert summary.read_bytes().startswith(b"x" * before)
    if size > before:
        assert trouble == ""
        assert summary.read_text("utf-8").endswith("The run folder's report.md has the whole.*\n")
    else:
        assert "no room left" in trouble


def test_a_summary_that_cannot_be_written_is_one_warning(
    tmp_path: Path, summary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    summary.mkdir()
    spec = write_spec(tmp_path, SPEC)
    assert command(["train", str(spec), "--executor", "serial", "--quiet"]) == 0
    assert capfd.readouterr().err == (
        f"warning: the summary of this job could not be written: {summary}: Is a directory\n"
    )


def test_without_a_job_there_is_no_summary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "")
    monkeypatch.chdir(tmp_path)
    assert append("text") == ""
    assert not list(tmp_path.iterdir())


def test_evaluate_and_compare_tell_theirs(tmp_path: Path, summary: Path) -> None:
    spec = write_spec(tmp_path, SPEC.replace("evaluation: none", "evaluation: {calibration: {}}"))
    runs = ["--runs", str(tmp_path / "runs")]
    for extra in ([], ["--fresh"]):
        assert command(["train", str(spec), "--executor", "serial", "--quiet", *extra]) == 0
    assert command(["evaluate", "nightly", *runs]) == 0
    assert command(["compare", "nightly@1", "nightly@2", "--fail-on-regression", *runs]) == 0
    titles = re.findall(r"^# (.*)$", summary.read_text(), re.MULTILINE)
    assert titles == ["nightly@1", "nightly@2", "nightly@2", "nightly@1 and nightly@2"]


def test_names_and_reasons_cannot_break_a_summary(tmp_path: Path, summary: Path) -> None:
    odd = "<script>alert(1)</script> | [x](y) `z`"
    made = record(USUAL, gates=(GateRecord(odd, "fail", odd),))
    make_run(tmp_path / "runs", made)
    make_run(tmp_path / "runs", made)
    assert command(["compare", "income@1", "income@2", "--no-tests", "--runs", str(tmp_path / "runs")]) == 0
    assert "<script" not in summary.read_text()


def test_another_format_for_machines_changes_nothing_of_the_summary(
    tmp_path: Path, summary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        make_run(tmp_path / "runs", record(USUAL))
    runs: list[Any] = ["--runs", str(tmp_path / "runs"), "--no-tests"]
    assert command(["compare", "income@1", "income@2", *runs, "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out)
    assert summary.read_text().startswith("# income@1 and income@2")
    assert os.environ["GITHUB_STEP_SUMMARY"] == str(summary)
