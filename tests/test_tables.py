"""Tables: nothing is cut, no digit is lost, no name can act on a terminal, a spreadsheet or a page."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from mlrun.errors import UsageError
from mlrun.screen.pages import Section, page_as_html, page_as_markdown
from mlrun.screen.tables import (
    Heading,
    Table,
    check_format,
    csv_cell,
    markdown_text,
    print_for_people,
    print_table,
    to_csv,
    to_json,
)
from mlrun.terminal import printable
from mlrun.wording import difference, duration, interval, number, size, spread

NAUGHTY = Path(__file__).parents[2] / "shared" / "corpora" / "naughty_strings" / "blns.json"
DANGEROUS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def naughty() -> list[str]:
    if not NAUGHTY.exists():
        pytest.skip("the corpus of naughty strings is not here")
    found: list[str] = json.loads(NAUGHTY.read_text(encoding="utf-8"))
    return found


def table_of(*names: str) -> Table:
    """Return a table of four columns, three of which may be dropped."""
    rows = tuple({"name": name, "score": 0.1 + 0.2, "other": 12345678.9, "note": "x" * 30} for name in names)
    return Table(
        (
            Heading("name", lambda row: row["name"], fold=True),
            Heading("score", lambda row: repr(row["score"]), right=True),
            Heading("other", lambda row: repr(row["other"]), rank=1, right=True),
            Heading("note", lambda row: row["note"], rank=2),
        ),
        rows,
    )


def drawn(table: Table, width: int) -> str:
    out = io.StringIO()
    print_for_people(Console(file=out, width=width, markup=False, emoji=False, highlight=False), table)
    return out.getvalue()


def test_all_columns_stand_where_they_fit() -> None:
    shown = drawn(table_of("a"), 120)
    assert "x" * 30 in shown
    assert "not shown" not in shown


def test_columns_go_by_rank_and_that_is_said() -> None:
    shown = drawn(table_of("a"), 50)
    assert "xxx" not in shown
    assert "12345678.9" in shown
    assert "not shown at 50 columns: note" in shown.replace("\n", " ")


def test_rows_are_stacked_where_even_the_needed_columns_do_not_fit() -> None:
    shown = drawn(table_of("a"), 20)
    assert "0.30000000000000004" in shown.replace("\n", "")
    assert "name   a" in shown


@given(
    st.lists(st.text(min_size=1, max_size=120).filter(lambda name: "…" not in name), min_size=1, max_size=4),
    st.integers(30, 120),
)
@settings(max_examples=60)
def test_no_width_cuts_a_name_or_a_digit_or_is_exceeded(names: list[str], width: int) -> None:
    shown = drawn(table_of(*names), width)
    assert "…" not in shown
    assert shown.count("0.30000000000000004") == len(names)
    assert all(cell_len(line) <= width for line in shown.splitlines())
    letters = "".join(shown.split())
    assert all("".join(printable(name).split())[:1] in letters for name in names)


@given(ANY_TEXT)
def test_no_character_that_a_terminal_acts_on_is_printed(text: str) -> None:
    assert not {unicodedata.category(character) for character in printable(text)} & DANGEROUS


def test_naughty_strings_pass_every_form_as_text() -> None:
    names = naughty()
    table = table_of(*names)
    for form in ("table", "markdown", "json", "csv"):
        out = io.StringIO()
        print_table(Console(file=out, width=80), table, form)
        loose = {unicodedata.category(character) for character in out.getvalue() if character != "\n"}
        assert not loose & DANGEROUS, form


def test_json_gives_back_every_string_and_the_exact_number() -> None:
    names = naughty()
    read = json.loads(to_json([{"name": name, "score": 0.1 + 0.2} for name in names]))
    assert [row["name"] for row in read] == names
    assert read[0]["score"] == 0.1 + 0.2


@given(ANY_TEXT.filter(lambda text: not any(0xD800 <= ord(character) < 0xE000 for character in text)))
def test_json_is_read_back_as_it_was(text: str) -> None:
    written = to_json({"name": text})
    assert json.loads(written) == {"name": text}
    assert not {unicodedata.category(character) for character in written if character != "\n"} & DANGEROUS


@given(ANY_TEXT)
def test_no_text_in_csv_is_a_formula(text: str) -> None:
    assert not csv_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_in_csv_stay_numbers() -> None:
    written = to_csv([{"name": "-x", "score": -0.1 - 0.2, "n": -3, "none": None, "yes": True}])
    (row,) = csv.DictReader(io.StringIO(written))
    assert row == {"name": "'-x", "score": "-0.30000000000000004", "n": "-3", "none": "", "yes": "true"}


def test_a_row_of_csv_is_one_line_whatever_the_names_are() -> None:
    names = naughty()
    written = to_csv([{"name": name, "n": 1} for name in names])
    assert len(written.splitlines()) == len(names) + 1
    assert all(row["n"] == "1" for row in csv.DictReader(io.StringIO(written)))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a|b", r"a\|b"),
        ("<script>", "&lt;script&gt;"),
        ("*bold* `code`", r"\*bold\* \`code\`"),
        ("_x_", r"\_x\_"),
        ("random_forest", "random_forest"),
        ("[x](javascript:y)", r"[x]\(javascript:y)"),
        ("0.95 [0.94, 0.96]", "0.95 [0.94, 0.96]"),
        ("a\nb", r"a\\nb"),
    ],
)
def test_markdown_shows_names_as_they_are(text: str, safe: str) -> None:
    assert markdown_text(text) == safe


def test_a_markdown_table_has_one_line_a_row_and_the_same_bars_in_each() -> None:
    names = naughty()
    written = page_as_markdown("t", [Section("", table_of(*names))]).splitlines()
    lines = [line for line in written if line.startswith("|")]
    assert len(lines) == len(names) + 2
    assert {line.replace(r"\|", "").count("|") for line in lines} == {5}


class Tags(HTMLParser):
    """Collects the tags of a page and the text in its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_an_html_page_has_no_tag_but_ours_whatever_the_names_are() -> None:
    page = page_as_html("<img src=x>", [Section("<b>", table_of(*naughty()), ("<i>",))])
    parsed = Tags()
    parsed.feed(page)
    assert parsed.tags <= {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "table", "thead",
                           "tbody", "tr", "th", "td"}  # fmt: skip
    assert "default-src 'none'" in page.replace("&#x27;", "'")
    assert "<img src=x>" in parsed.text


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'json'"):
        check_format("jsn")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (number(0.123456), "0.1235"),
        (number(53124.4), "53124"),
        (number(53.71234), "53.71"),
        (number(0.0), "0.0000"),
        (number(0.00001234), "1.234e-05"),
        (number(-1.5), "-1.500"),
        (number(None), "—"),
        (number(float("nan")), "—"),
        (spread(53.71234, 3.2), "53.71 ± 3.2"),
        (spread(0.5, None), "0.5000"),
        (spread(0.5, 0.0), "0.5000 ± 0.000"),
        (interval(0.95, 0.94, 0.96), "0.9500 [0.940, 0.960]"),
        (interval(0.95, 0.9499, 0.9501), "0.9500 [0.9499, 0.9501]"),
        (difference(-0.01, -0.02, 0.001), "-0.0100 [-0.0200, +0.0010]"),
        (duration(0.0034), "3.4 ms"),
        (duration(59.99), "1 min 00 s"),
        (duration(3725), "1 h 02 min"),
        (size(20_480), "20.0 KiB"),
    ],
)
def test_numbers_are_told_with_four_digits(told: str, expected: str) -> None:
    assert told == expected


def test_a_pipe_gets_each_note_on_one_line() -> None:
    screen = io.StringIO()
    table = Table((Heading("name", lambda row: row["name"]),), ({"name": "a"},), notes=("word " * 40 + "end",))
    print_for_people(Console(file=screen, width=80), table)
    assert screen.getvalue().splitlines()[-1] == "word " * 40 + "end"
