"""From a table to digests of its content, the same for every file format, machine and library version.

The hash is our own: every value becomes 64 bits (a number by its value, a text by BLAKE2b of its UTF-8), mixed by the
finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). A row is the
sum over its columns of value × the column's odd key, twice, mixed again: 128 bits that do not depend on the columns'
order. The table is the sum of its rows mod 2^64 in both halves, which does not depend on theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    import numpy.typing as npt

    Words = npt.NDArray[np.uint64]

BLOCK = 16384  # values worked on at once: what fits into the processor's cache
MICROSECONDS_A_DAY = 86_400_000_000
NULL = np.uint64(0x9AE16A3B2F90404F)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # SplitMix64's multipliers
CANONICAL_NAN = np.uint64(0x7FF8000000000000)


@dataclass(frozen=True, slots=True)
class DataDigests:
    """Digests of a table, hexadecimal.

    data_id: the same whatever the order of rows and columns, and the file format.
    rows_id: ordered rows, columns and types as loaded. columns: column → digest of its values in any order.
    rows: (n, 2) uint64, a digest a row, for digests of splits.
    """

    data_id: str
    rows_id: str
    columns: Mapping[str, str]
    rows: Words


def data_digests(table: pl.DataFrame) -> DataDigests:
    """Return all digests of a table in one pass over its columns.

    Null, NaN, '' and 0 differ from each other; 1 equals 1.0, and -0.0 equals 0.0; a date equals its midnight.
    """
    rows = np.zeros((2, table.height), dtype=np.uint64)
    columns = {}
    for name in table.columns:
        low, high = column_keys(name)
        total = 0
        for begin, hashes in hash_values(table[name]):
            block = slice(begin, begin + len(hashes))
            total += int(hashes.sum(dtype=np.uint64))
            rows[0, block] += hashes * low
            rows[1, block] += (hashes ^ (hashes >> np.uint64(32))) * high
        columns[name] = f"{total % 2**64:016x}"
    for begin in range(0, table.height, BLOCK):
        finish_rows(rows[:, begin : begin + BLOCK])
    ordered = np.ascontiguousarray(rows.T)
    header = [[name, str(dtype)] for name, dtype in table.schema.items()]
    return DataDigests(
        data_id=digest(
            json.dumps([sorted(table.columns), table.height]).encode(), rows.sum(axis=1, dtype=np.uint64).astype("<u8")
        ),
        rows_id=digest(json.dumps(header).encode(), ordered.astype("<u8", copy=False)),
        columns=columns,
        rows=ordered,
    )


def split_digest(rows: Words, positions: npt.NDArray[np.int64]) -> str:
    """Return the digest of some rows in their order; `rows` as in DataDigests."""
    return digest(b"split", rows[positions].astype("<u8", copy=False))


def digest(header: bytes, words: Words) -> str:
    """Return 128 bits over a header and an array, hexadecimal."""
    state = blake2b(header, digest_size=16)
    state.update(np.ascontiguousarray(words).data if words.size else b"")
    return state.hexdigest()


def column_keys(name: str) -> tuple[np.uint64, np.uint64]:
    """Return two odd numbers that stand for a column's name."""
    key = blake2b(name.encode(), digest_size=16, person=b"column").digest()
    low, high = (int.from_bytes(part, "little") | 1 for part in (key[:8], key[8:]))
    return np.uint64(low), np.uint64(high)


def finish_rows(block: Words) -> None:
    """Mix the two halves of each row's sum, each with the other, in place; block: (2, n)."""
    low, high = block[0] + NULL, block[1]
    block[0] = mix(low ^ (high >> np.uint64(32)))
    block[1] = mix(high ^ block[0])


def mix(words: Words) -> Words:
    """Mix 64-bit words one by one, reversibly, and return them; changes its argument."""
    words ^= words >> np.uint64(30)
    words *= FIRST
    words ^= words >> np.uint64(27)
    words *= SECOND
    words ^= words >> np.uint64(31)
    return words


