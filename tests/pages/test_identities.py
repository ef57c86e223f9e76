"""Who is whom: evidence in words, decisions through the writer, the way back, and nobody of another site."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from data import decisions
from data.load import load
from data.owner import owner
from tests.data.canonical import batch
from tests.pages.conftest import Open
from tests.pages.test_trust import said

SCREEN = "data/identities.py"


@pytest.fixture
def tools(visit: Open) -> Open:
    """The small base whose W03 of site S1 and W20 of site S2 also work in a tool: three rows each, on three days."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    work = [
        {
            "event_id": f"{who}-{d}",
            "worker_id": who,
            "project_id": "P1",
            "item_id": f"{who}-{d}",
            "ts": now - timedelta(days=d + 1),
            "units": 2,
        }
        for who in ("ls:1", "ls:2")
        for d in range(3)
    ]
    people = [
        {"worker_id": "ls:1", "name": "Ann", "extra": json.dumps({"email": "w03@base.cn"})},
        {"worker_id": "ls:2", "name": "员工20"},
    ]
    load(owner().store, [batch("workers", people), batch("annotations", work)], source="label_studio")
    return visit


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    assert not at.exception
    return at


def labels(at: AppTest) -> set[str]:
    return {b.key for b in at.button if b.key and b.key.startswith("identities_same_")}


def test_a_base_of_one_source_says_what_will_show_here(visit: Open) -> None:
    for persona in ("admin", "hr", "site_manager"):
        words = said(visit(SCREEN, persona=persona, lang="en"))
        assert "Nobody is waiting to be recognised." in words
        assert "second tool" in words
        assert "Nobody has decided anything yet." in words


def test_evidence_and_change_are_said_beforehand(tools: Open) -> None:
    at = tools(SCREEN, persona="admin", lang="en")
    assert labels(at) == {"identities_same_ls:1_W03", "identities_same_ls:2_W20"}
    words = said(at)
    assert "**Very likely** · the account's e-mail or user name says it" in words
    assert "the same name" in words
    assert "3 rows of work, 0 reviews of it and 0 reviews by the account would count as 员工03 \\(W03\\)" in words
    assert "Label Studio" in words
    assert "账号的邮箱或用户名吻合" in said(tools(SCREEN, persona="admin", lang="zh"))


def test_a_decision_moves_rows_is_told_and_is_taken_back(tools: Open) -> None:
    store = owner().store
    at = press(tools(SCREEN, persona="hr", lang="en"), "identities_same_ls:1_W03")
    assert "ls\\:1 counts as W03 now. 3 rows changed hands." in said(at)
    assert store.rows("SELECT DISTINCT worker_id FROM work JOIN worker USING (worker_key) WHERE event_id LIKE 'ls:1%'") == [("W03",)]
    assert labels(at) == {"identities_same_ls:2_W20"}
    decided = next(d.value for d in at.dataframe if "Verdict" in d.value)
    assert decided[["Account", "Person", "Verdict", "Decided by"]].to_numpy().tolist() == [
        ["Ann (ls:1)", "员工03 (W03)", "the same person", "demo"]
    ]
    at = press(at, "identities_told_back")
    assert "is a person of its own again. 3 rows changed hands." in said(at)
    assert store.rows("SELECT DISTINCT worker_id FROM work JOIN worker USING (worker_key) WHERE event_id LIKE 'ls:1%'") == [("ls:1",)]


def test_not_the_same_is_remembered_and_can_be_opened_again(tools: Open) -> None:
    at = press(tools(SCREEN, persona="hr", lang="en"), "identities_different_ls:1_W03")
    assert labels(at) == {"identities_same_ls:2_W20"}
    assert "not suggested again" in said(at)
    at = press(at, "identities_told_back")
    assert labels(at) == {"identities_same_ls:1_W03", "identities_same_ls:2_W20"}


def test_by_hand(tools: Open) -> None:
    at = tools(SCREEN, persona="admin", lang="en")
    at.selectbox(key="identities_account").select("ls:2").run()
    at.selectbox(key="identities_person").select("W05").run()
    assert "3 rows of work, 0 reviews of it and 0 reviews by the account would count as 员工05" in said(at)
    at = press(at, "identities_hand")
    assert [(d.account.worker_id, d.person.worker_id) for d in decisions.decisions(owner().store, None)] == [("ls:2", "W05")]
    assert at.selectbox(key="identities_person").value is None


def test_a_site_manager_sees_and_decides_about_their_own_people(tools: Open) -> None:
    at = tools(SCREEN, persona="site_manager", lang="en")
    assert labels(at) == {"identities_same_ls:1_W03"}
    everything = said(at) + str([s.options for s in at.selectbox])
    assert "W20" not in everything
    assert "员工20" not in everything
    at = press(at, "identities_same_ls:1_W03")
    assert "3 rows changed hands" in said(at)


def test_what_cannot_be_done_is_one_calm_sentence(tools: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at = tools(SCREEN, persona="admin", lang="zh")

    def late(*_args: object, **_named: object) -> int:
        return decisions_decide(owner().store, "apart", "ls:1", "W03", by="anna", sites=None)

    decisions_decide = decisions.decide
    monkeypatch.setattr(decisions, "decide", late)
    at.button(key="identities_same_ls:1_W03").click().run()
    assert not at.exception
    assert ["已不再计入" in e.value for e in at.error] == [True]
    assert decisions.decisions(owner().store, None) == []


@pytest.mark.parametrize("persona", ["executive", "team_lead"])
def test_others_do_not_have_it(tools: Open, persona: str) -> None:
    at = tools(SCREEN, persona=persona, lang="en")
    assert not at.button
    assert "ls:1" not in said(at)
