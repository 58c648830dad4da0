"""Findings as the checks make them, for tests of how they are shown: every check, several models, bad cases too."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from mlrun.records import Finding, FindingStatus, WorstRow

MODELS = ("xgboost", "logistic_regression", "zero_rule", "random")


def made_findings(models: Sequence[str] = MODELS, *, task: str = "classification") -> tuple[Finding, ...]:
    """Return what every check finds of these models; the first is the best, the last two are baselines."""
    dice = random.Random(0)
    found = [finding for at, name in enumerate(models) for finding in of_model(name, at, dice, task)]
    found += [*of_run(models), *not_run()]
    return tuple(sorted(found, key=lambda finding: ORDER.index(finding.check)))


SLICES = ("sex = Female", "sex = Male", "race = Black", "age in [17, 28)", "sex = Female and race = Black",
          "workclass = Private and hours >= 40")  # fmt: skip
CONSEQUENCE = "a linear model misses 22 % of what a curved one finds"
ORDER = ("calibration", "confidence", "trade_offs", "slices", "invariance", "directional", "perturbation",
         "minimum_functionality", "ensembles", "over_time", "drift", "learning_curve", "assumptions")  # fmt: skip


def of_model(name: str, at: int, dice: random.Random, task: str) -> Iterator[Finding]:
    """Yield what is found of one model, worse the later it stands."""
    if task == "classification":
        yield calibration(name, at, dice)
    yield from confidence(name, at)
    yield from slices(name, at, dice)
    yield from invariance(name, at)
    yield from perturbation(name, at)
    yield trade_off(name, at)
    if at < 2:
        yield learning_curve(name, at)


def calibration(name: str, at: int, dice: random.Random) -> Finding:
    bins = []
    for place in range(15):
        p = (place + 0.5) / 15
        bins.append(
            {"n": 200, "confidence": p, "observed": min(1.0, p + (0.12 if place > 10 else dice.uniform(-0.03, 0.03))),
             "low": max(0.0, p - 0.06), "high": min(1.0, p + 0.06)}
        )  # fmt: skip
    error = 0.0617 / (at + 1)
    return Finding(
        "calibration",
        "calibration",
        name,
        status="fail" if at == 0 else "pass",
        measure="expected calibration error",
        value=error,
        threshold=0.057,
        p_value=0.002,
        n=3000,
        reason=f"probabilities are off by {error:.3f} on average; a calibrated model shows 0.007 by chance; "
        "they are too extreme (slope 0.51). Try `calibrate: sigmoid`",
        details={"bins": bins, "ece": error, "floor": 0.0067, "smooth_ece": 0.05, "brier": 0.11, "mcb": 0.012,
                 "dsc": 0.09, "unc": 0.188, "slope": 0.51, "intercept": 0.1, "cure": "Try `calibrate: sigmoid`"},
    )  # fmt: skip


def confidence(name: str, at: int) -> Iterator[Finding]:
    curve = [[share / 50, (0.13 + 0.04 * at) * (share / 50) ** 1.7] for share in range(1, 51)]
    details = {"curve": curve, "aurc": 0.03, "e_aurc": 0.01, "augrc": 0.02, "auroc": 0.82, "auroc_low": 0.8,
               "auroc_high": 0.84, "target_risk": 0.05, "threshold": 0.86, "coverage": 0.745 - 0.1 * at,
               "risk": 0.048, "risk_high": 0.056, "overconfident_share": 0.21}  # fmt: skip
    yield Finding("confidence", "confidence", name, status="pass", measure="share answered at 5 % errors",
                  value=0.745 - 0.1 * at, n=3000, details=details)  # fmt: skip
    for label, reached in (("", 0.903), (": class >50K", 0.713), (": sex = Female", 0.921)):
        yield Finding("confidence", "confidence", name, f"conformal{label}", "warn" if reached < 0.8 else "pass",
                      measure="coverage", value=reached, low=0.884, high=0.916, threshold=0.9, n=3000,
                      details={"mean_size": 1.2})  # fmt: skip


def slices(name: str, at: int, dice: random.Random) -> Iterator[Finding]:
    for place, variant in enumerate(SLICES):
        gap = -0.12 + 0.03 * place + dice.uniform(-0.01, 0.01)
        value = 0.91 - 0.05 * at + gap
        status: FindingStatus = "fail" if place == 0 else "info" if place > 3 else "pass"
        yield Finding("slices", "slices", name, variant, status, measure="roc_auc", value=value, low=value - 0.02,
                      high=value + 0.02, threshold=0.1, n=1000 - 100 * place,
                      reason="its gap to the rest is more than 0.1" if place == 0 else "",
                      details={"n": 1000 - 100 * place, "rest": value - gap, "gap": gap, "gap_low": gap - 0.03,
                               "gap_high": gap + 0.03, "p_holm": 0.001 * (place + 1), "discovered": place > 3,
                               "support": 0.3})  # fmt: skip


def invariance(name: str, at: int) -> Iterator[Finding]:
    rate = 0.071 if at < 2 else 0.0
    worst = tuple(WorstRow(f"p-{row}", 0.81 - row / 100, 0.32, "sex: Male → Female") for row in range(7))
    yield Finding("invariance", "sex", name, status="fail" if at < 2 else "vacuous", measure="failure rate", value=rate,
                  low=rate * 0.9, high=rate * 1.1, threshold=0.02, n=2000, n_changed=300, worst_rows=worst,
                  reason="" if at < 2 else "outputs of fewer than 1 % of the rows moved",
                  details={"mean_change": 0.027})  # fmt: skip
    yield Finding("invariance", "race", name, status="pass", measure="failure rate", value=0.011, low=0.007, high=0.017,
                  threshold=0.02, n=2000, n_changed=120, details={"mean_change": -0.004})  # fmt: skip
    yield Finding("directional", "capital_gain_up", name, status="pass", measure="failure rate", value=0.002,
                  low=0.001, high=0.006, threshold=0.05, n=2000, n_changed=1900)  # fmt: skip
    yield Finding("minimum_functionality", "madlibs", name, status="warn" if at == 0 else "pass", severity="warn",
                  measure="failure rate", value=0.12, low=0.09, high=0.16, threshold=0.1, n=400)  # fmt: skip


def perturbation(name: str, at: int) -> Iterator[Finding]:
    for level, drop in ((0.05, 0.004), (0.1, 0.011), (0.25, 0.034)):
        clean = 0.91 - 0.03 * at
        yield Finding("perturbation", "noise", name, f"sd {level}", "warn" if level > 0.2 else "pass",
                      measure="drop of roc_auc", value=drop, low=drop - 0.003, high=drop + 0.003, threshold=0.02,
                      n=2000, n_changed=2000, details={"level": level, "metric": "roc_auc", "clean": clean,
                      "perturbed": clean - drop * (1 + at), "flip_rate": drop, "mean_change": 0.01})  # fmt: skip


def trade_off(name: str, at: int) -> Finding:
    curve = [[cut / 50, 600 * (cut / 50 - 0.15) ** 2 + 217 + 40 * at] for cut in range(51)]
    return Finding("trade_offs", "trade_offs", name, measure="roc_auc", value=0.91 - 0.03 * at,
                   reason=f"costs {217 + 40 * at} per 1,000 rows with threshold 0.15 (from the costs), 291 at 0.5",
                   details={"metric": "roc_auc", "score": 0.91 - 0.03 * at, "p95_ms_1_row": 4.2 / (at + 1),
                            "p95_ms_1000_rows": 19.0 / (at + 1), "size_bytes": 400_000 // (at + 1),
                            "fit_seconds": 2.4 / (at + 1), "interpretability": "low",
                            "dominated_by": ["xgboost"] if at == 3 else [], "curve": curve, "threshold": 0.15,
                            "threshold_from": "costs", "cost": 217 + 40 * at, "cost_at_half": 291.0})  # fmt: skip


def learning_curve(name: str, at: int) -> Finding:
    scores = [[0.80 + 0.02 * size - 0.01, 0.80 + 0.02 * size, 0.805 + 0.02 * size] for size in range(5)]
    return Finding("learning_curve", "learning_curve", name, measure="gain in roc_auc by the last doubling",
                   value=0.011, low=0.002, high=0.02,
                   reason="more rows would help: the last doubling of the rows improved roc_auc by 0.011 [0.002, 0.02]",
                   details={"metric": "roc_auc", "rows": [200, 400, 800, 1400, 2000], "scores": scores,
                            "train_scores": [[0.99 - 0.01 * size] * 3 for size in range(5)], "doubling": 0.011,
                            "doubling_low": 0.002, "doubling_high": 0.02, "more_data": "yes", "reading": "variance",
                            "extrapolated": {"rows": 4000, "low": 0.88, "high": 0.9}})  # fmt: skip


def of_run(models: Sequence[str]) -> Iterator[Finding]:
    """Yield what is found of the whole run: assumptions, time, drift, an ensemble."""
    windows: list[dict[str, Any]] = [
        {"from": f"2024-0{month}", "to": f"2024-0{month + 1}", "n": 300,
         "scores": {name: 0.9 - 0.02 * month + (0.03 if month > 2 else -0.02) * at
                    for at, name in enumerate(models[:2])}}
        for month in range(1, 6)
    ]  # fmt: skip
    yield Finding(
        "over_time", "over_time", "", measure="roc_auc", value=0.05, details={"windows": windows, "order_changes": True}
    )
    for column, psi in (("age", 0.01), ("hours", 0.31)):
        yield Finding("drift", "drift", "", column, "warn" if psi > 0.2 else "pass", "warn", "PSI", psi, threshold=0.2,
                      p_value=0.001)  # fmt: skip
    for name, held, model in (
        ("independent", "ok", ""),
        ("boundaries", "violated", models[1]),
        ("smoothness", "strained", ""),
    ):
        yield Finding("assumptions", "assumptions", model, name, "pass" if held == "ok" else "warn", "warn",
                      "statistic", 0.22, reason="" if held == "ok" else f"{name} is {held}",
                      details={"word": held, "statistic": "gain", "value": 0.22,
                               "consequence": None if held == "ok" else CONSEQUENCE})  # fmt: skip
    yield Finding("ensembles", "ensembles", models[0], value=0.02, low=0.005, high=0.03,
                  details={"pairs": [["a", "b", 0.61], ["a", "c", 0.4]], "accuracy_if_independent": 0.784,
                           "accuracy": 0.74, "best_member": "a", "gain": 0.02, "gain_low": 0.005,
                           "gain_high": 0.03})  # fmt: skip


def not_run() -> Iterator[Finding]:
    """Yield tests that say nothing, and one that broke."""
    yield Finding("invariance", "age", "xgboost", status="not_run", reason="withheld from the model")
    yield Finding("invariance", "city", "xgboost", status="not_run", reason="withheld from the model")
    yield Finding("perturbation", "blank", "xgboost", status="error", reason="ZeroDivisionError: division by zero")
    yield Finding(
        "perturbation", "upper_case", "xgboost", status="vacuous", reason="outputs of fewer than 1 % of rows moved"
    )


def renamed(findings: Sequence[Finding], names: dict[str, str]) -> tuple[Finding, ...]:
    """Return the findings with other names of models, tests and variants."""
    return tuple(
        replace(each, model=names.get(each.model, each.model), test=names.get(each.test, each.test),
                variant=names.get(each.variant, each.variant), reason=names.get(each.reason, each.reason))
        for each in findings
    )  # fmt: skip
