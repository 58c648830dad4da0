"""Erasing a person: afterwards a search that shares no code with the program's finds nothing of them, anywhere."""

from __future__ import annotations

import gzip
import html
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from decoded_search import holders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import run, write_spec

from mlrun import runs
from mlrun.erase import Wish, check, erase, exit_code
from mlrun.erasure import receipt as receipts
from mlrun.erasure.decoding import pieces
from mlrun.erasure.raw_rows import without_rows
from mlrun.erasure.receipt import Erasure
from mlrun.erasure.subject import Piece, make_subject
from mlrun.errors import UsageError
from mlrun.journal import from_line, to_line
from mlrun.store.rewriting import exchange, recover
from mlrun.store.run_folder import claim, sha256_of

PERSON = 'Zoë "Z" O\'Neil, 7'
PROGRAM = [sys.executable, "-c", "from mlrun.cli import main; main()"]
MODELS: dict[str, Any] = {
    "logistic_regression": {"C": 1},
    "near": {"family": "k_nearest_neighbors", "n_neighbors": 3},
    "plain": {"family": "decision_tree", "max_depth": 2, "prepare": {"category": {"encode": "ordinal"}}},
    "committee": {"family": "voting", "members": ["near", "plain"], "voting": "soft"},
}


def people(names: list[str], rows: int = 120, seed: int = 0) -> pl.DataFrame:
    """Return rows of these people in turn, who are mentioned in the text of their rows."""
    draw = np.random.default_rng(seed)
    pull = draw.normal(size=rows)
    users = [names[at % len(names)] for at in range(rows)]
    return pl.DataFrame(
        {
            "id": np.arange(5000, 5000 + rows),
            "user": users,
            "a": pull,
            "city": draw.choice(["rome", "bonn", "oslo"], rows),
            "comment": [f"a word of {user} on this day" for user in users],
            "y": np.where(pull + draw.normal(size=rows) > 0, "yes", "no"),
        }
    )


def spec_of(folder: Path, name: str = "shop", **sections: Any) -> Path:
    data = {"path": "rows.csv", "target": "y", "id": "id", "text": ["comment"], "types": {"user": "category"}}
    data |= sections.pop("data", {})
    whole = {
        "experiment": name,
        "data": {key: value for key, value in data.items() if value is not None},
        "split": {"folds": 2},
        "prepare": {"category": {"rare": 1}},
        "models": MODELS,
        **sections,
    }
    return write_spec(folder, json.dumps(whole, ensure_ascii=False))


def names_of(count: int) -> list[str]:
    return [PERSON, *(f"member-{number:03d}" for number in range(count - 1))]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two experiments, one of them with snapshots, and a run with an evaluation."""
    folder = tmp_path_factory.mktemp("made")
    people(names_of(20)).write_csv(folder / "rows.csv")
    run(spec_of(folder, data={"snapshot": True}, evaluation="auto"))
    run(spec_of(folder, "other", models={"gaussian_nb": {}}, data={"id": None, "text": [], "drop": ["comment"]}))
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    """Return a copy of these runs to change; their source stays where it was."""
    shutil.copytree(made / "runs", tmp_path / "runs")
    return tmp_path / "runs"


def erased(root: Path, *values: str, column: str = "user", **wishes: Any) -> Erasure:
    return erase(root, Wish(column, values or (PERSON,), **wishes), lambda told: None)


def record(root: Path, name: str = "shop", version: int = 1) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / name / f"{version:04d}" / "run.json").read_bytes())
    return content


def stale(root: Path, name: str = "shop") -> dict[str, str]:
    return {model["name"]: model["stale"] for model in record(root, name)["models"] if model["stale"]}


def every_file(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_nothing_is_left_of_a_person_in_any_file(shop: Path) -> None:
    assert holders(shop, PERSON, "O'Neil", "Zoë")
    done = erased(shop)
    assert not done.receipt.left
    assert exit_code(done) == 0
    assert holders(shop, PERSON, "O'Neil", "Zoë") == []


def test_rows_are_gone_from_predictions_snapshots_and_training_rows(shop: Path) -> None:
    ids = [5000 + row for row in range(0, 120, 20)]
    erased(shop)
    for path in (shop / "shop/0001/predictions").glob("*.parquet"):
        assert not pl.read_parquet(path)["row"].is_in(ids).any()
    (kept,) = (shop / ".data").glob("??/*")
    assert pl.read_csv(kept).height == 114
    assert not pl.read_csv(kept)["id"].is_in(ids).any()
    assert not pl.read_parquet(shop / "shop/0001/training_rows.parquet")["id"].is_in([str(each) for each in ids]).any()
    for line in (shop / "shop/0001/findings.jsonl").read_text().splitlines():
        assert not {row["row"] for row in json.loads(line)["worst_rows"]} & set(ids)


def test_no_value_of_the_person_is_what_the_other_rows_lack(shop: Path) -> None:
    """Digests of columns are sums, counts are counts: less those of the rows that stay, they would be the person's."""
    erased(shop)
    data = json.loads((shop / "shop/0001/data.json").read_bytes())
    (kept,) = (shop / ".data").glob("*/*" + data["files"][0]["sha256"])
    rows = pl.read_csv(kept)
    assert not data["columns"]
    profile = json.loads((shop / "shop/0001/profile.json").read_bytes())
    trained = pl.read_parquet(shop / "shop/0001/training_rows.parquet")["id"].cast(pl.Int64)
    there = rows.filter(pl.col("id").is_in(trained.implode()))
    assert profile["rows"] == there.height
    assert profile["target"]["counts"] == dict(sorted(there["y"].value_counts().iter_rows()))


