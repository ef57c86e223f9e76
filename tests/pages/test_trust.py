"""Data trust: what the store knows about itself, and who is shown what refused rows hold."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from data import accounts, connections
from data.connectors.connector import Connection
from data.load import load
from data.owner import owner
from data.status import loads, refusals, refused, status, stubs
from data.tables import Reject
from data.verify import verify
from pages.ui import records, text, trust
from pages.ui.text import Lang, _, speaking
from tests.pages.base import _batch
from tests.pages.conftest import Open

SCREEN = "data/trust.py"
SECRET = '{"worker":"张三","phone":"13800000000"}'


def said(at: AppTest) -> str:
    return "\n".join(str(e.value) for kind in ("title", "subheader", "markdown", "caption", "warning", "error") for e in getattr(at, kind))


def shown(at: AppTest) -> str:
    return "\n".join(str(d.value.to_dict()) for d in at.dataframe)


@pytest.fixture
def dirty(visit: Open) -> Open:
    """The small base after a bad file: two refused rows, a stub in each site, an undated row, an unlinked review, an interval backwards."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=1)
    fact = {"project_id": "P1", "item_id": "x", "units": 1}
    work = [
        {**fact, "event_id": "n1", "worker_id": "W00"},
        {**fact, "event_id": "n2", "worker_id": "GHOST-A", "ts": now, "started_at": now + timedelta(minutes=5)},
    ]
    batch = _batch("annotations", work)
    batch.rejects.append(Reject(7, "choice", "action", "mabye", "action “mabye” is none of them.", SECRET))
    batch.rejects.append(Reject(9, "missing", "worker_id", None, "worker_id is empty.", "=HYPERLINK(1)"))
    reviews = _batch(
        "reviews", [{"review_id": "q1", "project_id": "P1", "item_id": "nowhere", "worker_id": "W00", "verdict": "accept", "ts": now}]
    )
    batch = replace(batch, read=4)
    load(owner().store, [batch, reviews], source="bad tool", file="/home/somebody/bad.csv")
    return visit


def test_the_numbers_are_those_of_the_store(dirty: Open) -> None:
    store = owner().store
    found = status(store)
    at = dirty(SCREEN, persona="admin", lang="en")
    cards = {m.label: m.value for m in at.metric}
    assert cards["Sources"] == "2"
    assert cards["Refused rows"] == "2"
    assert cards["Undated rows"] == str(store.rows("SELECT count(*) FROM work WHERE ts IS NULL")[0][0])
    assert cards["Unlinked reviews"] == str(store.rows("SELECT count(*) FROM review WHERE NOT linked")[0][0])
    assert cards["Known only by id"] == str(sum(found["stubs"].values()))  # type: ignore[attr-defined]
    sources = next(d.value for d in at.dataframe if "Behind" in d.value.columns)
    assert dict(zip(sources["Source"], sources["Rows"], strict=True)) == dict(
        store.rows(
            "SELECT name, count(*) FROM (SELECT source_key FROM work UNION ALL SELECT source_key FROM review) JOIN source USING (source_key) GROUP BY ALL"
        )
    )
    odd = next(d.value for d in at.dataframe if "What" in d.value.columns and "Where it counts" in d.value.columns)
    assert odd["Rows"].tolist()[0] == 1
    assert odd["Rows"].tolist()[2] == 1
    assert odd["Rows"].tolist()[3] == store.rows("SELECT count(*) FROM work WHERE wall_s < 0")[0][0] == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("persona", "contents", "ghost"),
    [("admin", True, True), ("hr", True, True), ("executive", True, False), ("site_manager", False, False)],
)
def test_counts_for_everybody_contents_for_some(dirty: Open, persona: str, contents: bool, ghost: bool, lang: str) -> None:
    at = dirty(SCREEN, persona=persona, lang=lang)
    everything = shown(at) + said(at)
    assert ("action" in everything) is True
    assert ("13800000000" in everything) is contents
    assert ("GHOST-A" in everything) is ghost
    assert "somebody" not in everything
    why = "is none of" if lang == "en" else "不在"
    assert why in everything


