"""Accounts of one person: suggested by what they have in common, decided by people, taken back without a trace."""

from __future__ import annotations

import json
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import identity
from data.errors import InputError, NameUnknown
from data.load import load
from data.store import Store
from tests.data.canonical import batch, content
from tests.data.test_load_properties import REFERENCE, annotations, ends_whole, fresh, reviews

NINE = datetime(2026, 3, 5, 1)  # 09:00 in Shanghai


def work(event: str, worker: str, item: str = "i", minute: int = 0, seconds: int = 600, units: int = 1) -> dict[str, object]:
    return {"event_id": event, "worker_id": worker, "project_id": "p", "item_id": item, "ts": NINE + timedelta(minutes=minute), "duration_s": seconds,
            "units": units, "started_at": NINE + timedelta(minutes=minute, seconds=-seconds)}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store(tmp_path / "s.duckdb") as made:
        load(made, [
            batch("sites", [{"site_id": "S", "zone": "Asia/Shanghai"}]),
            batch("workers", [{"worker_id": "1024", "name": "王丽", "site_id": "S", "hire_date": date(2026, 1, 1)},
                              {"worker_id": "1025", "name": "李伟", "site_id": "S", "hire_date": date(2026, 1, 1)}]),
        ])  # fmt: skip
        load(made, [batch("annotations", [work("a", "1024", "x", 0), work("b", "1024", "y", 20)])], source="excel")
        load(made, [
            batch("workers", [{"worker_id": "ls:7", "name": "wang li", "extra": json.dumps({"email": "1024@base.cn"})}]),
            batch("annotations", [work("c", "ls:7", "x", 5), work("d", "ls:7", "z", 60)]),
        ], source="ls")  # fmt: skip
        yield made


def test_an_account_counts_as_the_person_and_back(store: Store) -> None:
    """By hand: 600 s each. a ends 09:00, c 09:05 and began 08:55: five minutes overlap. Merged alone: 1,200 + 1,200 s; as one person
    2,400 − 300 = 2,100 s. Both worked on x: c becomes the second attempt. The account had no site, the person has."""
    before = content(store)
    assert store.rows("SELECT sum(merged_s)::INTEGER, count(DISTINCT worker_key) FROM work_day") == [(2400, 2)]
    assert identity.confirm(store, "ls:7", "1024", by="admin") == 2
    assert store.rows("SELECT sum(merged_s)::INTEGER, count(DISTINCT worker_key) FROM work_day") == [(2100, 1)]
    assert store.rows("SELECT event_id, round FROM work WHERE event_id IN ('a', 'c') ORDER BY 1") == [("a", 1), ("c", 2)]
    assert store.rows("SELECT DISTINCT site_id FROM work JOIN site USING (site_key)") == [("S",)]
    ends_whole(store)
    (match,) = identity.matches(store)
    assert (match.account.worker_id, match.person.worker_id, match.decided_by, match.account.rows) == ("ls:7", "1024", "admin", 2)
    assert identity.separate(store, "ls:7", by="admin") == 2
    ends_whole(store)
    assert content(store) == before
    assert identity.matches(store) == []


def test_what_the_tool_sends_later_is_theirs_too(store: Store) -> None:
    identity.confirm(store, "ls:7", "1024", by="admin")
    (again,) = load(store, [batch("annotations", [work("c", "ls:7", "x", 5)])], source="ls")
    assert (again.duplicates, again.new, again.updated) == (1, 0, 0)
    (more,) = load(store, [batch("annotations", [work("e", "ls:7", "w", 90)])], source="ls")
    assert more.new == 1
    assert store.rows("SELECT worker_id, count(*) FROM work JOIN worker USING (worker_key) GROUP BY ALL") == [("1024", 5)]


def test_suggestions(store: Store) -> None:
    found = identity.suggestions(store)
    assert [(one.account.worker_id, one.person.worker_id, one.why) for one in found] == [("ls:7", "1024", ("mail", "pinyin"))]
    assert (found[0].strength, found[0].days_both, found[0].account.sources, found[0].person.rows) == (0.93, 1, ("ls",), 2)
    assert [one.account.worker_id for one in identity.suggestions(store, sites=["S"])] == ["ls:7"]
    assert identity.suggestions(store, sites=["T"]) == []
    identity.dismiss(store, "ls:7", "1024", by="admin")
    assert identity.suggestions(store) == []


