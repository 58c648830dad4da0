"""Pictures: at most as wide as asked, plain where they must be, safe as SVG, true to the numbers, and told."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_findings import MODELS, made_findings, renamed
from rich.cells import cell_len

from mlrun.picture import svg
from mlrun.picture.characters import draw, plain
from mlrun.picture.choice import MOST_CURVES
from mlrun.picture.shapes import Axis, Chart, Curve, Dot, DotRows, Picture, Rule, axis
from mlrun.pictures import DRAWN, pictures
from mlrun.records import Finding

EVIL = "\x1b[31m</svg><script>alert(1)</script>\u202e\"'&```"
LONG = "a_model_of_a_very_long_name_" * 6
NUMBER = st.floats(-1e9, 1e9, allow_nan=False)
TEXT = st.text(st.characters(exclude_categories=()), min_size=1, max_size=40)


def every_picture(findings: Sequence[Finding] = (), names: Sequence[str] = MODELS) -> list[Picture]:
    found = findings or made_findings()
    return [picture for check in DRAWN for picture in pictures(check, found, names)]


def drawn(picture: Picture, width: int = 80, encoding: str = "utf-8") -> list[str]:
    return plain(draw(picture, width, encoding)).splitlines()


def test_each_kind_of_check_that_has_one_gets_its_picture() -> None:
    titles = " | ".join(picture.title for picture in every_picture())
    for part in ("Reliability of xgboost", "Errors by how many rows", "Learning curves", "Slices of xgboost", "latency",
                 "Perturbation noise", "Costs by threshold", "Over time"):  # fmt: skip
        assert part in titles


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (
            "calibration",
            "xgboost is off by 0.0617 on average; chance alone would show 0.0067; 3 of 15 bins lie",
        ),
        ("confidence", "Chosen for 5.0% errors at most, xgboost answers 74.5% of the rows itself; 4.8% of these"),
        ("learning_curve", "improved roc_auc of xgboost by +0.0110 [+0.0020, +0.0200]: more rows would help."),
        ("perturbation", "At level 0.25 roc_auc of xgboost goes from 0.9100 to 0.8760."),
        ("over_time", "from 0.8800 in the first window to 0.8000 in the last; the order of the models changes."),
    ],
)
def test_a_caption_says_the_main_number(check: str, told: str) -> None:
    assert told in pictures(check, made_findings(), MODELS)[0].caption


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_asked_or_than_80_columns(width: int, encoding: str) -> None:
    for picture in every_picture():
        lines = drawn(picture, width, encoding)
        assert max(map(cell_len, lines)) <= min(width, 80)
        assert encoding == "utf-8" or "\n".join(lines).isascii()


def test_a_chart_takes_about_twelve_lines_and_its_legend() -> None:
    for picture in every_picture():
        if isinstance(picture, Chart):
            entries = len(picture.curves) + len(picture.rules) + bool(picture.band_name)
            assert len(drawn(picture)) <= 13 + entries


@given(st.lists(TEXT, min_size=4, max_size=4, unique=True), st.sampled_from(["utf-8", "ascii"]))
@settings(max_examples=25, deadline=None)
def test_no_name_can_act_on_the_terminal_or_make_a_line_too_wide(names: list[str], encoding: str) -> None:
    given_names = dict(zip(MODELS, names, strict=True))
    for picture in every_picture(renamed(made_findings(), given_names), names):
        written = draw(picture, 80, encoding)
        assert all(cell_len("".join(text for text, _ in line)) <= 80 for line in written)
        assert "\x1b" not in plain(written)
        assert "\u202e" not in plain(written)


def parse(figure: str) -> ET.Element:
    return ET.fromstring(figure)  # noqa: S314 - what we made ourselves a line ago


def test_svg_is_well_formed_and_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    for number, picture in enumerate(every_picture()):
        figure = parse(svg.figure(picture, f"picture-{number}"))
        drawing = figure.find("svg")
        assert drawing is not None
        assert drawing.get("role") == "img"
        title, description = drawing.find("title"), drawing.find("desc")
        assert title is not None
        assert description is not None
        assert drawing.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert (title.text, description.text) == (picture.title, picture.caption)
        caption = figure.find("figcaption")
        assert caption is not None
        assert picture.caption in "".join(caption.itertext())


@pytest.mark.parametrize("name", [EVIL, LONG, "🤖 café", "מודל", "a\nb\tc\0", "<b>&amp;"])
def test_no_name_is_more_than_text_in_svg(name: str) -> None:
    names = (name, *MODELS[1:])
    for picture in every_picture(renamed(made_findings(), {"xgboost": name, "sex = Female": name}), names):
        figure = svg.figure(picture, "p")
        parsed = parse(figure)
        tags = {element.tag for element in parsed.iter()}
        assert tags <= {"figure", "svg", "title", "desc", "g", "path", "text", "circle", "rect", "ul", "li", "bdi",
                        "figcaption", "b"}  # fmt: skip
        assert not any(key.startswith("on") or "href" in key for element in parsed.iter() for key in element.attrib)
        assert "\x1b" not in figure
        assert "\u202e" not in figure


def test_series_differ_by_mark_and_dash_not_by_colour_alone() -> None:
    curves = tuple(Curve(f"m{at}", ((0.0, at / 6), (1.0, at / 6))) for at in range(6))
    picture = Chart("t", "c", Axis("x", 0, 1), Axis("y", 0, 1), curves)
    marks = [line.split()[0] for line in drawn(picture)[-5:]]
    assert len(set(marks)) == 5
    figure = svg.figure(picture, "p")
    samples = re.findall(r"<li>(.*?)<bdi>", figure)
    assert len({re.sub(r'class="[^"]*"', "", sample) for sample in samples}) == 6
    assert all(f".s{series} {{ stroke: var(--s{series}); stroke-dasharray" in svg.STYLE for series in range(2, 7))


def test_colours_have_a_dark_side() -> None:
    light, dark = svg.STYLE.split("@media (prefers-color-scheme: dark)")
    for name in ("--ink", "--page", "--bad", *(f"--s{number}" for number in range(1, 7))):
        assert f"{name}: #" in light
        assert f"{name}: #" in dark.split("}")[0]


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb; source: WCAG 2.2, definition of relative luminance."""
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("side", [0, 1])
def test_contrast_is_enough_for_text_and_for_lines(side: int) -> None:
    """WCAG 2.2, 1.4.3: text 4.5 to 1; 1.4.11: graphics 3 to 1."""
    sides = svg.STYLE.split("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"(--[a-z0-9]+): (#[0-9a-f]{3,6})", sides[side]))

    def contrast(name: str) -> float:
        one, other = sorted((luminance(colours[name]), luminance(colours["--page"])), reverse=True)
        return (one + 0.05) / (other + 0.05)

    assert all(contrast(name) >= 4.5 for name in ("--ink", "--faint", "--bad", "--s1", "--s2", "--s3"))
    assert all(contrast(f"--s{number}") >= 3 for number in range(1, 7))


def test_points_stand_where_their_numbers_say() -> None:
    picture = Chart("t", "c", Axis("x", 0, 10), Axis("y", 0, 1), (Curve("m", ((5.0, 0.5), (10.0, 1.0)), joined=False),))
    circles = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg.figure(picture, "p"))
    middle = ((svg.LEFT + svg.WIDTH - svg.RIGHT) / 2, (svg.TOP + svg.HEIGHT - svg.BOTTOM) / 2)
    assert [float(number) for number in circles[0]] == pytest.approx(middle, abs=0.06)
    assert [float(number) for number in circles[1]] == [svg.WIDTH - svg.RIGHT, svg.TOP]
    lines = drawn(picture)
    assert lines[1].rstrip().endswith("●")  # 10, 1: the upper right
    assert lines[5].index("●") == pytest.approx((lines[1].index("●") + lines[1].index("┤")) / 2, abs=1)


def test_a_line_of_braille_has_no_holes() -> None:
    curve = Curve("m", tuple((at / 7, 0.3 + 0.05 * at) for at in range(8)))
    picture = Chart("t", "c", Axis("x", 0, 1), Axis("y", 0, 1), (curve, replace(curve, name="n", points=((0.0, 0.0),))))
    rows = [line[4:] for line in drawn(picture)[1:10]]
    assert all(any(len(row) > at and row[at] != " " for row in rows) for at in range(75))


def test_a_bin_outside_its_band_has_another_mark() -> None:
    (picture,) = pictures("calibration", made_findings(), MODELS)
    assert isinstance(picture, Chart)
    assert [len(curve.points) for curve in picture.curves] == [12, 3]
    assert "▲" in "\n".join(drawn(picture))


def test_a_gap_that_fails_has_another_mark_and_the_rest_stands_beside() -> None:
    (picture,) = pictures("slices", made_findings(), MODELS)
    assert isinstance(picture, DotRows)
    written = drawn(picture)
    assert any("■" in line and "sex = Female" in line for line in written)
    assert sum("┃" in line for line in written) >= 6


def test_what_is_covered_stands_beside_what_is_wanted() -> None:
    picture = pictures("confidence", made_findings(), MODELS)[1]
    assert isinstance(picture, DotRows)
    assert picture.caption == "xgboost covers 90.3% of the rows, and least where class >50K: 71.3%."
    assert {dot.beside for dot in picture.dots} == {0.9}
    assert [dot.marked for dot in picture.dots] == [False, True, False]


def test_twenty_models_leave_a_picture_readable() -> None:
    names = (*(f"model_{number}" for number in range(18)), "zero_rule", "random")
    for picture in every_picture(made_findings(names), names):
        if isinstance(picture, Chart) and not picture.curves[0].letter:
            assert len(picture.curves) <= MOST_CURVES + 1
    (latency, _) = pictures("trade_offs", made_findings(names), names)
    assert isinstance(latency, Chart)
    assert len({curve.letter for curve in latency.curves}) == 20


def test_metrics_of_which_less_is_better_say_so() -> None:
    (picture,) = pictures("perturbation", made_findings(), MODELS, less=["roc_auc"])
    assert isinstance(picture, Chart)
    assert picture.y.label == "roc_auc (less is better)"


STRANGE: list[dict[str, Any]] = [
    {},
    {"bins": "none"},
    {"bins": [{}]},
    {"curve": [[None, None]]},
    {"rows": [], "scores": []},
    {"windows": [{"from": 1, "to": 2, "scores": {}}] * 3},
]


@pytest.mark.parametrize("details", STRANGE)
def test_details_that_are_missing_or_strange_give_no_picture(details: dict[str, Any]) -> None:
    findings = [each for each in made_findings() if not each.variant.startswith("conformal") and each.check != "drift"]
    assert not every_picture([replace(each, details=details) for each in findings])


def test_no_findings_no_picture() -> None:
    assert pictures("calibration", (), MODELS) == ()
    assert pictures("calibration", made_findings(), ()) == ()
    assert pictures("a_check_of_the_users", made_findings(), MODELS) == ()


@given(st.lists(NUMBER, min_size=1, max_size=20), st.integers(2, 10))
def test_all_values_have_a_place_on_their_axis_in_their_order(values: list[float], most: int) -> None:
    scale = axis("x", values)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    ticks, slack = scale.ticks(most), 1e-6 * (abs(scale.low) + abs(scale.high))
    assert len(ticks) <= most
    assert all(scale.low - slack <= tick <= scale.high + slack for tick in ticks)


@given(st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=20), st.integers(3, 10))
def test_a_logarithmic_axis_has_equal_places_for_equal_ratios(values: list[float], most: int) -> None:
    scale = axis("x", values, log=True)
    middle = (scale.low * scale.high) ** 0.5
    assert scale.place(middle) == pytest.approx(0.5)
    assert all(0 <= scale.place(value) <= 1 for value in values)
    assert len(scale.ticks(most)) <= most


