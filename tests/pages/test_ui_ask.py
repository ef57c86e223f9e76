"""Answers: what is compared with what, and that the memory keeps scopes and versions apart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from data.store import Store
from metrics.period import Period
from metrics.query import Query
from metrics.reach import reach
from metrics.scope import SYSTEM, scope_for
from pages.ui import ask
from pages.ui.ask import Answer
from pages.ui.text import speaking


def asked(store: Store, *by: str, days: int = 12) -> Answer:
    last = reach(store, SYSTEM).last
    assert last is not None
    period = Period(last - timedelta(days=days - 1), last)
    return ask.answer(store, Query(("units",), by=by, period=period, compare="previous", total=True), SYSTEM)


def test_along_time_each_day_meets_the_same_day_of_the_period_before(small: Store) -> None:
    answer = asked(small, "day").dated()
    told = dict(small.rows("SELECT business_date, sum(units) FROM work WHERE action IN (0, 1) GROUP BY ALL"))
    assert len(answer) < 12  # a day of rest lies in between, so positions do not match
    for day, now, was in zip(answer.dates(), answer.column("units"), answer.before("units"), strict=True):
        assert now == float(told[day])
        earlier = told.get(day - timedelta(days=12))
        assert was == (None if earlier is None else float(earlier))


def test_groups_meet_themselves(small: Store) -> None:
    answer = asked(small, "project").order("units", top=2)
    assert len(answer) == 2
    assert sum(v or 0 for v in asked(small, "project").before("units")) == answer.total_before("units")
    with speaking("en"):
        assert set(asked(small, "project").labels()) == {"Street boxes", "Point clouds", "Call audio", "Receipts"}
    ids = asked(small, "project").ids()
    assert answer.ids() == sorted(ids, key=lambda i: -(asked(small, "project").only("project", i).column("units")[0] or 0))[:2]
    assert asked(small, "project").arrange("project", ("P3", "P1")).ids() == ["P3", "P1"]


def test_the_memory_is_keyed_by_scope_and_version(small: Store) -> None:
    query = Query(("units",))
    everything = ask.answer(small, query, SYSTEM)
    assert ask.answer(small, query, SYSTEM) is everything
    own = ask.answer(small, query, scope_for("site_manager", site="S2"))
    assert (own.total("units") or 0) < (everything.total("units") or 0)
    small.set_meta("note", "something changed")
    assert ask.answer(small, query, SYSTEM) is not everything


def test_a_change_shows_at_once_and_many_in_a_row_every_few_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(ask.time, "monotonic", lambda: now)
    with Store(tmp_path / "s.duckdb") as store:
        first = ask.version(store)
        store.set_meta("note", "one")
        assert ask.version(store) == first + 1
        now += 1
        store.set_meta("note", "two")
        assert ask.version(store) == first + 1
        now += ask.SETTLE
        assert ask.version(store) == first + 2
        now += 60
        store.set_meta("note", "three")
        assert ask.version(store) == first + 3


def test_a_memory_finds_once_keeps_the_newest_and_keeps_no_failure(tmp_path: Path) -> None:
    memory, found = ask.Memory(2), list[str]()

    def find(name: str) -> str:
        found.append(name)
        if name == "bad":
            raise ValueError(name)
        return name.upper()

    with Store(tmp_path / "s.duckdb") as store:
        for name in ("a", "b", "a", "c", "a", "b"):
            assert memory.get(store, name, lambda name=name: find(name)) == name.upper()
        assert found == ["a", "b", "c", "b"]  # b was the oldest when c came
        for _ in range(2):
            with pytest.raises(ValueError, match="bad"):
                memory.get(store, "bad", lambda: find("bad"))
        assert found[-2:] == ["bad", "bad"]


def test_what_is_worked_out_is_kept_with_its_answer_and_for_its_language(small: Store) -> None:
    answer = asked(small, "project")
    with speaking("en"):
        english = answer.labels()
        assert answer.labels() is english
    with speaking("zh"):
        assert set(answer.labels()).isdisjoint(english)
    assert answer.order("units", top=2) is asked(small, "project").order("units", top=2) is not answer.order("units", top=3)
    small.set_meta("note", "something changed since")
    assert asked(small, "project") is not answer
