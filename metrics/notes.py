"""What a person must know about a result before trusting it: rows left out, kinds of time mixed, prices missing, numbers that may move."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from data.codes import CLOCKS
from data.store import Store
from metrics.compile import Compiler, Look
from metrics.freshness import Freshness, maturity
from metrics.labels import CODES, CODES_EN
from metrics.memory import remembered
from metrics.model import Measure, Note, Text
from metrics.period import Period

if TYPE_CHECKING:
    from metrics.query import Query
    from metrics.scope import Scope

# The view that can say how many rows behind a view have no date, what they are, and their words.
_WORK, _REVIEW = ("work", "work rows", "条作业记录"), ("review", "reviews", "条质检记录")
UNDATED = {
    "work": _WORK,
    "crew": _WORK,
    "item_work": _WORK,
    "pace": _WORK,
    "review": _REVIEW,
    "item_review": _REVIEW,
    "earn": ("earn", "units of earned work", "个已计酬单位"),
}
OF_REVIEWS = {"reviews", "rejections", "unlinked_reviews", "lone_inspected", "lone_sent_back"}  # that need no known work
# Asked by view, all of a view at once and without the split, so that the questions of a screen share one answer.
LOOKS = (
    Look("undated_work", "work", "coalesce(sum({row_count}), 0)", undated=True),
    Look("undated_review", "review", "coalesce(sum({verdicts}), 0)", undated=True),
    Look("undated_earn", "earn", "coalesce(sum({earned}), 0)", undated=True),
    Look("clocks", "work", "list(DISTINCT {clock})"),
    Look("unpriced", "earn", "coalesce(sum({no_price}), 0)"),
    Look("unrated", "earn", "coalesce(sum({no_rate}), 0)"),
    Look("unlinked", "review", "coalesce(sum({unlinked}), 0)"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Aside:
    """A statement that tells what notes need to know: one row of the looks it found. `facts`: whether work or reviews can change that."""

    sql: str
    params: dict[str, object]
    period: Period
    facts: bool

    @property
    def key(self) -> Hashable:
        """What tells it from others."""
        return self.sql, tuple(self.params.items())

    def look(self, store: Store) -> dict[str, Any]:
        """What it finds, by the names of the looks."""
        found: dict[str, Any] = remembered(store, self.sql, self.params, self.period, lambda got: got.to_pylist()[0], facts=self.facts)
        return found


def asides(compiler: Compiler) -> list[Aside]:
    """The statements behind `facts_notes`, to be asked beside the question itself; undated rows change with no business date."""
    wanted = {f"undated_{view}" for view, *_ in _undated(compiler)}
    parts = [part for measure in compiler.measures for part in compiler.registry.parts(measure.name)]
    if any(measure.clocked for measure in (*compiler.measures, *parts)) and "clock" not in compiler.query.by:
        wanted.add("clocks")
    if {part.name for part in parts} & {"revenue", "pay", "labour_cost", "review_cost", "rework_cost"}:
        wanted |= {"unpriced", "unrated"}
    if any(part.view == "review" and part.name not in OF_REVIEWS for part in parts):
        wanted.add("unlinked")
    found = []
    for view, undated in dict.fromkeys(("" if look.undated else look.view, look.undated) for look in LOOKS if look.name in wanted):
        sql, params, names = compiler.asides([look for look in LOOKS if look.undated == undated and (undated or look.view == view)])
        if names:
            found.append(Aside(sql, params, compiler.query.period, not undated))
    return found


def _undated(compiler: Compiler) -> list[tuple[str, str, str]]:
    """The views whose undated rows the question leaves out."""
    views = dict.fromkeys(part.view for measure in compiler.measures for part in compiler.registry.parts(measure.name))
    return list(dict.fromkeys(UNDATED[name] for name in views if name in UNDATED)) if compiler.dated else []


def facts_notes(store: Store, scope: Scope, compiler: Compiler, seen: Mapping[str, Any]) -> list[Note]:
    """Notes on the facts behind the result, within the same scope and filters; `seen` is what its `asides` found."""
    names = {part.name for measure in compiler.measures for part in compiler.registry.parts(measure.name)}
    found: list[Note] = []
    for view, en, zh in _undated(compiler):
        if count := seen.get(f"undated_{view}"):
            found.append(
                Note(f"{_count(count)} {en} have no timestamp and are left out.", f"{_count(count)} {zh}没有时间戳，未计入。", "undated")
            )
    used = sorted(CLOCKS[code] for code in seen.get("clocks") or () if code is not None)
    if len(used) > 1:
        en, zh = ", ".join(CODES_EN["clock"][code].lower() for code in used), "、".join(CODES["clock"][code] for code in used)
        found.append(
            Note(
                f"Durations of several kinds of clock ({en}) are added here; Data trust shows them apart under “How the tools measured time”.",
                f"此处合计了多种计时口径（{zh}）的耗时；分口径见“数据可信”的“各工具如何计时”。",
                "clocks",
            )
        )
    if (unpriced := seen.get("unpriced")) and "revenue" in names:
        found.append(
            Note(
                f"{_count(unpriced)} accepted units have no price and earn nothing here.",
                f"{_count(unpriced)} 个已验收单位没有单价，未计收入。",
                "unpriced",
            )
        )
    if (unrated := seen.get("unrated")) and names - {"revenue"}:
        found.append(
            Note(
                f"{_count(unrated)} submitted units have no rate and are not paid here.",
                f"{_count(unrated)} 个提交单位没有工价，未计工资。",
                "unrated",
            )
        )
    if unlinked := seen.get("unlinked"):
        found.append(
            Note(
                f"{_count(unlinked)} reviews belong to work that is not in the log; they are in no rate per row.",
                f"{_count(unlinked)} 条质检对应的作业不在记录中，未计入按记录的比率。",
                "unlinked",
            )
        )
    return [*found, *_unknown_values(store, scope, compiler)]


def matures(compiler: Compiler) -> bool:
    """Whether what is asked changes while reviews come in."""
    return any(one.matures for measure in compiler.measures for one in (measure, *compiler.registry.parts(measure.name)))


def time_notes(store: Store, query: Query, compiler: Compiler, fresh: Freshness) -> tuple[list[Note], date | None]:
    """Whether the range reaches days that may still move, and the first such day."""
    parts = [part for measure in compiler.measures for part in compiler.registry.parts(measure.name)]
    happens = any(part.view not in ("staff", "arrivals", "departures", "moves", "cost") for part in parts)
    if fresh.last is None or fresh.as_of is None or not happens or not compiler.dated:
        return [], None
    start, end = query.period.start or fresh.last, query.period.end or fresh.last
    notes: list[Note] = []
    first: date | None = None
    if start <= fresh.last <= end:
        first = fresh.last
        day, until = day_words(fresh.last), _instant(fresh.as_of, fresh.zone(compiler.scope), fresh.last)
        notes.append(
            Note(f"{day.en} may not be finished: data to {until.en}.", f"{day.zh}可能尚未结束：数据截至 {until.zh}。", "unfinished")
        )
    wait = maturity(store, fresh.last) if start <= fresh.last and matures(compiler) else None
    if wait is not None and fresh.last - timedelta(days=wait) < end:
        first = fresh.last - timedelta(days=wait - 1)
        day, plural = day_words(first), "" if wait == 1 else "s"
        notes.append(
            Note(
                f"Provisional from {day.en}: reviews take {wait} day{plural} to come in.",
                f"自{day.zh}起为暂定值：质检结果通常需 {wait} 天到齐。",
                "provisional",
            )
        )
    return notes, first


@lru_cache(maxsize=1_024)
def day_words(day: date) -> Text:
    """A business date as people write it.

    >>> day_words(date(2026, 11, 21))
    Text(en='Nov 21, 2026', zh='2026年11月21日')
    """
    return Text(format_skeleton("yMMMd", day, locale="en"), format_skeleton("yMMMd", day, locale="zh_CN"))


def _instant(at: datetime, zone: str, day: date) -> Text:
    """An instant on the wall clock of a zone, with its offset; the date only when it is another than `day`."""
    here = at.astimezone(ZoneInfo(zone))
    words = day_words(here.date())
    said, offset = f"{here:%H:%M}", f"{here:%z}"
    offset = f"UTC{offset[0]}{int(offset[1:3])}" + (f":{offset[3:]}" if offset[3:] != "00" else "")
    if here.date() == day:
        return Text(f"{said} ({offset})", f"{said}（{offset}）")
    return Text(f"{words.en}, {said} ({offset})", f"{words.zh} {said}（{offset}）")


def few_note(measure: Measure, smallest: int, groups: int) -> Note:
    """Some group of a rate has fewer cases than the definition wants."""
    where, where_zh = (f"in {groups} groups ", f"有 {groups} 组") if groups > 1 else ("", "")
    return Note(
        f"“{measure.en}” rests on few cases {where}(as few as {smallest}, fewer than {measure.min_n}): where its interval is shown read that, else take it as a hint.",
        f"“{measure.zh}”{where_zh}样本过少（最少 {smallest}，不足 {measure.min_n}）：有区间处请看区间，否则仅供参考。",
        "few",
    )


def null_note(measure: Measure) -> Note:
    """Some value does not exist, and why."""
    return Note(
        f"“{measure.en}” has no value where: {measure.null_reason.en}.", f"“{measure.zh}”无值的原因：{measure.null_reason.zh}。", "null"
    )


def suppressed_note(names: list[Measure], groups: int, smallest: int) -> Note:
    """Groups too small to be shown to somebody who may not see single people."""
    en, zh = ", ".join(measure.en for measure in names), "、".join(measure.zh for measure in names)
    said = "1 group of fewer than {} people is" if groups == 1 else f"{groups} groups of fewer than {{}} people are"
    return Note(
        f"{said.format(smallest)} not shown ({en}).",
        f"{groups} 个不足 {smallest} 人的分组不予显示（{zh}）。",
        "suppressed",
    )


def _unknown_values(store: Store, scope: Scope, compiler: Compiler) -> Iterator[Note]:
    """Filter values that no dictionary knows; told only to those who may see every row."""
    if scope.sites is not None or scope.teams is not None or scope.worker is not None:
        return
    for dimension, values in compiler.filters:
        if not dimension.match or len(values) > 50:
            continue
        for value in values:
            mark = dimension.match.format(values="$value")
            if value and not store.rows(f"SELECT count(*) FROM ({mark}) AS found", {"value": value})[0][0]:
                yield Note(f"There is no {dimension.name} “{value}”.", f"没有{dimension.zh}“{value}”。", "unknown")


def _count(number: int | Decimal) -> str:
    return f"{number:,.0f}"