def test_a_site_bound_account_of_any_role_sees_no_contents() -> None:
    from metrics.scope import scope_for

    assert trust.sees_contents(scope_for("hr"), "hr")
    assert not trust.sees_contents(scope_for("hr", site="S1"), "hr")
    assert not trust.sees_contents(scope_for("executive", site="S1"), "executive")
    assert not trust.sees_contents(scope_for("site_manager", site="S1"), "site_manager")
    assert not trust.sees_contents(scope_for("annotator", worker="W00"), "annotator")


def test_others_do_not_have_it(visit: Open) -> None:
    at = visit(SCREEN, persona="team_lead", lang="en")
    assert not at.metric
    assert not at.dataframe


def test_verification_on_demand_says_what_does_not_hold(visit: Open) -> None:
    at = visit(SCREEN, persona="site_manager", lang="en")
    assert "Not checked since" in said(at)
    at.button(key="trust_verify").click().run()
    assert f"All {len(verify(owner().store))} checks hold." in said(at)
    with owner().store.transaction() as cur:
        cur.execute("DELETE FROM work_day WHERE business_date = (SELECT max(business_date) FROM work_day)")
    at.run()
    assert "Not checked since" in said(at)
    at.button(key="trust_verify").click().run()
    assert "do not hold" in said(at)
    results = next(d.value for d in at.dataframe if "Check" in d.value.columns)
    assert any("rows differ" in result for result in results["Result"])


def test_loads_and_refusals_as_the_store_keeps_them(dirty: Open) -> None:
    store = owner().store
    newest = loads(store, 2)
    assert {(load_.table, load_.source, load_.rejected) for load_ in newest} == {("annotations", "bad tool", 2), ("reviews", "bad tool", 0)}
    for load_ in loads(store):
        assert load_.rows == load_.new + load_.updated + load_.duplicates + load_.rejected
    assert {(r.table, r.code, r.column, r.rows) for r in refusals(store)} == {
        ("annotations", "choice", "action", 1),
        ("annotations", "missing", "worker_id", 1),
    }
    assert [r.line for r in refused(store)] == [9, 7]
    assert [r.line for r in refused(store, 1)] == [9]
    assert stubs(store, "worker") == ["GHOST-A"]
    assert stubs(store, "worker", ["S1", "S2"]) == []


def test_downloads_run_no_formula() -> None:
    with speaking("en"):
        cells = list(
            csv.reader(
                io.StringIO(
                    records.written({"a": ["=1+1", "@x", "-5", "plain", "", None], "b": [-5, 2.5, None, 1, 2, 3]}).decode("utf-8-sig")
                )
            )
        )
    assert cells[0] == ["a", "b"]
    assert [row[0] for row in cells[1:]] == ["'=1+1", "'@x", "'-5", "plain", "", ""]
    assert [row[1] for row in cells[1:]] == ["-5", "2.5", "", "1", "2", "3"]


def test_an_empty_store_says_what_to_do(visit: Open) -> None:
    with owner().store.transaction() as cur:
        for table in ("work", "review", "work_day", "work_hour", "review_day", "source", "load"):
            cur.execute(f"DELETE FROM {table}")
    at = visit(SCREEN, persona="admin", lang="en")
    assert not at.metric
    assert "No data yet" in said(at)
    assert "/import_files" in said(at)
    assert [button.label for button in at.button if button.label == "Connect a tool"]
    assert "/import_files" not in said(visit(SCREEN, persona="hr", lang="en"))


def test_old_data_is_called_old(visit: Open) -> None:
    with owner().store.transaction() as cur:
        cur.execute("DELETE FROM work WHERE ts > now()::TIMESTAMP - INTERVAL 5 DAY")
        cur.execute("DELETE FROM review WHERE ts > now()::TIMESTAMP - INTERVAL 5 DAY")
    at = visit(SCREEN, persona="admin", lang="en")
    assert "The newest data is" in at.warning[0].value


