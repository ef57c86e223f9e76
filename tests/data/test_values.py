"""Cells of every kind: what people write → what is meant; properties against Python's own decimal and datetime."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import moments, numerals
from data.numerals import Fault
from data.tables import table
from data.values import Style, convert

ANNOTATIONS, WORKERS, PROJECTS, SITES, COSTS = (table(name) for name in ("annotations", "workers", "projects", "sites", "costs"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLENTY = 500  # more distinct cells than are read one by one


def when(text: str, order: moments.DateOrder | None = None, zone: str = "UTC") -> str:
    try:
        milliseconds, naive = moments.instant(text, order, zone)
    except Fault as fault:
        return fault.code
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[:23] + ("" if naive else "Z")


def outcome(read: Callable[[], Decimal]) -> Decimal | str:
    try:
        return read()
    except Fault as fault:
        return fault.code


def as_outcome(meant: str) -> Decimal | str:
    return meant if meant.isidentifier() else Decimal(meant)


@pytest.mark.parametrize(("text", "meant"), [
    ("2026-03-05 14:30", "2026-03-05T14:30:00.000"), ("2026-03-05T14:30:00.123456789+08:00", "2026-03-05T06:30:00.123Z"),
    ("2026年3月5日 下午2:30", "2026-03-05T14:30:00.000"), ("2026年3月5日14时30分15秒", "2026-03-05T14:30:15.000"),
    ("2026年3月5日 星期四 晚上8:05", "2026-03-05T20:05:00.000"), ("2026/3/5 上午12:30", "2026-03-05T00:30:00.000"),
    ("２０２６－０３－０５ １４：３０", "2026-03-05T14:30:00.000"), ("13/5/2026", "2026-05-13T00:00:00.000"),
    ("5/13/2026 1:02:03 PDT", "2026-05-13T08:02:03.000Z"), ("5/13/2026 1:02:03 pm PST", "2026-05-13T21:02:03.000Z"),
    ("March 5, 2026 2:30 PM EST", "2026-03-05T19:30:00.000Z"), ("3/3/2026", "2026-03-03T00:00:00.000"),
    ("05.03.2026 10:00", "2026-03-05T10:00:00.000"), ("Thu, 05 Mar 2026 14:30:00 GMT", "2026-03-05T14:30:00.000Z"),
    ("Thu Mar 05 2026 14:30:00 GMT+0800 (中国标准时间)", "2026-03-05T06:30:00.000Z"), ("20260305143000", "2026-03-05T14:30:00.000"),
    ("1534790405", "2018-08-20T18:40:05.000Z"), ("1534790405123", "2018-08-20T18:40:05.123Z"), ("1534790405.5", "2018-08-20T18:40:05.500Z"),
    ("45234.5", "2023-11-04T12:00:00.000"), ("2026-03-05 24:00:00", "2026-03-06T00:00:00.000"),
    ("2026-03-05 14:30:00 Asia/Shanghai", "2026-03-05T06:30:00.000Z"), ("3/5/2026 2:30 PM", "date_order"), ("3/5/26", "date_order"),
    ("2026-03-05 14:30 CST", "abbreviation"), ("2026-02-30", "instant"), ("2026-03-05 25:00", "instant"), ("0001-01-01", "instant"),
    ("nonsense", "instant"), ("=cmd()", "instant"), ("'; DROP TABLE work; --", "instant"), ("99999999999999999999", "instant"), ("😀", "instant"),
])  # fmt: skip
def test_instants(text: str, meant: str) -> None:
    assert when(text) == meant


def test_an_order_of_day_and_month_settles_the_rest() -> None:
    assert when("3/5/2026 2:30 PM", "dmy") == "2026-05-03T14:30:00.000"
    assert when("3/5/2026 2:30 PM", "mdy") == "2026-03-05T14:30:00.000"
    assert when("13/5/2026", "mdy") == "instant"
    assert when("26/3/5", "ymd") == when("5/3/26", "dmy") == "2026-03-05T00:00:00.000"
    assert when("2026-03-05 14:30 CST", zone="Asia/Shanghai") == "2026-03-05T06:30:00.000Z"
    assert when("2026-03-05 14:30 CST", zone="America/Chicago") == "2026-03-05T20:30:00.000Z"


FORMATS = (
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y/{m}/{d} %H:%M:%S", "%Y年{m}月{d}日 %H:%M:%S", "%d %b %Y %H:%M:%S", "%Y%m%d%H%M%S", "%B %d, %Y %I:%M:%S %p",
)  # fmt: skip


@settings(deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)), st.sampled_from(FORMATS),
    st.sampled_from([None, timedelta(0), timedelta(hours=8), timedelta(hours=-9, minutes=-30)]), st.integers(1, 2),
)  # fmt: skip
def test_instants_round_trip(moment: datetime, form: str, ahead: timedelta | None, copies: int) -> None:
    if "%f" not in form:
        moment = moment.replace(microsecond=0)
    text = moment.strftime(form.replace("{m}", str(moment.month)).replace("{d}", str(moment.day)))
    meant = moment
    if ahead is not None:
        meant = moment.replace(tzinfo=timezone(ahead)).astimezone(UTC).replace(tzinfo=None)
        text += ("" if form.startswith("%Y-%m-%d") else " ") + moment.replace(tzinfo=timezone(ahead)).strftime("%z")
    cells = convert(ANNOTATIONS.column("ts"), pa.array([text] * copies), Style())
    assert cells.values.to_pylist() == [meant.replace(microsecond=meant.microsecond // 1000 * 1000)] * copies
    assert cells.naive is not None
    assert cells.naive.all() == (ahead is None)


@pytest.mark.parametrize(
    ("form", "order"), [("%Y/{m}/{d} %H:%M", None), ("{m}/{d}/%Y %H:%M", "mdy"), ("{d}-{m}-%Y %H:%M", "dmy"), ("%Y-%m-%d %H:%M", None)]
)
def test_long_columns_are_read_like_single_cells(form: str, order: moments.DateOrder | None) -> None:
    times = [datetime(2015, 12, 30) + timedelta(hours=37 * step, minutes=step) for step in range(3 * PLENTY)]
    texts = [time.strftime(form.replace("{m}", str(time.month)).replace("{d}", str(time.day))) for time in times]
    cells = convert(ANNOTATIONS.column("ts"), pa.array([*texts, "2/30/2026", None]), Style(date_order=order))
    assert cells.values.to_pylist() == [*times, None, None]
    assert list(cells.faults) == [len(times)]


def test_one_bad_cell_spoils_no_other() -> None:
    texts = [f"2024-02-{day:02d}T10:00:00Z" for day in range(1, 30)] * PLENTY
    cells = convert(ANNOTATIONS.column("ts"), pa.array([*texts, "2023-02-29T10:00:00Z", "2023-02-28 10:00:00.5"]), Style())
    assert cells.values.to_pylist()[:29] == [datetime(2024, 2, day, 10) for day in range(1, 30)]
    assert cells.values[-1].as_py() == datetime(2023, 2, 28, 10, 0, 0, 500_000)
    assert cells.faults == {len(texts): "instant"}


@settings(deadline=None)
@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1)),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_times_without_a_zone_are_read_in_the_zone(moment: datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    cells = convert(ANNOTATIONS.column("ts"), pa.array([moment.isoformat()]), Style(zone=zone))
    assert cells.values[0].as_py() == moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(("text", "meant"), [
    ("1:02:03", "3723"), ("02:30", "150"), ("90s", "90"), ("1分30秒", "90"), ("1小时2分", "3720"), ("1.5h", "5400"), ("2h 3m 4s", "7384"), ("PT1M30S", "90"),
    ("0 days 00:01:30", "90"), ("500 ms", "0.5"), ("12,5", "12.5"), ("-5", "-5"), ("1:99:00", "duration"), ("abc", "duration"), ("5 m 3 m", "duration"),
    ("", "duration"), ("inf", "not_finite"), ("∞", "not_finite"),
])  # fmt: skip
def test_lengths_of_time(text: str, meant: str) -> None:
    assert outcome(lambda: numerals.seconds(text)) == as_outcome(meant)


@pytest.mark.parametrize(("text", "sign", "meant"), [
    ("1,234", None, "1234"), ("1,234", ",", "1.234"), ("1,234", "mixed", "decimal"), ("1 234", None, "1234"), ("1\u00a0234,5", None, "1234.5"),
    ("1.234,5", None, "1234.5"), ("1.234", None, "1.234"), ("1.234", ",", "1234"), ("1,234.5", ",", "number"), ("1,23,4", None, "number"), ("１２．５", None, "12.5"),
    ("12,5", None, "12.5"), ("12,5", ".", "number"), ("1.2万", None, "12000"), ("1e3", None, "1000"), ("(12)", None, "-12"), ("−7", None, "-7"), ("0x1F", None, "number"),
    ("1_000", None, "1000"), ("--1", None, "number"), ("=1+1", None, "number"), ("Infinity", None, "not_finite"),
])  # fmt: skip
def test_numbers(text: str, sign: numerals.DecimalSign | None, meant: str) -> None:
    assert outcome(lambda: numerals.number(text, sign)) == as_outcome(meant)


@settings(deadline=None)
@given(st.lists(st.decimals(0, 999_999, places=4), min_size=1, max_size=20), st.booleans(), st.sampled_from([".", ","]))
def test_numbers_round_trip_in_every_spelling(numbers: list[Decimal], grouped: bool, sign: str) -> None:
    texts = [f"{number:,}" if grouped else str(number) for number in numbers]
    if sign == ",":
        texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
    style = Style(decimal="," if sign == "," else ".")
    cells = convert(ANNOTATIONS.column("units"), pa.array(texts), style)
    assert cells.values.to_pylist() == [number.quantize(Decimal("0.001"), ROUND_HALF_EVEN) for number in numbers]
    assert not cells.faults


def test_numbers_keep_to_their_bounds() -> None:
    given_cells = ["999999.999", "1000000", "-1", "1e400", "nan", "inf", " 7 ", "0.0005", "0.0015", "1e-9", "9" * 40]
    cells = convert(ANNOTATIONS.column("units"), pa.array(given_cells), Style())
    assert cells.faults == {1: "range", 2: "range", 3: "range", 5: "not_finite", 10: "range"}
    read = cells.values.to_pylist()
    assert [read[place] for place in (0, 6, 7, 8, 9)] == [Decimal(text) for text in ("999999.999", "7", "0.000", "0.002", "0.000")]
    assert read[4] is None


def test_milliseconds_minutes_and_hours() -> None:
    column = ANNOTATIONS.column("duration_s")
    assert convert(column, pa.array(["1500", "1.5", "2s"]), Style(unit=Decimal("0.001"))).values.to_pylist() == [
        Decimal("1.500"),
        Decimal("0.002"),
        Decimal(2),
    ]
    assert convert(column, pa.array(["1.5", "0.01"]), Style(unit=Decimal(60))).values.to_pylist() == [Decimal(90), Decimal("0.600")]
    assert convert(column, pa.array([1500, None]), Style(unit=Decimal("0.001"))).values.to_pylist() == [Decimal("1.500"), None]
    assert convert(column, pa.array([0.5, float("nan")]), Style(unit=Decimal(3600))).values.to_pylist() == [Decimal(1800), None]


def test_typed_cells_keep_their_meaning() -> None:
    zoned = pa.array([datetime(2026, 3, 5, 6, tzinfo=UTC)], pa.timestamp("us", "Asia/Shanghai"))
    naive = pa.array([datetime(2026, 3, 5, 14)], pa.timestamp("ns"))
    for cells in (zoned, naive):
        assert convert(ANNOTATIONS.column("ts"), cells, Style("Asia/Shanghai")).values.to_pylist() == [datetime(2026, 3, 5, 6)]
        assert convert(WORKERS.column("hire_date"), cells, Style("Asia/Shanghai")).values.to_pylist() == [date(2026, 3, 5)]
    late = pa.array([datetime(2026, 3, 5, 18, tzinfo=UTC)], pa.timestamp("ms", "UTC"))
    assert convert(WORKERS.column("hire_date"), late, Style("Asia/Shanghai")).values.to_pylist() == [date(2026, 3, 6)]
    assert convert(WORKERS.column("worker_id"), pa.array([123.0, 7.5]), Style()).values.to_pylist() == ["123", "7.5"]
    assert convert(WORKERS.column("worker_id"), pa.array([7, 8]), Style()).values.to_pylist() == ["7", "8"]
    assert convert(ANNOTATIONS.column("units"), pa.array([0.1 + 0.2, float("inf"), 1e300]), Style()).faults == {1: "not_finite", 2: "range"}
    words = pa.array(["2026-03-05", "x", None, "x"]).dictionary_encode()
    read = convert(WORKERS.column("hire_date"), words, Style())
    assert read.values.to_pylist() == [date(2026, 3, 5), None, None, None]
    assert read.faults == {1: "date", 3: "date"}


def test_keys_keep_their_text() -> None:
    cells = convert(
        WORKERS.column("worker_id"), pa.array(["007", "\u3000张三 ", "1e5", "+1", "-", "\\N", "NULL", "NA", "=cmd()", "😀"]), Style()
    )
    assert cells.values.to_pylist() == ["007", "张三", "1e5", "+1", None, None, None, "NA", "=cmd()", "😀"]


@pytest.mark.parametrize(("owner", "name", "words", "meant"), [
    (table("reviews"), "verdict", "通过 合格 pass APPROVED 打回 驳回 不合格 rejected fail 修正 fixed", "accept accept accept accept reject reject reject reject reject fix fix"),
    (table("reviews"), "stage", "质检 复检 客户 自检 golden", "qc1 qc2 client self gold"),
    (ANNOTATIONS, "action", "标注 返工 质检 审核 清洗 Labeling", "annotate rework review review clean annotate"),
    (WORKERS, "contract", "全职 兼职 实习 自由", "full_time part_time intern 自由"),
    (COSTS, "currency", "元 rmb usd ￥", "CNY CNY USD CNY"),
    (SITES, "zone", "Asia/Shanghai 北京时间 UTC+8", "Asia/Shanghai Asia/Shanghai Etc/GMT-8"),
])  # fmt: skip
def test_words(owner: object, name: str, words: str, meant: str) -> None:
    cells = convert(owner.column(name), pa.array(words.split()), Style())  # type: ignore[attr-defined]
    assert cells.values.to_pylist() == meant.split()
    assert not cells.faults


def test_levels_flags_months_and_times_of_day() -> None:
    levels = convert(WORKERS.column("skill_level"), pa.array(["五级", "初级工", "四级/中级工", "高级技师", "3", "3.0", "6", "好"]), Style())
    assert levels.values.to_pylist() == [1, 1, 2, 5, 3, 3, None, None]
    assert levels.faults == {6: "range", 7: "number"}
    assert convert(PROJECTS.column("tier"), pa.array(["二级", "T2", "2"]), Style()).values.to_pylist() == [2, 2, 2]
    assert convert(PROJECTS.column("quality_limit"), pa.array(["2.5%", "0.025"]), Style()).values.to_pylist() == [Decimal("0.025")] * 2
    flags = convert(WORKERS.column("voluntary"), pa.array(["是", "否", "TRUE", "0", "maybe"]), Style())
    assert flags.values.to_pylist() == [True, False, True, False, None]
    assert flags.faults == {4: "flag"}
    months = convert(COSTS.column("month"), pa.array(["2026-03", "2026年3月", "202603", "3/2026", "2026-03-17", "13"]), Style())
    assert months.values.to_pylist() == [date(2026, 3, 1)] * 5 + [None]
    assert convert(SITES.column("day_start"), pa.array(["06:00", "6", "早上6点", "25:00"]), Style()).values.to_pylist() == [
        360,
        360,
        360,
        None,
    ]
    assert convert(COSTS.column("amount"), pa.array(["¥1,234.5", "-3元"]), Style()).values.to_pylist() == [Decimal("1234.5"), Decimal(-3)]
    versions = convert(ANNOTATIONS.column("version"), pa.array(["3", "2026-03-05T00:00:00Z"]), Style())
    assert versions.values.to_pylist() == [3, 1772668800000]


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=24), st.sampled_from([column for spec in (ANNOTATIONS, WORKERS, PROJECTS, SITES, COSTS) for column in spec.columns])
)
def test_no_text_whatever_raises(cell: str, column: object) -> None:
    cells = convert(column, pa.array([cell.encode("utf-8", "ignore").decode()]), Style("Asia/Shanghai"))  # type: ignore[arg-type]
    assert len(cells.values) == 1
    assert not cells.faults or cells.values[0].as_py() is None
