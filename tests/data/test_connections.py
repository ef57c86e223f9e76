"""Connections: kept without secrets, managed by command, pulled on schedule and on a hint, by whichever process owns the store."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import httpx
import pytest
import uvicorn

from data import __main__ as cli
from data import api, connections, puller
from data.connectors import credential
from data.connectors.client import base_url
from data.connectors.connector import Connection
from data.errors import InputError, NameUnknown, PieceworkError, StoreError
from data.owner import Owner, owning
from data.store import Store
from tests.data.connectors.fake_label_studio import TOKEN, FakeLabelStudio, serving
from tests.data.connectors.truth import expected, stored
from tests.serving import Serving, command, free_port

CONNECTION = Connection("ls", "label-studio", "ls", "http://127.0.0.1:1", "env:LS_TOKEN", hook_secret="env:LS_HOOK")
HOOK = "a secret of some length"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as made:
        yield made


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLabelStudio]:
    """A tool with two people, a project, and three tasks; the credentials are in the environment."""
    monkeypatch.setenv("LS_TOKEN", TOKEN)
    monkeypatch.setenv("LS_HOOK", HOOK)
    made = FakeLabelStudio()
    for email in ("li@base.cn", "wang@base.cn"):
        made.user(email)
    for _ in range(3):
        made.task(made.project("boxes") if not made.projects else 3)
    return made


@pytest.fixture
def address(fake: FakeLabelStudio) -> Iterator[str]:
    with serving(fake) as made:
        yield made


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until it holds; fails when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# Kept in the store --------------------------------------------------------------------------------------------------------
def test_a_connection_comes_back_as_it_was_given(store: Store) -> None:
    given = replace(CONNECTION, projects={"2": "BX"}, people={"li@base.cn": "W1"}, only=("2", "3"), keep_deleted=True, every_s=60)
    connections.add(store, given)
    assert connections.get(store, "ls") == given
    assert connections.connections(store) == [given]
    state = connections.states(store)[0]
    assert (state.name, state.title, state.clock.name, state.clock.idle, state.every_s) == ("ls", "Label Studio", "lead_time", True, 60)
    assert (state.attempted_at, state.caught_up_at, state.lag_s, state.error, state.new, state.next_at) == (
        None,
        None,
        None,
        None,
        0,
        state.created_at,
    )
    connections.remove(store, "ls")
    assert connections.states(store) == ()
    with pytest.raises(NameUnknown, match="no connection “ls”"):
        connections.get(store, "ls")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tool": "label-studo"}, "label-studio"), ({"name": "a/b"}, "name"), ({"name": " "}, "name"), ({"every_s": 1}, "5 to 86,400"),
        ({"credential": TOKEN}, "never itself"), ({"credential": "file:relative"}, "never itself"), ({"hook_secret": "s3cret"}, "never itself"),
        ({"address": "ftp://x"}, "http"), ({"address": "https://user:pass@x"}, "without user"), ({"address": "x.example.com"}, "http"),
        ({"name": "ls", "source": "other"}, "already"), ({"name": "other", "source": "ls"}, "must not be mixed"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_connection_is_refused_in_both_languages(store: Store, change: dict[str, object], said: str) -> None:
    connections.add(store, CONNECTION)
    with pytest.raises(PieceworkError, match=said) as caught:
        connections.add(store, replace(CONNECTION, **({"name": "new", "source": "new"} | change)))  # type: ignore[arg-type]
    assert caught.value.zh not in ("", str(caught.value))
    assert len(connections.connections(store)) == 1
    assert TOKEN not in str(caught.value)


def test_a_changed_connection_goes_on_from_where_it_stood(store: Store) -> None:
    connections.add(store, CONNECTION)
    with store.transaction() as cur:
        cur.execute("UPDATE connection SET cursor = '{\"at\": 7}', failures = 3, error = 'x', attempted_at = now()::TIMESTAMP")
    changed = replace(CONNECTION, every_s=60, projects={"12": "BX"}, address="http://127.0.0.1:2")
    connections.change(store, changed)
    assert connections.get(store, "ls") == changed
    (state,) = connections.states(store)
    assert (state.failures, state.error, state.next_at) == (0, None, state.created_at)
    assert store.rows("SELECT cursor FROM connection") == [('{"at": 7}',)]
    with pytest.raises(InputError, match="stay what they are"):
        connections.change(store, replace(CONNECTION, source="other"))
    with pytest.raises(InputError, match="5 to 86,400"):
        connections.change(store, replace(CONNECTION, every_s=1))
    with pytest.raises(NameUnknown):
        connections.change(store, replace(CONNECTION, name="nobody"))


def test_edit_keeps_what_is_not_named(run: Cli, fake: FakeLabelStudio, address: str) -> None:
    run(
        "connection",
        "add",
        "ls",
        "--tool",
        "label-studio",
        "--address",
        address,
        "--credential",
        "env:LS_TOKEN",
        "--project",
        "3=BX",
        "--keep-deleted",
    )
    status, _, err = run("connection", "edit", "ls", "--every", 60, "--person", "li@base.cn=W1", "--json")
    assert status == 0, err
    settings = json.loads(run("connection", "show", "ls", "--json")[1])["settings"]
    assert (settings["every_s"], settings["projects"], settings["people"], settings["keep_deleted"]) == (
        60,
        {"3": "BX"},
        {"li@base.cn": "W1"},
        True,
    )
    assert (settings["address"], settings["credential"], settings["tool"]) == (address, "env:LS_TOKEN", "label-studio")
    assert run("connection", "edit", "nobody")[0] == 2


def test_a_base_of_an_address() -> None:
    assert base_url(" https://x.example.com:8443/studio/ ") == "https://x.example.com:8443/studio"


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", " abc\n")
    (tmp_path / "token").write_text("def\n")
    (tmp_path / "empty").write_text("\n")
    assert (credential.secret("env:A_TOKEN"), credential.secret(f"file:{tmp_path / 'token'}")) == ("abc", "def")
    for reference, said in (
        ("env:NO_SUCH_TOKEN", "NO_SUCH_TOKEN is not set"),
        (f"file:{tmp_path / 'empty'}", "is empty"),
        (f"file:{tmp_path / 'no'}", "cannot be read"),
    ):
        with pytest.raises(InputError, match=said):
            credential.secret(reference)


def test_a_pull_of_a_connection_removed_meanwhile_keeps_nothing_of_its_page(store: Store, fake: FakeLabelStudio, address: str) -> None:
    connections.add(store, replace(CONNECTION, address=address))
    fake.submit(4, 1)
    fake.on_request = lambda: connections.remove(store, "ls") if connections.connections(store) else None
    with pytest.raises(NameUnknown):
        connections.pull(store, "ls")
    assert store.rows("SELECT count(*) FROM work") == [(0,)]


def test_a_pull_without_news_is_no_news_for_screens(store: Store, fake: FakeLabelStudio, address: str) -> None:
    """Caches are kept by the versions of days: a pull that brings nothing must not move them."""
    connections.add(store, replace(CONNECTION, address=address))
    fake.submit(4, 1)
    connections.pull(store, "ls")
    before = store.version_of(None, None)
    connections.pull(store, "ls")
    assert store.version_of(None, None) == before
    state = connections.states(store)[0]
    assert state.caught_up_at is not None
    assert state.attempted_at is not None
    assert state.next_at == state.attempted_at + timedelta(seconds=30)
    assert state.newest_at is not None
    assert state.newest_at.isoformat() == "2026-03-02T01:00:00"


# Commands ------------------------------------------------------------------------------------------------------------------
class Cli:
    """Runs commands in this process on one store."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self._capsys, self._patch = folder / "s.duckdb", capsys, monkeypatch
        monkeypatch.setenv("PIECEWORK_STORE", str(self.store))

    def __call__(self, *args: object) -> tuple[int, str, str]:
        self._patch.setattr("sys.stdin", io.StringIO())
        self._capsys.readouterr()
        status = cli.main([str(arg) for arg in args])
        out, err = self._capsys.readouterr()
        return status, out, err


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(tmp_path, capsys, monkeypatch)


