"""Several questions about the same facts in one statement.

The questions of a screen split the facts of one period by nothing, by day, by project, by team. Most of what such a question costs is
planning it, so those that read the same tables are planned, and the tables scanned, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING

from metrics.compile import DATED, Compiler, Statement
from metrics.model import QueryError

if TYPE_CHECKING:
    from metrics.query import Query

STRETCHES = {"staff", "arrivals", "departures", "moves"}  # their rows depend on how they are split
MOST = 5  # dimensions of one statement
WITHIN = {"stage", "error_type"}  # a split by one of these changes what the others' columns mean


@dataclass(frozen=True, slots=True)
class Together:
    """Queries that one statement answers: their places among those asked, and the compiler of all of them (their own, of one alone)."""

    places: tuple[int, ...]
    compilers: tuple[Compiler, ...]
    whole: Compiler

    @property
    def queries(self) -> tuple[Query, ...]:
        """The queries themselves."""
        return tuple(compiler.query for compiler in self.compilers)

    def statements(self) -> list[Statement]:
        """For each query the one statement, with the rows and columns of it that are its own."""
        statement = self.whole.statement()
        if len(self.compilers) == 1:
            return [statement]
        total = self.whole.part(())
        return [
            replace(
                statement,
                by=one.by,
                measures=one.measures,
                part=self.whole.part(one.query.by),
                total=total if one.query.total and one.by else None,
                crowd={name: statement.crowd[name] for name in one.crowd},
            )
            for one in self.compilers
        ]


def together(compilers: Sequence[Compiler]) -> list[Together]:
    """The queries in as few statements as give each the answer it would have alone, in the order of their first."""
    groups: list[Together] = []
    for place, compiler in enumerate(compilers):
        for number, group in enumerate(groups):
            if (joined := _join(group, place, compiler)) is not None:
                groups[number] = joined
                break
        else:
            groups.append(Together((place,), (compiler,), compiler))
    return groups


def _join(group: Together, place: int, compiler: Compiler) -> Together | None:
    """The group with one more query; None when it would then read other tables, or order rows in another way."""
    whole, query = group.whole.query, compiler.query
    same = (whole.period, whole.where, whole.exact) == (query.period, query.where, query.exact)
    dated = any(name in DATED for name in (*whole.by, *query.by)) and not query.period.bounded  # which leaves undated rows out
    if not same or dated or STRETCHES & set(compiler.tables) or WITHIN & {*whole.by, *query.by}:
        return None
    compilers = (*group.compilers, compiler)
    by = _order([one.query.by for one in compilers])
    if by is None:
        return None
    splits = [split for one in compilers for split in (one.query.by, *(((),) if one.query.total else ()))]
    measures = tuple(dict.fromkeys((*whole.measures, *query.measures)))
    try:
        joined = Compiler(
            replace(whole, measures=measures, by=by, total=False),
            compiler.scope,
            compiler.span,
            compiler.registry,
            tuple(dict.fromkeys(splits)),
        )
    except QueryError:
        return None
    if any(one.tables != joined.tables for one in compilers):
        return None
    return Together((*group.places, place), compilers, joined)


def _order(splits: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """All dimensions in an order that each split keeps to; None when there is none, or too many to look."""
    names = tuple(dict.fromkeys(name for split in splits for name in split))
    if len(names) > MOST:
        return None
    kept = (order for order in permutations(names) if all(split == tuple(name for name in order if name in split) for split in splits))
    return next(kept, None)