def hash_values(column: pl.Series) -> Iterator[tuple[int, Words]]:
    """Yield (position, hashes) of a column's values, a block at a time."""
    nulls = column.is_null().to_numpy() if column.null_count() else None
    if column.dtype.is_integer() and column.dtype not in (pl.Int128, pl.UInt128):
        values, kind = column.fill_null(0).to_numpy(), "number"
    else:
        values, kind = canonical_words(column)
    salt = salt_of(kind)
    for begin in range(0, len(values), BLOCK):
        block = values[begin : begin + BLOCK]
        hashes = hash_numbers(block, salt) if kind == "number" else mix(block.view(np.uint64) ^ salt)
        if nulls is not None:
            hashes[nulls[begin : begin + BLOCK]] = NULL
        yield begin, hashes


def salt_of(kind: str) -> np.uint64:
    """Return what keeps equal bits of different kinds apart."""
    return np.uint64(int.from_bytes(blake2b(kind.encode(), digest_size=8).digest(), "little"))


def hash_numbers(block: npt.NDArray[Any], salt: np.uint64) -> Words:
    """Return the hashes of numbers by their value as float64: one zero, one NaN.

    Whole numbers beyond 2^53 that float64 does not hold are hashed as integers of 64 bits.
    """
    if block.dtype == np.float64:
        numbers = block + 0.0
        words = numbers.view(np.uint64)
        words[np.isnan(numbers)] = CANONICAL_NAN
        return mix(words ^ salt)
    numbers = block.astype(np.float64)
    hashes = mix(numbers.view(np.uint64) ^ salt)
    if block.dtype.itemsize == 8:
        inexact = not_exact(block, numbers)
        hashes[inexact] = mix(block[inexact].view(np.uint64) ^ salt_of("integer"))
    return hashes


def not_exact(whole: npt.NDArray[Any], numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Say which 64-bit whole numbers are not what their float64 is."""
    bound = 2.0**64 if whole.dtype == np.uint64 else 2.0**63
    beyond = numbers >= bound
    changed: npt.NDArray[np.bool_] = np.where(beyond, 0.0, numbers).astype(whole.dtype) != whole
    return beyond | changed


def canonical_words(column: pl.Series) -> tuple[npt.NDArray[Any], str]:
    """Return a column as one array of 64-bit values, anything where it is null, and the kind that salts them."""
    kind = column.dtype
    if kind == pl.Null:
        return np.zeros(len(column), dtype=np.int64), "null"
    if kind == pl.Boolean:
        return column.fill_null(value=False).to_numpy().astype(np.int64), "boolean"
    if kind.is_float() or kind.is_decimal():
        return column.cast(pl.Float64).fill_null(0.0).to_numpy(), "number"
    if kind == pl.Date:
        return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy() * MICROSECONDS_A_DAY, "time"
    if isinstance(kind, pl.Datetime) and (kind.time_unit != "ns" or exact_microseconds(column)):
        micro = column.cast(pl.Datetime("us", kind.time_zone)).to_physical()
        return micro.fill_null(0).to_numpy(), "instant" if kind.time_zone else "time"
    if kind.is_temporal():
        return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy(), str(kind)
    return texts(column), "text"


def exact_microseconds(column: pl.Series) -> bool:
    """Say whether times in nanoseconds have nothing below the microsecond."""
    return not (column.to_physical().drop_nulls().to_numpy() % 1000).any()


def texts(column: pl.Series) -> Words:
    """Return BLAKE2b of each value's UTF-8; where values repeat, each different one is hashed once."""
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String:  # lists and the like: by what Python shows of them
        column = pl.Series([None if value is None else repr(value) for value in column.to_list()], dtype=pl.String)
    if 2 * column.n_unique() > len(column):
        return hash_texts(column)
    known = column.unique()
    words = column.replace_strict(known, pl.Series(hash_texts(known)), return_dtype=pl.UInt64)
    return words.to_numpy()


def hash_texts(column: pl.Series) -> Words:
    """Return 64 bits of BLAKE2b of each text, of '' for null."""
    blank, digests = blake2b(digest_size=8), []
    for value in column.cast(pl.Binary).to_list():
        state = blank.copy()  # a third faster than to make each with its arguments
        state.update(value or b"")
        digests.append(state.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False)