def adding(address: str, *more: str) -> list[str]:
    return ["connection", "add", "ls", "--tool", "label-studio", "--address", address, "--credential", "env:LS_TOKEN", *more]


def test_connect_sync_and_look(run: Cli, fake: FakeLabelStudio, address: str) -> None:
    fake.submit(4, 1, boxes=2)
    status, out, err = run(*adding(address, "--person", "li@base.cn=W1", "--project", "3=BX", "--every", "60"))
    assert status == 0
    assert "project 3: boxes" in out
    assert "user 1: li@base.cn" in out
    assert "data sync ls" in err
    status, out, err = run("sync", "ls", "--json")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert (answer["connection"], answer["new"], answer["rejected"], answer["swept"]) == ("ls", 2, 0, True)  # the row, and Wang's name
    status, out, err = run("sync", "ls")
    assert (status, out.split(";")[0], err) == (0, "ls: 0 new, 0 updated, 0 refused, 3 records read", "")
    shown = json.loads(run("connection", "list", "--json")[1])["connections"][0]
    assert (shown["name"], shown["failures"], shown["error"], shown["new"]) == ("ls", 0, None, 2)
    assert shown["lag_s"] >= 0
    assert run("connection", "list")[1].splitlines()[1].startswith("ls    Label Studio")
    shown = json.loads(run("connection", "show", "ls", "--json")[1])["settings"]
    assert (shown["credential"], shown["people"], shown["every_s"]) == ("env:LS_TOKEN", {"li@base.cn": "W1"}, 60)
    assert run("connection", "remove", "ls")[0] == 0
    assert run("connection", "list")[2] == "There are no connections yet.\n"
    with Store(run.store) as store:
        assert store.rows("SELECT worker_id, units FROM work JOIN worker USING (worker_key)") == [("W1", 2)]
    assert TOKEN.encode() not in run.store.read_bytes()


