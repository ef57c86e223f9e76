"""Words and numbers in the reader's language: gettext catalogues and Babel, nothing hand-made.

English is the language of the sentences in the code; `locale/zh/LC_MESSAGES/piecework.po` holds the Chinese. The
catalogue is read from the .po file itself, so nothing has to be compiled on the user's machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Literal, ParamSpec, Protocol

import streamlit as st
from babel.core import Locale
from babel.dates import format_datetime, format_skeleton, get_timezone
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_decimal

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")
NONE = "–"
CATALOGUES = Path(__file__).parent / "locale"
_LOCALES: dict[str, str] = {"zh": "zh_CN", "en": "en"}
_CURRENCY = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}

_forced: ContextVar[Lang | None] = ContextVar("piecework_lang", default=None)


class Both(Protocol):
    """Anything that says the same in English and Chinese: a measure, a note, an error."""

    @property
    def en(self) -> str: ...
    @property
    def zh(self) -> str: ...


# Language ------------------------------------------------------------------------------------------------------------
def lang() -> Lang:
    """The reader's language in this session; Chinese until one is chosen."""
    return _forced.get() or st.session_state.get("lang_now", "zh")


def settle(language: Lang) -> None:
    """Use this language for the rest of this run of the script: looking it up in the session for every word takes milliseconds."""
    _forced.set(language)


@contextmanager
def speaking(language: Lang) -> Iterator[None]:
    """Everything inside is written in `language`, also off the script's thread (a download that is made later)."""
    token = _forced.set(language)
    try:
        yield
    finally:
        _forced.reset(token)


@cache
def _catalogue(language: Lang) -> dict[str, str | tuple[str, ...]]:
    file = CATALOGUES / language / "LC_MESSAGES" / "piecework.po"
    if not file.exists():
        return {}
    with file.open("rb") as handle:
        found = read_po(handle, locale=_LOCALES[language])
    return {m.id if isinstance(m.id, str) else m.id[0]: m.string for m in found if m.id and m.string}


def gettext(message: str, /, **values: object) -> str:
    """The sentence in the reader's language, with {names} filled in."""
    found = _catalogue(lang()).get(message, message)
    text = found if isinstance(found, str) else found[0]
    return text.format(**values) if values else text


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """The form that fits n; {n} is filled in with its grouping."""
    plain = one if n == 1 else many
    found = _catalogue(lang()).get(one, plain)
    text = found if isinstance(found, str) else found[0]
    return text.format(n=count(n), **values)


_ = gettext


def N_(message: str) -> str:
    """Marks a sentence kept in a table for translation; `_()` says it when it is shown."""
    return message


def say(both: Both) -> str:
    """The side of a two-language text that the reader reads."""
    return both.zh if lang() == "zh" else both.en


def sentences(*said: str) -> str:
    """One after the other, with a space between them in English only."""
    return ("" if lang() == "zh" else " ").join(said)


# Numbers -------------------------------------------------------------------------------------------------------------
def missing(x: object) -> bool:
    """True for None, NaN and NA: a value that does not exist."""
    if x is None:
        return True
    try:
        return bool(x != x)  # NaN and NaT are not even equal to themselves
    except TypeError:
        return True  # NA answers neither yes nor no


@cache
def _parsed(language: Lang) -> Locale:
    """The locale as an object: Babel would look a name up anew for every number."""
    return Locale.parse(_LOCALES[language])


def _locale() -> Locale:
    return _parsed(lang())


Said = ParamSpec("Said")


def _remembered(say: Callable[Said, str]) -> Callable[Said, str]:
    """The same words for the same numbers in the same language, found once."""

    @lru_cache(maxsize=16_384)
    def found(language: Lang, *args: Said.args, **named: Said.kwargs) -> str:
        return say(*args, **named)

    @wraps(say)
    def saying(*args: Said.args, **named: Said.kwargs) -> str:
        return found(lang(), *args, **named)

    return saying


def width(words: str) -> int:
    """How wide it stands, in half-width columns: a Chinese character takes two."""
    return sum(2 if ord(c) > 0x2E80 else 1 for c in words)


@_remembered
def count(x: float) -> str:
    """A whole number, grouped: 12,345."""
    return _ascii(format_decimal(round(x), format="#,##0", locale=_locale()))


@_remembered
def decimal(x: float, places: int = 1) -> str:
    """A number with at most `places` decimals, grouped."""
    return _ascii(format_decimal(x, format="#,##0" + ("." + "#" * places if places else ""), locale=_locale()))


def interval(low: float | None, high: float | None) -> str | None:
    """The bounds of an interval around a ratio: 0.97 – 1.05; None without one."""
    return None if low is None or high is None else f"{fixed(low)} – {fixed(high)}"


