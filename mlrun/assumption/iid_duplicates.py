"""Whether test rows stand in the training rows too, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.assumption.judgement import Judgement, not_applicable

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Word
    from mlrun.check_contracts import Context

FINE_VALUES = 50  # distinct values in one column at least: else equal rows are no surprise
STRAINED, VIOLATED = 0.01, 0.1
CONSEQUENCES = {"": "scores on test reward memory: remove the copies, or name the `group` that they belong to"}


def judge(context: Context) -> Judgement:
    """Judge the share of test rows whose features and label are those of a training row."""
    features, dataset = context.dataset.features, context.dataset
    if len(context.rows) == 0:
        return not_applicable("there are no test rows")
    if max(column.distinct for column in features) < FINE_VALUES and not any(c.kind == "text" for c in features):
        return not_applicable(f"no column has {FINE_VALUES} different values, so equal rows are no surprise")
    import polars as pl

    table = dataset.table.select([column.name for column in features])
    if dataset.truth is not None:
        table = table.with_columns(pl.Series("\0truth", dataset.truth))
    train, test = table[context.train].unique(), table[context.rows]
    copies = test.join(train, on=table.columns, how="semi", nulls_equal=True).height
    share = copies / test.height
    word: Word = "violated" if share > VIOLATED else "strained" if share > STRAINED else "ok"
    return Judgement(word, "share of test rows", share, f"{share:.1%} of the test rows are copies of training rows")
