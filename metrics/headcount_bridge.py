"""The headcount bridge (人数桥): from the people at the opening to those at the closing, in steps that add up exactly (metrics.md W-06)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from metrics.scope import SMALLEST_GROUP

Step = Literal["joiners", "transfers", "voluntary", "involuntary", "unstated", "left"]
MEASURES = ("headcount_opening", "joiners", "transfers_net", "leavers", "leavers_voluntary", "leavers_involuntary", "headcount")


@dataclass(frozen=True, slots=True)
class Bridge:
    """People. `voluntary` and `involuntary` are None together where the split may not be shown; `unstated` left without either.

    opening + joiners + transfers − leavers = closing, and voluntary + involuntary + unstated = leavers.
    """

    opening: int
    joiners: int
    transfers: int
    leavers: int
    voluntary: int | None
    involuntary: int | None
    unstated: int
    closing: int

    @property
    def steps(self) -> tuple[tuple[Step, int], ...]:
        """The signed changes that lead from the opening to the closing; transfers and leavers without a stated way only where there are any."""
        left: tuple[tuple[Step, int], ...] = (("left", -self.leavers),)
        if self.voluntary is not None and self.involuntary is not None:
            left = (("voluntary", -self.voluntary), ("involuntary", -self.involuntary))
            left += (("unstated", -self.unstated),) if self.unstated else ()
        moved: tuple[tuple[Step, int], ...] = (("transfers", self.transfers),) if self.transfers else ()
        return (("joiners", self.joiners), *moved, *left)


def bridge(totals: Mapping[str, float | None]) -> Bridge | None:
    """The bridge of a query's totals over MEASURES; None where a level is not known (None or NaN) or may not be shown.

    Raises ValueError when the steps do not lead from the opening to the closing.

    >>> found = bridge({"headcount_opening": 800, "joiners": 120, "transfers_net": 0, "leavers": 60, "leavers_voluntary": 45,
    ...                 "leavers_involuntary": 12, "headcount": 860})
    >>> found.closing, found.unstated
    (860, 3)
    """
    levels = [_known(totals.get(name)) for name in ("headcount_opening", "joiners", "transfers_net", "leavers", "headcount")]
    if any(value is None for value in levels):
        return None
    opening, joiners, transfers, leavers, closing = (round(value or 0) for value in levels)
    if opening + joiners + transfers - leavers != closing:
        raise ValueError(f"headcount bridge: {opening} + {joiners} + {transfers} - {leavers} is not {closing}")
    voluntary, involuntary = (_known(totals.get(name)) for name in ("leavers_voluntary", "leavers_involuntary"))
    if voluntary is None or involuntary is None:
        return Bridge(opening, joiners, transfers, leavers, None, None, 0, closing)
    unstated = leavers - round(voluntary) - round(involuntary)
    if unstated < 0:
        raise ValueError(f"headcount bridge: {voluntary} and {involuntary} of {leavers} leavers")
    return Bridge(opening, joiners, transfers, leavers, round(voluntary), round(involuntary), unstated, closing)


@dataclass(frozen=True, slots=True)
class Reason:
    """Leavers with one stated reason; `voluntary` is None where that was not stated, or where reasons were put together (`name` "")."""

    name: str
    leavers: int
    voluntary: bool | None


def reasons(
    names: Sequence[str],
    leavers: Sequence[float | None],
    voluntary: Sequence[float | None],
    involuntary: Sequence[float | None],
    total: float,
) -> list[Reason]:
    """Why people left, most frequent first; last, under the name "", what has no reason or may not be told apart.

    A reason whose split is None or NaN (fewer than five people, for those who may not see them) is put into the rest; so is the smallest one
    shown, as long as the rest would otherwise give a small group away by subtraction from `total`.

    >>> [(r.name, r.leavers) for r in reasons(["pay", "home", "study"], [9, 6, 2], [9, 6, None], [0, 0, None], 17)]
    [('pay', 9), ('', 8)]
    """
    counts = zip(names, leavers, voluntary, involuntary, strict=True)
    rows = [(name, _known(n), _known(a), _known(b)) for name, n, a, b in counts]
    hidden = any(a is None or b is None for _, _, a, b in rows)
    shown = [Reason(name, round(n), None if a == b else a > b) for name, n, a, b in rows if name and n and a is not None and b is not None]
    shown.sort(key=lambda reason: (-reason.leavers, reason.name))
    rest = round(total) - sum(reason.leavers for reason in shown)
    while hidden and shown and 0 < rest < SMALLEST_GROUP:
        rest += shown.pop().leavers
    return shown + ([Reason("", rest, None)] if rest > 0 else [])


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else value