def test_rows_without_ids_go_by_their_position(shop: Path) -> None:
    erased(shop)
    rows = pl.read_parquet(shop / "other/0001/predictions/gaussian_nb.parquet")["row"]
    assert sorted(rows.unique().to_list()) == [row for row in range(120) if row % 20]


def test_every_other_row_of_a_snapshot_stays_byte_for_byte(shop: Path) -> None:
    (before,) = (shop / ".data").glob("??/*")
    lines = before.read_bytes().splitlines(keepends=True)
    erased(shop)
    (after,) = (shop / ".data").glob("??/*")
    assert after.read_bytes() == b"".join(line for at, line in enumerate(lines) if (at - 1) % 20)


def test_models_are_told_by_what_they_hold_and_those_that_contain_are_deleted(shop: Path) -> None:
    erased(shop)
    assert stale(shop) == {
        "logistic_regression": "contains-identifier",
        "near": "contains-verbatim",
        "plain": "contains-identifier",
        "committee": "contains-verbatim",
    }
    assert list((shop / "shop/0001/models").iterdir()) == []
    assert all(model["file"] == "" for model in record(shop)["models"])
    assert stale(shop, "other") == {"gaussian_nb": "contains-identifier"}


def test_a_run_is_whole_and_one_s_own_afterwards(shop: Path) -> None:
    erased(shop)
    for name in ("shop", "other"):
        path = shop / name / "0001"
        assert runs.is_own(path)
        manifest = runs.read_manifest(path)
        for file, sha256 in manifest.items():
            assert sha256_of(path / file) == sha256
        assert record(shop, name)["erasures"]


def test_a_run_that_was_changed_before_is_not_made_whole(shop: Path) -> None:
    path = shop / "shop/0001"
    (path / "timings.jsonl").write_text("{}\n")
    predictions = path / "predictions/near.parquet"
    pl.read_parquet(predictions).with_columns(pl.lit(1.0).alias("p_0")).write_parquet(predictions)
    told = json.loads((path / "manifest.json").read_bytes())["files"]
    erased(shop)
    after = json.loads((path / "manifest.json").read_bytes())["files"]
    assert after["timings.jsonl"] == told["timings.jsonl"]
    assert after["predictions/near.parquet"] == told["predictions/near.parquet"]