def test_a_connection_that_cannot_be_made_is_not_kept(
    run: Cli, fake: FakeLabelStudio, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LS_TOKEN", "wrong")
    status, out, err = run(*adding(address))
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "refuses the credential" in err
    assert run(*adding(address, "--person", "li"))[2] == "“li” is not of the form THEIRS=OURS.\n"
    assert run("connection", "list")[2] == "There are no connections yet.\n"
    assert run(*adding(address, "--unchecked"))[0] == 0
    status, _, err = run("sync", "ls")
    assert (status, "refuses the credential" in err) == (2, True)
    shown = json.loads(run("connection", "list", "--json")[1])["connections"][0]
    assert shown["failures"] == 1
    assert "令牌" in shown["error_zh"]


def test_an_export_is_imported_by_its_shape(run: Cli, tmp_path: Path, fake: FakeLabelStudio) -> None:
    fake.submit(4, 1, boxes=3, lead=2)
    fake.submit(5, 2, boxes=1, lead=4)
    path = tmp_path / "project-3-at-2026-03-02.json"
    path.write_text(json.dumps(list(fake.tasks.values())))
    status, out, err = run("import", path, "--json")
    assert (status, err) == (0, "")
    counts = {"file": path.name, "table": "annotations", "rows": 2, "new": 2, "updated": 0, "duplicates": 0, "rejected": 0, "undated": 0}
    assert json.loads(out)["files"] == [counts]
    with Store(run.store) as store:
        assert stored(store, "label-studio") == expected(fake.annotations())
    assert run("import", path, "--as", "annotations")[0] == 2  # said to be something else, it is read as that


# Webhooks ------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def own(store: Store, fake: FakeLabelStudio, address: str) -> Iterator[Owner]:
    """A server's own store with the connection in it, on a schedule too slow to matter."""
    connections.add(store, replace(CONNECTION, address=address, every_s=86_400))
    with owning(store) as mine:
        yield mine


@pytest.fixture
def http(own: Owner) -> Iterator[httpx.Client]:
    settings = uvicorn.Config(api.app(lambda store, question, account: {}, "control"), port=free_port(), log_config=None, lifespan="off")
    server = uvicorn.Server(settings)
    thread = Thread(target=server.run)
    thread.start()
    retrying = httpx.HTTPTransport(retries=20)
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=60, trust_env=False, transport=retrying) as client:
        yield client
    server.should_exit = True
    thread.join()


