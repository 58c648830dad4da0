"""Numbers, durations and times as people read them; machines get them exact, from JSON."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path

from mlrun.json_records import encode

NOTHING = "—"
ARROWS = {"maximize": "↑", "minimize": "↓"}
SCIENTIFIC_BELOW, SCIENTIFIC_FROM = 1e-3, 1e7


def number(value: float | None, like: float | None = None) -> str:
    """Return a score with four decimals below 1, four significant digits above; `like` gives another's decimals."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value if like is None or not math.isfinite(like) else like)
    if size >= SCIENTIFIC_FROM or (0 < size < SCIENTIFIC_BELOW):
        return f"{value:.3e}"
    return f"{value:.{decimals(size)}f}"


def decimals(size: float) -> int:
    """Return how many decimals show four significant digits, four at the most."""
    return 4 if size < 1 else max(0, 3 - math.floor(math.log10(size)))


def spread(mean: float | None, sd: float | None) -> str:
    """Return 'mean ± sd'."""
    if mean is None or sd is None:
        return number(mean)
    return f"{number(mean)} ± {rough(sd, mean, sd or math.inf)}"  # a zero loses nothing by a decimal less


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """Return 'value [low, high]'."""
    if value is None or low is None or high is None:
        return number(value)
    reach = (high - low) / 2
    return f"{number(value)} [{rough(low, value, reach)}, {rough(high, value, reach)}]"


def rough(value: float, like: float, reach: float) -> str:
    """Return a number with a decimal less than `like` has, where a reach is so wide that nothing is lost by it."""
    size = abs(like)
    if not (math.isfinite(like) and math.isfinite(value)) or size >= SCIENTIFIC_FROM or 0 < size < SCIENTIFIC_BELOW:
        return number(value, like)
    fewer = max(0, decimals(size) - 1)
    return f"{value:.{fewer}f}" if reach >= 2 * 10.0**-fewer else number(value, like)


def difference(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a difference with its sign, and its interval; decimals fit the interval's ends."""
    if value is None:
        return NOTHING
    size = max(abs(value), abs(low or 0.0), abs(high or 0.0))
    told = sign(value, size)
    return told if low is None or high is None else f"{told} [{sign(low, size)}, {sign(high, size)}]"


def sign(value: float, like: float) -> str:
    return ("+" if value > 0 else "") + number(value, like)


def duration(seconds: float | None) -> str:
    """Return seconds as people say them: 3 ms, 2.5 s, 4 min 10 s, 2 h 05 min."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 or seconds == 0 else f"{seconds * 1000:.2g} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int | None) -> str:
    """Return bytes as people say them."""
    if count is None:
        return NOTHING
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def count(amount: int, noun: str, plural: str = "") -> str:
    """Return '1 fit', '2,000 fits'."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def told_error(error: BaseException) -> str:
    """Return what kind of error it is, and the first line that it says."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}".rstrip(": ")


def told_test(check: str, test: str) -> str:
    """Return a test's name, the check's in front where it is another."""
    return test if not check or test == check or test.startswith((f"{check} ", f"{check}:")) else f"{check} {test}"


def as_text(value: object) -> str:
    """Return a value of a spec or a record, such as a hyperparameter, as YAML would have it."""
    return value if isinstance(value, str) else json.dumps(encode(value), ensure_ascii=False)


def moment(written: str) -> str:
    """Return an ISO time of a record in the reader's own time zone, to the minute; as it is when it is none."""
    try:
        return datetime.fromisoformat(written).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return written


def seconds_between(start: str, end: str) -> float | None:
    """Return the seconds from one recorded time to another; None when either cannot be read, or the clock went back."""
    try:
        elapsed = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return None
    return elapsed if elapsed >= 0 else None


def nearest(path: Path) -> str:
    """Return a path as a user would type it here."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