def test_another_s_run_stays_another_s(shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other_user"))
    assert not runs.is_own(shop / "shop/0001")
    erased(shop)
    assert not runs.is_own(shop / "shop/0001")


def test_a_second_time_finds_nothing_and_changes_nothing(shop: Path) -> None:
    erased(shop)
    before = every_file(shop)
    done = erased(shop)
    assert exit_code(done) == 3
    assert every_file(shop) == before


def test_a_dry_run_tells_the_same_and_changes_nothing(shop: Path) -> None:
    before = every_file(shop)
    wished = erased(shop, dry_run=True)
    assert every_file(shop) == before
    done = erased(shop)
    assert [(each.run, each.rows, each.files, each.models) for each in wished.receipt.runs] == [
        (each.run, each.rows, each.files, each.models) for each in done.receipt.runs
    ]


def test_kept_models_are_marked_told_as_left_and_go_when_asked_again(shop: Path) -> None:
    done = erased(shop, keep_models=True)
    assert exit_code(done) == 1
    kept = "and kept on purpose (--keep-models)"
    assert {each.where: each.why for each in done.receipt.left} == {
        "shop/0001/models/near.skops": f"contains-verbatim, {kept}",
        "shop/0001/models/logistic_regression.skops": f"contains-identifier, {kept}",
        "shop/0001/models/plain.skops": f"contains-identifier, {kept}",
        "shop/0001/models/committee.skops": f"contains-verbatim, {kept}",
        "other/0001/models/gaussian_nb.skops": f"contains-identifier, {kept}",
    }
    assert len(list((shop / "shop/0001/models").iterdir())) == 4
    assert exit_code(erased(shop)) == 0
    assert list((shop / "shop/0001/models").iterdir()) == []


def test_kept_labels_and_predictions_of_the_person_go_too(tmp_path: Path) -> None:
    """By their ids: nothing else in these files says whose they are."""
    table = people(names_of(20))
    table.write_csv(tmp_path / "rows.csv")
    table.select("id", "y").write_csv(tmp_path / "labels.csv")
    table.select(label=pl.col("y"), of="id", id=-pl.col("id")).write_csv(tmp_path / "today.csv")
    baselines = [
        {"human": {"name": "people", "path": "labels.csv"}},
        {"existing": {"name": "today", "predictions": "today.csv", "id": "of"}},
    ]
    done = run(spec_of(tmp_path, data={"snapshot": True}, models={"gaussian_nb": {}}, baselines=baselines))
    theirs = [str(name) for name in table.filter(user=PERSON)["id"]]
    assert done.folder is not None
    assert exit_code(erased(tmp_path / "runs")) == 0
    kept = [pl.read_csv(path, infer_schema=False) for path in (tmp_path / "runs/.data").glob("*/*")]
    assert len(kept) == 3
    assert not [name for name in theirs for each in kept for column in each if name in column]


def test_a_second_person_is_found_by_position_after_the_first_is_gone(made: Path, tmp_path: Path) -> None:
    people(names_of(20)).write_csv(tmp_path / "rows.csv")
    run(spec_of(tmp_path, data={"snapshot": True, "id": None}, models={"gaussian_nb": {}}))
    root = tmp_path / "runs"
    erased(root)
    erased(root, "member-010")
    rows = pl.read_parquet(root / "shop/0001/predictions/gaussian_nb.parquet")["row"]
    assert sorted(rows.unique().to_list()) == [row for row in range(120) if row % 20 not in (0, 11)]
    assert holders(root, "member-010", PERSON) == []


def test_one_experiment_is_cleared_and_what_others_still_need_is_told(shop: Path) -> None:
    done = erased(shop, experiment="other")
    assert [each.run for each in done.receipt.runs] == ["other@1"]
    assert exit_code(done) == 1
    assert all(each.where.startswith(".data/") for each in done.receipt.left)
    assert record(shop)["erasures"] == []


def test_rows_are_found_in_the_source_where_no_snapshot_was_kept(shop: Path, made: Path) -> None:
    done = erased(shop)
    assert done.receipt.sources == {str(made / "rows.csv"): 6}
    assert PERSON.replace('"', '""') in (made / "rows.csv").read_text()


def test_rows_are_found_by_id_when_the_source_has_changed_since(tmp_path: Path) -> None:
    table = people(names_of(20))
    table.write_csv(tmp_path / "rows.csv")
    run(spec_of(tmp_path, models={"gaussian_nb": {}}))
    table.with_columns(pl.col("a") * 2).write_csv(tmp_path / "rows.csv")
    done = erased(tmp_path / "runs")
    assert exit_code(done) == 0
    assert pl.read_parquet(tmp_path / "runs/shop/0001/predictions/gaussian_nb.parquet")["row"].n_unique() == 114


def test_a_run_whose_data_is_gone_is_told_as_undecided(tmp_path: Path) -> None:
    people(names_of(20)).write_csv(tmp_path / "rows.csv")
    run(spec_of(tmp_path, models={"gaussian_nb": {}}, data={"id": None}))
    (tmp_path / "rows.csv").unlink()
    done = erased(tmp_path / "runs")
    assert exit_code(done) == 1
    assert any("cannot be told" in each.why for each in done.receipt.left)


def test_where_the_column_is_the_id_no_data_is_needed(tmp_path: Path) -> None:
    people(names_of(20)).write_csv(tmp_path / "rows.csv")
    run(spec_of(tmp_path, models={"near": MODELS["near"]}))
    (tmp_path / "rows.csv").unlink()
    done = erased(tmp_path / "runs", "5003", column="id")
    assert exit_code(done) == 0
    table = pl.read_parquet(tmp_path / "runs/shop/0001/predictions/near.parquet")
    assert 5003 not in table["row"]
    assert table["row"].n_unique() == 119


def test_a_person_only_in_test_makes_no_model_stale(tmp_path: Path) -> None:
    table = people([f"member-{number:03d}" for number in range(20)])
    late = people([PERSON], rows=20, seed=1).with_columns(pl.col("id") + 1000)
    table.write_csv(tmp_path / "rows.csv")
    late.write_csv(tmp_path / "late.csv")
    run(spec_of(tmp_path, split={"folds": 2, "test": {"path": "late.csv"}}, data={"snapshot": True}))
    done = erased(tmp_path / "runs")
    assert exit_code(done) == 0
    assert stale(tmp_path / "runs") == {}
    for path in (tmp_path / "runs/shop/0001/predictions").glob("*.parquet"):
        assert set(pl.read_parquet(path)["part"]) == {"fold"}
    assert holders(tmp_path / "runs", PERSON, "O'Neil") == []


def test_positions_of_a_test_file_are_not_those_of_the_own_rows(tmp_path: Path) -> None:
    people([f"member-{number:03d}" for number in range(20)]).write_csv(tmp_path / "rows.csv")
    people([PERSON, *(f"member-{number:03d}" for number in range(9))], rows=20, seed=1).write_csv(tmp_path / "late.csv")
    split = {"folds": 2, "test": {"path": "late.csv"}}
    run(spec_of(tmp_path, split=split, data={"id": None, "snapshot": True}, models={"gaussian_nb": {}}))
    erased(tmp_path / "runs")
    table = pl.read_parquet(tmp_path / "runs/shop/0001/predictions/gaussian_nb.parquet")
    assert table.filter(pl.col("part") == "fold").height == 120
    assert sorted(table.filter(pl.col("part") == "test")["row"]) == [row for row in range(20) if row not in (0, 10)]


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given_as", ["7", "7.0", " 7 "])
def test_a_number_is_found_however_it_is_written(given_as: str, tmp_path: Path) -> None:
    table = people(names_of(20)).with_columns((pl.int_range(120) % 20).alias("user"))
    table.write_csv(tmp_path / "rows.csv")
    run(spec_of(tmp_path, data={"snapshot": True, "types": {}, "text": []}, models={"near": MODELS["near"]}))
    done = erased(tmp_path / "runs", given_as)
    assert exit_code(done) == 0, done.receipt.left
    assert done.receipt.runs[0].rows == 6
    (kept,) = (tmp_path / "runs/.data").glob("??/*")
    assert sorted(set(pl.read_csv(kept)["user"])) == [user for user in range(20) if user != 7]


def test_a_text_means_what_it_says_and_what_is_like_it_is_told(tmp_path: Path) -> None:
    table = people(["007", "7", "Anna", "anna", *(f"member-{number:03d}" for number in range(16))])
    table.write_csv(tmp_path / "rows.csv")
    data = {"snapshot": True, "text": [], "drop": ["comment"]}
    run(spec_of(tmp_path, data=data, models={"gaussian_nb": {}}))
    done = erased(tmp_path / "runs", "7", "Anna")
    assert done.receipt.runs[0].rows == 12
    assert any("12 rows of its data differ from the value only" in note for note in done.receipt.notes)
    (kept,) = (tmp_path / "runs/.data").glob("??/*")
    left = set(pl.read_csv(kept, infer_schema=False)["user"])
    assert {"007", "anna"} <= left
    assert not {"7", "Anna"} & left


@pytest.mark.parametrize(
    ("value", "text", "is_there"),
    [
        ("member-01", "member-010", False),
        ("member-01", "member-01-2", False),
        ("member-01", "of member-01.", True),
        ("Ana", "joana", False),
        ("Ana", "(ANA)", True),
        ("123456", "call 123456 now", True),
        ("123456", "1234567", False),
        ("123456", "0.123456", False),
        ("123456", "123456.5", False),
        ("123456", "123456.0", True),
        ("7", "7 rows", False),
        ("Zoë", "Zoe\u0308 was here", True),
        ("a.b@c.de", "<a.b@c.de>", True),
    ],
)
def test_a_value_is_a_whole_word(value: str, text: str, is_there: bool) -> None:
    assert make_subject("user", [value]).stands_in(Piece("", text)) is is_there


@given(
    st.lists(st.text("aAbß -(7İı", min_size=1, max_size=6), min_size=1, max_size=12), st.text("aAbß -(7İı", max_size=30)
)
def test_many_values_are_found_as_each_alone_is(values: list[str], text: str) -> None:
    known = [value for value in values if len(value.strip()) >= 3]
    alone = any(make_subject("user", [value]).stands_in(Piece("", text)) for value in known)
    assert not known or make_subject("user", known).stands_in(Piece("", text)) == alone


def test_the_longest_of_values_goes_first() -> None:
    subject = make_subject("user", ["Ann", "ANN(b", "ann(", "ann-lee", "anna maria", "884422", "884422 b"])
    text = "ann(b Ann( ANN-Lee Anna Maria ann 884422 b"
    assert subject.replaced(text) == "ERASED ERASED ERASED ERASED ERASED ERASED"


def test_a_short_value_is_looked_for_in_places_of_its_column_only() -> None:
    subject = make_subject("user", ["7"])
    assert subject.stands_in(Piece("", "7", ("vocabularies", "user")))
    assert subject.stands_in(Piece("", "7.0", ("user",)))
    assert not subject.stands_in(Piece("", "7", ("vocabularies", "city")))
    assert subject.stands_in(Piece("", "slice user = 7 is worse"))
    assert not subject.stands_in(Piece("", "slice user = 17 is worse"))


def test_a_wrong_column_is_no_person_who_is_not_there(shop: Path) -> None:
    with pytest.raises(UsageError, match="no run's data has a column 'usre'; did you mean 'user'"):
        erased(shop, column="usre")


@pytest.mark.parametrize("values", [(), ("",), (" ", "\n")])
def test_no_value_is_a_usage_error(values: tuple[str, ...], shop: Path) -> None:
    with pytest.raises(UsageError, match="no value was given"):
        erase(shop, Wish("user", values), lambda told: None)


# -- files of data -----------------------------------------------------------------------------------------------------

TEXT = 'id,user,note\r\n1,ana,"a ""b"", c"\r\n2,bob,"two\nlines"\r\n\r\n3,ana,x\r\n4,eve,by ana\r\n'
LEFT = 'id,user,note\r\n2,bob,"two\nlines"\r\n\r\n4,eve,by ERASED\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_csv_keeps_its_encoding_quotes_and_line_ends(encoding: str) -> None:
    params = {"encoding": encoding} if encoding == "latin-1" else {}
    new = without_rows(TEXT.encode(encoding), "csv", params, {0, 2}, 4, make_subject("user", ["ana"]))
    assert new == LEFT.encode(encoding)


def test_packed_data_is_packed_again() -> None:
    subject = make_subject("user", ["ana"])
    new = without_rows(gzip.compress(TEXT.encode()), "csv", {}, {0, 2}, 4, subject)
    assert new is not None
    assert gzip.decompress(new).decode() == LEFT
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("rows.csv", TEXT)
    new = without_rows(packed.getvalue(), "csv", {}, {0, 2}, 4, subject)
    assert new is not None
    with zipfile.ZipFile(io.BytesIO(new)) as archive:
        assert archive.read("rows.csv").decode() == LEFT


def test_a_file_that_is_not_read_as_it_was_goes_whole() -> None:
    subject = make_subject("user", ["ana"])
    assert without_rows(TEXT.encode(), "csv", {}, {0, 2}, 5, subject) is None
    assert without_rows(TEXT.encode(), "csv", {}, {0, 1, 2, 3}, 4, subject) is None
    assert without_rows(b"SQLite format 3\0", "sql", {}, {0}, 4, subject) is None


def test_a_parquet_file_holds_nothing_of_dropped_rows() -> None:
    table = pl.DataFrame({"user": ["ana-ana", "bob", "eve"], "note": ["x", "of ana-ana", "y"], "n": [1, 2, 3]})
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="uncompressed", metadata={"by": "ana-ana"})
    new = without_rows(buffer.getvalue(), "parquet", {}, {0}, 3, make_subject("user", ["ana-ana"]))
    assert new is not None
    assert b"ana-ana" not in new
    assert pl.read_parquet(io.BytesIO(new)).to_dict(as_series=False) == {
        "user": ["bob", "eve"], "note": ["of ERASED", "y"], "n": [2, 3]
    }  # fmt: skip