BODY = {"action": "ANNOTATION_CREATED", "annotation": {"id": 1, "result": []}, "project": {"id": 3, "token": "the project's own token"}}


@pytest.mark.parametrize("headers", [{"X-Hook-Secret": HOOK}, {"Authorization": f"Bearer {HOOK}"}])
def test_a_webhook_is_answered_at_once_and_leads_to_a_pull(
    http: httpx.Client, own: Owner, fake: FakeLabelStudio, headers: dict[str, str]
) -> None:
    with puller.pulling(own):
        eventually(lambda: connections.states(own.store)[0].caught_up_at is not None)
        fake.tick()
        fake.submit(4, 1)
        answer = http.post("/hooks/label-studio/ls", json=BODY, headers=headers)
        assert (answer.status_code, answer.json()) == (202, {"ok": True})
        eventually(lambda: stored(own.store, "ls") == expected(fake.annotations()))
    assert own.store.rows("SELECT count(*) FROM work") == [(1,)]


def test_what_a_webhook_says_is_not_believed(http: httpx.Client, own: Owner, fake: FakeLabelStudio) -> None:
    number = fake.submit(4, 1, boxes=2)
    with puller.pulling(own):
        for action in ("ANNOTATIONS_DELETED", "TASKS_DELETED"):
            body = {"action": action, "annotations": [{"id": number}], "tasks": [{"id": 4}]}
            assert http.post("/hooks/label-studio/ls", json=body, headers={"X-Hook-Secret": HOOK}).status_code == 202
        eventually(lambda: bool(stored(own.store, "ls")))
        assert http.post("/hooks/label-studio/ls", content=b"\xff not json " * 10_000, headers={"X-Hook-Secret": HOOK}).status_code == 202
    assert stored(own.store, "ls") == expected(fake.annotations())


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/hooks/label-studio/ls", {}), ("/hooks/label-studio/ls", {"X-Hook-Secret": HOOK[:-1]}), ("/hooks/label-studio/ls", {"X-Hook-Secret": ""}),
        ("/hooks/label-studio/other", {"X-Hook-Secret": HOOK}), ("/hooks/cvat/ls", {"X-Hook-Secret": HOOK}),
        ("/hooks/label-studio/ls", {"Authorization": "Bearer control"}), ("/hooks/label-studio/deaf", {"X-Hook-Secret": "None"}),
    ],
)  # fmt: skip
def test_a_webhook_without_its_secret_is_refused(http: httpx.Client, own: Owner, path: str, headers: dict[str, str]) -> None:
    connections.add(own.store, Connection("deaf", "label-studio", "deaf", "http://127.0.0.1:1", "env:LS_TOKEN"))
    answer = http.post(path, json=BODY, headers=headers)
    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "error_zh"}


