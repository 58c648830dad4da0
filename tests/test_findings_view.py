"""Suites at a glance: failures first, nothing that proves nothing counts as a pass, never long, nothing cut off."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_findings import MODELS, made_findings, renamed
from made_runs import USUAL, baseline, model, record
from rich.cells import cell_len
from rich.console import Console

from mlrun.check_tables import tables, worst_rows
from mlrun.records import Finding, FindingStatus, WorstRow
from mlrun.screen.pages import Section, page_as_html, page_as_markdown, print_page
from mlrun.screen.tables import Table, folded, to_markdown
from mlrun.view.findings import (
    ORDER,
    at_a_glance,
    listed,
    reasons,
    suites,
    together,
    told_finding,
)
from mlrun.wording import told_test

EVIL = "\x1b[31m[/]<script>\u202e|*x*"


def of(*statuses: FindingStatus, test: str = "t", name: str = "xgboost") -> list[Finding]:
    """Return a test's findings: of one model, a variant each."""
    return [Finding("c", test, name, f"v{at}" if at else "", status) for at, status in enumerate(statuses)]


def glance(findings: Sequence[Finding]) -> list[str]:
    (section,) = at_a_glance(record(USUAL), findings)
    return [f"{point.mark}  {point.text}".strip() for point in section.points]


def on_screen(*sections: Section, width: int = 80) -> list[str]:
    screen = io.StringIO()
    print_page(Console(file=screen, width=width, force_terminal=True, color_system=None, markup=False), sections)
    return screen.getvalue().splitlines()


@pytest.mark.parametrize(
    ("statuses", "ended"),
    [
        (["pass"], "pass"),
        (["pass", "fail", "pass"], "fail"),
        (["error", "warn"], "error"),
        (["pass", "warn"], "warn"),
        (["vacuous", "pass"], "vacuous"),  # the whole test proves nothing, whatever one variant says
        (["not_run", "vacuous"], "not_run"),
        (["info", "info"], "info"),
        (["vacuous"], "vacuous"),
    ],
)
def test_a_test_ends_as_its_worst_variant_else_as_the_whole_says(statuses: list[FindingStatus], ended: str) -> None:
    assert together(of(*statuses)) == ended


@given(st.lists(st.sampled_from(ORDER), min_size=1, max_size=6))
def test_what_proves_nothing_is_never_a_pass(statuses: list[FindingStatus]) -> None:
    ended = together(of(*statuses))
    assert ended in statuses
    assert ended != "pass" or not {"fail", "error", "warn"} & set(statuses)
    assert ended == "pass" or "pass" not in statuses or ended != "info" or statuses[0] == "info"


def test_what_fails_stands_first_and_what_passes_in_one_line() -> None:
    lines = glance(made_findings())
    marks = [line.split("  ")[0] for line in lines[:-1]]
    assert marks == sorted(marks, key=["fail", "error", "warn", "pass", "info", "vacuous", "not run"].index)
    assert sum(line.startswith("pass") for line in lines) == 1
    assert lines[-1] == "mlrun show income@1 has every test, with its rows, tables and pictures"


def test_a_reader_sees_whether_a_test_is_hard() -> None:
    lines = glance(made_findings())
    assert any("calibration" in line and "(1 of 2 models passes; zero_rule and random pass)" in line for line in lines)
    assert any(line.startswith("pass") and "(zero_rule passes all of them too)" in line for line in lines)


def test_tests_that_say_nothing_are_told_with_their_reason_once() -> None:
    lines = [line for line in glance(made_findings()) if line.startswith("not run")]
    assert lines == ["not run  invariance age and invariance city: withheld from the model"]


