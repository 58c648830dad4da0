"""mlrun init: what it guesses of a table, and that the spec it writes runs as it is."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrun.cli import run
from mlrun.errors import DataError, UsageError
from mlrun.init import experiment_name, init
from mlrun.language.yaml_lines import quote
from mlrun.preview import make_plan
from mlrun.run_options import TrainOptions
from mlrun.spec import Spec, load, parse
from mlrun.table.guesses import guess_target

SHARED = Path(__file__).parents[2] / "shared" / "data"
ROWS = range(60)
Rows = Sequence[Any]


def write(path: Path, rows: Rows, separator: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


def spec_of(data: Path | str, folder: Path, target: str | None = None) -> Spec:
    """Return the spec that init writes for a table, after a plan of it."""
    place = folder / "made.yaml"
    init(str(data), str(place), target)
    make_plan(place, (), TrainOptions(runs=str(folder / "runs")))
    return load(place)


def plain(spec: Spec) -> dict[str, Any]:
    return {"params": dict(spec.data.params), "target": spec.data.target, "task": spec.task}


# -- how the file is read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    made = write(tmp_path / "t.csv", [("x", "y", "churn"), *([i * 0.5, i % 7, i % 2] for i in ROWS)], separator)
    spec = spec_of(made, tmp_path)
    assert spec.data.params["separator"] == separator
    assert spec.data.target == "churn"


def test_a_comma_file_needs_no_word(tmp_path: Path) -> None:
    made = write(tmp_path / "t.csv", [["x", "churn"], *([i * 0.5, i % 2] for i in ROWS)])
    assert dict(spec_of(made, tmp_path).data.params) == {"path": "t.csv"}


def test_decimal_commas_are_found(tmp_path: Path) -> None:
    made = write(tmp_path / "t.csv", [["price", "kind"], *([f"{i},25", "ab"[i % 2]] for i in ROWS)], ";")
    spec = spec_of(made, tmp_path, "price")
    assert spec.data.params["decimal"] == ","
    assert spec.task == "regression"


@pytest.mark.parametrize(
    ("first", "header"),
    [
        (["7.1", "3", "no"], False),  # numbers over numbers
        (["a", "b", "no"], True),  # words over numbers
        (["2019", "2020", "c"], False),
        (["name", "2020", "c"], True),  # one word over numbers is enough
    ],
)
def test_a_header_is_told_from_rows(tmp_path: Path, first: list[str], header: bool) -> None:
    made = write(tmp_path / "t.csv", [first, *([i * 0.5, i % 7, ["no", "yes"][i % 2]] for i in ROWS)])
    params = spec_of(made, tmp_path).data.params
    assert ("header" not in params) == header


def test_words_that_come_again_are_no_header(tmp_path: Path) -> None:
    rows = [[["ham", "spam"][i % 2], f"a text of {i} words and some more of them"] for i in ROWS]
    spec = spec_of(write(tmp_path / "t.tsv", rows, "\t"), tmp_path)
    assert spec.data.params["header"] is False
    assert (spec.data.target, spec.data.positive, spec.data.text) == ("column_1", "spam", ("column_2",))


def test_titles_above_the_table_are_skipped(tmp_path: Path) -> None:
    rows = [["Export of 2024"], ["by us"], ["x", "y", "churn"], *([i, i % 7, i % 2] for i in ROWS)]
    assert spec_of(write(tmp_path / "t.csv", rows), tmp_path).data.params["skip_rows"] == 2


def test_another_encoding_is_found(tmp_path: Path) -> None:
    rows = [["straße", "label"], *(["Köln" if i % 3 else "Würzburg", i % 2] for i in ROWS)]
    assert spec_of(write(tmp_path / "t.csv", rows, encoding="latin-1"), tmp_path).data.params["encoding"] == "latin-1"


def test_quotes_in_text_are_taken_as_text(tmp_path: Path) -> None:
    lines = [f'{["ham", "spam"][i % 2]}\t"see you at {i} said nobody ever to me' for i in ROWS]
    (tmp_path / "t.tsv").write_text("\n".join(lines))
    assert spec_of(tmp_path / "t.tsv", tmp_path).data.params["quote"] is None


def test_packed_files_and_parquet_are_read(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": [i / 3 for i in ROWS], "churn": [i % 2 == 0 for i in ROWS]})
    table.write_parquet(tmp_path / "p.parquet")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(table.write_csv().encode()))
    for name, source in (("p.parquet", "parquet"), ("c.csv.gz", "csv")):
        folder = tmp_path / source
        folder.mkdir()
        spec = spec_of(tmp_path / name, folder)
        assert (spec.data.source, spec.data.params["path"]) == (source, f"../{name}")


def test_a_database_gives_its_largest_table(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "d.db") as connection:
        connection.execute("CREATE TABLE few (a)")
        connection.execute('CREATE TABLE "all people" (age REAL, income TEXT)')
        connection.executemany(
            'INSERT INTO "all people" VALUES (?, ?)', [(i / 3, "hi" if i % 3 else "lo") for i in ROWS]
        )
    connection.close()
    spec = spec_of(tmp_path / "d.db", tmp_path)
    assert spec.data.params["query"] == 'SELECT * FROM "all people"'
    assert "there are also few" in (tmp_path / "made.yaml").read_text()


@pytest.mark.parametrize(("name", "task"), [("iris", "classification"), ("diabetes", "regression")])
def test_tables_of_scikit_learn_need_their_name_only(tmp_path: Path, name: str, task: str) -> None:
    spec = spec_of(f"sklearn:{name}", tmp_path)
    assert (spec.experiment, spec.task, spec.data.source) == (name, task, "sklearn")


# -- what the columns are for -----------------------------------------------------------------------------------------


def test_a_target_is_known_by_its_name_before_its_place() -> None:
    last_is_few = {"x": [0.5, 1.5, 2.5, 3.5], "label": ["a", "b", "a", "b"], "port": ["S", "C", "S", "C"]}
    assert guess_target(pl.DataFrame(last_is_few), None, "")[0] == "label"


def test_without_a_telling_name_the_last_column_of_few_values_is_the_target() -> None:
    table = {"port": ["S", "C", "S", "C"], "kind": ["a", "b", "a", "b"], "x": [0.5, 1.5, 2.5, 3.5]}
    assert guess_target(pl.DataFrame(table), None, "")[0] == "port"  # an end of the table before its inside
    assert guess_target(pl.DataFrame(table).select("x", "port", "kind"), None, "")[0] == "kind"


def test_the_users_word_is_the_target(tmp_path: Path) -> None:
    made = write(tmp_path / "t.csv", [("x", "y", "churn"), *([i * 0.7, i % 3, i % 2] for i in ROWS)])
    assert spec_of(made, tmp_path, "y").data.target == "y"
    with pytest.raises(UsageError, match="did you mean 'churn'"):
        init(str(made), str(tmp_path / "b.yaml"), "chrun")


def test_an_anomaly_column_makes_it_anomaly_detection(tmp_path: Path) -> None:
    rows = [["x", "y", "is_outlier"], *([i * 0.7, i % 3, int(i % 10 == 0)] for i in ROWS)]
    assert spec_of(write(tmp_path / "t.csv", rows), tmp_path).task == "anomaly"


def test_unequal_whole_numbers_are_a_scale(tmp_path: Path) -> None:
    """Wine quality: 3 to 9 points, the ends rare; published as regression (Cortez 2009)."""
    points = [5] * 30 + [6] * 20 + [4] * 8 + [7] * 3 + [3]
    made = write(tmp_path / "t.csv", [["x", "quality"], *([i * 0.7, value] for i, value in enumerate(points))])
    assert spec_of(made, tmp_path).task == "regression"


def test_rare_classes_and_missing_targets_are_left_out_with_a_condition(tmp_path: Path) -> None:
    rows = [
        ["x", "class"],
        *([i * 0.7, ["it's", "b", ""][i % 3]] for i in ROWS),
        [1, "once"],
        [2, "twice"],
        [3, "twice"],
    ]
    spec = spec_of(write(tmp_path / "t.csv", rows), tmp_path)
    assert spec.data.where == "\"class\" IS NOT NULL AND \"class\" NOT IN ('once', 'twice')"


def test_few_rows_get_fewer_folds_or_no_test(tmp_path: Path) -> None:
    split = spec_of(
        write(tmp_path / "t.csv", [["x", "target"], *([i * 0.7, "ab"[i % 2]] for i in range(10))]), tmp_path
    )
    assert (split.split.test, split.split.folds) == (0.2, 4)
    (tmp_path / "b").mkdir()
    split = spec_of(
        write(tmp_path / "u.csv", [["x", "target"], *([i * 0.7, "ab"[i % 2]] for i in range(5))]), tmp_path / "b"
    )
    assert (split.split.test, split.split.folds) == (0.0, 2)


def test_a_person_of_whom_there_is_one_row_each_is_an_id(tmp_path: Path) -> None:
    rows = [["person", "x", "churn"], *([100_000 + i, i * 0.7, i % 2] for i in ROWS)]
    assert spec_of(write(tmp_path / "t.csv", rows), tmp_path).data.id == "person"


def test_ids_are_said_and_the_rest_is_offered(tmp_path: Path) -> None:
    head = ["personId", "household_id", "Sex", "hired_on", "knows", "grade", "workclass", "churn"]
    rows = [
        [
            1000 - i,
            f"h{i // 2}",
            "mf"[i % 2],
            f"2024-01-{i % 28 + 1:02d}",
            "ab"[(i // 3) % 2],
            i % 4,
            "?pq"[i % 3],
            (i // 3) % 2,
        ]
        for i in ROWS
    ]
    spec = spec_of(write(tmp_path / "t.csv", [head, *rows]), tmp_path)
    assert (spec.data.id, spec.data.time, spec.data.sensitive, spec.data.drop) == ("personId", None, (), ())
    lines = [
        line.split("  # ")[0].strip() for line in (tmp_path / "made.yaml").read_text().splitlines() if "  # " in line
    ]
    text = (tmp_path / "made.yaml").read_text()
    for offered in (
        "time: hired_on",
        "group: household_id",
        "sensitive: [Sex]",
        "drop: [knows]",
        "types: {grade: category}",
    ):
        assert f"  # {offered}" in text, lines
    assert '# null_values: ["?"]' in text


def test_every_offered_line_can_be_taken(tmp_path: Path) -> None:
    """Take the mark away from each line that names columns, one after the other: the spec still plans."""
    head = ["personId", "household_id", "Sex", "hired_on", "knows", "grade", "x", "churn"]
    rows = [
        [
            1000 - i,
            f"h{i // 2}",
            "mf"[i % 2],
            f"2024-0{i % 6 + 1}-{i % 28 + 1:02d}",
            "ab"[i * 7 % 10 // 5],
            i % 4,
            i * 0.3,
            i * 7 % 10 // 5,
        ]
        for i in range(120)
    ]
    spec_of(write(tmp_path / "t.csv", [head, *rows]), tmp_path)
    lines = (tmp_path / "made.yaml").read_text().splitlines()
    words = ("time:", "group:", "sensitive:", "drop:", "types:", "costs:")
    for place, line in enumerate(lines):
        bare = line.replace("# ", "", 1)
        if line.lstrip().startswith("# ") and bare.lstrip().startswith(words) and "..." not in bare:
            (tmp_path / "taken.yaml").write_text("\n".join([*lines[:place], bare, *lines[place + 1 :]]))
            make_plan(tmp_path / "taken.yaml", (), TrainOptions(runs=str(tmp_path / "runs")))


def without_marks(text: str) -> str:
    """Return a draft in which the sections of evaluation, usefulness and gates are taken."""
    head, mark, rest = text.partition("# evaluation:")
    assert mark
    return head + "\n".join(line.removeprefix("# ") for line in (mark + rest).splitlines() if "# " in line)


HEADS = {
    "people": ["Sex", "age", "hours", "job", "churn"],
    "prices": ["size", "rooms", "town", "price"],
    "text": ["message", "churn"],
}


@pytest.mark.parametrize("kind", ["people", "prices", "text", "sklearn:iris"])
def test_tests_usefulness_and_gates_that_are_offered_can_be_taken_together(tmp_path: Path, kind: str) -> None:
    texts = ["not what I ordered at all", "thank you for all of it"]
    rows: dict[str, list[Rows]] = {
        "people": [["mf"[i % 2], 20 + i * 7 % 41, i * 3 % 29 + 0.5, "abc"[i % 3], i * 7 % 10 // 5] for i in range(300)],
        "prices": [[i * 3 % 97 + 0.5, i % 5, "uvw"[i % 3], 10.5 * i] for i in range(300)],
        "text": [[f"{texts[i % 2]} number {i}", ["no", "yes"][i % 2]] for i in range(300)],
    }
    data = kind if kind not in rows else write(tmp_path / "t.csv", [HEADS[kind], *rows[kind]])
    spec_of(data, tmp_path)
    text = (tmp_path / "made.yaml").read_text()
    (tmp_path / "taken.yaml").write_text(without_marks(text))
    taken = load(tmp_path / "taken.yaml")
    make_plan(tmp_path / "taken.yaml", (), TrainOptions(runs=str(tmp_path / "runs")))
    assert taken.evaluation.auto
    assert [gate.kind for gate in taken.gates] == ["beats", "drop", "suites"]
    assert taken.useful is not None
    tests = {test.check for test in taken.evaluation.tests}
    assert ("invariance" in tests) is (kind == "people")  # a column that looks sensitive
    assert ("directional" in tests) is (kind != "text")
    assert (": {rate: 0.05" in text) is (kind == "text")


# -- the file that is written -----------------------------------------------------------------------------------------


def test_editors_find_the_schema_beside_the_spec(tmp_path: Path) -> None:
    init("sklearn:iris", str(tmp_path / "a.yaml"))
    first = (tmp_path / "a.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=mlrun.schema.json"
    schema = json.loads((tmp_path / "mlrun.schema.json").read_text())
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(yaml.safe_load((tmp_path / "a.yaml").read_text()), schema)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    place, schema = tmp_path / "a.yaml", tmp_path / "mlrun.schema.json"
    place.write_text("mine")
    with pytest.raises(UsageError, match="is already there; name another file with -o"):
        init("sklearn:iris", str(place))
    schema.write_text("mine too")
    init("sklearn:iris", str(tmp_path / "b.yaml"))
    assert (place.read_text(), schema.read_text()) == ("mine", "mine too")


def test_every_choice_has_a_comment(tmp_path: Path) -> None:
    init("sklearn:iris", str(tmp_path / "a.yaml"))
    said = [line for line in (tmp_path / "a.yaml").read_text().splitlines() if line and not line.startswith("#")]
    bare = [
        line for place, line in enumerate(said) if " # " not in line and not said[place - 1].lstrip().startswith("#")
    ]
    assert all(line.startswith(("data:", "  - ", "  name:")) for line in bare)


def test_names_that_yaml_would_read_otherwise_are_quoted(tmp_path: Path) -> None:
    names = ["a: b", "c#d", 'e"f', "[x]", "\N{PARTY POPPER}", "null", "1", "t\u202eb", "target"]
    rows = [
        [i * 0.5, i % 5, i * 2.5, i % 3, "uv"[i % 2], i + 0.5, i * 3, i % 4, '"q"' if i % 2 else "it's"] for i in ROWS
    ]
    spec = spec_of(write(tmp_path / "t.csv", [names, *rows]), tmp_path)
    assert spec.data.target == "target"
    assert str(spec.data.positive) in ('"q"', "it's")
    assert "\u202e" not in (tmp_path / "made.yaml").read_text()


@given(
    st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.integers(), st.booleans(), st.none())
)
def test_what_is_quoted_is_read_back(value: str | int | bool | None) -> None:
    text = f"experiment: e\ndata: {{source: csv, path: x, null_values: [{quote(value)}]}}\n"
    assert parse(text.encode(), "s.yaml", "/").data.params["null_values"] == (value,)


@given(st.text(max_size=100))
def test_any_file_name_gives_an_experiment_name(title: str) -> None:
    name = experiment_name(title)
    assert parse(f"experiment: {quote(name)}\ndata: {{source: csv, path: x}}\n".encode(), "s", "/").experiment == name


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["x", "target"]], "has a header and no rows"),
        ([["x", "x", "target"], [1, 2, 3], [2, 3, 4]], "are both named 'x'"),
        ([["x", "target"], *([i, 1] for i in ROWS)], "one class only"),
        ([["x", "target"], *([i, "inf" if i == 3 else i * 1.5] for i in ROWS)], "is infinite in 1 rows"),
        ([["x", "target"], [1, "a"], [2, "b"], [3, "a"]], "too few to learn from"),
        ([["name", "note"], *([f"n{i}", f"x{i}"] for i in ROWS)], "name one with --target"),
        ([["x", "y", "target"], *([i, i, i % 2] for i in ROWS), [1, 2]], ":62: this row has 2 fields"),
        ([["target"], *([i] for i in ROWS)], "no column is left"),
        ([["x", "target"], *([i, "a"] for i in ROWS), [1, "b"]], "a single row of class 'b'"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence_and_nothing_is_written(tmp_path: Path, rows: Rows, told: str) -> None:
    made = write(tmp_path / "t.csv", rows)
    with pytest.raises(DataError, match=told) as caught:
        init(str(made), str(tmp_path / "a.yaml"))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\3\4")
    (tmp_path / "b.csv").write_bytes(b"")
    sqlite3.connect(tmp_path / "c.db").execute("CREATE TABLE t (a)").connection.close()
    for name, told in (
        ("a.xlsx", "spreadsheet"),
        ("b.csv", "is empty"),
        ("c.db", "have no rows"),
        ("d.csv", "no such file"),
        ("sklearn:irs", "did you mean 'iris'"),
        ("https://example.org/x.csv", "download the file"),
    ):
        with pytest.raises(UsageError, match=told):
            init(name if ":" in name else str(tmp_path / name), str(tmp_path / "a.yaml"))


# -- it runs ----------------------------------------------------------------------------------------------------------


def test_the_spec_trains_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["x", "town", "churn"], *([i * 0.5, "abc"[i % 3], (i * 7) % 10 // 5] for i in range(100))]
    write(tmp_path / "people.csv", rows)
    monkeypatch.chdir(tmp_path)
    assert run(["init", "people.csv"]) == 0
    told = capsys.readouterr().out
    assert "wrote people.yaml" in told
    assert "mlrun train people.yaml" in told.splitlines()[-1]
    assert max(map(len, told.splitlines())) <= 80
    models = "models={logistic_regression: {C: [1]}, random_forest: {n_estimators: [10]}}"  # for speed
    assert run(["train", "people.yaml", "--sample", "60", "--runs", "runs", "--jobs", "1", "--set", models]) == 0


TABLES = [
    ("titanic_kaggle/train.csv", "Survived", "classification"),
    ("sms_spam/sms.tsv", "column_1", "classification"),
    ("sentence_polarity/sentence_polarity.tsv", "label", "classification"),
    ("compas/compas-scores-two-years.csv", "two_year_recid", "classification"),
    ("wine_quality/winequality-red.csv", "column_12", "regression"),
    ("wine_quality/winequality-white.csv", "column_12", "regression"),
    ("electricity/elec.csv", "class", "classification"),
    ("electricity/weather.csv", "target", "classification"),
    ("mammography/mammography.csv", "column_7", "classification"),
    ("shuttle/shuttle.csv.gz", "anomaly", "anomaly"),
    ("lightgbm_examples/binary.train", "column_1", "classification"),
]


@pytest.mark.parametrize(("file", "target", "task"), TABLES)
def test_real_tables_are_understood_and_planned(tmp_path: Path, file: str, target: str, task: str) -> None:
    if not (SHARED / file).exists():
        pytest.skip("the real data is not here")
    spec = spec_of(SHARED / file, tmp_path)
    assert (spec.data.target, spec.task) == (target, task)


@pytest.mark.long
@pytest.mark.parametrize("file", [file for file, *_ in TABLES])
def test_a_try_out_of_each_real_table_is_all_well(tmp_path: Path, file: str) -> None:
    if not (SHARED / file).exists():
        pytest.skip("the real data is not here")
    init(str(SHARED / file), str(tmp_path / "made.yaml"))
    assert run(["train", str(tmp_path / "made.yaml"), "--sample", "300", "--runs", str(tmp_path / "runs")]) == 0


WORDS = st.sampled_from(["", "a", "b", "yes", "no", "NA", "?", "it's", '"', "#", "é", "1,5"])
COLUMNS = st.one_of(
    st.lists(st.integers(-3, 3).map(str), min_size=1, max_size=9),
    st.lists(st.floats(-5, 5, width=16).map(str), min_size=5, max_size=60),
    st.lists(WORDS, min_size=1, max_size=6),
    st.lists(st.dates().map(str), min_size=1, max_size=60),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=60),
    st.just([str(number) for number in range(60)]),
    st.just([f"text number {number} with some more words" for number in range(60)]),
)
NAMES = st.one_of(st.sampled_from(["target", "id", "sex", "label", "user_id"]), st.text(min_size=1, max_size=6))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=5), height=st.integers(1, 70))
def test_any_table_gives_a_spec_that_plans_or_a_sentence(
    columns: dict[str, list[str]], height: int, tmp_path: Path
) -> None:
    rows = [[values[row % len(values)] for values in columns.values()] for row in range(height)]
    place = tmp_path / "made.yaml"
    place.unlink(missing_ok=True)
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([list(columns), *rows])
    try:
        init(str(tmp_path / "t.csv"), str(place))
    except UsageError:
        assert not place.exists()
        return
    make_plan(place, (), TrainOptions(runs=str(tmp_path / "runs")))
