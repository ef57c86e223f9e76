"""Switching rules (转移规则): how strictly the next batch of a series is inspected, given how the ones before it fared.

ISO 2859-1:1999 = GB/T 2828.1-2012, 9.3 and 9.4, for single sampling. One series is one project, supplier, site and severity class. The
rules between severities agree in three published summaries (metrics.md section 6); how the switching score grows is as the standard
is commonly quoted: its own page was not seen. What comes out is which inspection applies. Its plan is packaged for normal inspection only
(`metrics.acceptance_table`): no two independent sources of the tightened and reduced tables agree, so their n and Ac come from outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from metrics.sampling import accept_probability

Severity = Literal["normal", "tightened", "reduced", "discontinued"]

WINDOW = 5  # lots looked back on under normal inspection
REFUSED = 2  # of them, for tightened inspection
ACCEPTED = 5  # in a row, back to normal
DISCONTINUE = 5  # refused while tightened
SCORE = 30  # for reduced inspection
# Ac one AQL step tighter, for the Ac of the table from 2 up (the rows of table 2-A).
TIGHTER = {2: 1, 3: 2, 5: 3, 7: 5, 10: 7, 14: 10, 21: 14, 30: 21, 44: 30}


@dataclass(frozen=True, slots=True)
class Series:
    """Where a series stands: the `severity` (严格度) of the next lot's inspection, the switching `score` (转移得分), and what is remembered:
    `recent` outcomes since the severity began (True = accepted), the last five at most, and lots `refused` under tightened inspection.
    """

    severity: Severity = "normal"
    score: int = 0
    recent: tuple[bool, ...] = ()
    refused: int = 0

    def after(self, found: int, ac: int, original: bool = True, steady: bool = True) -> Series:
        """The series after one more lot, with `found` bad items in a sample of acceptance number `ac` at this severity.

        Lots submitted again (`original` False) change nothing. `steady`: production is regular and reduced inspection is wanted; without
        it no series becomes or stays reduced. A discontinued series stays so until it is `resumed`. Raises ValueError for negative counts.

        - normal → tightened (正常→加严): 2 of 5 or fewer consecutive lots refused; → reduced (放宽): a score of 30 or more
        - tightened → normal: 5 consecutive lots accepted; → discontinued (暂停): 5 lots refused since it was tightened
        - reduced → normal: one lot refused

        The score, under normal inspection: with Ac 0 or 1, 2 more for a lot accepted; from 2 up, 3 more for a lot that would have been
        accepted at an AQL one step tighter; otherwise back to 0. An Ac that the table does not have, as of a fixed percentage, earns nothing.

        >>> Series().after(3, 2).after(0, 2).after(3, 2).severity
        'tightened'
        >>> series = Series()
        >>> for _ in range(10):
        ...     series = series.after(1, 2)
        >>> series.severity
        'reduced'
        """
        if found < 0 or ac < 0:
            raise ValueError(f"{found} bad items against an acceptance number of {ac}: counts cannot be negative")
        if not original or self.severity == "discontinued":
            return self
        accepted = found <= ac
        if self.severity == "reduced":
            return self if accepted and steady else Series()
        recent = (*self.recent, accepted)[-WINDOW:]
        if self.severity == "tightened":
            refused = self.refused + (not accepted)
            if refused >= DISCONTINUE:
                return Series("discontinued")
            return Series() if len(recent) >= ACCEPTED and all(recent) else replace(self, recent=recent, refused=refused)
        if recent.count(False) >= REFUSED:
            return Series("tightened")
        score = self.score + _gain(found, ac) if _gain(found, ac) else 0
        return Series("reduced") if score >= SCORE and steady else Series("normal", score, recent)

    def resumed(self) -> Series:
        """After the supplier has mended matters, inspection goes on tightened. Raises ValueError unless the series was discontinued."""
        if self.severity != "discontinued":
            raise ValueError(f"inspection is {self.severity}, not discontinued: there is nothing to resume")
        return Series("tightened")


def _gain(found: int, ac: int) -> int:
    if ac <= 1:
        return 2 if found <= ac else 0
    return 3 if found <= TIGHTER.get(ac, -1) else 0


def replay(lots: Iterable[tuple[int, int]], start: Series | None = None) -> tuple[Series, ...]:
    """The series after each lot of (found, Ac), original inspections in order.

    >>> [series.severity for series in replay([(0, 2), (3, 2), (3, 2), (0, 1)])]
    ['normal', 'normal', 'tightened', 'tightened']
    """
    series, states = start or Series(), []
    for found, ac in lots:
        series = series.after(found, ac)
        states.append(series)
    return tuple(states)


def scheme_probability(n: int, normal: int, tightened: int, p: float, tightened_n: int | None = None) -> float:
    """Share of lots of true error rate p that pass in the long run under normal and tightened inspection (抽样方案的综合接收概率).

    `normal` and `tightened` are the acceptance numbers; the sample is `n` in both unless `tightened_n` differs. Reduced inspection and
    discontinuation are left out. Each severity weighs as many lots as it lasts: with a and b the Pa of one lot, normal inspection lasts
    (2 − a⁴) ÷ ((1 − a)(1 − a⁴)) lots and tightened (1 − b⁵) ÷ ((1 − b) b⁵) (Stephens & Larson 1967, Industrial
    Quality Control; the CRAN AQLSchemes vignette). Raises ValueError as `accept_probability` does.

    >>> round(scheme_probability(200, 7, 5, 0.01933), 3), round(scheme_probability(200, 7, 5, 0.04588), 3)
    (0.95, 0.1)
    """
    a, b = accept_probability(n, normal, p), accept_probability(tightened_n or n, tightened, p)
    if a >= 1 or b <= 0:
        return a if a >= 1 else b
    lasts_normal = (2 - a**4) / ((1 - a) * (1 - a**4))
    normal_lots = lasts_normal * b**ACCEPTED  # both times b⁵, which may be too small to divide by
    tightened_lots = sum(b**k for k in range(ACCEPTED))
    return (a * normal_lots + b * tightened_lots) / (normal_lots + tightened_lots)
