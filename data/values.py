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
_FEW = 400  # distinct texts among the first 2,000 up to which a column is read once per distinct text
_DIGITS: Mapping[Kind, int] = {"quantity": 3, "seconds": 3, "money": 6, "ratio": 6}
_SLASHED = r"^\s*(?:[A-Za-z]{3,9},?\s+)?\d{1,2}[-/]\d{1,2}[-/]\d{4}"
_PLAIN_NUMBER = r"^[+-]?\d{1,12}(?:\.\d{0,20})?$"
_COMMA_NUMBER = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d{1,12})(?:,\d{1,20})?$"


@dataclass(frozen=True, slots=True)
class Style:
    """How a column is written: the zone of times without one, day/month order, decimal sign, the size of a bare number's unit
    (seconds for lengths of time), and words for choices beyond the usual ones."""

    zone: str = "UTC"
    date_order: DateOrder | None = None
    decimal: DecimalSign | None = None
    unit: Decimal = Decimal(1)
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cells:
    """A typed column (null where empty or at fault), the reject code per faulty row, and which rows had a time without a zone."""

    values: pa.Array
    faults: dict[int, str]
    naive: Mask | None = None


@dataclass(slots=True)
class _Coded:
    """A column as 64-bit integers: ms, days, or the number × 10**digits."""

    numbers: Ints
    known: Mask
    naive: Mask
    faults: dict[int, str] = field(default_factory=dict)


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
    trimmed = pc.utf8_trim_whitespace(cells)
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


def writes_day_or_month_first(cells: pa.Array) -> bool:
    """Whether some cell is a date such as 3/4/2026, for which the order of day and month has to be known."""
    return pa.types.is_string(cells.type) and pc.any(pc.match_substring_regex(cells, _SLASHED)).as_py() is True


def writes_commas(cells: pa.Array) -> bool:
    """Whether some cell has a comma, which may set off decimals or thousands."""
    return pa.types.is_string(cells.type) and pc.any(pc.match_substring(cells, ",")).as_py() is True


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
        _read_rest(column, strings, style, coded)
    _bound(column, coded)
    if column.kind == "instant":
        _localise(coded, style.zone)
    return Cells(_as_arrow(column.kind, coded), coded.faults, coded.naive if column.kind == "instant" else None)


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
    return Cells(values, faults, naive)


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
        whole = cells.cast(pa.timestamp("ms", given.tz), safe=False).cast(pa.int64()).fill_null(0).to_numpy()
        coded.numbers, coded.known = whole.astype(np.int64), there
        if given.tz is None:
            coded.naive = there.copy()
        if kind == "date":
            if given.tz is not None:
                coded.numbers = coded.numbers + _offsets_at(coded.numbers, style.zone)
            coded.numbers = coded.numbers // DAY_MS
        _check_years(coded, DAY_MS if kind != "date" else 1, "date" if kind == "date" else "instant")
        return coded
    if pa.types.is_date(given) and kind in ("instant", "date"):
        days = cells.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy().astype(np.int64)
        coded.numbers, coded.known = (days if kind == "date" else days * DAY_MS), there
        coded.naive = there.copy()
        _check_years(coded, 1 if kind == "date" else DAY_MS, kind)
        return coded
    if pa.types.is_duration(given) and kind == "seconds":
        coded.numbers, coded.known = (
            cells.cast(pa.duration("ms"), safe=False).cast(pa.int64()).fill_null(0).to_numpy().astype(np.int64),
            there,
        )
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


def _plain(column: Column, strings: pa.Array, style: Style) -> _Coded:
    """The cells written in the plain form of their kind: ISO times and dates, numbers without separators."""
    kind = column.kind
    if kind in ("instant", "date"):
        coded = _iso(strings)
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
    try:
        exact = strings.cast(wide)
    except pa.ArrowInvalid:
        fits = pc.match_substring_regex(strings, _PLAIN_NUMBER)
        exact = pc.if_else(fits, strings, pa.scalar(None, pa.string())).cast(wide)
    kept = digits if unit == 1 else 6
    rounded = pc.round(exact, kept, "half_to_even").cast(pa.decimal128(38, kept))
    words = np.frombuffer(rounded.buffers()[1], np.int64)[2 * rounded.offset : 2 * (rounded.offset + len(rounded))]
    low, high = words[0::2], words[1::2]
    coded.known = rounded.is_valid().to_numpy(zero_copy_only=False) & (high == low >> 63) & (np.abs(low) < 10**18)
    coded.numbers = np.where(coded.known, low, 0)
    if unit != 1:
        coded.known &= np.abs(coded.numbers) < 10**15
        coded.numbers = _times(np.where(coded.known, coded.numbers, 0), Fraction(unit) * 10**digits / 10**kept)
    return coded


def _times(numbers: Ints, ratio: Fraction) -> Ints:
    """numbers × ratio, rounded half to even, exactly."""
    whole, rest = np.divmod(numbers * ratio.numerator, ratio.denominator)
    up = (2 * rest > ratio.denominator) | ((2 * rest == ratio.denominator) & (whole % 2 == 1))
    return np.asarray(whole + up, np.int64)


