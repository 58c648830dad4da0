"""Damage to the files of a finished run: every flipped bit is found, and no command answers it with a traceback."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from in_process import run, write_spec

from mlrun import cli
from mlrun.runs import is_own
from mlrun.store.file_names import LABELS, LOCK
from mlrun.verify import Search, verify_run

SPEC = """
experiment: damaged
data: {path: rows.csv, target: y, id: id, sensitive: [sex]}
split: {folds: 2}
models:
  logistic_regression: {C: [0.1, 1]}
  decision_tree: {max_depth: 2}
  boosted: {family: hist_gradient_boosting, max_iter: 3}
baselines: [zero_rule]
evaluation: {calibration: {}, slices: {by: [sex]}}
gates: [{metric: roc_auc, at_least: 0.1}]
"""
INTERNAL = 70
ROWS = 700
FLIPS = 2  # a file, in the short form


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run, with another beside it to compare it with."""
    place, draw = tmp_path_factory.mktemp("damage"), random.Random(1)
    a = [draw.gauss(0, 1) for _ in range(ROWS)]
    table = {
        "id": range(ROWS),
        "a": a,
        "sex": [draw.choice("fm") for _ in a],
        "y": ["yes" if each + draw.gauss(0, 1) > 0 else "no" for each in a],
    }
    pl.DataFrame(table).write_csv(place / "rows.csv")
    spec = write_spec(place, SPEC)
    run(spec)
    done = run(spec, "models.logistic_regression.C=[0.1, 1, 10]")
    assert done.folder is not None
    assert cli.run(["tag", str(done.folder), "nightly"]) == 0
    return done.folder


