"""How a difference is weighed: what does not matter, how sure, how many rows more; against closed forms."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from mlrun.records import Difference
from mlrun.weighing import chance_above, rows_more, rows_needed, tolerance


def test_a_tolerance_is_in_the_metrics_unit_where_it_has_a_highest_value_else_a_share_of_the_score() -> None:
    assert tolerance(0.005, 1.0, 0.9) == 0.005  # ROC AUC
    assert tolerance(0.005, math.inf, 58.0) == pytest.approx(0.29)  # RMSE: half a percent of the score beside it
    assert tolerance(0.005, math.inf, None) == 0.0


def test_the_chance_of_a_lead_is_the_normal_tail_beyond_the_bound() -> None:
    found = Difference(0.02, 0.02 - 1.959963984540054 * 0.01, 0.02 + 1.959963984540054 * 0.01)
    assert chance_above(found, 0.005, 0.95) == pytest.approx(norm.sf((0.005 - 0.02) / 0.01), abs=1e-9)


def test_so_many_rows_more_let_the_interval_just_clear_zero() -> None:
    reach, rows = 0.03, 1000
    more = rows_more(Difference(0.02, 0.02 - reach, 0.02 + reach), rows, 0.95)
    assert more is not None
    assert reach * math.sqrt(rows / (rows + more)) == pytest.approx(0.02, rel=0.05)  # told in two digits


def test_where_rows_would_not_help_none_are_asked_for() -> None:
    assert rows_needed(Difference(0.0, -0.1, 0.1), 100, 0.95) == "more rows would hardly settle it"