def _iso(strings: pa.Array) -> _Coded:
    """YYYY-MM-DD, optionally [T ]hh:mm[:ss[.fraction]] and Z or ±hh:mm; and epochs of 10 or 13 digits. Milliseconds, rounded down."""
    coded = _blank(len(strings))
    buffers = strings.buffers()
    if buffers[2] is None or not len(strings):
        return coded
    offsets = np.frombuffer(buffers[1], np.int32)[strings.offset : strings.offset + len(strings) + 1].astype(np.int64)
    data = np.frombuffer(buffers[2], np.uint8)
    lengths = np.where(strings.is_valid().to_numpy(zero_copy_only=False), np.diff(offsets), 0)
    for length in np.unique(lengths):
        if not 10 <= length <= 35:
            continue
        rows = np.flatnonzero(lengths == length)
        cells = data[offsets[rows][:, None] + np.arange(length)]
        known, numbers, naive = _iso_cells(cells)
        if length in (10, 13):
            digits = cells - np.uint8(48)
            epoch = (digits <= 9).all(axis=1) & (cells[:, 0] != 48) & (cells[:, 0] < 53)
            whole = _integer(digits, 0, int(length)) * (1000 if length == 10 else 1)
            epoch &= whole < 4_200_000_000_000
            known, numbers = known | epoch, np.where(epoch, whole, numbers)
            naive &= ~epoch
        coded.known[rows], coded.numbers[rows], coded.naive[rows] = known, numbers, naive & known
    return coded


def _integer(digits: npt.NDArray[np.uint8], start: int, stop: int) -> Ints:
    whole = np.zeros(len(digits), np.int64)
    for place in range(start, stop):
        whole = whole * 10 + digits[:, place]
    return whole


def _iso_cells(cells: npt.NDArray[np.uint8]) -> tuple[Mask, Ints, Mask]:
    """For texts of one length, one row of bytes each: which are ISO, their milliseconds, and which name no zone."""
    length = cells.shape[1]
    digits = cells - np.uint8(48)

    def are_digits(start: int, stop: int) -> Mask:
        return np.asarray((digits[:, start:stop] <= 9).all(axis=1), np.bool_)

    known = are_digits(0, 4) & (cells[:, 4] == 45) & are_digits(5, 7) & (cells[:, 7] == 45) & are_digits(8, 10)
    year, month, day = _integer(digits, 0, 4), _integer(digits, 5, 7), _integer(digits, 8, 10)
    known &= (year >= moments.FIRST_YEAR) & (year <= moments.LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(known, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    after = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    days = first + day - 1
    known &= days < after
    numbers = days * DAY_MS
    naive = np.ones(len(cells), np.bool_)
    if length == 10:
        return known, numbers, naive
    if length < 16:
        return np.zeros(len(cells), np.bool_), numbers, naive
    known &= ((cells[:, 10] == 84) | (cells[:, 10] == 32)) & are_digits(11, 13) & (cells[:, 13] == 58) & are_digits(14, 16)
    hour, minute = _integer(digits, 11, 13), _integer(digits, 14, 16)
    known &= (hour < 24) & (minute < 60)
    numbers = numbers + (hour * 60 + minute) * 60_000
    if length == 16:
        return known, numbers, naive
    if length < 19:
        return np.zeros(len(cells), np.bool_), numbers, naive
    known &= (cells[:, 16] == 58) & are_digits(17, 19)
    second = _integer(digits, 17, 19)
    known &= second < 60
    numbers = numbers + second * 1000
    if length == 19:
        return known, numbers, naive
    read = np.zeros(len(cells), np.bool_)
    total = numbers
    for zone in (0, 1, 3, 5, 6):  # none, Z, +hh, +hhmm, +hh:mm
        stop = length - zone
        fraction = stop - 19
        if fraction == 1 or fraction < 0 or fraction > 10:
            continue
        fits = known & ~read
        moved = numbers
        if fraction:
            fits &= (cells[:, 19] == 46) & are_digits(20, stop)
            moved = moved + _integer(digits, 20, min(stop, 23)) * 10 ** (3 - (min(stop, 23) - 20))
        if zone == 1:
            fits &= cells[:, stop] == 90
        elif zone:
            fits &= ((cells[:, stop] == 43) | (cells[:, stop] == 45)) & are_digits(stop + 1, stop + 3)
            ahead = _integer(digits, stop + 1, stop + 3) * 60
            fits &= ahead <= 14 * 60
            if zone > 3:
                fits &= are_digits(length - 2, length)
                late = _integer(digits, length - 2, length)
                fits &= late < 60
                ahead = ahead + late
            if zone == 6:
                fits &= cells[:, stop + 3] == 58
            moved = moved - np.where(cells[:, stop] == 43, ahead, -ahead) * 60_000
        total = np.where(fits, moved, total)
        naive &= ~(fits & (zone > 0))
        read |= fits
    return read, total, naive


# The rest, once per distinct text -----------------------------------------------------------------------------------------
def _read_rest(column: Column, strings: pa.Array, style: Style, coded: _Coded) -> None:
    """Read the cells that are not in plain form."""
    left = np.flatnonzero(~coded.known & strings.is_valid().to_numpy(zero_copy_only=False))
    if not len(left):
        return
    encoded = strings.take(pa.array(left)).dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    numbers, fine, naive = np.zeros(len(distinct), np.int64), np.zeros(len(distinct), np.bool_), np.zeros(len(distinct), np.bool_)
    codes: dict[int, str] = {}
    for place, word in enumerate(distinct):
        try:
            numbers[place], naive[place] = _read(column, word, style)
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


def _check_years(coded: _Coded, per_day: int, code: str) -> None:
    first = (np.datetime64(f"{moments.FIRST_YEAR}-01-01", "D").astype(np.int64)) * per_day
    after = (np.datetime64(f"{moments.LAST_YEAR + 1}-01-01", "D").astype(np.int64)) * per_day
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
