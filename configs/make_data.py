"""Write the made-up tables of these specs into configs/data/: `python configs/make_data.py`; equal on every machine.

People with an income (numbers, categories, dates, missing values, households, two earlier opinions), messages to a
shop, hourly demand for electricity. `sensors` is a source of its own: sensors.yaml calls it without any file.
"""
# ruff: noqa: INP001 - a folder of examples, not a package

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

DATA = Path(__file__).parent / "data"
Draws = np.random.Generator


def main() -> None:
    """Write every table as CSV."""
    DATA.mkdir(exist_ok=True)
    for name, make in {"people": people, "messages": messages, "demand": demand}.items():
        table = make()
        table.write_csv(DATA / f"{name}.csv")
        sys.stdout.write(f"{DATA / name}.csv: {table.height:,} rows\n")


def people(rows: int = 3000) -> pl.DataFrame:
    """Return people whose income depends on age, school, hours and gains, not on sex; with gaps, as in real tables."""
    draws = np.random.default_rng(1)
    household = np.sort(draws.integers(0, rows * 2 // 3, rows))
    age = draws.integers(18, 80, rows)
    school = draws.choice(["primary", "secondary", "college", "doctorate"], rows, p=[0.2, 0.45, 0.3, 0.05])
    job = draws.choice(["craft", "sales", "care", "office", "farm", "transport"], rows)
    hours = np.round(draws.normal(38, 9, rows).clip(5, 80))
    gain = np.where(draws.random(rows) < 0.08, draws.exponential(9000, rows).round(), 0)
    hired = [date(2000, 1, 1) + timedelta(days=int(days)) for days in draws.integers(0, 9000, rows)]
    rank = {"primary": 0, "secondary": 1, "college": 2, "doctorate": 3}
    pull = 0.9 * np.array([rank[name] for name in school]) + 0.05 * (hours - 38) + 0.0004 * gain
    pull += (
        -0.004 * (age - 48) ** 2
        + 0.8 * np.isin(job, ["office", "sales"])
        - 0.0001 * np.array([(day - date(2012, 1, 1)).days for day in hired])
    )
    high = pull + draws.logistic(0, 1, rows) > 1.4
    label, other = np.where(high, ">50K", "<=50K"), np.where(high, "<=50K", ">50K")
    table = pl.DataFrame(
        {
            "person": np.arange(100_000, 100_000 + rows),
            "household": [f"H{number:05d}" for number in household],
            "age": _with_gaps(age.astype(float), 0.04, draws),
            "sex": draws.choice(["female", "male"], rows),
            "school": school,
            "job": _with_gaps(job, 0.08, draws),
            "hours": hours,
            "capital_gain": gain,
            "hired_on": hired,
            "old_score": np.round(10 / (1 + np.exp(-(pull - 1.4) / 2 - draws.normal(0, 1.2, rows)))),
            "expert": _with_gaps(np.where(draws.random(rows) < 0.62, label, other), 0.7, draws),
            "income": label,
        }
    )
    married, husband = pl.Series(draws.random(rows) < 0.55), pl.col("sex") == "male"
    partner = pl.when(~married).then(pl.lit("single")).when(husband).then(pl.lit("husband")).otherwise(pl.lit("wife"))
    return table.insert_column(-1, table.select(partner.alias("partner")).to_series())


def messages(rows: int = 1500) -> pl.DataFrame:
    """Return messages to a shop, and whether each is a complaint; some words are misleading, some labels wrong."""
    draws = np.random.default_rng(2)
    parts = {
        True: (["broken", "late", "missing", "wrong", "torn", "never came", "refund", "rude", "stopped working"],
               ["I want my money back", "this is the second time", "please explain", "I am still waiting"]),
        False: (["lovely", "quick", "as described", "well packed", "friendly", "a gift", "comfortable", "in stock"],
                ["thank you", "I will come again", "do you sell it in blue", "which size fits me"]),
    }  # fmt: skip
    things = ["the lamp", "my order", "the blue coat", "a chair", "the kettle", "delivery", "the box", "your staff"]
    bridges = ["was", "is", "seems", "turned out", "arrived and was", "was not"]
    complaint = draws.random(rows) < 0.35
    texts = []
    for kind in complaint:
        words, ends = parts[bool(kind) if draws.random() > 0.15 else not kind]
        texts.append(
            f"{draws.choice(things)} {draws.choice(bridges)} {draws.choice(words)} and {draws.choice(words)}, "
            f"{draws.choice(ends)} {'!' * int(draws.integers(0, 3))}"
        )
    return pl.DataFrame(
        {
            "received": [datetime(2024, 1, 1) + timedelta(minutes=17 * number) for number in range(rows)],  # noqa: DTZ001
            "channel": draws.choice(["mail", "web", "phone"], rows),
            "message": texts,
            "complaint": np.where(complaint, "yes", "no"),
        }
    )


def demand(days: int = 120) -> pl.DataFrame:
    """Return hourly demand: a day's curve, a week's, the weather, and what lasts from hour to hour."""
    draws = np.random.default_rng(3)
    hours = np.arange(days * 24)
    warm = 12 + 9 * np.sin(hours / (24 * days) * 2 * np.pi) + draws.normal(0, 2, len(hours))
    lasting = np.zeros(len(hours))
    for hour in hours[1:]:
        lasting[hour] = 0.9 * lasting[hour - 1] + draws.normal(0, 1.5)
    load = 60 + 12 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi) - 6 * (hours // 24 % 7 >= 5) + 0.05 * (warm - 16) ** 2
    return pl.DataFrame(
        {
            "hour": [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in hours],  # noqa: DTZ001
            "hour_of_day": hours % 24,
            "weekend": hours // 24 % 7 >= 5,
            "temperature": warm.round(1),
            "load_a_day_ago": np.concatenate([np.full(24, np.nan), (load + lasting)[:-24]]).round(2),
            "load": (load + lasting).round(2),
        }
    ).with_columns(pl.col("load_a_day_ago").fill_nan(None))


def sensors(rows: int = 4000, share: float = 0.05) -> Mapping[str, Any]:
    """Return readings of a machine; a share of them from when it was about to fail. Called by sensors.yaml."""
    draws = np.random.default_rng(4)
    failing = draws.random(rows) < share
    speed = draws.normal(1500, 60, rows)
    heat = 20 + 0.03 * speed + draws.normal(0, 1, rows) + np.where(failing, draws.normal(4, 3, rows), 0)
    hum = 0.2 + 0.0001 * speed + draws.gamma(2, 0.01, rows) * np.where(failing, 3, 1)
    power = 0.002 * speed * (1 + draws.normal(0, 0.02, rows)) + np.where(failing, draws.normal(0, 0.4, rows), 0)
    state = np.where(failing, "failing", "sound")
    return {"speed": speed, "heat": heat, "hum": hum, "power": power, "state": state}


def _with_gaps(values: Any, share: float, draws: Draws) -> list[Any]:
    """Return the values with this share of them missing."""
    return [
        None if gone else value for value, gone in zip(values.tolist(), draws.random(len(values)) < share, strict=True)
    ]


if __name__ == "__main__":
    main()
