"""Numbers and lengths of time as people write them → Decimal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal

DecimalSign = Literal[".", ",", "mixed"]


class Fault(ValueError):
    """A text that cannot be read; `code` is one of tables.REJECT_CODES."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_BLANKS = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'’_](?=\d{3}(?:\D|$))")
_MONEY = re.compile(r"^(?:CNY|RMB|USD|EUR|[¥$€])\s*|\s*(?:CNY|RMB|USD|EUR|元|[¥$€])(?:/\S+)?$", re.IGNORECASE)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_GROUPS_COMMA = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_GROUPS_DOT = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?")
_ONE_COMMA = re.compile(r"[+-]?\d*,\d+")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # a group of thousands, or three decimals
_MANY = {"万": Decimal(10_000), "亿": Decimal(100_000_000), "千": Decimal(1000), "k": Decimal(1000), "K": Decimal(1000)}
_NOT_FINITE = {"inf", "infinity", "∞"}


def folded(text: str) -> str:
    """Half width, one kind of minus sign, no blanks around."""
    return unicodedata.normalize("NFKC", text).strip().replace("−", "-").replace("﹣", "-")


def decimal_sign(texts: Iterable[str]) -> DecimalSign | None:
    """Which sign the decimals of a column are set off with, judging by the values that leave no doubt; None when all do.

    >>> decimal_sign(["1.234", "12,5"]), decimal_sign(["1,234", "0.5"]), decimal_sign(["1,234"])
    (',', '.', None)
    """
    comma = dot = False
    for text in texts:
        number = _BLANKS.sub("", folded(text)).lstrip("+-")
        if _EITHER.fullmatch(number):
            continue
        if re.fullmatch(r"\d*,\d+|\d{1,3}(\.\d{3})+,\d*|\d{1,3}(\.\d{3}){2,}", number):
            comma = True
        elif re.fullmatch(r"\d*\.\d+|\d{1,3}(,\d{3})+\.\d*|\d{1,3}(,\d{3}){2,}", number):
            dot = True
    return "mixed" if comma and dot else "," if comma else "." if dot else None


def number(text: str, decimal: DecimalSign | None = None, *, money: bool = False, percent: bool = False) -> Decimal:
    """The number a text stands for, exactly. Raises Fault: number, decimal, not_finite.

    Without `decimal`, “1,234” has a thousands separator; with "mixed" (a column that writes both ways) it is refused.

    >>> number("1.234,5"), number("1 234"), number("１２．５"), number("3,14", ","), number("12%", percent=True), number("1.2万")
    (Decimal('1234.5'), Decimal('1234'), Decimal('12.5'), Decimal('3.14'), Decimal('0.12'), Decimal('12000.0'))
    """
    body = folded(text)
    if body.lstrip("+-").casefold() in _NOT_FINITE:
        raise Fault("not_finite")
    if money:
        sign = "-" if body.startswith("-") else ""
        body = sign + _MONEY.sub("", _MONEY.sub("", body.removeprefix("-")))
    if body.startswith("(") and body.endswith(")"):
        body = f"-{body[1:-1]}"
    factor = Decimal(1)
    if percent and body.endswith("%"):
        body, factor = body[:-1].rstrip(), Decimal("0.01")
    elif body[-1:] in _MANY:
        body, factor = body[:-1].rstrip(), _MANY[body[-1]]
    body = _BLANKS.sub("", body)
    if decimal == "mixed" and _EITHER.fullmatch(body):
        raise Fault("decimal")
    if decimal == ",":
        if not (_GROUPS_DOT.fullmatch(body) or _ONE_COMMA.fullmatch(body) or re.fullmatch(r"[+-]?\d+", body)):
            raise Fault("number")
        body = body.replace(".", "").replace(",", ".")
    elif _GROUPS_COMMA.fullmatch(body):
        body = body.replace(",", "")
    elif decimal != "." and (_ONE_COMMA.fullmatch(body) or (("," in body or body.count(".") > 1) and _GROUPS_DOT.fullmatch(body))):
        body = body.replace(".", "").replace(",", ".")
    if not _PLAIN.fullmatch(body):
        raise Fault("number")
    try:
        return Decimal(body) * factor
    except InvalidOperation:
        raise Fault("not_finite") from None


