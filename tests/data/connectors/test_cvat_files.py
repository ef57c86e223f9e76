"""Events CSV of CVAT: told from other files, damaged in any way, and never more taken or lost than what stands in it."""

from __future__ import annotations

import csv
import io
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import connections
from data.connectors.cvat_events import SCOPES, Event, Seen, Unreadable, of_text, ranges, seen_in
from data.connectors.cvat_files import CvatFiles
from data.errors import InputError
from data.store import Store
from data.verify import verify

HEADER = "scope,obj_name,obj_id,obj_val,source,timestamp,count,duration,project_id,task_id,job_id,user_id,user_name,user_email,org_id,org_slug,payload"
# Built from the documented columns: 7 boxes, a rejection, 83.12 s of work.
DOCUMENTED = f"""{HEADER}
create:shapes,rectangle,,,server,2026-03-02 01:12:33.120000+00:00,7,0,3,41,207,58,wang.l,,1,base1,"{{""shapes"":[{{""id"":9001,""frame"":12,""attributes"":[],""label_id"":5}}]}}"
update:job,state,,completed,server,2026-03-02 02:05:00+00:00,,0,3,41,207,58,wang.l,,1,base1,"{{""old_value"":""in progress""}}"
update:job,state,,rejected,server,2026-03-02 02:10:00.001000+00:00,,0,3,41,207,9,qc.li,,1,base1,"{{""old_value"":""completed""}}"
send:working_time,,,,server,2026-03-02 01:12:00.000000+00:00,1,83120,3,41,207,58,wang.l,,1,base1,"{{""working_time"":83120}}"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs_2026_03_02.csv"


def rows(store: Store) -> list[tuple]:
    return store.rows("""SELECT worker_id, project_id, item_id, action, round, work.units, prelabelled_units, seconds FROM work JOIN worker USING (worker_key)
        JOIN project USING (project_key) ORDER BY ALL""")


def test_rows_of_the_documented_shape(path: Path, tmp_path: Path) -> None:
    """The payload lists one shape where count says seven: sixteen bits may have run over, the list cannot. Nobody says which program made it."""
    path.write_text(DOCUMENTED, encoding="utf-8")
    with Store(tmp_path / "s.duckdb") as store:
        connections.imported(store, path)
        assert rows(store) == [
            ("cvat:58", "cvat:3", "207", 0, 1, 1, None, Decimal("83.12")), ("cvat:58", "cvat:3", "207", 3, 1, 0, None, None),
            ("cvat:9", "cvat:3", "207", 3, 1, 0, None, None),
        ]  # fmt: skip
        assert store.rows("SELECT worker_id, name FROM worker ORDER BY 1") == [("cvat:58", "wang.l"), ("cvat:9", "qc.li")]
        assert store.rows("SELECT verdict, event_id FROM review") == [(2, "207:58:2026-03-02T01")]


@pytest.mark.parametrize("text", ["", "\r\n", HEADER + "\n"])
def test_an_export_of_nothing(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    assert seen_in(path).jobs == {}


def test_a_header_without_what_is_needed_is_said(path: Path) -> None:
    path.write_text("scope,timestamp\nsend:working_time,2026-03-02\n", encoding="utf-8")
    assert not CvatFiles().knows(path)
    with pytest.raises(InputError, match="no column user_id, job_id"):
        seen_in(path)


@pytest.mark.parametrize("text", [DOCUMENTED, DOCUMENTED.replace("\n", "\r\n"), "\ufeff" + DOCUMENTED, f"remote_addr,{HEADER}\n"])
def test_it_is_known_by_its_columns(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")
    assert CvatFiles().knows(path)


@given(
    st.integers(0, 10**6), st.sampled_from("WCBPUDSG"), st.sampled_from(["", "t", "sr", "kx", "sk"]), st.integers(0, 10**9),
    st.one_of(st.none(), st.sets(st.integers(0, 60), min_size=1)),
)  # fmt: skip
def test_what_is_kept_of_an_event_is_the_event(at: int, sign: str, what: str, n: int, ids: set[int] | None) -> None:
    event = Event(at + 7 * 3_600_000, "58", sign, what, n, None if ids is None else ranges(ids))
    assert of_text(event.text, "58", event.at // 3_600_000) == event
    if ids is not None:
        assert {one for low, high in ranges(ids) for one in range(low, high + 1)} == ids


cells = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "7",
            "7.0",
            "-1",
            "NaN",
            "1e3",
            "99999999999999999999",
            "rectangle",
            "completed",
            "{",
            "[]",
            '{"shapes": 3}',
            '{"shapes": [{}]}',
            "207",
        ]
    ),
    st.sampled_from(["2026-03-02 01:12:33.120000+00:00", "2026-03-02", "yesterday", "0001-01-01 00:00:00", "2026-03-02T01:12:33Z"]),
    st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=8),
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, str]:
    row = {
        "scope": draw(st.sampled_from([*SCOPES, "zoom:image"])), "obj_name": draw(st.sampled_from(["rectangle", "state", "stage", "mask"])),
        "obj_val": draw(st.sampled_from(["completed", "rejected", "in progress", "acceptance", "validation"])), "source": "server",
        "timestamp": f"2026-03-02 0{draw(st.integers(1, 3))}:{draw(st.integers(0, 59)):02d}:00.00{draw(st.integers(0, 9))}000+00:00",
        "count": str(draw(st.integers(0, 9))), "duration": str(draw(st.integers(0, 90_000))), "project_id": "3", "task_id": "41",
        "job_id": draw(st.sampled_from(["207", "208"])), "user_id": draw(st.sampled_from(["58", "9"])), "user_name": "x", "payload": "{}",
    }  # fmt: skip
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=2)):
        row[name] = draw(cells)
    return row


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(events(), min_size=1, max_size=12))
def test_every_event_is_taken_refused_or_none_of_work(given_rows: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(given_rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(given_rows)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "s.duckdb")) as store:
        path = Path(folder, "logs.csv")
        path.write_text(text.getvalue(), encoding="utf-8")
        kept: set[tuple[str, str, str]] = set()
        refused = 0
        for row in given_rows:  # each on its own
            alone = Seen()
            if row["scope"] not in SCOPES:
                continue
            try:
                alone.add(row)
                failed = False
            except Unreadable:
                failed = True
            refused += failed
            found = gist(alone)
            assert len(found) <= 1
            assert found or failed or idle(row)
            kept |= found
        seen = seen_in(path)
        assert (gist(seen), len(seen.rejects), seen.rows) == (kept, refused, len(given_rows))
        reports = connections.imported(store, path)
        assert reports is not None
        for one in reports:
            assert one.rows == one.new + one.updated + one.duplicates + one.rejected
        told = store.rows(
            "SELECT item_id, split_part(event_id, ':', 2), json_extract_string(extra, '$.events') FROM work WHERE extra IS NOT NULL"
        )
        assert {(job, user, event) for job, user, listed in told for event in listed.split()} == kept
        again = connections.imported(store, path)
        assert again is not None
        assert sum(one.new + one.updated for one in again) == 0
        assert [one.name for one in verify(store) if not one.ok] == []


def gist(seen: Seen) -> set[tuple[str, str, str]]:
    """Job, person and text of each event."""
    return {(name, user, text) for name, job in seen.jobs.items() for (user, _), texts in job.cells.items() for text in texts}


def idle(row: dict[str, str]) -> bool:
    """Whether a row that can be read says nothing of work on a job: it names no job, no amount, or another field than state and stage."""
    if row["scope"] == "update:job":
        known = {"state": ("new", "in progress", "completed", "rejected"), "stage": ("annotation", "validation", "acceptance")}
        return row["job_id"] == "" or row["obj_val"] not in known.get(row["obj_name"], ())
    amount = row["duration" if row["scope"] == "send:working_time" else "count"]
    return row["job_id"] == "" or amount in ("", "0")
