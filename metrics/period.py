"""Ranges of business dates: presets, and what a range is compared with. Both ends are included."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from metrics.freshness import last_business_date
from metrics.model import QueryError, Text

Preset = Literal[
    "today", "yesterday", "last_7_days", "last_28_days", "this_week", "this_month", "last_month", "this_quarter", "all", "custom"
]
Compare = Literal["previous", "last_week", "last_year"]

PRESETS: dict[Preset, Text] = {
    "today": Text("Today", "今天"),
    "yesterday": Text("Yesterday", "昨天"),
    "last_7_days": Text("Last 7 days", "近 7 天"),
    "last_28_days": Text("Last 28 days", "近 28 天"),
    "this_week": Text("This week", "本周"),
    "this_month": Text("This month", "本月"),
    "last_month": Text("Last month", "上月"),
    "this_quarter": Text("This quarter", "本季度"),
    "all": Text("All time", "全部"),
    "custom": Text("Custom", "自定义"),
}
COMPARISONS: dict[Compare, Text] = {
    "previous": Text("the period before", "上一时段"),
    "last_week": Text("a week earlier", "上周同日"),
    "last_year": Text("a year earlier, same weekdays", "去年同期（同星期）"),
}
DAY = timedelta(days=1)

__all__ = ["ALL", "COMPARISONS", "PRESETS", "Compare", "Period", "Preset", "last_business_date", "resolve"]


@dataclass(frozen=True, slots=True)
class Period:
    """Business dates from `start` to `end`, both included; a missing end is open. Raises QueryError when it ends before it starts.

    >>> Period(date(2026, 3, 1), date(2026, 3, 12), "this_month").before("previous")
    Period(start=datetime.date(2026, 2, 1), end=datetime.date(2026, 2, 12), preset='custom')
    """

    start: date | None = None
    end: date | None = None
    preset: Preset = "custom"

    def __post_init__(self) -> None:
        if self.start and self.end and self.end < self.start:
            raise QueryError(
                f"The range ends ({self.end}) before it starts ({self.start}).", f"日期范围的结束（{self.end}）早于开始（{self.start}）。"
            )

    @property
    def bounded(self) -> bool:
        """True when it limits dates at all."""
        return self.start is not None or self.end is not None

    @property
    def label(self) -> Text:
        """The range in words."""
        if self.start and self.end:
            words = f"{self.start}" if self.start == self.end else f"{self.start} – {self.end}"
            return Text(words, words.replace(" – ", " 至 "))
        if self.start:
            return Text(f"from {self.start}", f"{self.start} 起")
        return Text(f"to {self.end}", f"至 {self.end}") if self.end else PRESETS["all"]

    def before(self, kind: Compare) -> Period:
        """The range to compare with. Weeks, months and quarters are compared like for like: month to day 12 with last month to day 12.

        Raises QueryError for a range that is open at an end.
        """
        if self.start is None or self.end is None:
            raise QueryError("A comparison needs a range with a first and a last day.", "对比需要有起止日期的时段。")
        if kind == "last_week":
            return Period(self.start - 7 * DAY, self.end - 7 * DAY)
        if kind == "last_year":
            return Period(self.start - 364 * DAY, self.end - 364 * DAY)
        if self.preset == "this_week":
            return Period(self.start - 7 * DAY, self.end - 7 * DAY)
        if self.preset == "this_quarter":
            start = add_months(self.start, -3)
            return Period(start, min(start + (self.end - self.start), self.start - DAY))
        if self.preset in ("this_month", "last_month") or self._whole_months:
            months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1
            start = add_months(self.start, -months)
            end = self.start - DAY if month_end(self.end) == self.end else add_months(self.end, -months)
            return Period(start, end)
        return Period(self.start - (self.end - self.start) - DAY, self.start - DAY)

    @property
    def _whole_months(self) -> bool:
        return bool(self.start and self.end and self.start.day == 1 and month_end(self.end) == self.end)


ALL = Period(preset="all")


def resolve(preset: Preset, today: date, start: date | None = None, end: date | None = None) -> Period:
    """The range of a preset on a business date; `start` and `end` matter for “custom” only.

    >>> resolve("this_week", date(2026, 3, 5))
    Period(start=datetime.date(2026, 3, 2), end=datetime.date(2026, 3, 5), preset='this_week')
    """
    first = today.replace(day=1)
    match preset:
        case "today":
            return Period(today, today, preset)
        case "yesterday":
            return Period(today - DAY, today - DAY, preset)
        case "last_7_days":
            return Period(today - 6 * DAY, today, preset)
        case "last_28_days":
            return Period(today - 27 * DAY, today, preset)
        case "this_week":
            return Period(today - today.weekday() * DAY, today, preset)
        case "this_month":
            return Period(first, today, preset)
        case "last_month":
            return Period(add_months(first, -1), first - DAY, preset)
        case "this_quarter":
            return Period(first.replace(month=(today.month - 1) // 3 * 3 + 1), today, preset)
        case "all":
            return ALL
        case "custom":
            return Period(start, end)


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last day.

    >>> add_months(date(2026, 3, 31), -1)
    datetime.date(2026, 2, 28)
    """
    index = day.year * 12 + day.month - 1 + months
    first = date(index // 12, index % 12 + 1, 1)
    return first.replace(day=min(day.day, month_end(first).day))


def month_end(day: date) -> date:
    """The last day of the month."""
    return (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