_UNITS: dict[str, Decimal] = {}
for _seconds, _names in (
    ("0.001", "ms msec msecs millis millisecond milliseconds 毫秒"), ("1", "s sec secs second seconds 秒 秒钟"),
    ("60", "m min mins minute minutes 分 分钟"), ("3600", "h hr hrs hour hours 小时 时 钟头 个小时"), ("86400", "d day days 天 日"),
):  # fmt: skip
    _UNITS |= dict.fromkeys(_names.split(), Decimal(_seconds))
_CLOCK = re.compile(r"([+-])?(?:(\d+)\s*(?:days?,?|天|d)\s*)?(?:(\d+):)?(\d+):(\d{1,2}(?:[.,]\d+)?)")
_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]+|[^\W\da-z_]+)\s*", re.IGNORECASE)
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE)


def seconds(text: str, decimal: DecimalSign | None = None, unit: Decimal = Decimal(1)) -> Decimal:
    """A length of time in seconds; a bare number is in `unit` seconds. Raises Fault: duration, decimal, not_finite.

    >>> seconds("1:02:03"), seconds("02:30"), seconds("90s"), seconds("1分30秒"), seconds("1.5h"), seconds("1500", unit=Decimal("0.001"))
    (Decimal('3723'), Decimal('150'), Decimal('90'), Decimal('90'), Decimal('5400.0'), Decimal('1.500'))
    """
    body = folded(text)
    if found := _CLOCK.fullmatch(body):
        sign, days, hours, minutes, rest = found.groups()
        parts = Decimal(int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes) * 60) + Decimal(rest.replace(",", "."))
        if (hours and int(minutes) > 59) or Decimal(rest.replace(",", ".")) >= 60:
            raise Fault("duration")
        return -parts if sign == "-" else parts
    if len(body) > 1 and (found := _ISO.fullmatch(body)):
        return sum((Decimal(part or 0) * size for part, size in zip(found.groups(), (86400, 3600, 60, 1), strict=True)), Decimal(0))
    try:
        return number(body, decimal) * unit
    except Fault as fault:
        if fault.code != "number":
            raise
    sign, place, total, smallest = 1, 0, Decimal(0), Decimal("Infinity")
    if body[:1] in "+-":
        sign, place = (-1 if body[:1] == "-" else 1), 1
    while found := _PART.match(body, place):
        size = _UNITS.get(found[2].casefold())
        if size is None or size >= smallest:
            raise Fault("duration")
        total, smallest, place = total + Decimal(found[1].replace(",", ".")) * size, size, found.end()
    if place < len(body) or not total.is_finite() or smallest.is_infinite():
        raise Fault("duration")
    return sign * total


_HEADER_UNIT = re.compile(
    r"(?:[(\[{<【]\s*(?:单位\s*[:：]?\s*)?([a-z]+|[^\W\da-z_]+)\s*[)\]}>】]|[_\s.-]([a-z]+)|(毫秒|分钟|小时|秒)|(?<=[a-z])(Ms|MS|Sec|Min|Hours?))\s*$"
)


def header_unit(header: str) -> tuple[str, Decimal] | None:
    """The header without its unit of time, and that unit in seconds; None when it names none.

    >>> header_unit("耗时（毫秒）"), header_unit("duration_ms"), header_unit("耗时")
    (('耗时', Decimal('0.001')), ('duration', Decimal('0.001')), None)
    """
    text = unicodedata.normalize("NFKC", header).strip()
    found = _HEADER_UNIT.search(text) or _HEADER_UNIT.search(text.casefold())
    if found is None:
        return None
    unit = _UNITS.get(next(group for group in found.groups() if group).casefold())
    return None if unit is None else (text[: found.start()], unit)