def database(value: str) -> bytes:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE run (reason)")
    connection.execute("INSERT INTO run VALUES (?)", (value,))
    return connection.serialize()


def zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def as_parquet(value: str) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"deep": [[{"inner": value}]]}).write_parquet(buffer)
    return buffer.getvalue()


def as_array(value: str) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(["x", value]))
    return buffer.getvalue()


@pytest.mark.parametrize("value", ["Zoë-01", PERSON, "a\\b\u200bc"])
def test_every_kind_of_file_is_decoded(value: str) -> None:
    subject = make_subject("user", [value])
    files = {
        "a.json": json.dumps({"x": [{"deep": f"it is {value}!"}]}).encode(),
        "key.json": json.dumps({value: 1}).encode(),
        "b.jsonl": b'{"x": 1}\n' + json.dumps({"y": value}).encode() + b"\n",
        "journal.jsonl": to_line({"event": "fit", "warnings": [value]}),
        "torn.jsonl": to_line({"warnings": [value]})[:-3],
        "c.md": f"| {value} |".replace("\\", "\\\\").replace("`", "\\`").encode(),
        "d.html": f"<p>{html.escape(value)}</p>".encode(),
        "e.csv": f'user,n\n"{value.replace(chr(34), chr(34) * 2)}",1\n'.encode(),
        "f.yaml": json.dumps({"where": f"user is {value}"}).encode(),
        "g.zip": zipped("x.json", json.dumps({"z": json.dumps(value)}).encode()),
        "h.gz": gzip.compress(json.dumps([value]).encode()),
        "i.sqlite": database(value),
        "j.parquet": as_parquet(value),
        "k.npy": as_array(value),
        "l.txt": value.encode("utf-16"),
    }
    silent = [
        name
        for name, content in files.items()
        if not any(subject.stands_in(piece) for piece in pieces(content, name, "user"))
    ]
    assert silent == []