@given(
    st.lists(st.sampled_from(ORDER), min_size=1, max_size=60),
    st.integers(0, 400),
)
def test_at_80_columns_it_is_never_longer_than_a_screen_can_bear(statuses: list[FindingStatus], length: int) -> None:
    findings = [
        Finding("check", f"test_{at}", "xgboost", status=status, reason=f"{at} " + "word " * (length // 5))
        for at, status in enumerate(statuses)
    ]
    (section,) = at_a_glance(record(USUAL), findings)
    told = [point for point in section.points if point.mark in {"fail", "error", "warn", "info"}]
    sentences = [point for point in told if not point.text.partition(" ")[2].startswith(("test", "more test"))]
    assert sum(ceil(len(point.text) / 70) for point in sentences) <= 8
    folded_lines = 4 + 1 + 2 * 3 + 1  # a line a status, passes, reasons of what says nothing, where to read on
    assert len(section.points) <= 8 + folded_lines


def test_the_usual_glance_takes_about_fifteen_lines_on_a_screen() -> None:
    lines = on_screen(*at_a_glance(record(USUAL), made_findings()))
    assert len(lines) <= 17
    assert all(cell_len(line) <= 80 for line in lines)


def test_every_test_is_named_or_counted() -> None:
    reason = "1 " + "long " * 30
    findings = [Finding("check", f"test_{at}", "xgboost", status="fail", reason=reason) for at in range(40)]
    text = " ".join(glance(findings))
    assert "fail" in at_a_glance(record(USUAL), findings)[0].title
    named = sum(f"test_{at}" in text for at in range(10, 40))
    assert "more" in text
    assert named < 40
    assert "40 fail" in at_a_glance(record(USUAL), findings)[0].title


def test_without_findings_there_is_no_section() -> None:
    assert at_a_glance(record(USUAL), ()) == []


def test_without_a_best_model_each_failure_says_whose_it_is() -> None:
    made = record(USUAL, best=None)
    (section,) = at_a_glance(made, [Finding("c", "c", "ridge", status="fail", reason="it fails")])
    assert section.title == "evaluation: 1 fails"
    assert section.points[0].text == "c (ridge): it fails"


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (Finding("c", "t", "m", reason="3 rows fail."), "3 rows fail"),
        (Finding("c", "t", "m", measure="rate", value=0.5, reason="it fails"), "rate 0.5000; it fails"),
        (
            Finding("c", "t", "m", measure="rate", value=0.071, low=0.06, high=0.08, threshold=0.02),
            "rate 0.0710 [0.060, 0.080], bound 0.0200",
        ),
        (Finding("c", "t", "m", status="not_run"), "not run"),
    ],
)
def test_a_finding_is_told_in_one_sentence(finding: Finding, told: str) -> None:
    assert told_finding(finding) == told


def test_a_test_is_called_by_its_check_and_its_own_name() -> None:
    assert told_test("slices", "slices") == "slices"
    assert told_test("invariance", "sex") == "invariance sex"
    assert told_test("assumptions", "assumptions: prediction") == "assumptions: prediction"


def test_names_are_listed_as_people_do() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_suites_keep_the_order_in_which_they_ran() -> None:
    assert [suite.test for suite in suites([*of("pass", test="z"), *of("pass", test="a"), *of("fail", test="z")])] == [
        "z",
        "a",
    ]


def test_reasons_that_differ_in_numbers_alone_are_told_once() -> None:
    findings = [
        Finding("c", "t", name, status="not_run", reason=f"{rows} rows are too few")
        for rows, name in enumerate(("xgboost", "ridge", "lasso"), 3)
    ]
    assert [point.text for point in reasons(findings, "xgboost")] == ["c t: 3 rows are too few"]
    assert [point.text for point in reasons(findings[1:], "xgboost")] == [
        "ridge and lasso: 4 rows are too few (or the like)"
    ]


def every_table(findings: Sequence[Finding], names: Sequence[str]) -> list[Table]:
    return [
        table for check in dict.fromkeys(each.check for each in findings) for table in tables(check, findings, names)
    ]


def test_every_check_has_a_table_with_all_models() -> None:
    findings = made_findings()
    for check in dict.fromkeys(each.check for each in findings):
        assert tables(check, findings, MODELS), check
    for check in ("calibration", "confidence", "slices", "invariance", "perturbation", "trade_offs"):
        written = "".join(to_markdown(table) for table in tables(check, findings, MODELS))
        assert all(name in written for name in MODELS), check


@pytest.mark.parametrize(
    ("check", "cells"),
    [
        ("calibration", "| xgboost | fail | 0.0617 | 0.0067 | 0.5100 | 0.1100 | 0.0120 | 0.0020 |"),
        ("confidence", "| xgboost | pass | 74.5% | 0.8600 | 4.8% (≤ 5.6%) | 0.8200 [0.800, 0.840] | 21.0% |"),
        ("trade_offs", "| random | 0.8200 | 1.1 ms | 4.8 ms | 97.7 KiB | 600 ms | low | xgboost |"),
        ("learning_curve", "| yes | +0.0110 [+0.0020, +0.0200] | variance | 0.8800 to 0.9000 at 4,000 rows |"),
        ("assumptions", "| boundaries | logistic_regression | violated | 0.2200 | a linear model misses 22 %"),
        ("ensembles", "| xgboost | a and b | 0.6100 |"),
        ("over_time", "| 2024-01 to 2024-02 | 300 | 0.8800 | 0.8600 |"),
        ("drift", "| hours | warn | PSI | 0.3100 | 0.0010 |"),
        ("invariance", "| sex | fail 0.0710 | fail 0.0710 | vacuous | vacuous |"),
        ("slices", "| sex = Female | fail 0."),
    ],
)
def test_tables_hold_what_was_found(check: str, cells: str) -> None:
    assert cells in "".join(to_markdown(table) for table in tables(check, made_findings(), MODELS))