@pytest.fixture
def connected(visit: Open) -> Open:
    """The small base with two connections: one that was read, and one that nobody answers."""
    store = owner().store
    for name, address in (("box", "http://127.0.0.1:9"), ("far", "http://127.0.0.1:10")):
        connections.add(store, Connection(name, "label-studio", name, address, "env:PIECEWORK_TEST_TOKEN"))
    with store.transaction() as cur:
        cur.execute("UPDATE connection SET caught_up_at = ?, attempted_at = ?, seen = 12, new = 9, updated = 2, rejected = 1 WHERE name = 'box'",
                    [datetime.now(UTC).replace(tzinfo=None)] * 2)  # fmt: skip
        cur.execute("UPDATE connection SET failures = 3, error = 'No answer from 10.', error_zh = '10 无应答。' WHERE name = 'far'")
    return visit


def test_connections_say_whether_they_are_in_time(connected: Open) -> None:
    at = connected(SCREEN, persona="admin", lang="en")
    (table,) = (d.value for d in at.dataframe if "Connection" in d.value)
    assert table["State"].tolist() == ["in time", "failing: No answer from 10."]
    assert table[["Read", "New", "Updated", "Refused"]].to_numpy().tolist() == [[12, 9, 2, 1], [0, 0, 0, 0]]
    assert table["Address"].tolist() == ["http://127.0.0.1:9", "http://127.0.0.1:10"]
    assert "Not reached: far" in said(at)
    zh = connected(SCREEN, persona="admin", lang="zh")
    assert "失败：10 无应答。" in shown(zh)


def test_addresses_and_errors_are_for_those_who_look_after_the_whole_base(connected: Open) -> None:
    at = connected(SCREEN, persona="site_manager", lang="en")
    assert "127.0.0.1" not in shown(at)
    assert "No answer" not in shown(at)
    assert not [button for button in at.button if button.label == "Pull now"]
    assert [button for button in connected(SCREEN, persona="admin", lang="en").button if button.label == "Pull now"]


def test_without_connections_the_screen_says_how_to_make_one(visit: Open) -> None:
    assert "python -m data connection add" in said(visit(SCREEN, persona="admin", lang="en"))
    assert "An administrator can connect one." in said(visit(SCREEN, persona="site_manager", lang="en"))