# -- runs that are not finished, files of people, caches ---------------------------------------------------------------


def test_a_run_that_was_cut_off_keeps_its_scores_and_nothing_of_the_person(shop: Path) -> None:
    with claim(shop, "shop") as folder:
        event = {"event": "fit", "fit": "a/0@0.0", "results": [], "timing": {"warnings": [f"odd: {PERSON}"]}}
        (folder.path / "journal.jsonl").write_bytes(to_line({"format": 1}) + to_line(event) + b'0000 {"torn": "Zo')
        (folder.path / "models").mkdir()
        (folder.path / "models/near.skops").write_bytes(b"anything")
        path = folder.path
    erased(shop)
    assert holders(shop, PERSON, "O'Neil") == []
    assert not list((path / "models").glob("*"))
    lines = (path / "journal.jsonl").read_bytes().splitlines()
    assert from_line(lines[1]) == {**event, "timing": {"warnings": ["odd: ERASED"]}}


def test_a_live_run_is_refused_by_name_and_nothing_is_touched(shop: Path) -> None:
    before = every_file(shop)
    with claim(shop, "shop"), pytest.raises(UsageError, match=r"shop@2 is being run"):
        erased(shop)
    (shop / "shop/0002/lock").unlink()
    assert every_file(shop) == before


def test_texts_of_code_spec_labels_and_messages_lose_the_value(shop: Path) -> None:
    path = shop / "shop/0001"
    (path / "labels.json").write_text(json.dumps({"format": 1, "tags": [], "note": f"asked by {PERSON}"}))
    (path / "code").mkdir(exist_ok=True)
    (path / "code/prepare.py").write_text(f"SKIP = {PERSON!r}\n")
    spec = (path / "spec.yaml").read_text()
    (path / "spec.yaml").write_text(spec[:-1] + f', "seed": 1}} # without {PERSON}\n')
    (path / "timings.jsonl").write_text(json.dumps({"fit": "a", "message": f"no {PERSON} here"}) + "\n")
    done = erased(shop)
    assert holders(shop, PERSON, "O'Neil") == []
    assert "# without ERASED" in (path / "spec.yaml").read_text()
    assert json.loads((path / "labels.json").read_text())["note"] == "asked by ERASED"
    (told,) = [each for each in done.receipt.runs if each.run == "shop@1"]
    assert {"spec.yaml"} <= set(told.replaced)