def test_why_a_whole_test_was_not_run_stands_in_the_rows_of_its_variants() -> None:
    findings = [
        Finding("c", "t", "a", "v1", "pass", value=0.5),
        Finding("c", "t", "a", "v2", "pass", value=0.5),
        Finding("c", "t", "b", status="not_run", reason="it cannot be asked"),
    ]
    (table,) = tables("c", findings, ("a", "b"))
    lines = to_markdown(table).splitlines()[2:]
    assert lines == ["| t: v1 | pass 0.5000 | not run |", "| t: v2 | pass 0.5000 | not run |"]


def test_worst_rows_are_told_by_id_with_what_was_said_before_and_after() -> None:
    table = worst_rows(made_findings(), "xgboost")
    written = to_markdown(table)
    assert "| invariance sex | p-0 | 0.8100 | 0.3200 | sex: Male → Female |" in written
    assert len(table.rows) == 5
    assert "findings.jsonl has 2 more" in written
    plain = worst_rows([Finding("c", "c", "m", worst_rows=(WorstRow(7, "a", None),))], "m")
    assert "| c | 7 | a | — |" in to_markdown(plain)


def test_twenty_models_with_long_names_break_no_table() -> None:
    names = (*(f"a_model_with_a_rather_long_name_number_{at}" for at in range(18)), "zero_rule", "random")
    findings = made_findings(names)
    for table in every_table(findings, names):
        lines = on_screen(Section("", table))
        assert all(cell_len(line) <= 80 for line in lines)
        assert "…" not in "".join(lines)


@pytest.mark.parametrize("name", [EVIL, "🤖 café", "مودل", "a\nb\tc", "x" * 200, "[bold]", "="])
def test_no_name_breaks_a_table_or_acts_on_a_page(name: str) -> None:
    told = ("xgboost", "sex", "sex = Female", "withheld from the model")
    findings = renamed(made_findings(), dict.fromkeys(told, name))
    names = (name, *MODELS[1:])
    made = record((model(name, 0.9), model("logistic_regression", 0.8), baseline("zero_rule", 0.5)))
    sections = [*at_a_glance(made, findings), *(Section(name, table) for table in every_table(findings, names))]
    lines = on_screen(*sections)
    assert all(cell_len(line) <= 80 for line in lines)
    pages = page_as_markdown(name, sections) + page_as_html(name, sections)
    assert "<script" not in pages
    assert not {"\x1b", "\u202e"} & set(pages + "".join(lines))


def test_findings_of_a_users_own_check_are_shown_whatever_they_hold() -> None:
    strange = [replace(each, details={"bins": 3, "curve": "no", "pairs": [[1, 2]]}) for each in made_findings()]
    own = [Finding("mine", "mine", "xgboost", "", "fail", value=1.0, details={"anything": [1, {"a": None}]})]
    for table in every_table([*strange, *own], MODELS):
        assert to_markdown(table)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("logistic_regression", 12, ["logistic_", "regression"]),
        ("without hour_of_day", 16, ["without", "hour_of_day"]),
        ("short", 12, ["short"]),
        ("0.5 [-0.18, +0.11]", 8, ["0.5", "[-0.18,", "+0.11]"]),
        ("half-broken-name", 12, ["half-broken-", "name"]),
    ],
)
def test_long_text_is_broken_at_words_and_names_at_their_parts(text: str, width: int, lines: list[str]) -> None:
    assert folded(text, width).splitlines() == lines


@given(st.text(st.characters(exclude_categories=("C", "Z")), max_size=60), st.integers(1, 30))
def test_folding_loses_no_letter(text: str, width: int) -> None:
    assert folded(text, width).replace("\n", "") == text


def test_a_variant_that_ended_as_its_whole_test_is_left_to_the_table() -> None:
    whole = Finding("invariance", "job", "ridge", status="warn", value=0.3, reason="30.0% change")
    variants = [replace(whole, variant=f"job = {name}") for name in ("farm", "care")]
    worse = replace(whole, variant="job = craft", status="fail", reason="90.0% change")
    measured = replace(whole, variant="job = sea", status="info", reason="0.0% change")
    told = [point.text for point in reasons([whole, *variants, worse, measured], "ridge")]
    assert told == ["invariance job: 30.0% change", "invariance job, job = craft: 90.0% change"]