@pytest.fixture
def damaged(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the run, in a folder of runs of its own, in which the commands are given."""
    shutil.copytree(whole.parents[2], tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here" / "runs" / "damaged" / whole.name


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (LOCK, LABELS))


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def is_found(folder: Path) -> bool:
    return verify_run(folder, Search(None)).state == "damaged"


COMMANDS = {
    "list": ["list"],
    "show": ["show", "damaged@2"],
    "compare": ["compare", "damaged@1", "damaged@2"],
    "compare-back": ["compare", "damaged@2", "damaged@1", "--no-tests"],
    "predict": ["predict", "damaged@2", "rows.csv", "-o", "out.csv"],
    "evaluate": ["evaluate", "damaged@2", "--data", "rows.csv"],
    "evaluate-own": ["evaluate", "damaged@2"],
    "verify": ["verify", "damaged@2", "--no-models"],
    "history": ["list", "--format", "json"],
}
ALL_WELL = dict.fromkeys(COMMANDS, 0)
QUICK = ("list", "show", "compare-back", "verify")


def answer(command: list[str], capsys: pytest.CaptureFixture[str], why: str) -> int:
    """Give a command; whatever it finds, it is no internal error."""
    capsys.readouterr()
    code = cli.run(command)
    told = capsys.readouterr()
    assert code != INTERNAL, f"{why}: mlrun {' '.join(command)}\n{told.err}"
    assert "Traceback" not in told.out + told.err, why
    return code


def test_a_whole_run_is_whole(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_run(damaged, Search(None)).state == "whole"
    assert {name: answer(command, capsys, "nothing") for name, command in COMMANDS.items()} == dict.fromkeys(
        COMMANDS, 0
    )


def test_every_flipped_bit_is_found_and_told_in_sentences(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip_and_ask(damaged, FLIPS, QUICK, random.Random(4), capsys)


@pytest.mark.parametrize("name", ["run.json", "manifest.json"])
def test_every_bit_of_what_vouches_for_the_rest_is_vouched_for(damaged: Path, name: str) -> None:
    """One bit of each byte: a digit, a key, a blank, the seal itself."""
    path, draw = damaged / name, random.Random(2)
    content = path.read_bytes()
    for at in range(0, len(content), max(1, len(content) // 100)):
        flip(path, 8 * at + draw.randrange(8))
        assert is_found(damaged), f"byte {at} of {name}: {content[at - 20 : at + 20]!r}"
        assert not is_own(damaged)
        path.write_bytes(content)


def flip_and_ask(
    folder: Path, flips: int, names: tuple[str, ...], draw: random.Random, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flip bits of each file of a run, one at a time; verify finds it, and each command answers in sentences."""
    for path in files_of(folder):
        whole = path.read_bytes()
        for number in range(flips if whole else 0):
            bit = draw.randrange(8 * len(whole))
            flip(path, bit)
            why = f"bit {bit} of {path.relative_to(folder)}"
            assert is_found(folder), why
            for name in names if number == 0 else draw.sample(names, 1):
                answer(COMMANDS[name], capsys, why)
            path.write_bytes(whole)
    assert verify_run(folder, Search(None)).state == "whole"


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def scramble(path: Path) -> None:
    path.write_bytes(random.Random(9).randbytes(500))


def other_json(path: Path) -> None:
    path.write_text('{"format": 1, "models": [1, {"name": []}], "files": {"x": 3}, "data": {"id": "nobody"}}')


WAYS = (remove, empty, cut, replace_by_folder, scramble, other_json)
READ_BY_HEAVY = ("run.json", "manifest.json", "spec.yaml", "spec.resolved.json", "data.json", "profile.json")
HEAVY = ("predict", "evaluate", "compare")


def spoil_and_ask(
    folder: Path, way: Callable[[Path], None], heavy: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Spoil each file of a run in turn; verify finds it, and the commands that read it answer in sentences."""
    for path in files_of(folder):
        whole, name = path.read_bytes(), path.relative_to(folder).as_posix()
        if not whole and way in (empty, cut):
            continue
        way(path)
        why = f"{way.__name__} {name}"
        assert is_found(folder) or name == "run.json", why  # without it the run counts as one that was cut off
        asked = heavy if name in READ_BY_HEAVY or name.endswith((".skops", ".parquet")) else ()
        for each in ("show", *asked):
            answer(COMMANDS[each], capsys, why)
        if path.is_dir():
            path.rmdir()
        path.write_bytes(whole)


@pytest.mark.parametrize("way", WAYS)
def test_files_that_are_gone_cut_or_others_are_found_and_told(
    damaged: Path, way: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    heavy = HEAVY[:1] if way in (remove, other_json) else ()
    spoil_and_ask(damaged, way, heavy, capsys)


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_every_command_answers_every_spoilt_file_in_sentences(
    damaged: Path, way: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil_and_ask(damaged, way, tuple(COMMANDS), capsys)


@pytest.mark.long
def test_many_flipped_bits_of_every_file(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """MLRUN_FLIPS bits of each file (40 if it does not say), every command for some; MLRUN_SEED for others."""
    flips, draw = int(os.environ.get("MLRUN_FLIPS", "40")), random.Random(os.environ.get("MLRUN_SEED", "6"))
    flip_and_ask(damaged, flips, tuple(COMMANDS), draw, capsys)


def test_a_changed_file_is_told_of_where_it_is_read(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    findings = damaged / "findings.jsonl"
    findings.write_text(findings.read_text().replace("0.", "0.9", 1))
    answer(COMMANDS["show"], capsys, "findings")
    assert cli.run(COMMANDS["show"]) == 0
    told = capsys.readouterr().err
    assert "warning: findings.jsonl of damaged@2 was changed after the run" in told
    assert "mlrun verify damaged@2" in told


def test_what_is_wrong_is_named_with_the_way_out(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (damaged / "models" / "decision_tree.skops").unlink()
    flip(damaged / "trials.jsonl", 80)
    (damaged / "holiday.jpg").write_bytes(b"no file of mlrun's")
    (damaged / "system.jsonl").unlink(missing_ok=True)
    assert cli.run(["verify", "damaged@1"]) == 0
    assert cli.run(["verify", "--all", "--no-models"]) == 1
    told = capsys.readouterr().out
    assert "models/decision_tree.skops: it is missing" in told
    assert "trials.jsonl: it was changed after the run" in told
    assert "way out" in told
    assert "holiday.jpg was added after the run; mlrun reads nothing of it" in told
    assert "1 of 2 runs is damaged" in told
    assert cli.run(["predict", "damaged@2", "--model", "decision_tree", "rows.csv", "-o", "out.csv"]) == 74
    assert "decision_tree.skops is missing: the run is not whole" in capsys.readouterr().err
