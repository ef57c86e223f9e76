"""A screen's drawing: one version, shared by those who see the same; while many look nobody waits for answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from data.store import Store
from metrics.query import Query
from metrics.reach import Reach, reach
from metrics.scope import SYSTEM, Scope, scope_for
from pages.ui import ask, drawing
from pages.ui.drawing import Drawing

UNITS, HOURS = Query(("units",)), Query(("work_hours",), by=("project",))
Changed = Callable[[], None]


@pytest.fixture(autouse=True)
def nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_looked", {})
    monkeypatch.setattr(drawing, "REST", 0.0)


@pytest.fixture
def changed(small: Store, monkeypatch: pytest.MonkeyPatch) -> Changed:
    """Something changes, to be shown at once."""
    monkeypatch.setattr(ask, "version", lambda store: store.version)
    return lambda: small.set_meta("note", str(small.version))


def look(store: Store, who: str = "a", scope: Scope = SYSTEM, key: str = "screen") -> Drawing:
    return drawing.begin(store, key, scope, who, lambda: reach(store, scope))


def crowd(store: Store) -> None:
    for number in range(drawing.MANY):
        look(store, f"visitor {number}", key="another screen")


def found() -> None:
    """Wait until all that was wished for is there."""
    end = time.monotonic() + 30
    while drawing._finding:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_all_who_see_the_same_share_a_drawing_and_nobody_else(small: Store) -> None:
    first = look(small)
    assert look(small, "b") is first
    assert look(small, key="screen of another month") is not first
    own = look(small, scope=scope_for("site_manager", site="S2"))
    assert own is not first
    assert (own.answers(UNITS)[0].total("units") or 0) < (first.answers(UNITS)[0].total("units") or 0)


def test_while_few_look_a_change_shows_at_once(small: Store, changed: Changed) -> None:
    first = look(small)
    assert not first.overtaken()
    changed()
    assert first.overtaken()
    assert look(small).version == first.version + 1 == ask.version(small)
    assert first.overtaken()  # the tab that still shows it


def test_while_many_look_nobody_waits_and_all_of_a_screen_is_of_one_version(
    small: Store, changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(small)
    first = look(small)
    shown = first.answers(UNITS, HOURS)
    changed()
    with monkeypatch.context() as later:
        later.setattr(drawing, "_wish", lambda _: None)
        assert look(small, "b") is first
        assert not first.overtaken()
        assert first.answers(UNITS, HOURS) == shown
    assert look(small, "b") is first
    found()
    assert first.overtaken()
    with monkeypatch.context() as nothing_to_find:
        nothing_to_find.setattr(ask.engine, "run_together", None)
        second = look(small)
        assert second.version == first.version + 1
        assert [answer.total("units") for answer in second.answers(UNITS)] == [shown[0].total("units")]
        assert second.answers(UNITS, HOURS)[1] is not shown[1]
    changed()  # nobody opened it in between: what was asked is still known
    assert not second.overtaken()
    found()
    third = look(small)
    assert third.version == second.version + 1
    changed()
    assert not third.overtaken()
    found()
    monkeypatch.setattr(ask.engine, "run_together", None)
    assert look(small).answers(UNITS, HOURS)[0].total("units") == shown[0].total("units")


def test_nobody_is_shown_what_is_too_old(small: Store, changed: Changed, monkeypatch: pytest.MonkeyPatch) -> None:
    first = look(small)
    changed()
    monkeypatch.setattr(drawing, "_many", lambda _: True)
    monkeypatch.setattr(drawing, "_wish", lambda _: None)
    assert look(small) is first
    monkeypatch.setattr(drawing, "OLDEST", -1.0)
    assert look(small).version == first.version + 1


def test_what_cannot_be_found_is_asked_again_by_who_looks(small: Store, changed: Changed, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(small)
    first = look(small)
    first.answers(UNITS)
    changed()

    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as failing:
        failing.setattr(ask.engine, "run_together", broken)
        assert look(small) is first
        found()
        second = look(small)
        assert second.version == first.version + 1
        with pytest.raises(OSError, match="the disk is gone"):
            second.answers(UNITS)
    assert second.answers(UNITS)[0].total("units")


def test_a_crowd_is_many_visitors_within_a_few_seconds(small: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(drawing.time, "monotonic", lambda: now)
    for _ in range(3 * drawing.MANY):
        look(small, "one person who clicks fast")
    assert not drawing._many(now)
    crowd(small)
    assert drawing._many(now)
    now += drawing.WITHIN + 1
    assert not drawing._many(now)


def test_the_oldest_drawings_are_forgotten(small: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "KEPT", 2)
    first = look(small, key="1")
    look(small, key="2")
    look(small, key="3")
    assert look(small, key="1") is not first


def test_how_far_the_facts_reach_is_of_the_drawing(small: Store, changed: Changed) -> None:
    told = list[Reach]()

    def far() -> Reach:
        told.append(reach(small, SYSTEM))
        return told[-1]

    first = drawing.begin(small, "reach", SYSTEM, "a", far)
    changed()
    assert drawing.begin(small, "reach", SYSTEM, "a", far).fresh is told[1]
    assert first.fresh is told[0]
