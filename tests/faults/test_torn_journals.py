"""The journal of a real run, cut anywhere or with flipped bits: what is whole counts, the rest is done again."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from in_process import Done, run, write_spec

from faults.commands import finished_fits, what_must_be_equal, whole_lines
from mlrun.events import Noted
from mlrun.journal import read_journal
from mlrun.run_log import RunLog
from mlrun.verify import Search, verify_run

SPEC = """
experiment: torn
data: {source: sklearn, name: iris}
split: {folds: 2}
metrics: [accuracy, log_loss]
models:
  gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-3]}
  decision_tree: {max_leaf_nodes: [2, 4]}
  boosted: {family: hist_gradient_boosting, max_iter: 2}
"""
EVERY = 7  # of the bytes between line ends, in the short form


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    done = run(write_spec(tmp_path_factory.mktemp("undisturbed"), SPEC))
    assert done.folder is not None
    return done.folder


@pytest.fixture(scope="module")
def journal(undisturbed: Path) -> bytes:
    return (undisturbed / "journal.jsonl").read_bytes()


def cut_off(place: Path, content: bytes) -> Path:
    """Return the folder of a run that was cut off with this journal."""
    folder = place / "torn" / "0001"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lock").touch()
    (folder / "journal.jsonl").write_bytes(content)
    return folder


def remembered(folder: Path) -> dict[str, Any]:
    """Return what a run that goes on knows: the fits that had ended, their timings and curves."""
    log = RunLog(folder / "journal.jsonl")
    try:
        return {
            "fits": dict(log._finished),
            "timings": log.timings,
            "curves": log.curves,
            "begun": log.first is not None,
        }
    finally:
        log.close()


def points(content: bytes, every: int) -> list[int]:
    """Return where to cut: around the end of each line, and every so many bytes."""
    ends = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    near = {at + step for at in ends for step in (-2, -1, 0, 1)}
    return sorted(at for at in near | set(range(0, len(content) + 1, every)) if at <= len(content))


def test_every_truncation_point_keeps_each_fit_whose_line_is_whole(journal: bytes, tmp_path: Path) -> None:
    """MLRUN_EVERY=1: at every byte."""
    every = int(os.environ.get("MLRUN_EVERY", str(EVERY)))
    for length in points(journal, every):
        folder = cut_off(tmp_path, journal[:length])
        state = verify_run(folder, Search(None))
        assert state.state == "interrupted", "a cut is what a kill leaves: no damage"
        known = remembered(folder)
        assert list(known["fits"]) == finished_fits(journal[:length])
        assert len(known["timings"]) == len(set(map(str, known["timings"])))
        assert known["begun"] == (len(whole_lines(journal[:length])) >= 2)
        kept = (folder / "journal.jsonl").read_bytes()
        assert kept in (journal[: len(kept)], whole_lines(journal)[0] + b"\n")


def resumed(undisturbed: Path, place: Path, content: bytes) -> tuple[Done, Path]:
    """Go on with a journal; return what happened, and the folder that is finished then."""
    cut_off(place, content)
    done = run(undisturbed.parents[2] / "spec.yaml", runs=str(place))
    assert done.folder is not None
    return done, done.folder


def check_equal(undisturbed: Path, folder: Path) -> None:
    ours, theirs = what_must_be_equal(folder), what_must_be_equal(undisturbed)
    for name, expected in theirs.items():
        assert ours[name] == expected, name


def test_a_run_goes_on_from_any_cut_to_the_same_result(undisturbed: Path, journal: bytes, tmp_path: Path) -> None:
    lines = whole_lines(journal)
    ends = [len(b"\n".join(lines[:number])) + 1 for number in range(1, len(lines) + 1)]
    for number, length in enumerate((0, 5, ends[1] - 1, ends[1], ends[3] + 9, ends[-2] + 1, len(journal))):
        place = tmp_path / str(number)
        _, folder = resumed(undisturbed, place, journal[:length])
        assert folder.name == "0001"
        check_equal(undisturbed, folder)
        fits = finished_fits((folder / "journal.jsonl").read_bytes())
        assert len(fits) == len(set(fits)), "a finished fit is never run again"


def flipped(content: bytes, bits: list[int]) -> bytes:
    changed = bytearray(content)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_flipped_bits_bring_no_fit_that_was_not_and_are_told(journal: bytes, tmp_path: Path) -> None:
    draw, whole = random.Random(8), dict.fromkeys(finished_fits(journal))
    for _ in range(int(os.environ.get("MLRUN_FLIPS", "150"))):
        bits = [draw.randrange(8 * len(journal)) for _ in range(draw.choice((1, 1, 3)))]
        folder = cut_off(tmp_path, flipped(journal, bits))
        content = read_journal(folder / "journal.jsonl")
        assert content.damaged or content.torn, bits
        if content.damaged:
            assert verify_run(folder, Search(None)).state == "damaged", bits
        known = remembered(folder)
        assert set(known["fits"]) <= set(whole), bits


@pytest.mark.parametrize("place", [0.1, 0.4, 0.7, 0.95])
def test_a_run_with_flipped_bits_ends_with_the_same_result_and_says_so(
    undisturbed: Path, journal: bytes, tmp_path: Path, place: float
) -> None:
    begun = len(b"\n".join(whole_lines(journal)[:2])) + 1  # what stands before: the format, and whose journal it is
    at = begun + int(place * (len(journal) - begun))
    while journal[at : at + 1] == b"\n":
        at += 1
    done, folder = resumed(undisturbed, tmp_path, flipped(journal, [8 * at + 2]))
    told = [event.text for event in done.events if isinstance(event, Noted)]
    assert any("damaged line" in sentence for sentence in told)
    check_equal(undisturbed, folder)
    assert verify_run(folder, Search(None)).state == "whole"


def test_a_journal_that_does_not_say_whose_it_is_is_left_alone(
    undisturbed: Path, journal: bytes, tmp_path: Path
) -> None:
    at = len(whole_lines(journal)[0]) + 30
    _, folder = resumed(undisturbed, tmp_path, flipped(journal, [8 * at]))
    assert folder.name == "0002", "the damaged one stays as it is, another version is run"
    check_equal(undisturbed, folder)
    damaged = verify_run(tmp_path / "torn" / "0001", Search(None))
    assert damaged.state == "damaged"
    assert damaged.troubles[0].text == "its first line is damaged: nobody can tell of which spec it is"