def signed(body: bytes, secret: str = HOOK) -> str:
    """As CVAT signs."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_webhook_may_be_signed_instead(http: httpx.Client, own: Owner, fake: FakeLabelStudio) -> None:
    body = json.dumps({"event": "update:job", "job": {"id": 7, "note": "质检" * 5_000}}).encode()
    with puller.pulling(own):
        eventually(lambda: connections.states(own.store)[0].caught_up_at is not None)
        fake.tick()
        fake.submit(4, 1)
        assert http.post("/hooks/label-studio/ls", content=body, headers={"X-Signature-256": signed(body)}).status_code == 202
        eventually(lambda: stored(own.store, "ls") == expected(fake.annotations()))
        for wrong in (signed(body + b" "), signed(body, "other"), signed(body)[:-1], signed(body).removeprefix("sha256="), "sha256=", "é"):
            assert http.post("/hooks/label-studio/ls", content=body, headers={b"X-Signature-256": wrong.encode()}).status_code == 401
        assert http.post("/hooks/cvat/ls", content=body, headers={"X-Signature-256": signed(body)}).status_code == 401


def test_a_webhook_of_deleted_tasks_asks_for_a_sweep(own: Owner, fake: FakeLabelStudio, http: httpx.Client) -> None:
    number = fake.submit(4, 1)
    with puller.pulling(own):
        eventually(lambda: connections.states(own.store)[0].caught_up_at is not None)
        swept = connections.states(own.store)[0].swept_at
        fake.delete_task(4)
        fake.task(3)
        http.post("/hooks/label-studio/ls", json={"action": "TASKS_DELETED", "tasks": [{"id": 4}]}, headers={"X-Hook-Secret": HOOK})
        eventually(lambda: connections.states(own.store)[0].swept_at != swept)
        assert str(number) not in stored(own.store, "ls")


def test_without_a_puller_a_webhook_says_so(http: httpx.Client) -> None:
    with pytest.raises(StoreError):
        puller.puller()
    assert http.post("/hooks/label-studio/ls", json=BODY, headers={"X-Hook-Secret": HOOK}).status_code == 500


# The puller -----------------------------------------------------------------------------------------------------------------
def test_connections_are_pulled_on_their_schedule_and_backed_off_from(own: Owner, fake: FakeLabelStudio) -> None:
    with own.store.transaction() as cur:
        cur.execute("UPDATE connection SET every_s = 5")
    fake.faults = ["html"]
    with puller.pulling(own):
        eventually(lambda: connections.states(own.store)[0].failures == 1)
        assert "not JSON" in str(connections.states(own.store)[0].error)
        fake.submit(4, 1)
        eventually(lambda: connections.states(own.store)[0].failures == 0 and len(stored(own.store, "ls")) == 1)


def test_a_connection_added_later_is_pulled_and_a_removed_one_no_more(own: Owner, fake: FakeLabelStudio, address: str) -> None:
    with puller.pulling(own):
        connections.add(own.store, replace(CONNECTION, name="two", source="two", address=address))
        eventually(lambda: all(state.caught_up_at for state in connections.states(own.store)))
        connections.remove(own.store, "two")
        connections.remove(own.store, "ls")
        eventually(lambda: not puller.puller()._due)


@pytest.mark.slow
def test_through_a_started_server(tmp_path: Path, fake: FakeLabelStudio, address: str) -> None:
    """Connected through it, hinted over HTTP, asked by command, and gone on with after kill -9."""
    path = tmp_path / "s.duckdb"
    Store(path).close()
    with Serving(path) as server:
        made = command(path, *adding(address, "--hook-secret", "env:LS_HOOK", "--every", "86400"))
        assert made.returncode == 0, made.stderr

        def state() -> dict[str, object]:
            return json.loads(command(path, "connection", "show", "ls", "--json").stdout)["connection"]

        eventually(lambda: state()["caught_up_at"] is not None)
        for _ in range(3):
            fake.tick()
            fake.submit(4, 1, boxes=2)
        with server.client() as client:
            assert client.post("/api/hooks/label-studio/ls", json=BODY).status_code == 401
            assert client.post("/api/hooks/label-studio/ls", json=BODY, headers={"X-Hook-Secret": HOOK}).status_code == 202
        eventually(lambda: state()["new"] == 3 + 2 + 1)  # three submissions, two people, one project
        fake.tick()
        fake.submit(5, 2)
        done = command(path, "sync", "ls", "--json")  # a pull that was still under way may have brought it
        assert (done.returncode, state()["new"]) == (0, 3 + 2 + 1 + 1), done.stderr
        server.kill()
        fake.tick()
        fake.submit(5, 1)
        server.start()
        eventually(lambda: state()["new"] == 8)
    with Store(path) as store:
        assert stored(store, "ls") == expected(fake.annotations())