def test_the_index_is_made_again_without_the_value(shop: Path) -> None:
    (shop / ".index.sqlite").write_bytes(database(PERSON))
    done = erased(shop)
    assert ".index.sqlite" in done.receipt.caches
    assert not (shop / ".index.sqlite").exists()


def test_a_strange_file_among_the_runs_is_told_and_left(shop: Path) -> None:
    (shop / "notes.txt").write_text(f"ask {PERSON}")
    done = erased(shop)
    assert [each.where for each in done.receipt.left] == ["notes.txt"]
    assert exit_code(done) == 1


def test_a_snapshot_that_no_run_needs_goes_when_it_holds_the_person(shop: Path) -> None:
    from mlrun.store.snapshots import keep_bytes

    keep_bytes(shop, people([PERSON]).write_csv().encode())
    erased(shop)
    assert len(list((shop / ".data").glob("??/*"))) == 1
    assert holders(shop, PERSON, "O'Neil") == []


def test_a_file_that_cannot_be_decoded_is_told(shop: Path) -> None:
    packed = zipped("x.json", b'"nothing"' * 100)
    (shop / "shop/0001/code").mkdir()
    (shop / "shop/0001/code/odd.zip").write_bytes(packed[:60])
    assert "cannot be decoded" in {each.where: each.why for each in erased(shop).receipt.left}["shop/0001/code/odd.zip"]


