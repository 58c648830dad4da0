"""Changes of level: found where a published series has its own, rarely where there is none, with exact p-values."""

from __future__ import annotations

import itertools
import math
import os
import random
import statistics
from collections.abc import Callable, Sequence
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun.change_points import FEWEST, LEVEL, ChangePoint, best_cut, find_change_points, p_value_of, resemblance

# Volume of the Nile at Aswan, 1871 to 1970 (Cobb 1978, Biometrika 65: the level falls after 1898).
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
    781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
    744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip
NORMAL = NormalDist()


def change_points(values: Sequence[float]) -> tuple[ChangePoint, ...]:
    return find_change_points(values).points


LONG = int(os.environ.get("MLRUN_CHANGE_POINT_SERIES", "2000"))


def test_the_nile_falls_after_1898_and_not_again() -> None:
    (found,) = change_points(NILE)
    assert 1871 + found.position == 1899
    assert (found.before, found.after) == pytest.approx((1097.75, 849.9722), abs=1e-4)
    assert found.p_value == pytest.approx(0.001)


@given(st.lists(st.floats(-1e3, 1e3), min_size=FEWEST, max_size=25))
def test_the_cut_is_that_of_least_squares(values: list[float]) -> None:
    def rest(position: int) -> float:
        """Return the squares that a cut leaves, from the definition."""
        return sum(statistics.pvariance(part) * len(part) for part in (values[:position], values[position:]))

    explained, position = best_cut(values)
    whole = statistics.pvariance(values) * len(values)
    least = min(rest(at) for at in range(2, len(values) - 1))
    assert rest(position) == pytest.approx(least, rel=1e-6, abs=1e-6 * (1 + whole))
    assert explained**2 == pytest.approx(whole - least, rel=1e-6, abs=1e-6 * (1 + whole))


@pytest.mark.parametrize(("first", "second"), [(4, 4), (3, 6), (2, 8), (5, 5)])
def test_the_p_value_of_two_clean_levels_is_known_in_closed_form(first: int, second: int) -> None:
    """Of all orders only the two with each level in one piece explain as much: p = 2 / C(n, k)."""
    p_value = p_value_of([0.9] * first + [0.8] * second, random.Random(1))
    exact = 2 / math.comb(first + second, first)
    assert p_value == pytest.approx(exact, abs=4 * math.sqrt(exact / 999) + 0.001)


@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_is_that_of_all_permutations(seed: int) -> None:
    draw = random.Random(seed)
    values = [draw.gauss(0, 1) + (seed if at >= 5 else 0) for at in range(7)]
    highest = best_cut(values)[0]
    orders = [best_cut(order)[0] >= highest - 1e-9 for order in itertools.permutations(values)]
    exact = sum(orders) / len(orders)
    assert p_value_of(values, random.Random(2)) == pytest.approx(exact, abs=0.08)


def false_alarms(make: Callable[[random.Random], float], length: int, series: int) -> float:
    draw = random.Random(length)
    return sum(bool(change_points([make(draw) for _ in range(length)])) for _ in range(series)) / series


@pytest.mark.parametrize("length", [8, 12, 30])
def test_noise_alone_seldom_gives_a_change(length: int) -> None:
    series = 200
    alarms = false_alarms(lambda draw: draw.gauss(0, 1), length, series)
    assert alarms <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / series)


@pytest.mark.long
@pytest.mark.parametrize("length", [8, 12, 20, 40, 100])
@pytest.mark.parametrize("kind", ["normal", "skewed", "ties"])
def test_noise_of_any_shape_gives_a_change_in_at_most_five_of_a_hundred_series(kind: str, length: int) -> None:
    makers: dict[str, Callable[[random.Random], float]] = {
        "normal": lambda draw: draw.gauss(0, 1),
        "skewed": lambda draw: draw.expovariate(1),
        "ties": lambda draw: float(round(draw.gauss(0, 1))),
    }
    assert false_alarms(makers[kind], length, LONG) <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / LONG)


def test_a_step_of_three_deviations_is_found_where_it_is() -> None:
    draw, hits = random.Random(7), 0
    for _ in range(40):
        values = [draw.gauss(0, 1) - (3 if at >= 25 else 0) for at in range(30)]
        hits += any(abs(point.position - 25) <= 1 for point in change_points(values))
    assert hits >= 34  # 0.94 of 600, measured apart


def test_neighbours_that_resemble_each_other_give_fewer_false_alarms_than_a_test_that_takes_no_notice() -> None:
    draw, alarms, blind = random.Random(11), 0, 0
    for _ in range(60):
        values = [draw.gauss(0, 1)]
        for _ in range(59):
            values.append(0.6 * values[-1] + draw.gauss(0, 0.8))
        alarms += bool(change_points(values))
        blind += p_value_of(values, draw) <= LEVEL
    assert alarms <= 0.25 * 60 < blind


def test_two_steps_are_two_and_levels_without_noise_have_one_each() -> None:
    clean = [0.90] * 10 + [0.85] * 10 + [0.95] * 10
    found = change_points(clean)
    assert [point.position for point in found] == [10, 20]
    assert [(round(point.before, 9), round(point.after, 9)) for point in found] == [(0.9, 0.85), (0.85, 0.95)]
    assert find_change_points(clean).alike == 0


def test_resemblance_is_that_of_the_noise_and_not_of_the_levels() -> None:
    draw, values = random.Random(3), [0.0]
    for _ in range(1999):
        values.append(0.6 * values[-1] + draw.gauss(0, 0.8))
    stepped = [value + (50 if at >= 1000 else 0) for at, value in enumerate(values)]
    assert resemblance(values, []) == pytest.approx(0.6, abs=0.05)
    assert resemblance(stepped, [1000]) == pytest.approx(0.6, abs=0.05)
    assert resemblance(stepped, []) > 0.95
    assert resemblance([draw.gauss(0, 1) for _ in range(2000)], []) < 0.05


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 7, [1.0] * 30, [0.9] * 3 + [0.8] * 4, [0.0] * 29 + [1.0]])
def test_what_tells_nothing_gives_nothing(values: list[float]) -> None:
    """One odd run at the end is no level yet."""
    assert change_points(values) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_equal_series_give_equal_answers_and_positions_are_inside(values: list[float]) -> None:
    found = change_points(values)
    assert found == change_points(list(values))
    assert all(2 <= point.position <= len(values) - 2 and 0 < point.p_value <= LEVEL for point in found)
    assert list(found) == sorted(found, key=lambda point: point.position)
    assert all(isinstance(point, ChangePoint) for point in found)
