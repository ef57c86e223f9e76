"""Asking: a Query, and the Result with everything a person needs to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pandas as pd
import pyarrow as pa

from metrics.model import Dimension, Measure, Note, Text
from metrics.period import ALL, Compare, Period

Where = Mapping[str, Sequence[str]] | tuple[tuple[str, tuple[str, ...]], ...]
Value = str | int | float | date | None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. Hashable, so it can key a cache together with the scope and the store's version.

    `where` maps a dimension to the wanted values (ids, words or ISO dates as text). `exact` reads percentiles from the log.
    """

    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    period: Period = ALL
    where: Where = ()
    compare: Compare | None = None
    total: bool = False
    exact: bool = False

    def __post_init__(self) -> None:
        pairs = self.where.items() if isinstance(self.where, Mapping) else self.where
        object.__setattr__(self, "measures", tuple(dict.fromkeys(self.measures)))
        object.__setattr__(self, "by", tuple(dict.fromkeys(self.by)))
        object.__setattr__(self, "where", tuple((dim, tuple(sorted({str(value) for value in values}))) for dim, values in sorted(pairs) if values))

    @property
    def filters(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """`where` in its one normal form: sorted pairs of dimension and sorted values."""
        return self.where if isinstance(self.where, tuple) else tuple(self.where.items())  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer. `table`: one column per dimension (ids as text, dates as datetime64, numbers as Int64) and per measure (Int64 for
    counts, else float64; null where undefined), and for a measure with an interval `<m>_n`, `<m>_low`, `<m>_high`. Sorted by
    its dimensions.

    `before` and `before_total` are the same for the comparison period. `total` is recomputed from the facts, never summed from rows.
    `exact` keeps the types of the store (money as Decimal). From `provisional_from` on (a business date, or None) numbers may still move.
    """

    query: Query
    measures: tuple[Measure, ...]
    by: tuple[Dimension, ...]
    table: pd.DataFrame
    total: dict[str, Value] | None
    before: pd.DataFrame | None
    before_total: dict[str, Value] | None
    exact: pa.Table
    exact_total: dict[str, object] | None
    as_of: datetime | None
    filters: Text
    notes: tuple[Note, ...]
    provisional_from: date | None
    sql: str = field(repr=False)
