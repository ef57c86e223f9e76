"""Notes, shapes and refusals of a result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from data.demo.names import CHANNELS, ERROR_TYPES, LEAVE_REASONS
from data.errors import NameUnknown
from data.store import Store
from metrics.freshness import last_business_date, maturity
from metrics.model import QueryError
from metrics.period import Period
from metrics.query import Query, labels, run
from metrics.scope import SYSTEM, scope_for
from tests.metrics.base import FIRST, LAST, fill

MARCH = Period(date(2026, 3, 1), LAST)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("query") / "base.duckdb", rows=600) as found:
        yield found


def notes(store: Store, query: Query) -> dict[str, str]:
    found = run(store, query, SYSTEM).notes
    assert all(note.en and note.zh and note.code for note in found)
    return {note.code: note.en for note in found}


def test_undated_rows_count_in_totals_only_and_a_note_says_how_many(store: Store) -> None:
    ((undated, every),) = store.rows("SELECT count(*) FILTER (ts IS NULL AND action < 2), count(*) FILTER (action < 2) FROM work")
    ((lost,),) = store.rows("SELECT count(*) FROM work WHERE business_date IS NULL")
    assert undated > 0
    assert run(store, Query(("submissions",)), SYSTEM).total == {"submissions": every}
    assert "undated" not in notes(store, Query(("submissions",)))
    dated = run(store, Query(("submissions",), ("day",), total=True), SYSTEM)
    assert dated.total == {"submissions": every - undated}
    assert notes(store, Query(("submissions",), ("day",)))["undated"] == f"{lost} work rows have no timestamp and are left out."


def test_notes_tell_mixed_clocks_missing_prices_and_unlinked_reviews(store: Store) -> None:
    assert "gap_100s" not in notes(store, Query(("work_hours",)))["clocks"]
    assert notes(store, Query(("work_hours",)))["clocks"].startswith("Durations of several kinds of clock (lead time, reported)")
    assert "clocks" not in notes(store, Query(("work_hours",), ("clock",)))
    assert "clocks" not in notes(store, Query(("work_hours",), where={"clock": ("reported",)}))
    ((unpriced, unrated),) = store.rows("SELECT sum(unpriced_units), sum(unrated_units) FROM earn_day")
    found = notes(store, Query(("contribution_margin",)))
    assert found["unpriced"].startswith(f"{unpriced:,.0f} accepted units")
    assert found["unrated"].startswith(f"{unrated:,.0f} submitted units")
    assert "unrated" not in notes(store, Query(("revenue",)))
    ((unlinked,),) = store.rows("SELECT count(*) FROM review WHERE NOT linked")
    assert notes(store, Query(("error_rate",)))["unlinked"].startswith(f"{unlinked} reviews belong")


def test_recent_days_are_provisional_until_reviews_are_in(store: Store) -> None:
    lags = sorted(
        lag
        for lag, n in store.rows("SELECT greatest(review_date - work_date, 0), 1 FROM review WHERE is_first AND work_date IS NOT NULL")
        for _ in range(n)
    )
    wait = lags[-(-95 * len(lags) // 100) - 1]
    assert maturity(store, LAST) == wait > 0
    result = run(store, Query(("error_rate",), ("day",), MARCH), SYSTEM)
    assert result.provisional_from == date.fromordinal(LAST.toordinal() - wait + 1)
    assert {"provisional", "unfinished"} <= {note.code for note in result.notes}
    early = run(store, Query(("error_rate",), ("day",), Period(FIRST, date(2026, 2, 10))), SYSTEM)
    assert early.provisional_from is None
    assert not {"provisional", "unfinished"} & {note.code for note in early.notes}


def test_notes_tell_days_and_times_as_the_site_does(store: Store) -> None:
    result = run(store, Query(("error_rate",), ("day",), MARCH), SYSTEM)
    told = {note.code: note for note in result.notes}
    here = result.as_of.astimezone(ZoneInfo("Asia/Shanghai"))
    day = f"{LAST:%b} {LAST.day}, {LAST.year}"
    at = f"{here:%H:%M}" if here.date() == LAST else f"{here:%b} {here.day}, {here.year}, {here:%H:%M}"
    assert told["unfinished"].en == f"{day} may not be finished: data to {at} (UTC+8)."
    assert told["unfinished"].zh.startswith(f"{LAST.year}年{LAST.month}月{LAST.day}日可能尚未结束：数据截至 ")
    assert told["unfinished"].zh.endswith(f"{here:%H:%M}（UTC+8）。")
    first = result.provisional_from
    assert told["provisional"].zh.startswith(f"自{first.year}年{first.month}月{first.day}日起为暂定值")
    assert not [note for note in told.values() if re.search(r"\d{4}-\d{2}-\d{2}", note.en + note.zh)]


def test_as_of_is_the_newest_instant_and_today_the_newest_business_date(store: Store) -> None:
    ((newest,),) = store.rows("SELECT max(ts) FROM work")
    assert run(store, Query(("units",)), SYSTEM).as_of == newest.replace(tzinfo=UTC)
    assert last_business_date(store) == LAST


def test_a_wrong_clock_does_not_move_today(tmp_path) -> None:
    with fill(tmp_path / "base.duckdb", rows=20) as store:
        before = last_business_date(store)
        far = datetime(2099, 1, 1, 9)
        with store.transaction() as cur:
            cur.execute("INSERT INTO work_day SELECT * REPLACE (? AS business_date) FROM work_day LIMIT 1", [far.date()])
        assert last_business_date(store) == before


def test_few_cases_and_missing_values_are_said(store: Store) -> None:
    found = notes(store, Query(("error_rate",), ("worker", "week")))
    assert found["few"].startswith("“Error rate” rests on few cases in ")
    assert notes(store, Query(("error_rate",), where={"team": ("A",)}, period=Period(date(2025, 1, 1), date(2025, 1, 2))))["null"].endswith(
        "not inspected."
    )
    assert notes(store, Query(("units",), where={"site": ("S9",)}))["unknown"] == "There is no site “S9”."


def test_the_table_has_one_column_a_dimension_and_a_measure(store: Store) -> None:
    result = run(store, Query(("submissions", "units", "error_rate"), ("week", "site", "tier"), compare="last_week", period=MARCH), SYSTEM)
    assert list(result.table) == [
        "week",
        "site",
        "tier",
        "submissions",
        "units",
        "error_rate",
        "error_rate_n",
        "error_rate_low",
        "error_rate_high",
    ]
    kinds = {name: str(kind) for name, kind in result.table.dtypes.items()}
    assert kinds["week"].startswith("datetime64")
    assert (kinds["tier"], kinds["submissions"], kinds["units"], kinds["error_rate"]) == ("Int64", "Int64", "float64", "float64")
    assert result.before is not None
    assert list(result.before) == list(result.table)
    assert result.table["week"].is_monotonic_increasing
    assert pd.api.types.is_string_dtype(result.table["site"])


def test_filters_are_a_sentence_in_both_languages(store: Store) -> None:
    result = run(store, Query(("units",), where={"site": ("S1", "S2"), "project": ("P1",)}, period=MARCH), SYSTEM)
    assert result.filters.en == "2026-03-01 – 2026-03-10; Project: P1; Site: S1, S2"
    assert result.filters.zh == "2026-03-01 至 2026-03-10；项目：P1；基地：S1、S2"


def test_the_same_question_is_the_same_key() -> None:
    assert Query(("units",), where={"site": ["S2", "S1"], "team": ()}) == Query(("units",), where={"site": ("S1", "S2")})
    assert len({Query(("units", "units")), Query(("units",))}) == 1


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        (Query(("overhead",), ("project",)), QueryError, "“overhead” is kept by site, month and day: it cannot be split by project."),
        (Query(("margin_rate",), ("hour",)), QueryError, "“margin_rate” is kept by .*: it cannot be split by hour."),
        (Query(("headcount",), where={"client": ("Acme",)}), QueryError, "“headcount” is kept by .*: it cannot be filtered by client."),
        (Query(("review_coverage",), ("stage",)), QueryError, "“review_coverage” is kept by work row: it cannot be split by stage."),
        (Query(("error_rate",), where={"error_type": ("漏标",)}), QueryError, "Split by error_type instead"),
        (Query(("first_pass_yeld",)), NameUnknown, "There is no measure “first_pass_yeld”. Did you mean “first_pass_yield”"),
        (Query(("people_work",)), NameUnknown, "There is no measure “people_work”"),
        (Query(("units",), ("sites",)), NameUnknown, "There is no dimension “sites”. Did you mean “site”"),
        (Query(("units",), where={"action": ("anotate",)}), NameUnknown, "There is no action “anotate”. Did you mean “annotate”"),
        (Query(("units",), where={"tier": ("x",)}), QueryError, "tier must be a whole number, not “x”"),
        (Query(("units",), where={"day": ("yesterday",)}), QueryError, "day must be a date like 2026-03-01"),
        (Query(()), QueryError, "at least one measure"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(store: Store, query: Query, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        run(store, query, SYSTEM)
    assert caught.value.zh != str(caught.value)  # type: ignore[attr-defined]


def test_text_of_a_user_is_never_sql(store: Store) -> None:
    nasty = "x'); DROP TABLE work; --"
    for dim in ("site", "client", "batch", "error_type"):
        assert run(store, Query(("reviews",), where={dim: (nasty,)}), SYSTEM).total == {"reviews": 0}
    assert store.rows("SELECT count(*) > 0 FROM work") == [(True,)]


def test_labels_are_names_for_those_who_may_see_them(store: Store) -> None:
    assert labels(store, "worker", "en")["w01"] == "Name 1"
    assert labels(store, "worker", "en", scope_for("executive")) == {}
    assert labels(store, "action", "zh-CN")["rework"] == "返工"


def test_words_of_the_trade_are_said_in_the_readers_language(store: Store) -> None:
    assert labels(store, "error_type", "en")["漏标"] == "Missing"
    assert labels(store, "error_type", "zh")["Missing"] == "漏标"
    for dim, known in (("error_type", ERROR_TYPES), ("leave_reason", [r[0] for r in LEAVE_REASONS]), ("channel", [c[0] for c in CHANNELS])):
        assert set(known) <= set(labels(store, dim, "en"))
    with pytest.raises(NameUnknown, match="dimension"):
        labels(store, "planet", "en")