def test_a_forged_source_is_not_called(shop: Path) -> None:
    path = shop / "other/0001/data.json"
    data = json.loads(path.read_bytes())
    data["source"]["source"] = "os:getcwd"
    path.write_text(json.dumps(data))
    done = erased(shop)
    assert any("os:getcwd, which is not called again" in each.why for each in done.receipt.left)


# -- receipts, and silence ---------------------------------------------------------------------------------------------


def test_a_receipt_shows_whom_it_is_about_without_saying_it(shop: Path) -> None:
    done = erased(shop, PERSON, "member-003")
    assert check(done.path, [PERSON])[1] is True
    assert check(done.path, [PERSON, "member-003"])[1] is True
    assert check(done.path, ["member-004"])[1] is False
    assert holders(shop / receipts.FOLDER, PERSON, "member-003", "O'Neil") == []


def test_a_receipt_of_another_key_says_that_it_cannot_tell(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = erased(shop)
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    monkeypatch.delenv("MLRUN_KEY", raising=False)
    assert check(done.path, [PERSON])[1] is None


def test_the_receipt_lists_what_each_file_was_and_became(shop: Path) -> None:
    before = {name: sha256_of(shop / "shop/0001" / name) for name in ("data.json", "predictions/near.parquet")}
    done = erased(shop)
    (told,) = [each for each in done.receipt.runs if each.run == "shop@1"]
    files = {each.file: each for each in told.files}
    for name, sha256 in before.items():
        assert files[name].before == sha256
        assert files[name].after == sha256_of(shop / "shop/0001" / name)
    assert files["models/near.skops"].after == ""


def command(root: Path, text: str, *options: str, debug: str = "1") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "data", "erase", "--runs", str(root), "--value-from-stdin", *options],
        input=text, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "MLRUN_DEBUG": debug, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_the_command_never_says_the_value(shop: Path) -> None:
    done = command(shop, f"{PERSON}\n", "--column", "user")
    assert done.returncode == 0, done.stderr
    assert "O'Neil" not in done.stdout + done.stderr
    assert "nothing is left" in done.stdout
    assert max(map(len, done.stdout.splitlines())) > 0


