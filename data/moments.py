"""Instants, dates, months and times of day as people write them → numbers."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from data.numerals import Fault

DateOrder = Literal["dmy", "mdy", "ymd", "mixed"]
FIRST_YEAR, LAST_YEAR = 1900, 2199
SERIALS = range(20_000, 80_000)  # Excel's days since 1899-12-30: 1954-10-03 … 2119-01-10
EPOCH_DAY = date(1970, 1, 1).toordinal()
_SERIAL_ZERO = date(1899, 12, 30).toordinal() - EPOCH_DAY
DAY_MS = 86_400_000

_ZONES: dict[str, float] = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3, "hkt": 8, "sgt": 8, "pht": 8,
    "awst": 8, "jst": 9, "kst": 9, "acst": 9.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "est": -5, "edt": -4, "cdt": -5, "mst": -7,
    "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8, "hst": -10, "北京时间": 8, "中国标准时间": 8, "china standard time": 8,
    "coordinated universal time": 0,
}  # fmt: skip
_SEVERAL = {"cst", "ist", "bst", "ast", "sst"}
_MONTHS = {
    name: place for place, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}

_TIME = (
    r"(?:(?P<part>上午|下午|中午|凌晨|早上|早晨|清晨|傍晚|晚上|am|pm|a\.m\.|p\.m\.)\s*)?"
    r"(?P<h>\d{1,2})(?:\s*[:时點点]\s*(?:(?P<m>\d{1,2})(?:分)?(?:\s*:?\s*(?P<s>\d{1,2})(?:[.,](?P<f>\d{1,9})\d*)?秒?)?)?)?"
    r"\s*(?P<half>am|pm|a\.m\.|p\.m\.)?"
)
_ZONE = (
    r"(?:\s*(?P<zone>[+-]\d{1,2}(?::?\d{2})?|(?:utc|gmt)\s*[+-]\d{1,2}(?::?\d{2})?|[a-z]{1,5}|[a-z]+/[a-z_/+-]+\d*"
    r"|北京时间|中国标准时间)(?:\s*\(.*\))?)?"
)


def _patterns() -> tuple[re.Pattern[str], ...]:
    tail = rf"(?:(?:[t\s,]\s*|(?<=日)){_TIME}{_ZONE})?"
    weekday = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+|(?:星期|周)[一二三四五六日天]\s*)?"
    inner = r"(?:\s*(?:星期|周)[一二三四五六日天])?"
    return tuple(re.compile(form, re.IGNORECASE) for form in (
        rf"{weekday}(?P<y>\d{{4}})(?:年\s*|(?P<sign>[-/.]))(?P<mo>\d{{1,2}})(?:月\s*|(?P=sign))(?P<d>\d{{1,2}})日?{inner}{tail}",
        rf"{weekday}(?P<first>\d{{1,2}})(?P<sign>[-/.])(?P<second>\d{{1,2}})(?P=sign)(?P<y>\d{{4}}|\d{{1,2}}){tail}",
        rf"(?P<y>\d{{4}})(?P<mo>\d{{2}})(?P<d>\d{{2}})(?:[t\s]?(?P<h>\d{{2}})(?P<m>\d{{2}})(?P<s>\d{{2}})?(?:[.,](?P<f>\d{{1,9}}))?{_ZONE})?",
        rf"{weekday}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s-](?P<name>[a-z]{{3,9}})\.?,?[\s-](?P<y>\d{{4}}){tail}",
        rf"{weekday}(?P<name>[a-z]{{3,9}})\.?\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<y>\d{{4}}){tail}",
        rf"{weekday}(?P<name>[a-z]{{3}})\s+(?P<d>\d{{1,2}})\s{_TIME}{_ZONE}\s(?P<y>\d{{4}})",
    ))  # fmt: skip


_FORMS = _patterns()
_LONGEST_NUMBER = 40  # digits: an epoch in nanoseconds has 19
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TIME_OF_DAY = re.compile(_TIME, re.IGNORECASE)


def instant(text: str, order: DateOrder | None = None, zone: str = "UTC") -> tuple[int, bool]:
    """Milliseconds since 1970, and whether the text named no zone (then they are local wall-clock time).

    `zone` decides only what CST means. Raises Fault: instant, date_order, abbreviation.

    >>> instant("2026年3月5日 下午2:30"), instant("1970-01-01T08:00:00+08:00"), instant("8/20/2018 18:40:05", "mdy")
    ((1772721000000, True), (0, False), (1534790405000, True))
    """
    body = unicodedata.normalize("NFKC", text).strip()
    if _NUMBER.fullmatch(body) and len(body) not in (8, 14):
        return _from_number(body)
    for form in _FORMS:
        if found := form.fullmatch(body):
            parts = found.groupdict()
            day = _day(parts, order)
            clock, offset = _clock(parts), _offset(parts.get("zone"), zone)
            milliseconds = day * DAY_MS + clock
            if offset is None:
                return milliseconds, True
            if isinstance(offset, str):
                return utc(milliseconds, offset), False
            return milliseconds - round(offset * 3_600_000), False
    if _NUMBER.fullmatch(body):
        return _from_number(body)
    raise Fault("instant")


def day(text: str, order: DateOrder | None = None, zone: str = "UTC") -> int:
    """Days since 1970 of a date; an instant with a zone counts on its date in `zone`. Raises Fault: date, date_order, abbreviation.

    >>> day("2026-03-05"), day("2026-03-04T18:00:00Z", zone="Asia/Shanghai"), day("46086")
    (20517, 20517, 20517)
    """
    try:
        milliseconds, naive = instant(text, order, zone)
    except Fault as fault:
        raise Fault("date" if fault.code == "instant" else fault.code) from None
    if not naive and zone != "UTC":
        milliseconds += offset_at(milliseconds, zone)
    return milliseconds // DAY_MS


def month(text: str, order: DateOrder | None = None) -> int:
    """Days since 1970 of the first day of a month. Raises Fault: month.

    >>> month("2026-03") == month("2026年3月") == month("202603") == month("2026/3/17")
    True
    """
    body = unicodedata.normalize("NFKC", text).strip()
    found = re.fullmatch(r"(\d{4})(?:[-/.]|年\s*)?(\d{1,2})月?份?", body) or None
    try:
        if found and not (body.isdigit() and len(body) != 6):
            return date(_year(int(found[1])), int(found[2]), 1).toordinal() - EPOCH_DAY
        if found := re.fullmatch(r"(\d{1,2})[-/](\d{4})", body):
            return date(_year(int(found[2])), int(found[1]), 1).toordinal() - EPOCH_DAY
        if found := re.fullmatch(r"([A-Za-z]{3,9})\.?[\s-](\d{4})", body):
            return date(_year(int(found[2])), _MONTHS[found[1][:3].casefold()], 1).toordinal() - EPOCH_DAY
        there = date.fromordinal(day(body, order) + EPOCH_DAY)
    except (ValueError, KeyError) as error:
        raise Fault("date_order" if isinstance(error, Fault) and error.code == "date_order" else "month") from None
    return there.replace(day=1).toordinal() - EPOCH_DAY


def minute(text: str) -> int:
    """Minutes after midnight of a time of day. Raises Fault: time.

    >>> minute("06:30"), minute("6"), minute("下午2:30")
    (390, 360, 870)
    """
    body = unicodedata.normalize("NFKC", text).strip()
    found = _TIME_OF_DAY.fullmatch(body)
    if found is None:
        raise Fault("time")
    try:
        clock = _clock(found.groupdict())
    except Fault:
        raise Fault("time") from None
    if clock >= DAY_MS or clock % 60_000:
        raise Fault("time")
    return clock // 60_000


def zone_name(text: str) -> str:
    """The IANA name of a zone; an offset becomes the fixed zone of that offset. Raises Fault: zone.

    >>> zone_name("Asia/Shanghai"), zone_name("北京时间"), zone_name("UTC+8")
    ('Asia/Shanghai', 'Asia/Shanghai', 'Etc/GMT-8')
    """
    body = unicodedata.normalize("NFKC", text).strip()
    if body in ("北京时间", "中国标准时间", "中国"):
        return "Asia/Shanghai"
    if found := re.fullmatch(r"(?:UTC|GMT)?([+-])0?(\d{1,2})(?::?00)?", body, re.IGNORECASE):
        body = "Etc/GMT" if int(found[2]) == 0 else f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}"
    if not known_zone(body):
        raise Fault("zone")
    return body


@cache
def known_zone(name: str) -> bool:
    """Whether the time-zone database has that name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def utc(local: int, zone: str) -> int:
    """Wall-clock milliseconds in a zone → milliseconds UTC. A time that occurs twice is the first; one that is skipped runs on.

    >>> utc(0, "Asia/Shanghai")
    -28800000
    """
    wall = datetime(1970, 1, 1) + timedelta(milliseconds=local)
    offset = wall.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta(0)
    return local - round(offset.total_seconds() * 1000)