def test_what_is_no_sign_suggests_nobody(store: Store) -> None:
    load(store, [batch("workers", [
        {"worker_id": "1026", "name": "王莉", "hire_date": date(2026, 1, 1)},  # sounds like 王丽, and is employed as she is
        {"worker_id": "cvat:1024", "name": "zhao"},  # a tool numbers its users: 1024 there is nobody's 工号
        {"worker_id": "ls:8", "name": "李伟"},
    ]), batch("annotations", [work("f", "ls:8")])], source="ls")  # fmt: skip
    pairs = {(one.account.worker_id, one.person.worker_id): one for one in identity.suggestions(store)}
    assert set(pairs) == {("ls:7", "1024"), ("ls:7", "1026"), ("ls:8", "1025")}
    assert pairs["ls:7", "1026"].strength < pairs["ls:7", "1024"].strength
    assert pairs["ls:8", "1025"].why == ("name",)


def test_refusals(store: Store) -> None:
    with pytest.raises(NameUnknown):
        identity.confirm(store, "nobody", "1024", by="admin")
    with pytest.raises(InputError, match="employment"):
        identity.confirm(store, "1025", "1024", by="admin")
    with pytest.raises(InputError, match="nobody's account"):
        identity.separate(store, "ls:7", by="admin")
    identity.confirm(store, "ls:7", "1024", by="admin")
    with pytest.raises(InputError, match="one person already"):
        identity.confirm(store, "ls:7", "1024", by="admin")
    with pytest.raises(InputError, match="another person's account"):
        identity.confirm(store, "ls:7", "1025", by="admin")


def test_accounts_of_accounts_are_the_person_s(store: Store) -> None:
    load(store, [batch("annotations", [work("g", "cvat:9", "q")])], source="cvat")
    identity.confirm(store, "cvat:9", "ls:7", by="admin")
    identity.confirm(store, "ls:7", "1024", by="admin")
    assert store.rows("SELECT count(DISTINCT worker_key) FROM work") == [(1,)]
    identity.separate(store, "cvat:9", by="admin")
    assert store.rows("SELECT worker_id FROM work JOIN worker USING (worker_key) WHERE event_id = 'g'") == [("cvat:9",)]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "s.duckdb"
    with Store(path) as made:
        made.checkpoint()
    return path


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(annotations(), min_size=1, max_size=10, unique_by=lambda row: row["event_id"]),
    st.lists(reviews(), max_size=8, unique_by=lambda row: row["review_id"]),
    st.booleans(),
)
def test_decided_before_or_after_the_work_came_is_the_same(blank: Path, works: list[dict], checks: list[dict], late: bool) -> None:
    """w3 is w1's account: the store is what it would be had everything named w1 at once; separated, as if never decided."""
    named = [row | {"worker_id": "w1" if row["worker_id"] == "w3" else row["worker_id"]} for row in works]
    judged = [
        row | {name: "w1" if row[name] == "w3" else row[name] for name in ("worker_id", "reviewer_id")} for row in checks
    ]  # fmt: skip
    described = [batch(name, rows) for name, rows in REFERENCE.items()]

    def facts(one: list[dict], two: list[dict]) -> list:
        return [batch("annotations", one), *([batch("reviews", two)] if two else [])]

    with (
        tempfile.TemporaryDirectory() as folder,
        fresh(folder, "told", blank.read_bytes()) as told,
        fresh(folder, "plain", blank.read_bytes()) as plain,
        fresh(folder, "one", blank.read_bytes()) as one,
    ):
        account = batch("workers", [{"worker_id": "w3", "name": "account"}])
        load(told, [*described, account])
        if not late:
            identity.confirm(told, "w3", "w1", by="me")
        load(told, facts(works, checks))
        if late:
            identity.confirm(told, "w3", "w1", by="me")
        load(one, [*described, account, *facts(named, judged)])
        load(plain, [*described, account, *facts(works, checks)])
        ends_whole(told)
        assert content(told) == content(one)
        identity.separate(told, "w3", by="me")
        ends_whole(told)
        assert content(told) == content(plain)
