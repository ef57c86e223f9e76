"""Deciding whose accounts are whose: what would move, who may decide about whom, what was decided and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from data import decisions, identity
from data.errors import InputError, NameUnknown, NotAllowed
from data.load import load
from data.store import Store
from tests.data.canonical import batch, content

NINE = datetime(2026, 3, 5, 1)  # 09:00 in Shanghai


def work(event: str, worker: str, item: str, minute: int = 0) -> dict[str, object]:
    return {
        "event_id": event,
        "worker_id": worker,
        "project_id": "p",
        "item_id": item,
        "ts": NINE + timedelta(minutes=minute),
        "units": 1,
        "duration_s": 60,
    }


def check(review: str, event: str, worker: str, reviewer: str) -> dict[str, object]:
    return {"review_id": review, "event_id": event, "worker_id": worker, "reviewer_id": reviewer, "project_id": "p", "item_id": event,
            "ts": NINE + timedelta(hours=1), "verdict": "accept"}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two sites; 1024 of S and 2048 of T have an account in the tool each; a third account is nobody's. The tool gives no site."""
    hired = {"hire_date": date(2026, 1, 1)}
    with Store(tmp_path / "s.duckdb") as made:
        load(made, [
            batch("sites", [{"site_id": "S", "zone": "Asia/Shanghai"}, {"site_id": "T", "zone": "Asia/Shanghai"}]),
            batch("workers", [{"worker_id": "1024", "name": "王丽", "site_id": "S", **hired}, {"worker_id": "2048", "name": "李伟", "site_id": "T", **hired}]),
        ])  # fmt: skip
        load(made, [batch("annotations", [work("a", "1024", "a")])], source="excel")
        load(made, [
            batch("workers", [{"worker_id": "ls:7", "name": "x7", "extra": json.dumps({"email": "1024@base.cn"})},
                              {"worker_id": "ls:8", "name": "li wei"}, {"worker_id": "ls:9", "name": "somebody else"}]),
            batch("annotations", [work("b", "ls:7", "b"), work("c", "ls:7", "c", 10), work("d", "ls:8", "d")]),
            batch("reviews", [check("r1", "b", "ls:7", "2048"), check("r2", "a", "1024", "ls:7"), check("r3", "d", "ls:8", "ls:7")]),
        ], source="ls")  # fmt: skip
        yield made


def test_what_would_move_is_what_moves(store: Store) -> None:
    """ls:7 did b and c; b was reviewed once; it reviewed a and d itself: 2 + 1 + 2."""
    found = decisions.moving(store, ["ls:7", "ls:9", "nobody"])
    day = date(2026, 3, 5)
    assert found == {"ls:7": decisions.Moving(2, 1, 2, day, day), "ls:9": decisions.Moving(0, 0, 0, None, None)}
    assert found["ls:7"].rows == 5
    before = content(store)
    assert decisions.decide(store, "same", "ls:7", "1024", by="anna", sites=None) == 5
    assert decisions.moving(store, ["ls:7"])["ls:7"].rows == 5  # it is still what the account itself did
    assert decisions.decide(store, "apart", "ls:7", "1024", by="anna", sites=None) == 5
    assert content(store) == before


def test_an_account_takes_its_own_accounts_along(store: Store) -> None:
    identity.confirm(store, "ls:8", "ls:7", by="anna")
    assert decisions.moving(store, ["ls:7"])["ls:7"] == decisions.Moving(3, 2, 2, date(2026, 3, 5), date(2026, 3, 5))
    decisions.decide(store, "same", "ls:7", "1024", by="anna", sites=None)
    whose = {(one.account.worker_id, one.person.worker_id, one.verdict) for one in decisions.decisions(store, None)}
    assert whose == {("ls:7", "1024", "same"), ("ls:8", "1024", "same")}


def test_decisions_the_latest_of_each_pair(store: Store) -> None:
    decisions.decide(store, "different", "ls:9", "1024", by="anna", sites=None)
    decisions.decide(store, "same", "ls:7", "1024", by="bert", sites=None)
    (newest, older) = decisions.decisions(store, None)
    assert (newest.account.worker_id, newest.person, newest.verdict, newest.by) == (
        "ls:7",
        decisions.Listed("1024", "王丽", True),
        "same",
        "bert",
    )
    assert (older.account, older.verdict, older.by) == (decisions.Listed("ls:9", "somebody else", False), "different", "anna")
    assert newest.at > older.at
    decisions.decide(store, "apart", "ls:7", "1024", by="cora", sites=None)
    assert [(one.verdict, one.by) for one in decisions.decisions(store, None)] == [("apart", "cora"), ("different", "anna")]


def test_a_question_can_be_opened_again(store: Store) -> None:
    assert {one.account.worker_id for one in decisions.suggestions(store, None)} == {"ls:7", "ls:8"}
    decisions.decide(store, "different", "ls:7", "1024", by="anna", sites=None)
    assert {one.account.worker_id for one in decisions.suggestions(store, None)} == {"ls:8"}
    decisions.decide(store, "open", "ls:7", "1024", by="anna", sites=None)
    assert {one.account.worker_id for one in decisions.suggestions(store, None)} == {"ls:7", "ls:8"}
    assert decisions.decisions(store, None) == []
    identity.confirm(store, "ls:7", "1024", by="anna")
    with pytest.raises(InputError, match="separate them first"):
        decisions.reopen(store, "ls:7", "1024")
    with pytest.raises(NameUnknown):
        decisions.reopen(store, "nobody", "1024")


def test_a_site_decides_about_its_own_people_alone(store: Store) -> None:
    assert [one.account.worker_id for one in decisions.suggestions(store, {"S"})] == ["ls:7"]
    assert [one.worker_id for one in decisions.listed(store, {"S"})] == ["1024"]  # an account of nobody's site is not for browsing
    assert {one.worker_id for one in decisions.listed(store, None)} == {"1024", "2048", "ls:7", "ls:8", "ls:9"}
    assert {one.worker_id for one in decisions.listed(store, None) if one.person} == {"1024", "2048"}
    for account, person in (("ls:8", "2048"), ("ls:7", "2048"), ("ls:7", "ls:9")):
        for wish in ("same", "different", "apart", "open"):
            with pytest.raises(NotAllowed):
                decisions.decide(store, wish, account, person, by="anna", sites={"S"})
    assert decisions.decide(store, "same", "ls:7", "1024", by="anna", sites={"S"}) == 5
    with pytest.raises(NotAllowed):
        decisions.decide(store, "apart", "ls:7", "1024", by="tom", sites={"T"})
    assert decisions.decisions(store, {"T"}) == []
    assert [one.verdict for one in decisions.decisions(store, {"S"})] == ["same"]


def test_somebody_who_was_at_two_sites_is_for_those_who_see_both(store: Store) -> None:
    load(store, [batch("assignments", [{"worker_id": "1024", "valid_from": date(2026, 2, 1), "site_id": "T"}])])
    assert decisions.suggestions(store, {"S"}) == []
    with pytest.raises(NotAllowed):
        decisions.decide(store, "same", "ls:7", "1024", by="anna", sites={"S"})
    assert decisions.decide(store, "same", "ls:7", "1024", by="anna", sites={"S", "T"}) == 5


def test_what_changed_meanwhile_is_said(store: Store) -> None:
    decisions.decide(store, "same", "ls:7", "1024", by="anna", sites=None)
    with pytest.raises(InputError, match="does not count as 2048"):
        decisions.decide(store, "apart", "ls:7", "2048", by="bert", sites=None)