@_remembered
def fixed(x: float, places: int = 2) -> str:
    """A number with exactly `places` decimals, grouped: 1.10."""
    return _ascii(format_decimal(x, format="#,##0" + ("." + "0" * places if places else ""), locale=_locale()))


@_remembered
def short(x: float, *, whole: bool = True) -> str:
    """A number that fits a card: 万/亿 in Chinese, k/M in English, two to four digits, the same number of them for like sizes.

    A `whole` number under 100 has no decimals; what is measured has one even where it is a zero.
    """
    size = abs(x)
    say = decimal if whole or not x else fixed
    if size < 0.995:
        return say(x, 3)
    if size < 99.95:
        return say(x, 1)
    if size < 9_999.5:
        return count(x)
    said = format_compact_decimal(x, locale=_locale(), fraction_digits=1)
    if len(re.findall(r"\d", said.split(".")[0])) > 2:
        said = format_compact_decimal(x, locale=_locale(), fraction_digits=0)
    elif "." not in said:
        said = re.sub(r"(\d)(?!\d)", r"\1.0", said)
    return _ascii(said.replace("K", "k"))


def percent(x: float, places: int = 1) -> str:
    """A ratio as per cent with exactly `places` decimals: 0.938 → 93.8%."""
    return fixed(100 * x, places) + "%"


def money(x: float, currency: str = "CNY", *, exact: bool = False) -> str:
    """An amount with its sign: short on a card, to the fen when exact."""
    sign = _CURRENCY.get(currency, currency + " ")
    body = _ascii(format_decimal(abs(x), format="#,##0.00", locale=_locale())) if exact else short(abs(x), whole=False)
    return ("-" if x < 0 else "") + sign + body


def span(seconds: float) -> str:
    """A length of time in the two largest units that matter: 12 s, 5 min, 3 h 20 min, 2 d."""
    s = max(0, round(seconds))
    if s < 90:
        return _("{n} s", n=s)
    if s < 5400:
        return _("{n} min", n=round(s / 60))
    if s < 172_800:
        return _("{n} h", n=decimal(s / 3600, 1))
    return _("{n} d", n=round(s / 86_400))


def _ascii(text: str) -> str:
    """Numbers are read by st.metric as well as by people: it takes a typographic minus for growth."""
    return text.replace("\u2212", "-").replace("\u00a0", " ")


# Dates ---------------------------------------------------------------------------------------------------------------
@_remembered
def day(d: date, *, year: bool = False) -> str:
    """3月5日 · Mar 5."""
    return format_skeleton("yMMMd" if year else "MMMd", d, locale=_locale())


def weekday(d: date) -> str:
    """3月5日周四 · Thu, Mar 5."""
    return format_skeleton("MMMEd", d, locale=_locale())


@_remembered
def month(d: date) -> str:
    """2026年3月 · Mar 2026."""
    return format_skeleton("yMMM", d, locale=_locale())


def safe(words: str) -> str:
    """Words of a file as Markdown shows them literally: no link or arrow (an invisible joiner breaks what looks like one), no
    emphasis, no icon."""
    unlinked = re.sub(
        r"www(?=\.)|:(?=//)|[-<>~](?=[-=>])|(?=@)", lambda found: f"{found[0]}\u2060", " ".join(words.split()), flags=re.IGNORECASE
    )
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", unlinked)


def listed(words: Iterable[str]) -> str:
    """一、二、三 · one, two, three."""
    return ("、" if lang() == "zh" else ", ").join(words)


def days(start: date, end: date) -> str:
    """A closed range of days, the year only when it is not this one or changes."""
    year = start.year != end.year or end.year != datetime.now(UTC).year
    return day(start, year=year) if start == end else f"{day(start, year=year)} – {day(end, year=year)}"


def clock(at: datetime, zone: str) -> str:
    """An instant (UTC) as the site's wall clock: 14:20, with the date when it is not that of now."""
    tz: tzinfo = get_timezone(zone)
    here = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(tz)
    today = datetime.now(tz).date()
    time = format_datetime(here, "HH:mm", locale=_locale())
    return time if here.date() == today else f"{day(here.date(), year=here.year != today.year)} {time}"


def offset(zone: str, at: datetime | None = None) -> str:
    """The zone as an offset at that instant: UTC+8, UTC+5:30."""
    shift = (at or datetime.now(UTC)).astimezone(get_timezone(zone)).utcoffset()
    minutes = int(shift.total_seconds() // 60) if shift else 0
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def language_name(code: Lang) -> str:
    """中文 · English, each in itself."""
    return {"zh": "中文", "en": Locale("en").get_language_name("en") or "English"}[code]