# Sources against their rhythm, lists against attendance --------------------------------------------------------------------
def shifted(hours: float) -> datetime:
    """So many hours ago, in UTC as the log has it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(hours=hours)


@pytest.fixture
def silent(visit: Open) -> Open:
    """A feed that sent from W02 (S1) every hour, day and night, for two weeks and stopped five hours ago; P9 has its rows alone. Another, from
    W20 (S2), still sends."""
    store = owner().store

    def rows(source: str, worker: str, project: str, last: int) -> list[dict[str, object]]:
        return [
            {
                "event_id": f"{source} {n}",
                "worker_id": worker,
                "project_id": project,
                "item_id": f"{source} {n}",
                "ts": shifted(n),
                "units": 1,
            }
            for n in range(last, 15 * 24)
        ]

    load(store, [_batch("projects", [{"project_id": "P9", "name": "跟踪", "name_en": "Tracking", "modality": "video"}])])
    load(store, [_batch("annotations", rows("cvat", "W02", "P9", 5))], source="cvat")
    load(store, [_batch("annotations", rows("label_studio", "W20", "P1", 0))], source="label_studio")
    for source in ("cvat", "label_studio"):
        accounts.add_token(store, source, source=source)
    return visit


def table(at: AppTest, column: str) -> pd.DataFrame:
    return next(d.value for d in at.dataframe if column in d.value.columns)


def test_sources_say_whether_they_send_as_usual(silent: Open) -> None:
    store = owner().store
    found = table(silent(SCREEN, persona="admin", lang="en"), "State").set_index("Source")
    assert found.loc["CVAT", "State"].startswith("silent since ")
    assert found.loc["Label Studio", "State"] == "sends as usual"
    assert found.loc["small", "State"] == "loaded by hand"
    midnight = (datetime.now(UTC) + timedelta(hours=8)).date()
    today = dict(store.rows(
        "SELECT name, count(*) FROM (SELECT source_key, ts FROM work UNION ALL SELECT source_key, ts FROM review) JOIN source USING (source_key) "
        "WHERE (ts + INTERVAL 8 HOUR)::DATE = ? GROUP BY ALL", [midnight]
    ))  # fmt: skip
    assert found["Today"].to_dict() == {
        name: today.get(key, 0) for name, key in (("CVAT", "cvat"), ("Label Studio", "label_studio"), ("small", "small"))
    }
    assert len(found.loc["CVAT", "Rows a day"]) == 15
    assert found.loc["small", "With a duration"] == "100.0%"
    assert found.loc["CVAT", ["With a time", "With a duration", "Duplicates", "Refused"]].tolist() == ["100.0%", "0.0%", "0.0%", "0.0%"]


def test_every_screen_names_the_silent_source_of_what_it_shows(silent: Open) -> None:
    for screen in ("site/throughput.py", "site/quality.py", "exec/overview.py"):
        (remark,) = (w.value for w in silent(screen, persona="admin", lang="en").warning)
        assert remark.startswith("CVAT silent since "), screen
        assert "Label Studio" not in remark
    at = silent("site/throughput.py", persona="admin", lang="zh")
    assert "CVAT 自 " in at.warning[0].value
    assert any("跟踪 · 自 " in name for name in table(at, "项目")["项目"])
    assert not silent("site/throughput.py", persona="admin", lang="en", site="S2").warning
    assert not silent("hr/headcount.py", persona="admin", lang="en").warning


def test_a_site_manager_hears_of_the_sources_of_the_own_site(silent: Open) -> None:
    store = owner().store
    at = silent(SCREEN, persona="site_manager", lang="en")  # of S1
    found = table(at, "State").set_index("Source")
    assert set(found.index) == {"CVAT", "small"}
    assert "Duplicates" not in found
    assert (
        found.loc["small", "Rows"]
        == store.rows(
            "SELECT count(*) FROM (SELECT source_key, site_key FROM work UNION ALL SELECT source_key, site_key FROM review) JOIN source USING (source_key) "
            "JOIN site USING (site_key) WHERE source.name = 'small' AND site_id = 'S1'"
        )[0][0]
    )
    assert not [option for option in at.selectbox(key="trust_hours").options if "Linhe" in option]


def test_gaps_by_hour_of_a_source_and_of_a_site(silent: Open) -> None:
    at = silent(SCREEN, persona="admin", lang="en")
    assert at.selectbox(key="trust_hours").options == ["CVAT", "Label Studio", "small", "Qingjian", "Linhe"]
    assert "Usual hours 00–24; usual pause 0 h. 4 hours without a row." in said(at) or "5 hours without a row." in said(at)
    at.selectbox(key="trust_hours").select("source label_studio").run()
    assert "0 hours without a row." in said(at)
    at.selectbox(key="trust_hours").select("site S2").run()
    assert not at.exception


def test_lists_attendance_and_work_side_by_side(visit: Open) -> None:
    store, today = owner().store, (datetime.now(UTC) + timedelta(hours=8)).date()
    load(store, [
        _batch("workers", [{"worker_id": "IDLE", "name": "闲人", "site_id": "S1", "team_id": "T1", "role": "annotator", "hire_date": today}]),
        _batch("attendance", [{"worker_id": "W00", "work_date": today - timedelta(days=1), "rostered_minutes": 480,
                               "clock_in": shifted(34), "clock_out": shifted(26)}]),
    ])  # fmt: skip
    if not store.rows("SELECT 1 FROM work_day WHERE business_date = ?", [today]):  # early in the morning nobody is missing yet
        at = visit(SCREEN, persona="admin", lang="en")
        assert table(at, "People").set_index("People").loc["Listed, not seen, not on leave", "Today"] == "–"
        assert "nobody is missing yet" in said(at)
    load(store, [_batch("attendance", [{"worker_id": "W01", "work_date": today, "rostered_minutes": 480, "clock_in": shifted(0)}])])
    at = visit(SCREEN, persona="admin", lang="en")
    people = table(at, "People").set_index("People")
    assert people.index[0] == "On the lists for work in tools"
    assert "Headcount counts everybody" in said(at)
    assert people.loc["Listed, not seen, not on leave", "Today"] >= 1
    at.session_state["trust_people_names"] = True
    names = table(at.run(), "When")
    assert ["闲人", "IDLE", "Qingjian", "Today", "Listed, not seen, not on leave"] in names.to_numpy().tolist()
    sites = table(at, "Attended (h)")
    assert sites[["Site", "Attended (h)", "Planned (h)", "Person-days"]].to_numpy().tolist() == [["Qingjian", 8.0, 8.0, 1]]
    assert sites.columns[-2:].tolist() == ["< 50%", "> 105%"]
    axis = drawn(at, "trust_coverage")["layout"]["xaxis"]
    assert (axis["ticktext"], axis["title"]["text"]) == ([f"{today - timedelta(days=1):%b} {(today - timedelta(days=1)).day}"], "Date")
    secret = visit(SCREEN, persona="executive", lang="en")
    assert "闲人" not in shown(secret) + said(secret)
    told = table(secret, "People").set_index("People")["Today"]
    assert told["Listed, not seen, not on leave"] in ("<5", *map(str, range(5, 30)))


def drawn(at: AppTest, key: str) -> dict[str, Any]:
    """The chart of this key."""
    (found,) = (json.loads(chart.proto.spec) for chart in at.get("plotly_chart") if key in chart.proto.id)
    return dict(found)


def test_hours_of_a_kind_of_clock_stand_beside_the_rows_they_are_of(visit: Open) -> None:
    """All rows of work, as the sources count them: not the submissions alone."""
    store, checked = (
        owner().store,
        {"worker_id": "W00", "project_id": "P1", "item_id": "x", "action": "review", "ts": shifted(30), "units": 1},
    )
    timed = [{**checked, "event_id": f"c{n}", "duration_s": 60, "clock": "reported" if n < 99 else "active"} for n in range(300)]
    load(store, [_batch("annotations", [*timed, {**checked, "event_id": "untimed"}])])
    counted = dict(store.rows("SELECT clock, count(*) FROM work GROUP BY ALL"))
    chart = drawn(visit(SCREEN, persona="admin", lang="en"), "trust_clocks")
    notes = [words["text"] for words in chart["layout"]["annotations"]]
    assert len(notes) == len(counted) == 3
    for note, n in zip(notes, sorted(counted.values(), reverse=True), strict=True):
        assert f">{text.short(n)} work rows<" in note
    ((hours,),) = store.rows("SELECT sum(seconds)::DOUBLE / 3600 FROM work")
    assert sum(h for trace in chart["data"] for h in trace["x"] if h) == pytest.approx(hours)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_note_on_several_clocks_names_the_panel_that_tells_them_apart(visit: Open, lang: Lang) -> None:
    with speaking(lang):
        panel = _("How the tools measured time")
    fact = {"event_id": "o", "worker_id": "W00", "project_id": "P1", "item_id": "x", "ts": shifted(30), "units": 1, "duration_s": 60}
    load(owner().store, [_batch("annotations", [{**fact, "clock": "reported"}])])
    at = visit("site/throughput.py", persona="admin", lang=lang)
    assert f"“{panel}”" in said(at)
    assert panel in said(visit(SCREEN, persona="admin", lang=lang))


def test_without_attendance_the_panel_says_what_to_import(visit: Open) -> None:
    assert "import the attendance list" in said(visit(SCREEN, persona="hr", lang="en"))
