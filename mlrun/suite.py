"""From subjects and a suite of tests to findings: what each check says of each model, one by one."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlrun import catalog
from mlrun.change.engine import make_engine
from mlrun.check_contracts import Check, Context, Subject
from mlrun.check_entries import find_check
from mlrun.errors import DataError, Interrupted, MlrunError, StorageError
from mlrun.events import CheckStarted
from mlrun.language.parameters import with_defaults
from mlrun.process.jobs import OneThread
from mlrun.records import Finding, Params, PlannedTest
from mlrun.sealed_context import sealed
from mlrun.store.run_findings import as_read_back
from mlrun.wording import told_error

if TYPE_CHECKING:
    from mlrun.spec import Spec

AUTOMATIC = (  # in the order in which `auto` spends what it may; the cheapest first
    "calibration",
    "confidence",
    "trade_offs",
    "slices",
    "invariance",
    "proxies",
    "perturbation",
    "ensembles",
    "over_time",
    "drift",
    "learning_curve",
    "assumptions",
)
NO_TEST_ROWS = "there are no test rows"
TOO_DEAR = "it costs more than the training; ask for it"


def evaluate(
    context: Context, asked: Sequence[PlannedTest], automatic: bool, without: Sequence[str] = ()
) -> Generator[CheckStarted, None, tuple[Finding, ...]]:
    """Run the tests that were asked for, and those of `auto`; tell each that begins, return what was found.

    A check that raises is one error, and all others still report. without: checks that `auto` must not add.
    """
    context = sealed(context)
    tests, found = with_automatic(context, asked, without) if automatic else (tuple(asked), [])
    engine = make_engine(context.dataset, context.rows, tests, context.sample, context.seed, context.folder)
    context = replace(context, tests=tests, engine=engine)
    for done, test in enumerate(tests):
        yield CheckStarted(test.check, test.name, done, len(tests))
        with OneThread() as threads:  # as every fit: more of them may add numbers in another order
            threads.hold()
            found.extend(ask(find_check(test.check, context.folder), test, context))
    return tuple(found)


def with_spec(context: Context, spec: Spec) -> Context:
    """Return the context with what the spec says to all checks alike."""
    return replace(
        context,
        sample=spec.evaluation.sample,
        rope=spec.evaluation.rope,
        confidence=spec.evaluation.confidence,
        seed=spec.seed,
        folder=spec.folder,
        sensitive=spec.data.sensitive,
        withheld=dict(context.dataset.withheld),
        time=spec.data.time,
    )


def ask(check: Check, test: PlannedTest, context: Context) -> Iterator[Finding]:
    """Yield what a check finds of each subject that can answer it, and why of the others."""
    if context.dataset.task.kind not in check.tasks:
        told = f"it is for {' and '.join(check.tasks)}, and the task is {context.dataset.task.kind}"
        yield Finding(test.check, test.name, "", status="not_run", reason=told)
        return
    if check.of == "run":
        best = [subject for subject in context.subjects if subject.name == context.best]
        if not best:
            yield Finding(test.check, test.name, "", status="not_run", reason="there is no best model")
            return
        yield from examine(check, test, best[0], context)
        return
    for subject in context.subjects:
        if subject.kind == "model" or "refit" not in check.needs:  # a baseline has nothing to be fitted again
            yield from examine(check, test, subject, context)


def examine(check: Check, test: PlannedTest, subject: Subject, context: Context) -> Sequence[Finding]:
    """Return what a check finds of one subject; all that it raises becomes one finding."""
    lacking = missing(check, subject, context)
    name = subject.name if check.of == "each" else ""
    if lacking:
        return (Finding(test.check, test.name, name, status="not_run", reason=lacking),)
    try:
        found = tuple(check.run(subject, context, test.params))
        if ":" in test.check:
            found = tuple(as_finding(one, context) for one in found)
        return tuple(replace(finding, check=test.check, test=test.name) for finding in found)
    except (Interrupted, StorageError):
        raise
    except MlrunError as error:
        return (Finding(test.check, test.name, name, status="error", reason=str(error)),)
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - one broken check must not hide the others
        return (Finding(test.check, test.name, name, status="error", reason=told_error(error)),)


def as_finding(returned: object, context: Context) -> Finding:
    """Return what a user's check yields as it will be read back: plain data; raise DataError where it is not that."""
    if not isinstance(returned, Finding):
        raise DataError(f"it must yield records.Finding, not {type(returned).__name__}")
    try:
        finding = as_read_back(returned)
    except (TypeError, ValueError) as error:
        raise DataError(f"its finding cannot be written down: {error}") from error
    if finding.model not in {"", *(subject.name for subject in context.subjects)}:
        raise DataError(f"its finding is of '{finding.model}', which is no model of this run")
    if finding.status == "pass" and finding.value is None and returned.value is not None:
        raise DataError(f"it passes a test with a value of {returned.value}, which is no number")
    return finding


def missing(check: Check, subject: Subject, context: Context) -> str:
    """Return what a check needs and does not have, as a reason; '' when it has all."""
    unsaid = NO_TEST_ROWS if len(context.rows) == 0 else subject.silent or "it said nothing of these rows"
    lacking = {
        "test": (len(context.rows) == 0 or subject.test is None, unsaid),
        "labels": (context.dataset.truth is None, "there are no labels"),
        "predict": (subject.predict is None, subject.silent or "it cannot be asked about new rows"),
        "refit": (subject.refit is None, "it cannot be fitted again here"),
        "folds": (not subject.folds, "there are no held-out predictions of the folds"),
        "probabilities": (
            subject.test is None or subject.test.probabilities is None,
            "it gives no probabilities",
        ),
    }
    return next((reason for need, (absent, reason) in lacking.items() if absent and need in check.needs), "")


def with_automatic(
    context: Context, tests: Sequence[PlannedTest], without: Sequence[str] = ()
) -> tuple[tuple[PlannedTest, ...], list[Finding]]:
    """Return the written tests with those that `auto` adds, and a finding for each that costs too much.

    A check that is written is not added again. `auto` may spend as many fits as the training did.
    """
    written = {*without, *(test.check for test in tests)}
    task = context.dataset.task.kind
    left = context.training_fits
    added: list[PlannedTest] = []
    refused: list[Finding] = []
    for name in AUTOMATIC:
        if name in written or name not in catalog.names("checks"):
            continue
        check = find_check(name)
        if task not in check.tasks:
            continue
        if "test" in check.needs and not len(context.rows):
            refused.append(Finding(name, name, "", status="not_run", reason=NO_TEST_ROWS))
            continue
        try:
            wanted = check.automatic(context)
        except (Interrupted, StorageError):
            raise
        except Exception as error:  # noqa: BLE001 - a model of the user's may refuse rows when asked what matters
            told = str(error) if isinstance(error, MlrunError) else told_error(error)
            refused.append(Finding(name, name, "", status="error", reason=told))
            continue
        for params in wanted:
            test = automatic_test(name, check, params)
            cost = check.fits(context, test.params)
            if cost > left:
                refused.append(Finding(name, test.name, "", status="not_run", reason=TOO_DEAR))
                continue
            left -= cost
            added.append(test)
    return (*tests, *added), refused


def automatic_test(name: str, check: Check, params: Params) -> PlannedTest:
    """Return a test with what `auto` says of it over the check's defaults."""
    whole = {
        key: with_defaults(parameter.kind, params.get(key, parameter.default))
        for key, parameter in check.parameters.items()
    }
    return PlannedTest(name, str(params.get("name", name)), {**params, **whole}, asked=False)