@pytest.mark.parametrize("values", [(), (float("nan"),), (0.0,), (5.0, 5.0), (-3.0,), (float("inf"), 1.0)])
def test_an_axis_of_next_to_nothing_is_an_axis(values: tuple[float, ...]) -> None:
    for log in (False, True):
        scale = axis("x", values, log=log)
        assert scale.low < scale.high
        assert 0 <= scale.place(1.0) <= 1


def test_ticks_are_the_round_numbers_between() -> None:
    assert Axis("x", 0, 1).ticks(6) == (0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert Axis("x", 58.4, 60.1).ticks(4) == (58.5, 59.0, 59.5, 60.0)
    assert Axis("x", 90, 11_000, log=True).ticks(8) == (100, 200, 500, 1000, 2000, 5000, 10_000)


def test_a_rule_and_rows_without_interval_are_drawn() -> None:
    chart = Chart("t", "c", Axis("x", 0, 1), Axis("y", 0, 1), (Curve("m", ((0.2, 0.2),)),), rules=(Rule("r", x=0.5),))
    assert sum("┊" in line for line in drawn(chart)) == 10
    rows = DotRows("t", "c", Axis("x", 0, 1), (Dot("a", 0.5),))
    assert "●" in drawn(rows)[0]
    assert parse(svg.figure(rows, "p")) is not None
