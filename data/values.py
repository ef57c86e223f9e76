"""Columns of raw cells → typed Arrow columns. Plain forms are read by array operations, the rest once per distinct text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data import moments, numerals
from data.moments import DAY_MS, DateOrder
from data.numerals import DecimalSign, Fault
from data.tables import ARROW, Column, Kind
from data.words import FLAGS, plain

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NULLS = pa.array(["", "NULL", "null", "Null", "NaN", "nan", "NAN", "\\N", "-", "N/A", "n/a", "#N/A"])
_WORDLESS_NULLS = pa.array(["None", "none", "nil", "--", "—", "/", "无", "空", "NA", "<NA>", "NaT"])
_LONGEST_NULL = 4
_LONGEST = 200  # letters of a cell that is no text
_FEW = 400  # distinct texts among the first 2,000 up to which a column is read once per distinct text
DATED: tuple[Kind, ...] = ("instant", "date", "month", "version")
NUMERIC: tuple[Kind, ...] = ("quantity", "seconds", "money", "ratio", "integer")
_DIGITS: Mapping[Kind, int] = {"quantity": 3, "seconds": 3, "money": 6, "ratio": 6}
_SLASHED_PARTS = r"^\s*(?:[A-Za-z]{3,9},?\s+)?(?P<one>[0-9]{1,2})[-/](?P<two>[0-9]{1,2})[-/][0-9]{4}(?:[^0-9]|$)"
_PLAIN_NUMBER = r"^[+-]?\d{1,12}(?:\.\d{0,20})?$"
_COMMA_NUMBER = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d{1,12})(?:,\d{1,20})?$"


@dataclass(frozen=True, slots=True)
class Style:
    """How a column is written: the zone of times without one, day/month order, decimal sign, the size of a bare number's unit
    (seconds for lengths of time), and words for choices beyond the usual ones.

    `ask`: rather than read dates whose day and month could be swapped, answer Cells.slashed.
    """

    zone: str = "UTC"
    date_order: DateOrder | None = None
    decimal: DecimalSign | None = None
    unit: Decimal = Decimal(1)
    meanings: Mapping[str, str] = field(default_factory=dict)
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """A typed column (null where empty or at fault), the reject code per faulty row, and which rows had a time without a zone.

    `commas`: numbers with commas were read without knowing what they set off. `slashed`: nothing was read, because the order of
    day and month has to be known first (only when Style.ask).
    """

    values: pa.Array
    faults: dict[int, str]
    naive: Mask | None = None
    commas: bool = False
    slashed: bool = False


@dataclass(slots=True)
class _Coded:
    """A column as 64-bit integers: ms, days, or the number × 10**digits."""

    numbers: Ints
    known: Mask
    naive: Mask
    faults: dict[int, str] = field(default_factory=dict)
    commas: bool = False


# Text ------------------------------------------------------------------------------------------------------------------
def text(cells: pa.Array, *, wordless: bool = False) -> pa.Array:
    """Trimmed strings, null for the usual ways to write nothing. Numbers that came as floats lose a “.0”.

    >>> text(pa.array([" 007 ", "NULL", "-"])).to_pylist(), text(pa.array([123.0, None])).to_pylist()
    (['007', None, None], ['123', None])
    """
    kind = cells.type
    if pa.types.is_dictionary(kind):
        cells = cells.dictionary_decode()
        kind = cells.type
    if pa.types.is_floating(kind):
        return pa.array([None if value is None or value != value else numeral(value) for value in cells.to_pylist()], pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        cells = pa.array([None if value is None else value.decode("utf-8", "backslashreplace") for value in cells.to_pylist()], pa.string())
    elif not pa.types.is_string(kind):
        cells = cells.cast(pa.string())
    ascii_only = pc.all(pc.string_is_ascii(cells)).as_py() is not False
    trimmed = pc.ascii_trim_whitespace(cells) if ascii_only else pc.utf8_trim_whitespace(cells)
    shortest = pc.min(pc.binary_length(trimmed)).as_py()
    if shortest is None or shortest > _LONGEST_NULL:
        return trimmed
    empty = pc.is_in(trimmed, NULLS)
    if wordless:
        empty = pc.or_(empty, pc.is_in(trimmed, _WORDLESS_NULLS))
    return pc.if_else(empty, pa.scalar(None, pa.string()), trimmed) if pc.any(empty).as_py() else trimmed


def numeral(value: float) -> str:
    """A float as a person would write it: no “.0”, no exponent for whole numbers.

    >>> numeral(123.0), numeral(0.1), numeral(1e20), numeral(float("inf"))
    ('123', '0.1', '100000000000000000000', 'inf')
    """
    return str(int(value)) if value == value and abs(value) != float("inf") and value == int(value) else repr(value)


def day_or_month_first(cells: pa.Array) -> DateOrder | None:
    """What a column's dates such as 25/4/2026 prove about the order of day and month; None when they prove nothing.

    >>> day_or_month_first(pa.array(["3/4/2026", "25/4/2026 10:00"])), day_or_month_first(pa.array(["3/4/2026"]))
    ('dmy', None)
    """
    parts = pc.extract_regex(cells, _SLASHED_PARTS)
    one, two = (pc.struct_field(parts, name).cast(pa.string()).cast(pa.int64()) for name in ("one", "two"))
    day = pc.any(pc.and_(pc.greater(one, 12), pc.less_equal(two, 12))).as_py() is True
    month = pc.any(pc.and_(pc.greater(two, 12), pc.less_equal(one, 12))).as_py() is True
    return "mixed" if day and month else "dmy" if day else "mdy" if month else None


def _has_slashed(strings: pa.Array, coded: _Coded) -> bool:
    left = np.flatnonzero(~coded.known & strings.is_valid().to_numpy(zero_copy_only=False))
    return len(left) > 0 and pc.any(pc.match_substring_regex(strings.take(pa.array(left)), _SLASHED_PARTS)).as_py() is True


# Columns ---------------------------------------------------------------------------------------------------------------
def convert(column: Column, cells: pa.Array, style: Style) -> Cells:
    """The cells of one column in its ARROW type. Nothing raises for a bad cell: it is null in `values` and has a code in `faults`."""
    if pa.types.is_dictionary(cells.type):
        return _spread(convert(column, cells.dictionary, style), cells.indices)
    if pa.types.is_null(cells.type):
        return Cells(pa.nulls(len(cells), ARROW[column.kind]), {})
    if column.kind in ("key", "text"):
        return Cells(text(cells), {})
    if column.kind == "flag" and pa.types.is_boolean(cells.type):
        return Cells(cells, {})
    if column.kind in _WORDS:
        encoded = text(cells, wordless=column.kind != "term").dictionary_encode()
        return _spread(_read_words(column, encoded.dictionary, style), encoded.indices)
    coded = _typed(column.kind, cells, style)
    if coded is None:
        strings = text(cells, wordless=True)
        sample = strings.slice(0, 2000)
        if len(strings) > len(sample) and len(sample.unique()) <= _FEW:
            encoded = strings.dictionary_encode()
            return _spread(convert(column, encoded.dictionary, style), encoded.indices)
        coded = _plain(column, strings, style)
        if style.ask and style.date_order is None and column.kind in DATED and _has_slashed(strings, coded):
            return Cells(pa.nulls(len(cells), ARROW[column.kind]), {}, slashed=True)
        _read_rest(column, strings, style, coded)
    _bound(column, coded)
    if column.kind == "instant":
        _localise(coded, style.zone)
    return Cells(_as_arrow(column.kind, coded), coded.faults, coded.naive if column.kind == "instant" else None, coded.commas)


def _spread(distinct: Cells, indices: pa.Array) -> Cells:
    """What was read once per distinct text, back on its rows."""
    values = distinct.values.take(indices)
    faults: dict[int, str] = {}
    naive = None
    places = indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    if distinct.faults:
        at_fault = np.zeros(len(distinct.values) + 1, np.bool_)  # the last one stands for null
        at_fault[list(distinct.faults)] = True
        faults = {int(row): distinct.faults[int(places[row])] for row in np.flatnonzero(at_fault[places])}
    if distinct.naive is not None:
        naive = np.append(distinct.naive, False)[places]
    return Cells(values, faults, naive, distinct.commas, distinct.slashed)


# Words -------------------------------------------------------------------------------------------------------------------
def _choice(column: Column, word: str, style: Style) -> str:
    found = style.meanings.get(plain(word)) or column.meanings.get(plain(word)) or (word if word in column.choices else None)
    if found is None:
        raise Fault("choice")
    return found


def _term(column: Column, word: str, style: Style) -> str:
    return style.meanings.get(plain(word)) or column.meanings.get(plain(word)) or word


def _currency(column: Column, word: str, style: Style) -> str:
    known = column.meanings.get(plain(word)) or numerals.folded(word).upper()
    known = {"¥": "CNY", "￥": "CNY", "$": "USD", "US$": "USD", "€": "EUR"}.get(known, known)
    if len(known) != 3 or not (known.isascii() and known.isalpha()):
        raise Fault("currency")
    return known


def _flag(column: Column, word: str, style: Style) -> bool:
    known = FLAGS.get(plain(word))
    if known is None:
        raise Fault("flag")
    return known


_WORDS: Mapping[Kind, Callable[[Column, str, Style], str | bool]] = {
    "choice": _choice, "term": _term, "currency": _currency, "flag": _flag, "zone": lambda _, word, __: moments.zone_name(word),
}  # fmt: skip


def _read_words(column: Column, words: pa.Array, style: Style) -> Cells:
    found: list[str | bool | None] = []
    faults: dict[int, str] = {}
    for row, word in enumerate(words.to_pylist()):
        try:
            if word is not None and len(word) > _LONGEST:
                found.append(word if column.kind == "term" else _WORDS[column.kind](column, f"{word[:_LONGEST]}\0", style))
            else:
                found.append(None if word is None else _WORDS[column.kind](column, word, style))
        except Fault as fault:
            found.append(None)
            faults[row] = fault.code
    return Cells(pa.array(found, ARROW[column.kind]), faults)


# Numbers and times by array operations ------------------------------------------------------------------------------------
def _blank(length: int) -> _Coded:
    return _Coded(np.zeros(length, np.int64), np.zeros(length, np.bool_), np.zeros(length, np.bool_))


def _typed(kind: Kind, cells: pa.Array, style: Style) -> _Coded | None:
    """Cells whose type already says what they are; None when they have to be read as text."""
    given = cells.type
    coded = _blank(len(cells))
    there = cells.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_timestamp(given) and kind in ("instant", "date", "version"):
        coded.numbers, coded.known = _milliseconds(cells), there
        if given.tz is None:
            coded.naive = there.copy()
        if kind == "date":
            if given.tz is not None:
                coded.numbers = coded.numbers + _offsets_at(coded.numbers, style.zone)
            coded.numbers = coded.numbers // DAY_MS
        _check_years(coded, DAY_MS if kind == "date" else 1, "date" if kind == "date" else "instant")
        return coded
    if pa.types.is_date(given) and kind in ("instant", "date"):
        days = cells.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy().astype(np.int64)
        coded.numbers, coded.known = (days if kind == "date" else days * DAY_MS), there
        coded.naive = there.copy()
        _check_years(coded, DAY_MS if kind == "date" else 1, kind)
        return coded
    if pa.types.is_duration(given) and kind == "seconds":
        coded.numbers, coded.known = _milliseconds(cells), there
        return coded
    if kind not in (*_DIGITS, "integer", "level", "version"):
        return None
    digits = _DIGITS.get(kind, 0)
    factor = style.unit if kind in ("seconds", "integer") else Decimal(1)
    if pa.types.is_integer(given) and not pa.types.is_uint64(given):
        whole = cells.cast(pa.int64()).fill_null(0).to_numpy().astype(np.int64)
        if kind == "version" or np.abs(whole).max(initial=0) < 10**12:
            if factor == 1:
                coded.numbers, coded.known = whole * 10**digits, there
                return coded
            coded.numbers, coded.known = _times(whole, Fraction(factor) * 10**digits), there
            return coded if kind == "seconds" else None
    if pa.types.is_floating(given) and kind in _DIGITS:
        numbers = cells.fill_null(0.0).to_numpy().astype(np.float64) * float(factor)
        finite = np.isfinite(numbers)
        coded.known = there & ~np.isnan(numbers)
        large = finite & (np.abs(numbers) >= 10**12)
        coded.faults = dict.fromkeys(np.flatnonzero(there & large).tolist(), "range") | dict.fromkeys(
            np.flatnonzero(np.isinf(numbers)).tolist(), "not_finite"
        )
        coded.numbers = np.rint(np.where(finite & ~large, numbers, 0.0) * 10**digits).astype(np.int64)
        return coded
    return None


def _milliseconds(times: pa.Array) -> Ints:
    """Timestamps or durations of any unit as whole milliseconds, rounded down; those too far away for that stay far away."""
    whole: Ints = times.cast(pa.int64()).fill_null(0).to_numpy().astype(np.int64)
    match times.type.unit:
        case "s":
            return np.asarray(np.clip(whole, -(2**50), 2**50) * 1000, np.int64)
        case "ms":
            return whole
        case unit:
            return np.asarray(whole // (1_000 if unit == "us" else 1_000_000), np.int64)


def _plain(column: Column, strings: pa.Array, style: Style) -> _Coded:
    """The cells written in the plain form of their kind: ISO times and dates, numbers without separators."""
    kind = column.kind
    if kind in ("instant", "date"):
        coded = _iso(strings)
        _unpadded(strings, style.date_order, coded)
        if kind == "date":
            coded.known &= coded.naive
            coded.numbers //= DAY_MS
        return coded
    if kind in _DIGITS:
        return _decimals(strings, _DIGITS[kind], style, style.unit if kind == "seconds" else Decimal(1))
    if kind in ("integer", "level", "version") and style.unit == 1:
        coded = _decimals(strings, 3, style, Decimal(1))
        coded.known &= coded.numbers % 1000 == 0
        coded.numbers //= 1000
        return coded
    return _blank(len(strings))


def _decimals(strings: pa.Array, digits: int, style: Style, unit: Decimal) -> _Coded:
    coded = _blank(len(strings))
    if style.decimal == "mixed":
        return coded
    if style.decimal == ",":
        fits = pc.match_substring_regex(strings, _COMMA_NUMBER)
        strings = pc.replace_substring(pc.replace_substring(pc.if_else(fits, strings, pa.scalar(None, pa.string())), ".", ""), ",", ".")
    wide = pa.decimal128(38, 20)
    kept = digits if unit == 1 else 6
    try:
        exact = _cast(strings, pa.decimal128(18, kept)) or strings.cast(wide)
    except pa.ArrowInvalid:
        fits = pc.match_substring_regex(strings, _PLAIN_NUMBER)
        exact = pc.if_else(fits, strings, pa.scalar(None, pa.string())).cast(wide)
    rounded = exact if exact.type.scale == kept else pc.round(exact, kept, "half_to_even").cast(pa.decimal128(38, kept))
    words = np.frombuffer(rounded.buffers()[1], np.int64)[2 * rounded.offset : 2 * (rounded.offset + len(rounded))]
    low, high = words[0::2], words[1::2]
    coded.known = rounded.is_valid().to_numpy(zero_copy_only=False) & (high == low >> 63) & (np.abs(low) < 10**18)
    coded.numbers = np.where(coded.known, low, 0)
    if unit != 1:
        coded.known &= np.abs(coded.numbers) < 10**15
        coded.numbers = _times(np.where(coded.known, coded.numbers, 0), Fraction(unit) * 10**digits / 10**kept)
    return coded


def _cast(strings: pa.Array, given: pa.DataType) -> pa.Array | None:
    try:
        return strings.cast(given)
    except pa.ArrowInvalid:
        return None


def _times(numbers: Ints, ratio: Fraction) -> Ints:
    """numbers × ratio, rounded half to even, exactly."""
    whole, rest = np.divmod(numbers * ratio.numerator, ratio.denominator)
    up = (2 * rest > ratio.denominator) | ((2 * rest == ratio.denominator) & (whole % 2 == 1))
    return np.asarray(whole + up, np.int64)


_DATE = (
    r"(?:(?:19|20|21)\d\d-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    r"|(?:(?:19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)"
)
_CLOCK = r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_NAIVE = rf"^{_DATE}(?:{_CLOCK})?$"
_ZONED = rf"^{_DATE}{_CLOCK}(?:Z|[+-](?:0\d|1[0-3])(?::?[0-5]\d)?)$"
_ZONED_END = r"(?:Z|:.*[+-]\d\d(?::?\d\d)?)$"


def _iso(strings: pa.Array) -> _Coded:
    """YYYY-MM-DD, optionally [T ]hh:mm[:ss[.fraction]] and Z or ±hh:mm; milliseconds, rounded down."""
    coded = _blank(len(strings))
    there = strings.is_valid()
    zoned = pc.any(pc.match_substring_regex(strings.slice(0, 100), _ZONED_END)).as_py() is True
    try:
        _take_in(coded, strings.cast(pa.timestamp("us", "UTC" if zoned else None)), naive=not zoned)
    except pa.ArrowInvalid:
        for form, zone in ((_ZONED, "UTC"), (_NAIVE, None)):
            fits = pc.fill_null(pc.match_substring_regex(strings, form), False)
            if pc.any(fits).as_py():
                _take_in(coded, pc.if_else(fits, strings, pa.scalar(None, pa.string())).cast(pa.timestamp("us", zone)), naive=zone is None)
    coded.known &= there.to_numpy(zero_copy_only=False)
    return coded


_PARTS = (
    r"^(?:(?P<y>\d{4})[-/](?P<mo>\d{1,2})[-/](?P<d>\d{1,2})|(?P<one>\d{1,2})[-/](?P<two>\d{1,2})[-/](?P<year>\d{4}))"
    r"(?: (?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2}))?)?$"
)
_EPOCH = r"^(?:[1-3]\d{9}|[1-3]\d{12})$"


def _unpadded(strings: pa.Array, order: DateOrder | None, coded: _Coded) -> None:
    """Add 2026/3/5 14:30[:00], and where the order is known 3/5/2026 …; and epochs in seconds or milliseconds."""
    left = np.flatnonzero(~coded.known & strings.is_valid().to_numpy(zero_copy_only=False))
    if len(left) < _FEW:
        return
    texts = strings.take(pa.array(left))
    fits = pc.match_substring_regex(texts, _EPOCH)
    if pc.any(fits).as_py():
        epochs = pc.if_else(fits, texts, pa.scalar(None, pa.string())).cast(pa.int64()).fill_null(0).to_numpy()
        epochs = np.where(epochs < 10**10, epochs * 1000, epochs)
        rows = left[epochs > 0]
        coded.numbers[rows], coded.known[rows] = epochs[epochs > 0], True
    found = pc.extract_regex(texts, _PARTS)
    part = {
        name: pc.struct_field(found, name).cast(pa.string()) for name in ("y", "mo", "d", "one", "two", "year", "h", "mi", "s")
    }  # fmt: skip
    number = {name: pc.if_else(pc.equal(words, ""), "0", words).cast(pa.int64()).fill_null(0).to_numpy() for name, words in part.items()}
    year_first = number["y"] > 0
    swapped = order == "mdy"
    year = np.where(year_first, number["y"], number["year"])
    month = np.where(year_first, number["mo"], number["one" if swapped else "two"])
    day = np.where(year_first, number["d"], number["two" if swapped else "one"])
    fine = (year >= moments.FIRST_YEAR) & (year <= moments.LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    fine &= (number["h"] < 24) & (number["mi"] < 60) & (number["s"] < 60) & (year_first | (order in ("dmy", "mdy")))
    months = np.where(fine, (year - 1970) * 12 + month - 1, 0)
    days = months.astype("M8[M]").astype("M8[D]").astype(np.int64) + day - 1
    fine &= days < (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    rows = left[fine]
    clock = ((number["h"] * 60 + number["mi"]) * 60 + number["s"]) * 1000
    coded.numbers[rows], coded.known[rows], coded.naive[rows] = (days * DAY_MS + clock)[fine], True, True


def _take_in(coded: _Coded, times: pa.Array, *, naive: bool) -> None:
    """Add what Arrow could read, within the years that are believed."""
    known = times.is_valid().to_numpy(zero_copy_only=False)
    numbers = times.cast(pa.int64()).fill_null(0).to_numpy() // 1000
    known &= (numbers >= _FIRST_MS) & (numbers < _AFTER_MS)
    coded.numbers = np.where(known, numbers, coded.numbers)
    coded.known |= known
    if naive:
        coded.naive |= known


# The rest, once per distinct text -----------------------------------------------------------------------------------------
def _read_rest(column: Column, strings: pa.Array, style: Style, coded: _Coded) -> None:
    """Read the cells that are not in plain form."""
    left = np.flatnonzero(~coded.known & strings.is_valid().to_numpy(zero_copy_only=False))
    if not len(left):
        return
    encoded = strings.take(pa.array(left)).dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    coded.commas = style.decimal is None and column.kind in NUMERIC and any("," in word for word in distinct)
    numbers, fine, naive = np.zeros(len(distinct), np.int64), np.zeros(len(distinct), np.bool_), np.zeros(len(distinct), np.bool_)
    codes: dict[int, str] = {}
    for place, word in enumerate(distinct):
        try:
            # A long text is nothing of the kind: cut, with an end that keeps the beginning from being taken for the whole.
            numbers[place], naive[place] = _read(column, word if len(word) <= _LONGEST else f"{word[:_LONGEST]}\0", style)
            fine[place] = True
        except Fault as fault:
            codes[place] = fault.code
    indices = encoded.indices.to_numpy()
    coded.numbers[left], coded.known[left], coded.naive[left] = numbers[indices], fine[indices], naive[indices]
    for row in np.flatnonzero(~fine[indices]):
        coded.faults[int(left[row])] = codes[int(indices[row])]


def _read(column: Column, word: str, style: Style) -> tuple[int, bool]:
    """One text as the integer that codes it, and whether it is a time without zone."""
    match column.kind:
        case "instant":
            return moments.instant(word, style.date_order, style.zone)
        case "date":
            return moments.day(word, style.date_order, style.zone), False
        case "month":
            return moments.month(word, style.date_order), False
        case "time":
            return moments.minute(word), False
        case "seconds":
            return _scaled(numerals.seconds(word, style.decimal, style.unit), 3), False
        case "quantity":
            return _scaled(numerals.number(word, style.decimal), 3), False
        case "money":
            return _scaled(numerals.number(word, style.decimal, money=True), 6), False
        case "ratio":
            return _scaled(numerals.number(word, style.decimal, percent=True), 6), False
        case "level" if (known := column.meanings.get(plain(word))) is not None:
            return int(known), False
        case "version":
            try:
                return _whole(numerals.number(word, style.decimal)), False
            except Fault:
                return moments.instant(word, style.date_order, style.zone)[0], False
        case _:
            return _whole(numerals.number(word, style.decimal) * style.unit), False


def _scaled(number: Decimal, digits: int) -> int:
    if abs(number) >= Decimal(10) ** (18 - digits):
        raise Fault("range")
    return int(number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN).scaleb(digits))


def _whole(number: Decimal) -> int:
    if abs(number) >= 2**63:
        raise Fault("range")
    if number != int(number):
        raise Fault("integer")
    return int(number)


# Checks, zones, Arrow ----------------------------------------------------------------------------------------------------
def _bound(column: Column, coded: _Coded) -> None:
    """Refuse numbers outside the column's bounds."""
    kind = column.kind
    if kind in ("instant", "date", "month", "time"):
        return
    size = 10 ** _DIGITS.get(kind, 0)
    outside = coded.numbers > int(column.high * size)
    if column.low is not None:
        outside |= coded.numbers < int(column.low * size)
    for row in np.flatnonzero(outside & coded.known):
        coded.faults.setdefault(int(row), "range")


