"""Delimited files: right values, or one sentence that says where and what to do."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun.errors import DataError
from mlrun.sources.csv import load, read_strings

SHARED = Path(__file__).parents[2] / "shared"
SPECTRUM = SHARED / "corpora" / "csv_spectrum"
POLLUTED = SHARED / "corpora" / "polluted_csv"


def written(folder: Path, content: str | bytes, name: str = "data.csv") -> dict[str, Any]:
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    return {"path": name}


def refusal(params: dict[str, Any], folder: Path) -> str:
    """Return the sentence that refuses to read; it is one line."""
    with pytest.raises(DataError) as told:
        load(params, str(folder))
    assert "\n" not in str(told.value)
    return str(told.value)


# -- corpora ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((SPECTRUM / "csvs").glob("*.csv")), ids=lambda path: path.stem)
def test_spectrum_files_are_read_as_their_json_says(path: Path) -> None:
    meant = json.loads((SPECTRUM / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
    rows = [meant] if isinstance(meant, dict) else meant
    for row in rows:
        if path.stem == "location_coordinates":  # the corpus gives another telephone number in its JSON
            row["Contact Phone Number"] = "2095257564"
        if path.stem == "newlines_crlf" and b"\r" not in path.read_bytes():  # the copy has its line ends normalised
            row.update({name: value.replace("\r\n", "\n") for name, value in row.items()})
    assert read_strings({"path": str(path)}, "/").fill_null("").to_dicts() == rows


LOADED = {
    "file_double_trailing_newline": 83,
    "file_no_trailing_newline": 83,
    "file_one_data_row": 1,
    "file_record_delimiter_0xA": 83,
    "file_record_delimiter_0xD": 83,
}


@pytest.mark.parametrize("path", sorted(POLLUTED.glob("*.csv")), ids=lambda path: path.stem)
def test_polluted_files_are_read_rightly_or_refused_in_one_sentence(path: Path) -> None:
    if path.stem in LOADED:
        table = load({"path": str(path)}, "/")
        assert table.shape == (LOADED[path.stem], 9)
        assert table["Qty"].dtype == pl.Int64
        assert table["URL"].str.starts_with("https://www.example.com/").all()
    else:
        told = refusal({"path": str(path)}, path.parent)
        assert str(path) in told
        assert "Jacket" not in told  # no sentence shows a row


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file_field_delimiter_0x3B", {"separator": ";"}),
        ("file_field_delimiter_0x9", {"separator": "\t"}),
        ("file_field_delimiter_0x9", {"separator": "\\t"}),
        ("file_quotation_char_0x27", {"quote": "'"}),
        ("file_preamble", {"skip_rows": 2}),
        ("file_header_multirow_2", {"skip_rows": 1}),
        ("file_header_multirow_3", {"skip_rows": 2}),
        ("file_no_header", {"header": False, "columns": list("abcdefghi")}),
    ],
)
@pytest.mark.skipif(not POLLUTED.exists(), reason="the corpora are not there")
def test_the_cure_that_the_sentence_names_works(name: str, said: dict[str, Any]) -> None:
    if name == "file_quotation_char_0x27":  # apostrophes inside its fields were not doubled: no reading is right
        assert "quote" in refusal({"path": str(POLLUTED / f"{name}.csv"), **said}, POLLUTED)
        return
    assert load({"path": str(POLLUTED / f"{name}.csv"), **said}, "/").shape == (83, 9)


# -- what always holds ------------------------------------------------------------------------------------------------

FIELDS = st.text(st.sampled_from("ab ,;\"'\n\té0-."), max_size=6)


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=12), crlf=st.booleans())
def test_what_the_standard_library_writes_is_read_back(
    rows: list[list[str]], crlf: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n" if crlf else "\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["x", "y", "z"], *rows])
    folder = tmp_path_factory.getbasetemp()
    assert read_strings(written(folder, text.getvalue()), str(folder)).fill_null("").rows() == [
        tuple(row) for row in rows
    ]


@settings(deadline=None, max_examples=300)
@given(body=st.text(st.sampled_from('ab1,,"\n\r '), max_size=30))
def test_whatever_is_read_is_what_the_standard_library_reads(
    body: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    params = written(folder, "x,y\n" + body.replace("\r", "\r\n"))
    try:
        table = read_strings(params, str(folder)).fill_null("")
    except DataError as told:
        assert "\n" not in str(told)  # noqa: PT017 - most bodies are refused
        return
    content = "x,y\n" + body.replace("\r", "\r\n")
    expected = [row for row in csv.reader(io.StringIO(content, newline="")) if row][1:]
    assert [list(row) for row in table.rows()] == expected


# -- types ------------------------------------------------------------------------------------------------------------


def typed(folder: Path, *values: str, **said: Any) -> pl.Series:
    content = "a,b\n" + "".join(f"{value},x\n" for value in values)
    return load({**written(folder, content), **said}, str(folder))["a"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1e-3", "1E5"], [0.001, 100000.0]),
        (["-1", "+2"], [-1, 2]),
        ([" 1", "2 "], [1, 2]),
        (["", "3"], [None, 3]),
        (["NA", "3"], [None, 3]),
        (["NaN", "1.5"], [None, 1.5]),
        (["inf", "1"], [float("inf"), 1.0]),
        (["TRUE", "false"], [True, False]),
        (["", "True"], [None, True]),
        (["00123", "04567"], ["00123", "04567"]),  # a code: as a number it would lose its zeros
        (["0", "0.5"], [0.0, 0.5]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),  # as a float it would lose digits
        (["1_000", "2"], ["1_000", "2"]),
        (["0x1A", "2"], ["0x1A", "2"]),
        (["NA", "Smith"], ["NA", "Smith"]),  # among words NA is a word
        (["nan", "inf"], ["nan", "inf"]),
        (["yes", "no"], ["yes", "no"]),
    ],
    ids=str,
)
def test_types_are_those_that_every_value_has(tmp_path: Path, values: list[str], expected: list[Any]) -> None:
    assert typed(tmp_path, *values).to_list() == expected


def test_types_are_inferred_from_the_whole_file(tmp_path: Path) -> None:
    values = [str(number) for number in range(20_000)]
    assert typed(tmp_path, *values, "x").dtype == pl.String
    assert typed(tmp_path, *values, "0.5").dtype == pl.Float64
    assert typed(tmp_path, *["NA"] * 5_000, "1").dtype == pl.Int64


def test_options_say_what_values_mean(tmp_path: Path) -> None:
    assert typed(tmp_path, '"1,5"', '"2"', decimal=",").to_list() == [1.5, 2.0]
    assert typed(tmp_path, "1.5", decimal=",").to_list() == ["1.5"]
    assert typed(tmp_path, "-9", "3", null_values=["-9"]).to_list() == [None, 3]
    assert typed(tmp_path, " ?", "3", null_values="?").to_list() == [None, 3]
    assert typed(tmp_path, "1.10", "2", dtypes={"a": "string"}).to_list() == ["1.10", "2"]
    assert typed(tmp_path, "1", "2", dtypes={"a": "float"}).dtype == pl.Float64
    assert typed(tmp_path, "007", dtypes={"a": "integer"}).to_list() == [7]
    with pytest.raises(DataError, match=r"row 2, column 'a': the value is not of type integer"):
        typed(tmp_path, "1", "2.5", dtypes={"a": "integer"})
    with pytest.raises(DataError, match="'c', which is not a column"):
        typed(tmp_path, "1", dtypes={"c": "integer"})


# -- encodings and archives -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32"])
def test_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    params = written(tmp_path, "näme,b\nü,1\n".encode(encoding))
    assert load({**params, "encoding": encoding}, str(tmp_path)).to_dicts() == [{"näme": "ü", "b": 1}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, encoding: str) -> None:
    assert load(written(tmp_path, "a,b\nü,1\n".encode(encoding)), str(tmp_path)).columns == ["a", "b"]


def test_gz_and_zip_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
        archive.writestr("b.csv", "a,b\n1,2\n")
    assert load({"path": "a.csv.gz"}, str(tmp_path)).rows() == [(1, 2)]
    assert load({"path": "one.zip"}, str(tmp_path)).rows() == [(1, 2)]
    assert "two.zip holds 2 files; it must hold exactly one" in refusal({"path": "two.zip"}, tmp_path)
    whole = (tmp_path / "a.csv.gz").read_bytes()
    assert "damaged" in refusal(written(tmp_path, whole[:-9], "cut.csv.gz"), tmp_path)
    assert "damaged" in refusal(written(tmp_path, b"PK\x03\x04 no archive", "bad.zip"), tmp_path)


# -- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\n\n", "has no line to read"),
        (b"a,b\n", "has a header and no rows"),
        (b"a,b\n1,2\n3\n", "data.csv:3: this row has 1 field where 2 are expected"),
        (b"a,b\n1,2\n3,4,5\n", "data.csv:3: this row has 3 fields where 2 are expected"),
        (b"a,b\n1\n2,3,4", "data.csv:2: this row has 1 field"),  # as many separators as two whole rows have
        (b'a,b\n"x\ny",2\n3\n', "data.csv:4: this row has 1 field"),
        (b"a,b\n1,x\0y\n", "data.csv:2: a NUL byte"),
        (b"a,a\n1,2\n", "columns 1 and 2 are both named 'a'"),
        (b"a,*\n1,2\n", "column 2 is named '*', which stands for a pattern"),
        (b"^a.*$,b\n1,2\n", "column 1 is named '^a.*$', which stands for a pattern"),
        (b"a,,c\n1,2,3\n", "data.csv:1: the header has no name for column 2"),
        (b"a;b\n1;2\n", 'say `separator: ";"`'),
        (b"a\tb\n1\t2\n", 'say `separator: "\\t"`'),
        (b"a,b\n1,\xff\n", "data.csv:2: byte 0xff is not utf-8; say the file's `encoding`"),
        (b"a,\xe4\n1,2\n", "data.csv:1: byte 0xe4 is not utf-8"),
        (b'a,b\n1,"2\n3,4\n', "data.csv:2: a quote"),
        (b'a,b\n1,"2"x\n3,4\n', "data.csv:2: a quote"),
        (b"a,b\n1,2\na,b\n3,4\n", "row 2 repeats the header"),
        ("a,b\n1,2\n".encode("utf-16-le"), "looks like UTF-16 without a byte order mark"),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in refusal(written(tmp_path, content), tmp_path)


def test_odd_but_clear_files_are_read(tmp_path: Path) -> None:
    assert load(written(tmp_path, "\n\na,b\n\n1,2\n\n\n3,4\n\n"), str(tmp_path)).rows() == [(1, 2), (3, 4)]
    assert load(written(tmp_path, ",a\n0,x\n1,y\n"), str(tmp_path)).columns == ["(index)", "a"]
    assert load(written(tmp_path, '"a\nb",c\n1,2\n'), str(tmp_path)).columns == ["a\nb", "c"]
    assert load(written(tmp_path, 'size,b\n5",1\n6,2\n'), str(tmp_path))["size"].to_list() == ['5"', "6"]
    assert load(written(tmp_path, "a\n1\n\n2\n"), str(tmp_path))["a"].to_list() == [1, 2]
    assert load(written(tmp_path, 'a\n1\n""\n2\n'), str(tmp_path))["a"].to_list() == [1, None, 2]


def test_the_path_that_was_tried_is_shown_with_the_nearest_name(tmp_path: Path) -> None:
    written(tmp_path, "a\n1\n", "income.csv")
    told = refusal({"path": "incom.csv"}, tmp_path)
    assert told == f"{tmp_path / 'incom.csv'}: there is no such file; did you mean 'income.csv'?"
    assert "is a folder" in refusal({"path": "."}, tmp_path)
    assert "nor a folder" in refusal({"path": "no/such.csv"}, tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        {"separator": "||"},
        {"separator": "\n"},
        {"quote": "''"},
        {"quote": ","},
        {"header": "yes"},
        {"skip_rows": -1},
        {"encoding": "utf-9"},
        {"encoding": "zlib"},
        {"decimal": ";"},
        {"dtypes": {"a": "int32"}},
        {"columns": ["a"]},
        {"columns": 7.5},
        {"path": 3},
    ],
    ids=str,
)
def test_bad_options_are_sentences(tmp_path: Path, said: dict[str, Any]) -> None:
    refusal({**written(tmp_path, "a,b\n1,2\n"), **said}, tmp_path)


def test_a_million_rows_are_read_whole(tmp_path: Path) -> None:
    numbers = np.arange(1_000_000)
    pl.DataFrame({"a": numbers, "b": numbers % 7}).write_csv(tmp_path / "many.csv")
    table = load({"path": "many.csv"}, str(tmp_path))
    assert table["a"].sum() == 999_999 * 1_000_000 // 2