def test_no_error_says_the_value(shop: Path) -> None:
    (shop / "shop/0001/predictions/near.parquet").write_bytes(b"PAR1 " + PERSON.encode() + b" PAR1")
    (shop / "other/0001/findings.jsonl").write_text(f"{PERSON}\n")
    (shop / "shop/0001/profile.json").write_text(f'{{"{PERSON.replace(chr(34), "")}": 1')
    for options in (["--column", "user"], ["--column", "nope"], ["--column", "user", "-e", "nope"]):
        done = command(shop, f"{PERSON}\n", *options)
        assert done.returncode in (1, 2, 3)
        assert "O'Neil" not in done.stdout + done.stderr


def test_a_value_on_the_command_line_is_refused(shop: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "data", "erase", "--column", "user", "--runs", str(shop)],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--value-from-stdin" in done.stderr


# -- any table, any person ---------------------------------------------------------------------------------------------

STRANGE = st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), max_codepoint=0x2FFF), min_size=4, max_size=12)
IDS = STRANGE.map(str.strip).filter(lambda text: len(text) >= 4 and any(each.isalpha() for each in text))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(person=IDS, seed=st.integers(0, 1000), kept=st.booleans(), ids=st.booleans(), parquet=st.booleans())
def test_of_any_person_in_any_table_nothing_is_left(
    person: str, seed: int, kept: bool, ids: bool, parquet: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    value = f"{person}-Qx"  # a part of no word of the program's
    table = people([value, *(f"member-{number:03d}" for number in range(11))], rows=60, seed=seed)
    name = "rows.parquet" if parquet else "rows.csv"
    _ = table.write_parquet(folder / name) if parquet else table.write_csv(folder / name)
    data = {"path": name, "snapshot": kept, "id": "id" if ids else None, "source": "parquet" if parquet else "csv"}
    models = {name: MODELS[name] for name in ("near", "plain")}
    done = run(spec_of(folder, data=data, models=models))
    assert done.folder is not None
    done_erase = erased(folder / "runs", value)
    assert exit_code(done_erase) == 0, done_erase.receipt.left
    assert holders(folder / "runs", value) == []
    rows = pl.read_parquet(done.folder / "predictions/near.parquet")["row"].unique().sort().to_list()
    assert rows == [row + (5000 if ids else 0) for row in range(60) if row % 12]


# -- one folder in another's place -------------------------------------------------------------------------------------


def test_two_folders_change_places_at_once(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this system cannot exchange two names")
    assert (tmp_path / "one/other").exists()
    assert (tmp_path / "other/one").exists()


def test_a_run_that_was_put_aside_comes_back(shop: Path) -> None:
    (shop / "shop/0001").rename(shop / "shop/.erased-0001")
    assert recover(shop) == ("shop@1",)
    assert record(shop)["version"] == 1