_FIRST_MS = int(np.datetime64(f"{moments.FIRST_YEAR}-01-01", "ms").astype(np.int64))
_AFTER_MS = int(np.datetime64(f"{moments.LAST_YEAR + 1}-01-01", "ms").astype(np.int64))


def _check_years(coded: _Coded, unit: int, code: str) -> None:
    """Refuse typed times outside the years that are believed; `unit` is the milliseconds in one of the numbers."""
    first, after = _FIRST_MS // unit, _AFTER_MS // unit
    for row in np.flatnonzero(coded.known & ((coded.numbers < first) | (coded.numbers >= after))):
        coded.faults[int(row)] = code


_SLOT = 900_000


def _localise(coded: _Coded, zone: str) -> None:
    """Turn wall-clock milliseconds of the zone into UTC, once per quarter of an hour that occurs."""
    rows = np.flatnonzero(coded.naive)
    if zone == "UTC" or not len(rows):
        return
    slots, where = np.unique(coded.numbers[rows] // _SLOT, return_inverse=True)
    shifts = np.array([moments.utc(int(slot) * _SLOT, zone) - int(slot) * _SLOT for slot in slots], np.int64)
    coded.numbers[rows] += shifts[where]


def _offsets_at(milliseconds: Ints, zone: str) -> Ints:
    """The zone's distance from UTC in milliseconds at each instant."""
    slots, where = np.unique(milliseconds // _SLOT, return_inverse=True)
    return np.array([moments.offset_at(int(slot) * _SLOT, zone) for slot in slots], np.int64)[where]


def _as_arrow(kind: Kind, coded: _Coded) -> pa.Array:
    known = coded.known.copy()
    if coded.faults:
        known[list(coded.faults)] = False
    given = ARROW[kind]
    if pa.types.is_decimal(given):
        return _decimal_array(coded.numbers, known, given)
    if pa.types.is_date32(given):
        return pa.array(coded.numbers.astype(np.int32), mask=~known).cast(given)
    return pa.array(coded.numbers, mask=~known).cast(given)


def _decimal_array(numbers: Ints, known: Mask, given: pa.DataType) -> pa.Array:
    words = np.empty((len(known), 2), np.int64)
    words[:, 0], words[:, 1] = numbers, numbers >> 63
    valid = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    return pa.Array.from_buffers(given, len(known), [valid, pa.py_buffer(words)])


def thousandths(numbers: Ints) -> pa.Array:
    """Whole thousandths as a decimal column.

    >>> thousandths(np.array([1500])).to_pylist()
    [Decimal('1.500')]
    """
    return _decimal_array(numbers, np.ones(len(numbers), np.bool_), ARROW["seconds"])
