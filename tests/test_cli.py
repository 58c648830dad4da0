"""The command line: one sentence for each mistake, one exit code for each outcome, no escape where none belongs."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import USUAL, make_run, record

from mlrun.cli import app, run
from mlrun.errors import DataError, Interrupted, MlrunError, NothingConcluded, SpecError, StorageError
from mlrun.records import Place, Problem
from mlrun.screen import refusals
from mlrun.screen.commands import Command
from mlrun.spec import load
from mlrun.store.run_record import RunRecord
from mlrun.terminal import accept_any_text

COMMANDS = (
    "init", "plan", "train", "compare", "list", "history", "show", "predict", "evaluate", "reproduce", "verify", "tag",
    "note", "gc", "export", "catalog", "schema",
)  # fmt: skip
ESCAPE = b"\x1b"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of runs that the commands find."""
    monkeypatch.setenv("MLRUN_RUNS", str(tmp_path))
    return tmp_path


def mlrun(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a user does, with its output on a pipe."""
    return subprocess.run(
        [sys.executable, "-c", "from mlrun.cli import main; main()", *arguments],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def on_a_terminal(*arguments: str, **environment: str) -> bytes:
    """Run the command on a terminal of 80 columns; return what it wrote."""
    program = [sys.executable, "-c", "from mlrun.cli import main; main()", *arguments]
    ours, theirs = pty.openpty()
    settings = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color", **environment}
    with subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, env=settings) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            written += part
        process.wait(timeout=60)
    os.close(ours)
    return written


# -- what the user types -----------------------------------------------------------------------------------------------


def test_every_command_starts_quickly_and_says_what_it_does() -> None:
    assert (
        tuple((entry.name or entry.callback.__name__) for entry in app.registered_commands if entry.callback)
        == COMMANDS
    )
    assert all(entry.cls is Command and entry.callback and entry.callback.__doc__ for entry in app.registered_commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_fits_80_columns(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    written = capsys.readouterr().out
    assert "…" not in written
    assert max(map(len, written.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trian", "x.yaml"], "mlrun has no command 'trian'; did you mean 'train'?"),
        (["train", "x.yaml", "--job", "2"], "mlrun train has no option '--job'; did you mean '--jobs'?"),
        (["train", "x.yaml", "--executor", "jobli"], "there is no executor 'jobli'; did you mean 'joblib'?"),
        (["train", "x.yaml", "--jobs", "two"], "'two' is not a whole number"),
        (["train", "x.yaml", "--jobs", "-1"], "-1 is less than 0"),
        (["train"], "missing argument 'SPEC'"),
        (["train", "x.yaml", "y.yaml"], "unexpected extra argument"),
        (["list", "--format", "jsn"], "there is no format 'jsn'; did you mean 'json'?"),
        (["list", "--status", "complet"], "did you mean 'complete'?"),
        (["list", "--sort", "tset"], "did you mean 'test'?"),
        (["list", "--experiment", "incom"], "did you mean 'income'?"),
        (["show", "incom"], "did you mean 'income'?"),
        (["show", "income@7"], "there is no run income@7"),
        (["compare", "income@1"], "compare needs two runs or more"),
        (["compare", "income@1", "income@1", "--fail-on-regression", "--no-tests"], "leave out --no-tests"),
        (["catalog", "model"], "did you mean 'models'?"),
        (["catalog", "models", "xgbost"], "did you mean 'xgboost'?"),
        (["catalog", "metrics", "rmsee"], "did you mean 'rmse'?"),
        (["train", "no-such-spec.yaml"], "no-such-spec.yaml"),
        (["data", "dif"], "mlrun data has no command 'dif'; did you mean 'diff'?"),
        (["data"], "missing command (see 'mlrun data --help')"),
        (["data", "diff", "income@1"], "missing argument 'B' (see 'mlrun data diff --help')"),
        (["data", "erase", "--colum", "x"], "mlrun data erase has no option '--colum'; did you mean '--column'?"),
        (["history", "incom"], "did you mean 'income'?"),
        (["history", "income", "--metric", "roc_auk"], "the runs have no metric 'roc_auk'; did you mean 'roc_auc'?"),
        (["verify", "incom"], "did you mean 'income'?"),
        (["reproduce", "incom"], "did you mean 'income'?"),
        (["tag", "income@1", "two words"], "'two words' cannot be a tag"),
        (["note", "income@7", "x"], "there is no run income@7"),
        (["gc", "--keep-last", "0"], "0 is less than 1"),
        (["gc", "-e", "incom"], "did you mean 'income'?"),
        (["export", "income@1", "--to", "modelcard"], "there is no export 'modelcard'; did you mean 'model-card'?"),
        (["export", "income@1"], "--to mlflow | model-card | onnx | ro-crate"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    make_run(root)
    assert run(arguments) == 2
    written = capsys.readouterr()
    assert told in written.err
    assert written.err.startswith("error: ")
    assert written.err.count("\n") == 1
    assert written.out == ""


def test_no_command_prints_help_and_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Usage: mlrun" in capsys.readouterr().out


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"mlrun {version('mlrun-cli')}\n"


# -- what went wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("bad table"), 2),
        (NothingConcluded("too few rows"), 3),
        (StorageError("disk full"), 74),
        (Interrupted("stopped by SIGTERM; run it again to go on", signal.SIGTERM), 143),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 74),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 74),
        (OSError(errno.EROFS, "Read-only file system"), 74),
        (ValueError("oh"), 70),
        (MlrunError("what"), 70),
        (RecursionError(), 70),
    ],
)
def test_every_end_has_its_code_and_no_traceback(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("MLRUN_DEBUG", raising=False)
    assert refusals.answer(error) == code
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert "Traceback" not in written


def test_an_internal_error_asks_for_a_report_and_keeps_its_traceback_in_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        json.loads("\x1b[31m{\n")
    except ValueError as error:
        refusals.answer(error)
    (file,) = tmp_path.iterdir()
    written = capsys.readouterr().err
    assert "Please report it" in written
    assert str(file) in written
    assert "test_cli.py" in file.read_text()


def test_debugging_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLRUN_DEBUG", "1")
    refusals.answer(DataError("bad table"))
    assert "DataError" in capsys.readouterr().err


def test_problems_of_a_spec_show_place_line_caret_and_cure(capsys: pytest.CaptureFixture[str]) -> None:
    place = Place("income.yaml", 3, 5, "\tdé: [modles]")
    refusals.answer(SpecError([Problem("no 'modles'", place, "Say 'models'."), Problem("no target")]))
    assert capsys.readouterr().err.splitlines() == [
        "error: 2 problems",
        "income.yaml:3:5: no 'modles'",
        "     dé: [modles]",
        "        ^",
        "  Say 'models'.",
        "no target",
    ]


@pytest.mark.parametrize("column", [1, 500, 990, 0, 5000])
def test_of_a_long_line_the_part_with_the_mistake_is_shown(column: int) -> None:
    text = "".join(chr(97 + place % 26) for place in range(1000))
    lines = refusals.excerpt(Place("x.yaml", 1, column, text))
    assert all(len(line) <= 80 for line in lines)
    if 0 < column <= 1000:
        caret = lines[1].index("^")
        assert lines[0][caret] == text[column - 1]


def test_the_caret_stands_under_the_character_after_wide_and_hidden_ones() -> None:
    first, second = refusals.excerpt(Place("x.yaml", 1, 4, "漢\x1b字x"))
    assert first == "    漢\\x1b字x"
    assert second.index("^") == 4 + 2 + 4 + 2


def test_another_distribution_of_the_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlrun-1.7.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert run(["list"]) == 2
    assert "another distribution named 'mlrun'" in capsys.readouterr().err


# -- where it is written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["show", "income"], ["catalog"], ["nothing"], ["list", "--x"]]
)
def test_no_escape_reaches_a_pipe_even_in_a_ci_log(root: Path, arguments: list[str]) -> None:
    make_run(root)
    done = mlrun(*arguments, GITHUB_ACTIONS="true", FORCE_COLOR="1", TERM="xterm-256color")
    assert done.stdout + done.stderr
    assert ESCAPE not in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show", "income"]])
def test_a_terminal_gets_colours_unless_it_asks_for_none(root: Path, arguments: list[str]) -> None:
    make_run(root)
    assert ESCAPE in on_a_terminal(*arguments)
    assert ESCAPE not in on_a_terminal(*arguments, NO_COLOR="1")


def test_a_reader_that_leaves_early_is_no_error(root: Path) -> None:
    make_run(root)
    command = f"{sys.executable} -c 'from mlrun.cli import main; main()' schema --run; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | head -c 10"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == "0\n"
    assert len(done.stdout) == 10


def test_a_stream_without_our_letters_gets_escapes_instead_of_an_error(root: Path) -> None:
    make_run(root)
    done = mlrun("show", "income", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert b"roc_auc" in done.stdout
    accept_any_text()  # is harmless where streams are not files


@pytest.mark.parametrize("form", ["table", "markdown", "json", "csv"])
@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "income@1"], ["compare", "income@1", "income@2", "--no-tests"]]
)
def test_every_listing_has_every_format_within_80_columns(
    root: Path, arguments: list[str], form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(root)
    for _ in range(2):
        make_run(root)
    assert run([*arguments, "--format", form]) == 0
    written = capsys.readouterr().out
    assert "xgboost" in written
    if form == "table":
        assert max(map(len, written.splitlines())) <= 80
    if form == "json":
        assert json.loads(written)


# -- list --------------------------------------------------------------------------------------------------------------


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert run(["list", "--format", "json", *arguments]) == 0
    return [row["name"] for row in json.loads(capsys.readouterr().out)]


def scored(name: str, score: float | None, **changes: object) -> RunRecord:
    from dataclasses import replace

    best = USUAL[0]
    cv = {"roc_auc": replace(best.cv["roc_auc"], mean=score)}
    return record((replace(best, cv=cv),), experiment=name, **changes)


def test_list_filters_sorts_and_limits(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(root, scored("a", 0.7, started="2026-01-01T00:00:00+00:00"))
    make_run(root, scored("a", None, started="2026-01-02T00:00:00+00:00", status="failed"))
    make_run(root, scored("b", 0.9, started="2026-01-03T00:00:00+00:00"))
    make_run(root, scored("c", 0.8, started="2026-01-04T00:00:00+00:00"))
    assert listed(capsys) == ["c@1", "b@1", "a@2", "a@1"]
    assert listed(capsys, "--sort", "folds") == ["b@1", "c@1", "a@1", "a@2"]
    assert listed(capsys, "-n", "2") == ["c@1", "b@1"]
    assert listed(capsys, "--status", "failed") == ["a@2"]
    assert listed(capsys, "--experiment", "a") == ["a@2", "a@1"]


def test_scores_to_be_low_sort_the_lowest_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from made_runs import LOSS

    for loss in (0.3, 0.1, 0.2):
        made = scored("a", 0.5)
        best = made.models[0]
        cv = {"log_loss": type(best.cv["roc_auc"])(loss)}
        from dataclasses import replace

        make_run(root, replace(made, metrics=(LOSS,), models=(replace(best, cv=cv),)))
    assert listed(capsys, "--sort", "folds") == ["a@2", "a@3", "a@1"]


def test_an_empty_folder_of_runs_says_how_to_make_the_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    assert "mlrun train SPEC makes the first" in " ".join(capsys.readouterr().out.split())


def test_damaged_runs_are_listed_with_their_reason(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(root)
    (folder / "run.json").write_text("{")
    assert run(["list"]) == 0
    written = capsys.readouterr().out
    assert "damaged" in written
    assert "income@1:" in written


# -- schema, catalog ---------------------------------------------------------------------------------------------------


def test_the_run_schema_accepts_what_is_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator

    folder = make_run(root)
    assert run(["schema", "--run"]) == 0
    schemas = json.loads(capsys.readouterr().out)
    for name in ("run.json", "data.json", "code.json", "env.json"):
        validator.check_schema(schemas[name])
        validator(schemas[name]).validate(json.loads((folder / name).read_bytes()))
    assert set(schemas["run.json"]["properties"]) == set(RunRecord.__dataclass_fields__)


def test_the_spec_schema_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator

    assert run(["schema"]) == 0
    validator.check_schema(json.loads(capsys.readouterr().out))


def test_the_catalog_knows_every_entry_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    from mlrun.catalog import names
    from mlrun.shelves import KINDS

    for kind in KINDS:
        assert run(["catalog", kind, "--format", "json"]) == 0
        assert {row["name"] for row in json.loads(capsys.readouterr().out)} == set(names(kind))
        for name in names(kind):
            assert run(["catalog", kind, name]) == 0
            assert name in capsys.readouterr().out


def test_the_catalog_says_no_name_twice_and_no_list_of_all_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "edits", "--format", "markdown"]) == 0
    assert "| add | So much more of each column" in capsys.readouterr().out
    assert run(["catalog", "checks", "--format", "markdown"]) == 0
    assert "| all tasks | by, discover" in capsys.readouterr().out


def test_metrics_are_found_by_their_other_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "metrics", "root_mean_squared_error"]) == 0
    assert capsys.readouterr().out.startswith("rmse\n")


def test_a_place_far_along_a_very_long_line_is_shown_with_its_caret(tmp_path: Path) -> None:
    line = "metrics: [" + ", ".join(["accuracy"] * 40 + ["wrong_one"] + ["f1"] * 40) + "]"
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"experiment: x\ndata: {{path: x.csv, target: y}}\nmodels: [ridge]\n{line}\n")
    with pytest.raises(SpecError) as told:
        load(spec)
    (problem,) = [problem for problem in told.value.problems if "wrong_one" in problem.message]
    assert problem.place is not None
    shown, caret = refusals.excerpt(problem.place)
    assert shown[caret.index("^") :].startswith("wrong_one")
