"""The HTTP API in process: statuses, sentences, and what is in the store afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
import uvicorn

from data import accounts, api, push
from data.commands import Command, Payload, Progress
from data.errors import InputError
from data.owner import Owner, owning
from data.store import Store
from data.verify import verify
from data.writer import MAX_JOBS, QueueFull
from tests.serving import free_port

CONTROL = "control-token"
ROW = {
    "event_id": "e1",
    "worker_id": "w1",
    "project_id": "p1",
    "item_id": "i1",
    "ts": "2026-03-02T01:00:00Z",
    "duration_s": 12.5,
    "units": 2,
}
JSON_ERROR = {"error", "error_zh"}


def asked(store: Store, question: Mapping[str, object], account: accounts.Account | None) -> Mapping[str, object]:
    if question["measures"] == ["broken"]:
        raise ZeroDivisionError("secret detail")
    return {"question": dict(question), "role": account.role if account else None}


def count_slowly(store: Store, payload: Payload, progress: Progress | None) -> dict[str, object]:
    assert progress
    progress(1, 2)
    if payload.get("fail"):
        raise InputError("No good.", "不行。")
    return {"rows": store.rows("SELECT count(*) FROM work")[0][0]}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Owner]:
    with Store(tmp_path / "s.duckdb") as store, owning(store) as mine:
        yield mine


@pytest.fixture
def http(own: Owner) -> Iterator[httpx.Client]:
    commands = {"count": Command(count_slowly), "write": Command(count_slowly, writes=True)}
    settings = uvicorn.Config(api.app(asked, CONTROL, commands), port=free_port(), log_config=None, lifespan="off")
    server = uvicorn.Server(settings)
    thread = Thread(target=server.run)
    thread.start()
    with httpx.Client(
        base_url=f"http://127.0.0.1:{settings.port}", timeout=60, trust_env=False, transport=httpx.HTTPTransport(retries=20)
    ) as client:
        yield client
    server.should_exit = True
    thread.join()


@pytest.fixture
def tool(own: Owner) -> dict[str, str]:
    return bearer(accounts.add_token(own.store, "tool"))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def stored(own: Owner) -> list[tuple[str, str]]:
    return own.store.rows("SELECT source.name, event_id FROM work JOIN source USING (source_key) ORDER BY ALL")


def test_health_needs_no_token_and_says_how_fresh(http: httpx.Client, tool: dict[str, str]) -> None:
    assert http.get("/health").json() == {"ok": True, "version": api.VERSION, "as_of": None}
    http.post("/events/annotations", json=[ROW, ROW | {"event_id": "ahead", "ts": "2199-01-01T00:00:00Z"}], headers=tool)
    assert http.get("/health").json()["as_of"] == "2026-03-02T01:00:00Z"


def test_a_push_is_counted_and_the_same_body_again_changes_nothing(http: httpx.Client, own: Owner, tool: dict[str, str]) -> None:
    body = [ROW, ROW | {"event_id": "e2", "item_id": "i2", "ts": None}, {"event_id": "e3"}]
    first = http.post("/events/annotations", json=body, headers=tool)
    assert first.status_code == 200
    report = first.json()
    rejects = report.pop("rejects")
    assert report == {"table": "annotations", "rows": 3, "new": 2, "updated": 0, "duplicates": 0, "rejected": 1, "undated": 1}
    assert [(one["index"], one["code"], one["column"]) for one in rejects] == [(2, "missing", "worker_id")]
    assert "worker_id" in rejects[0]["reason"]
    assert rejects[0]["reason_zh"] != rejects[0]["reason"]
    again = http.post("/events/annotations", json=body, headers=tool).json()
    assert (again["new"], again["updated"], again["duplicates"], again["rejected"]) == (0, 0, 2, 1)
    assert stored(own) == [("tool", "e1"), ("tool", "e2")]
    changed = http.post("/events/annotations", json=[ROW | {"units": 3}], headers=tool).json()
    assert (changed["new"], changed["updated"], changed["duplicates"]) == (0, 1, 0)
    assert all(check.ok for check in verify(own.store))


def test_ndjson_is_taken_too(http: httpx.Client, own: Owner, tool: dict[str, str]) -> None:
    body = "\ufeff" + json.dumps(ROW) + "\r\n\n" + json.dumps(ROW | {"event_id": "行 e2"}, ensure_ascii=False) + "\n"
    assert http.post("/events/annotations", content=body.encode(), headers=tool).json()["new"] == 2
    assert stored(own) == [("tool", "e1"), ("tool", "行 e2")]
    assert http.post("/events/annotations", content=b"", headers=tool).json()["rows"] == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[{", "line 1, column 3"),
        (b"[1]", "Row 0 of the array"),
        (b'{"event_id": 1}\n[]', "Line 2 is not a JSON object"),
        (b'[{"units": NaN}]', "NaN"),
        (b"[" * 100_000, "nested too deep"),
        (b"\xff\xfe", "not UTF-8"),
        (b'[{"units": ' + b"9" * 5000 + b"}]", "digits"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_whole(http: httpx.Client, own: Owner, tool: dict[str, str], body: bytes, said: str) -> None:
    answer = http.post("/events/annotations", content=body, headers=tool)
    assert answer.status_code == 400
    assert set(answer.json()) == JSON_ERROR
    assert said in answer.json()["error"]
    assert stored(own) == []


def test_too_much_at_once_is_refused(http: httpx.Client, tool: dict[str, str]) -> None:
    large = b"[" + b" " * api.MAX_BODY + b"]"
    assert http.post("/events/annotations", content=large, headers=tool).status_code == 413
    pieces = (large[:1_000_000] for _ in range(20))  # without a Content-Length
    assert http.post("/events/annotations", content=pieces, headers=tool).status_code == 413
    many = b"{}\n" * (push.MAX_ROWS + 1)
    assert "100,000 rows" in http.post("/events/annotations", content=many, headers=tool).json()["error"]
    packed = http.post("/events/annotations", content=b"", headers=tool | {"Content-Encoding": "gzip"})
    assert packed.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/events/annotations", 405), ("DELETE", "/events/annotations", 405), ("POST", "/health", 405),
        ("POST", "/metrics/units", 405),
        ("GET", "/commands/status", 405), ("GET", "/nothing", 404), ("GET", "/", 404), ("POST", "/events/annotations", 401),
        ("GET", "/metrics/units", 401), ("POST", "/commands/count", 401),
    ],
)  # fmt: skip
def test_wrong_methods_addresses_and_strangers(http: httpx.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == JSON_ERROR


def test_a_token_must_be_right_and_unrevoked(http: httpx.Client, own: Owner, tool: dict[str, str]) -> None:
    for headers in (bearer("pw_x"), {"Authorization": "Bearer"}, {"Authorization": tool["Authorization"].replace("Bearer", "Basic")}):
        answer = http.post("/events/annotations", json=[ROW], headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    accounts.revoke_token(own.store, "tool")
    assert http.post("/events/annotations", json=[ROW], headers=tool).status_code == 401
    assert stored(own) == []


def test_a_table_that_does_not_exist(http: httpx.Client, tool: dict[str, str]) -> None:
    answer = http.post("/events/anotations", json=[ROW], headers=tool)
    assert answer.status_code == 404
    assert "Did you mean “annotations”" in answer.json()["error"]


def test_a_reading_token_reads_with_its_accounts_eyes_and_does_not_push(http: httpx.Client, own: Owner, tool: dict[str, str]) -> None:
    accounts.add(own.store, "mei", accounts.hash_password("long enough 1"), "site_manager", site="S1")
    reader = bearer(accounts.add_token(own.store, "bi", account="mei"))
    asks = (
        "/metrics/units,items?by=site,day&by=team&from=2026-03-01&to=2026-03-31&where=site:S1&where=batch:a:b&compare=previous&total=true"
    )
    assert http.get(asks, headers=reader).json() == {
        "question": {
            "measures": ["units", "items"], "by": ["site", "day", "team"], "where": [["site", "S1"], ["batch", "a:b"]],
            "from": "2026-03-01", "to": "2026-03-31", "compare": "previous", "total": True, "exact": False,
        },
        "role": "site_manager",
    }  # fmt: skip
    assert http.post("/events/annotations", json=[ROW], headers=reader).status_code == 403
    assert http.get("/metrics/units", headers=tool).status_code == 403
    assert http.get("/metrics/units?where=site", headers=reader).status_code == 400
    assert http.get("/metrics/units?total=maybe", headers=reader).status_code == 400
    assert "Did you mean “compare”" in http.get("/metrics/units?compar=previous", headers=reader).json()["error"]
    accounts.set_disabled(own.store, "mei", True)
    assert http.get("/metrics/units", headers=reader).status_code == 403


def test_an_unforeseen_error_shows_no_inside(http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = http.get("/metrics/broken", headers=bearer(CONTROL))
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "secret detail" in caplog.text


def test_commands_are_for_the_control_token_only(http: httpx.Client, own: Owner, tool: dict[str, str]) -> None:
    assert http.post("/commands/count", headers=tool).status_code == 403
    for verb in ("count", "write"):
        lines = [json.loads(line) for line in http.post(f"/commands/{verb}", headers=bearer(CONTROL)).text.splitlines()]
        assert lines == [{"progress": [1, 2]}, {"result": {"rows": 0}}]
        *_, last = http.post(f"/commands/{verb}", json={"fail": True}, headers=bearer(CONTROL)).text.splitlines()
        assert json.loads(last) == {"error": "No good.", "error_zh": "不行。", "kind": "InputError"}
    assert http.post("/commands/cuont", headers=bearer(CONTROL)).status_code == 404
    assert http.post("/commands/count", content=b"[]", headers=bearer(CONTROL)).status_code == 400
    *_, last = http.post("/commands/metrics", json={"measures": ["units"]}, headers=bearer(CONTROL)).text.splitlines()
    assert json.loads(last)["result"] == {"question": {"measures": ["units"]}, "role": None}


def test_the_control_token_pushes_under_a_source_it_names(http: httpx.Client, own: Owner) -> None:
    assert http.post("/events/annotations?source=demo", json=[ROW], headers=bearer(CONTROL)).status_code == 200
    assert http.post("/events/annotations", json=[ROW], headers=bearer(CONTROL)).status_code == 200
    assert stored(own) == [("demo", "e1"), ("import", "e1")]


def test_a_full_queue_says_come_back(http: httpx.Client, own: Owner, tool: dict[str, str]) -> None:
    begun, go = Event(), Event()

    def hold(store: Store) -> None:
        begun.set()
        go.wait(60)

    held = own.writer.submit(hold)
    assert begun.wait(60)
    waiting = [own.writer.join(push.Push("annotations", "tool", [ROW]), push.commit) for _ in range(MAX_JOBS)]
    with pytest.raises(QueueFull):
        own.writer.join(push.Push("annotations", "tool", [ROW]), push.commit)
    answer = http.post("/events/annotations", json=[ROW], headers=tool)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    go.set()
    held.result(60)
    reports = [job.result(120) for job in waiting]
    assert sum(report.new for report in reports) == 1
    assert sum(report.duplicates for report in reports) == MAX_JOBS - 1
    assert http.post("/events/annotations", json=[ROW], headers=tool).status_code == 200


def test_pushes_that_share_a_transaction_are_told_apart(own: Owner) -> None:
    def body(*ids: str) -> push.Push:
        return push.Push("annotations", "tool", [ROW | {"event_id": name, "item_id": name} for name in ids])

    before = own.store.version
    new = push.commit(own.store, [body("a", "b"), body("c"), push.Push("annotations", "tool", [{"event_id": "bad"}])])
    assert own.store.version == before + 1
    assert [(r.new, r.rejected) for r in new if isinstance(r, push.PushReport)] == [(2, 0), (1, 0), (0, 1)]
    known = push.commit(own.store, [body("a", "b"), body("c")])
    assert [(r.new, r.duplicates) for r in known if isinstance(r, push.PushReport)] == [(0, 2), (0, 1)]
    mixed = push.commit(own.store, [body("a", "d"), body("d", "e"), body("c", "f")])
    assert [(r.new, r.duplicates) for r in mixed if isinstance(r, push.PushReport)] == [(1, 1), (1, 1), (1, 1)]
    assert [key for _, key in stored(own)] == ["a", "b", "c", "d", "e", "f"]


def test_a_mixed_crowd_of_pushes_is_one_transaction_and_told_apart(own: Owner) -> None:
    def body(*rows: tuple[str, int, int]) -> push.Push:
        return push.Push("annotations", "tool", [ROW | {"event_id": e, "item_id": e, "version": v, "units": u} for e, v, u in rows])

    before = own.store.version
    crowd = [
        body(("a", 1, 1), ("b", 1, 1)),  # new, new
        body(("a", 2, 5), ("c", 2, 7)),  # corrects a; new
        body(("a", 2, 5), ("b", 1, 1)),  # both known
        body(("c", 1, 3)),  # the older version comes late
    ]
    told = push.commit(own.store, crowd)
    assert own.store.version == before + 1
    assert [(r.new, r.updated, r.duplicates) for r in told if isinstance(r, push.PushReport)] == [
        (2, 0, 0),
        (1, 1, 0),
        (0, 0, 2),
        (0, 0, 1),
    ]
    assert own.store.rows("SELECT event_id, units::INTEGER FROM work ORDER BY 1") == [("a", 5), ("b", 1), ("c", 7)]
    check = {
        "review_id": "r",
        "worker_id": ROW["worker_id"],
        "project_id": ROW["project_id"],
        "item_id": "a",
        "event_id": "a",
        "verdict": "accept",
    }
    again = push.commit(own.store, [*crowd, push.Push("reviews", "tool", [check])])
    assert own.store.version == before + 2
    assert [r.new for r in again if isinstance(r, push.PushReport)] == [0, 0, 0, 0, 1]
    assert own.store.rows("SELECT linked FROM review") == [(True,)]
    assert sum(r.updated + r.duplicates for r in again if isinstance(r, push.PushReport)) == 7
    assert own.store.rows("SELECT sum(unit_count)::INTEGER FROM work_day") == [(13,)]


def test_a_failing_push_takes_no_neighbour_along(own: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = push.mapping.from_records

    def failing(table: str, records: list[dict[str, object]], *, zone: str) -> object:
        if records[0]["event_id"] == "boom":
            raise RuntimeError("boom")
        return whole(table, records, zone=zone)

    monkeypatch.setattr(push.mapping, "from_records", failing)
    pushes = [push.Push("annotations", "tool", [ROW | {"event_id": name}]) for name in ("a", "boom", "b")]
    answers = [own.writer.join(one, push.commit) for one in pushes]
    assert answers[0].result(60).new == 1
    with pytest.raises(RuntimeError, match="boom"):
        answers[1].result(60)
    assert answers[2].result(60).new == 1
    assert own.writer.submit(lambda store: 7).result(60) == 7, "the thread lives on"