def offset_at(instant_ms: int, zone: str) -> int:
    """How far the zone is ahead of UTC at an instant, in milliseconds.

    >>> offset_at(0, "Asia/Shanghai")
    28800000
    """
    there = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant_ms)).astimezone(ZoneInfo(zone))
    return round((there.utcoffset() or timedelta(0)).total_seconds() * 1000)


# Parts ---------------------------------------------------------------------------------------------------------------
def _year(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Fault("instant")
    return year


def _from_number(body: str) -> tuple[int, bool]:
    """Excel's serial days (wall clock) or an epoch in seconds, milli-, micro- or nanoseconds, told apart by their size."""
    if len(body) > _LONGEST_NUMBER:
        raise Fault("instant")
    whole = int(body.split(".")[0])
    if whole in SERIALS:
        return _SERIAL_ZERO * DAY_MS + round(float(body) * 86_400) * 1000, True
    for digits, per_ms in ((13, 1), (16, 1000), (19, 1_000_000)):
        if 10 ** (digits - 1) <= whole < 4.2 * 10 ** (digits - 1):
            return whole // per_ms, False
    if 10**9 <= whole < 4.2 * 10**9:
        return int(Decimal(body) * 1000), False
    raise Fault("instant")


def _day(parts: dict[str, str | None], order: DateOrder | None) -> int:
    """Days since 1970 of the date in the parts of a form."""
    year_text = parts["y"] or ""
    if "first" in parts and parts["first"] is not None:
        first, second = int(parts["first"]), int(parts["second"] or 0)
        if len(year_text) < 4:
            if order == "ymd":
                return _ordinal(2000 + first, second, int(year_text))
            if order not in ("dmy", "mdy") or len(year_text) == 1:
                raise Fault("date_order" if len(year_text) == 2 else "instant")
            year_text = f"20{year_text}"
        if parts["sign"] == "." or first == second or order == "dmy" or (first > 12 and order != "mdy"):
            month_number, day_number = second, first
        elif order == "mdy" or second > 12:
            month_number, day_number = first, second
        else:
            raise Fault("date_order")
        return _ordinal(int(year_text), month_number, day_number)
    if parts.get("name"):
        name = (parts["name"] or "").casefold()
        if name[:3] not in _MONTHS:
            raise Fault("instant")
        return _ordinal(int(year_text), _MONTHS[name[:3]], int(parts["d"] or 0))
    return _ordinal(int(year_text), int(parts["mo"] or 0), int(parts["d"] or 0))


def _ordinal(year: int, month_number: int, day_number: int) -> int:
    try:
        return date(_year(year), month_number, day_number).toordinal() - EPOCH_DAY
    except Fault:
        raise
    except ValueError:
        raise Fault("instant") from None


def _clock(parts: dict[str, str | None]) -> int:
    """Milliseconds after midnight; 0 without a time."""
    if parts.get("h") is None:
        return 0
    hour, minutes, secs = int(parts["h"] or 0), int(parts.get("m") or 0), int(parts.get("s") or 0)
    fraction = int((parts.get("f") or "0").ljust(9, "0")) // 1_000_000
    part = (parts.get("half") or parts.get("part") or "").casefold().replace(".", "")
    if part in ("pm", "下午", "傍晚", "晚上", "中午"):
        if part == "晚上" and hour == 12:
            raise Fault("instant")
        hour += 12 if hour < 12 and not (part == "中午" and hour > 9) else 0
    elif part in ("am", "上午", "凌晨", "早上", "早晨", "清晨"):
        if hour > 12:
            raise Fault("instant")
        hour = 0 if hour == 12 else hour
    if hour > 24 or minutes > 59 or secs > 60 or (hour == 24 and (minutes or secs or fraction)):
        raise Fault("instant")
    return ((hour * 60 + minutes) * 60 + secs) * 1000 + fraction


def _offset(text: str | None, zone: str) -> float | str | None:
    """Hours east of UTC, the name of a zone, or None when the text names none."""
    if text is None:
        return None
    name = text.strip().casefold()
    if name in _ZONES:
        return _ZONES[name]
    if name == "cst" and zone.startswith(("Asia/Shanghai", "Asia/Chongqing", "Asia/Taipei", "Asia/Macau", "Asia/Harbin", "PRC")):
        return 8
    if name == "cst" and zone.startswith(("America/", "US/")):
        return -6
    if name in _SEVERAL:
        raise Fault("abbreviation")
    if found := re.fullmatch(r"(?:utc|gmt)?\s*([+-])(\d{1,2}):?(\d{2})?", name):
        hours, minutes = int(found[2]), int(found[3] or 0)
        if hours > 14 or minutes > 59:
            raise Fault("instant")
        return (hours + minutes / 60) * (1 if found[1] == "+" else -1)
    if "/" in text and known_zone(text.strip()):
        return text.strip()
    raise Fault("instant")
