"""Every odd table of tracking.md section 6, from `init` to `predict`: it works, or one sentence says what and where."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlrun.cli import run

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
ROWS = 60
MODELS = "models: [gaussian_nb, decision_tree]\nsplit: {folds: 2}\nevaluation: none\n"


def plain(rows: int = ROWS) -> dict[str, list[object]]:
    """Return a table that has nothing odd: two numbers, a category, a label."""
    draw = np.random.default_rng(0)
    size = draw.normal(size=rows)
    return {
        "size": [round(value, 3) for value in size.tolist()],
        "age": draw.integers(18, 90, rows).tolist(),
        "town": [("north", "south", "east")[number % 3] for number in range(rows)],
        "kind": ["yes" if value > 0 else "no" for value in size],
    }


def as_csv(table: dict[str, list[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue().encode()


def changed(**columns: list[object]) -> bytes:
    return as_csv({**plain(), **columns})


def lines(edit: Callable[[list[bytes]], list[bytes]]) -> bytes:
    return b"\n".join(edit(as_csv(plain()).splitlines())) + b"\n"


def with_missing_targets() -> bytes:
    kinds: list[object] = ["" if row % 10 == 0 else kind for row, kind in enumerate(plain()["kind"])]
    return changed(kind=kinds)


PLAIN = as_csv(plain())
DAYS: list[object] = [f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}" for day in range(ROWS)]
# name → content, and what the sentence must name where it is refused ("" = it must work)
TABLES: dict[str, tuple[bytes, str]] = {
    "nothing odd": (PLAIN, ""),
    "empty": (b"", "is empty"),
    "only a header": (b"size,age,town,kind\n", "has a header and no rows"),
    "ragged": (lines(lambda rows: [*rows[:5], rows[5] + b",9", *rows[6:]]), "table.csv:6: this row has 5 fields"),
    "byte order mark": (codecs.BOM_UTF8 + PLAIN, ""),
    "utf-16": (codecs.BOM_UTF16_LE + PLAIN.decode().encode("utf-16-le"), ""),
    "nul byte": (PLAIN.replace(b"north", b"no\0th", 1), "table.csv:2: a NUL byte"),
    "column named twice": (PLAIN.replace(b"age", b"size", 1), "columns 1 and 2 are both named 'size'"),
    "column without a name": (PLAIN.replace(b"age", b"", 1), "table.csv:1: the header has no name for column 2"),
    "one class": (changed(kind=["yes"] * ROWS), "kind"),
    "missing targets": (with_missing_targets(), "table.csv: column 'kind'"),
    "only missing targets": (changed(kind=[""] * ROWS), "kind"),
    "infinity": (changed(size=["inf", "-inf", *plain()["size"][2:]]), ""),
    "nan": (changed(size=["nan", "NaN", *plain()["size"][2:]]), ""),
    "constant column": (changed(age=[7] * ROWS), ""),
    "column of nulls": (changed(age=[""] * ROWS), ""),
    "a category a row": (changed(town=[f"town {row}" for row in range(ROWS)]), ""),
    "dates": (changed(age=DAYS), ""),
    "windows line ends": (PLAIN.replace(b"\n", b"\r\n"), ""),
    "odd column name": (PLAIN.replace(b"age", "\u202e[/]=1+1\t".encode(), 1), ""),
    "no rows but blank ones": (b"\n\n\n", "has no line to read"),
    "one row": (lines(lambda rows: rows[:2]), "no column is left for the models to learn from"),
    "two columns the same": (changed(age=plain()["size"]), ""),
    "target is a number a row": (changed(kind=[row * 1.5 for row in range(ROWS)]), "'gaussian_nb' does classification"),
}


def told(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert "report" not in err, "an internal error asks for a report"
    assert "\x1b" not in out + err
    return re.sub(r"\s+", " ", err)


def write_spec(folder: Path, data: str = "{path: table.csv, target: kind}") -> None:
    (folder / "runs").mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(f"experiment: odd\ndata: {data}\n{MODELS}")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_works_from_init_to_predict_or_is_refused_in_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, named = TABLES[name]
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_bytes(content)
    write_spec(tmp_path)
    began = run(["init", "table.csv", "-o", "begun.yaml", "--target", "kind"])
    said = told(capsys)
    assert began in {0, 2}, said
    for command in (["plan", "spec.yaml"], ["train", "spec.yaml", "--executor", "serial", "-q"]):
        code = run(command)
        said = told(capsys)
        assert code == (2 if named else 0), (command, said)
        assert named in said
    if not named:
        assert run(["predict", "odd", "table.csv", "-o", "out.csv"]) == 0, told(capsys)
        assert pl.read_csv("out.csv").height == ROWS
        assert run(["show", "odd"]) == 0
        assert run(["show", "odd", "--html", "page.html"]) == 0
        told(capsys)


def test_values_that_trees_cannot_hold_are_told_before_the_fits_and_cost_only_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_bytes(changed(size=[1e39, -1e39, *plain()["size"][2:]]))
    write_spec(tmp_path)
    assert run(["plan", "spec.yaml"]) == 0
    assert "column 'size': 2 values beyond" in re.sub(r"\s+", " ", capsys.readouterr().out)
    assert (
        run(
            ["train", "spec.yaml", "--executor", "serial", "-q", "--set", "models=[logistic_regression, decision_tree]"]
        )
        == 4
    )
    assert "decision_tree/0000 failed" in told(capsys)
    (record,) = Path("runs/odd").glob("*/run.json")
    assert json.loads(record.read_text())["best"] == "logistic_regression"


def test_a_file_that_is_not_there_is_a_sentence_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_bytes(PLAIN)
    write_spec(tmp_path, "{path: tabel.csv, target: kind}")
    for command in (["init", "tabel.csv"], ["plan", "spec.yaml"], ["train", "spec.yaml"]):
        assert run(command) == 2
        assert "there is no such file; did you mean 'table.csv'?" in told(capsys)
    assert not list(Path("runs").iterdir())


@pytest.mark.parametrize("condition", ["size > (", "import os", "nosuch > 1", "size = 'x'", "1; DROP TABLE x"])
def test_a_row_condition_is_a_condition_or_a_sentence(
    condition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_bytes(PLAIN)
    write_spec(tmp_path, f"{{path: table.csv, target: kind, where: {json.dumps(condition)}}}")
    assert run(["plan", "spec.yaml"]) == 2
    assert "where" in told(capsys)


def test_many_categories_are_a_column_that_can_be_lived_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """50,000 of them here; a million take the same way and some 20 s."""
    rows = 50_000
    monkeypatch.chdir(tmp_path)
    table = plain(rows)
    table["town"] = [f"town {row}" for row in range(rows)]
    Path("table.csv").write_bytes(as_csv(table))
    write_spec(tmp_path, "{path: table.csv, target: kind, types: {town: category}}")
    assert run(["train", "spec.yaml", "--executor", "serial", "-q"]) == 0, told(capsys)
    told(capsys)


# -- the Big List of Naughty Strings: as labels, categories, texts, names, paths -------------------------------------


def naughty() -> list[str]:
    path = CORPORA / "naughty_strings" / "blns.json"
    if not path.exists():
        return []
    return [text for text in dict.fromkeys(json.loads(path.read_bytes())) if text]


needs_strings = pytest.mark.skipif(not naughty(), reason="the Big List of Naughty Strings is not here")


@needs_strings
def test_naughty_strings_are_labels_categories_and_texts_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [text for text in naughty() if "\0" not in text]
    draw = np.random.default_rng(0)
    labels = words[:: math.ceil(len(words) / 12)][:12]
    kinds = [labels[number] for number in draw.integers(0, len(labels), 40 * len(labels)).tolist()]
    pl.DataFrame(
        {
            "row": range(len(kinds)),
            "word": [words[number % len(words)] for number in range(len(kinds))],
            "comment": [" ".join((words[number % len(words)], "and", kinds[number])) for number in range(len(kinds))],
            "kind": kinds,
        }
    ).write_parquet("table.parquet")
    write_spec(tmp_path, "{path: table.parquet, target: kind, id: row, types: {word: category}, text: [comment]}")
    assert run(["train", "spec.yaml", "--executor", "serial", "--set", "evaluation=auto"]) == 0, told(capsys)
    for command in (
        ["show", "odd"],
        ["show", "odd", "--format", "markdown"],
        ["show", "odd", "--format", "csv"],
        ["show", "odd", "--html", "page.html"],
        ["list"],
        ["predict", "odd", "table.parquet", "-o", "out.csv"],
    ):
        assert run(command) == 0
        told(capsys)
    assert set(pl.read_csv("out.csv", infer_schema_length=None)["prediction"]) <= set(kinds) | {
        f"'{kind}" for kind in kinds
    }
    page = Path("page.html").read_text()
    assert not re.search(r"<script|<iframe|<img|javascript:[^&]*['\"]\s*>", page)
    (record,) = Path("runs/odd").glob("*/run.json")
    assert set(json.loads(record.read_text())["task"]["labels"]) == set(kinds)


@needs_strings
def test_naughty_strings_are_no_names_of_experiments_models_runs_or_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is a good name by the rule may be one; nothing is made outside the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inside" / "runs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "inside")
    Path("table.csv").write_bytes(PLAIN)
    for text in naughty()[::4]:
        quoted = json.dumps(text)
        good = bool(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text))
        Path("spec.yaml").write_text(
            f"experiment: {quoted}\ndata: {{path: table.csv, target: kind}}\n"
            f"models: {{{quoted}: {{family: gaussian_nb}}}}\n"
        )
        assert run(["plan", "spec.yaml"]) == (0 if good else 2), text
        told(capsys)
        for command in (["show", text], ["init", text]) if not text.startswith("-") else ():
            assert run(command) == 2
            told(capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside"]
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["runs", "spec.yaml", "table.csv"]


# -- malformed CSVs ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (CORPORA / "polluted_csv").exists(), reason="the polluted CSVs are not here")
def test_init_looks_at_polluted_files_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = sorted((CORPORA / "polluted_csv").rglob("*.csv"))
    assert files
    for number, path in enumerate(files):
        code = run(["init", str(path), "-o", f"{number}.yaml"])
        said = told(capsys)
        assert code == 0 or (code == 2 and (path.name in said or "--target COLUMN" in said)), (path.name, said)
