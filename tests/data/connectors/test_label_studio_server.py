"""A real Label Studio on loopback: three annotators work, the webhook receiver is up, down and slow, pulls are cut off; the store ends
with what Label Studio's own export says.

PIECEWORK_TEST_LABEL_STUDIO names the executable, best in a virtual environment of its own:

    python -m venv .label-studio && .label-studio/bin/pip install label-studio==1.23.2
    PIECEWORK_TEST_LABEL_STUDIO=.label-studio/bin/label-studio make test
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn

from data import api, connections, puller
from data.connectors.connector import Connection
from data.owner import owning
from data.store import Store
from data.verify import verify
from tests.data.connectors.fake_label_studio import TOKEN, box
from tests.data.connectors.truth import expected, ghosts, stored
from tests.serving import free_port

EXECUTABLE = os.environ.get("PIECEWORK_TEST_LABEL_STUDIO")
pytestmark = [
    pytest.mark.label_studio,
    pytest.mark.slow,
    pytest.mark.skipif(not EXECUTABLE, reason="PIECEWORK_TEST_LABEL_STUDIO names no label-studio"),
]
LABELS = '<View><Image name="img" value="$image"/><RectangleLabels name="lbl" toName="img"><Label value="Car"/></RectangleLabels></View>'
PASSWORD = "correct horse battery"
HOOK = "a secret of some length"
SETTINGS = {
    "SSRF_PROTECTION_ENABLED": "false", "COLLECT_ANALYTICS": "0", "SENTRY_DSN": "", "LATEST_VERSION_CHECK": "0", "no_proxy": "127.0.0.1",
}  # fmt: skip


class Annotator(httpx.Client):
    """Somebody signed up at the server; what they do goes down under their name."""

    def __init__(self, url: str, email: str) -> None:
        super().__init__(base_url=url, trust_env=False, follow_redirects=True, timeout=60)
        self.get("/user/signup/")
        form = {"email": email, "password": PASSWORD, "csrfmiddlewaretoken": self.cookies["csrftoken"]}
        self.post("/user/signup/", data=form, headers={"Referer": url}).raise_for_status()
        self.headers.update({"X-CSRFToken": self.cookies["csrftoken"], "Referer": url})
        self.id = int(self.get("/api/current-user/whoami").raise_for_status().json()["id"])

    def submit(self, task: int, boxes: int, lead: float, *, skip: bool = False) -> int:
        body = {"result": [_region(k) for k in range(boxes)], "lead_time": lead, "was_cancelled": skip}
        return int(self.post(f"/api/tasks/{task}/annotations/", json=body).raise_for_status().json()["id"])

    def update(self, annotation: int, boxes: int, lead: float) -> None:
        body = {"result": [_region(k) for k in range(boxes)], "lead_time": lead, "was_cancelled": False}
        self.patch(f"/api/annotations/{annotation}/", json=body).raise_for_status()


def _region(number: int) -> dict[str, Any]:
    return box(f"box{number}") | {"original_width": 640, "original_height": 480, "image_rotation": 0}


class Studio:
    """The server, its administrator, and one project."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.admin = httpx.Client(base_url=url, headers={"Authorization": f"Token {TOKEN}"}, trust_env=False, timeout=60)
        made = self.admin.post("/api/projects/", json={"title": "车辆 boxes", "label_config": LABELS}).raise_for_status()
        self.project = int(made.json()["id"])

    def bring(self, count: int) -> None:
        prediction = {"model_version": "m", "score": 0.5, "result": [_region(0), _region(1)]}
        body = [{"data": {"image": f"{number}.jpg"}, "predictions": [prediction]} for number in range(count)]
        self.admin.post(f"/api/projects/{self.project}/import", json=body).raise_for_status()

    def exported(self) -> list[dict[str, Any]]:
        asked = {"exportType": "JSON", "download_all_tasks": "true"}
        return list(self.admin.get(f"/api/projects/{self.project}/export", params=asked).raise_for_status().json())

    def annotations(self) -> list[dict[str, Any]]:
        return [one for task in self.exported() for one in task["annotations"]]

    def tasks(self) -> list[int]:
        return sorted(task["id"] for task in self.exported())

    def action(self, name: str, tasks: list[int]) -> None:
        body = {"selectedItems": {"all": False, "included": tasks}}
        self.admin.post("/api/dm/actions", params={"id": name, "project": self.project}, json=body).raise_for_status()

    def hook(self, url: str) -> None:
        """Its webhooks go there from now on."""
        for one in self.admin.get("/api/webhooks/").raise_for_status().json():
            self.admin.delete(f"/api/webhooks/{one['id']}/").raise_for_status()
        body = {"url": url, "project": self.project, "headers": {"X-Hook-Secret": HOOK}, "send_payload": True, "send_for_all_actions": True}
        self.admin.post("/api/webhooks/", json=body).raise_for_status()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Label Studio that was just set up."""
    folder, port = tmp_path_factory.mktemp("studio"), free_port()
    given = [
        "--port",
        str(port),
        "--internal-host",
        "127.0.0.1",
        "--username",
        "admin@base.cn",
        "--password",
        PASSWORD,
        "--user-token",
        TOKEN,
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(EXECUTABLE), "start", "--no-browser", *given, "--enable-legacy-api-token", "--data-dir", str(folder / "data")],
            env={**os.environ, **SETTINGS}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 240
        while True:
            assert process.poll() is None, (folder / "log").read_text("utf-8", "replace")[-3_000:]
            assert time.monotonic() < deadline, "it does not answer"
            with suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False, timeout=5).status_code == 200:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="module")
def people(url: str) -> Iterator[list[Annotator]]:
    made = [Annotator(url, f"{name}@base.cn") for name in ("li", "wang", "zhao")]
    yield made
    for one in made:
        one.close()


@pytest.fixture
def store(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("LS_TOKEN", TOKEN)
    monkeypatch.setenv("LS_HOOK", HOOK)
    with Store(tmp_path / "s.duckdb") as made:
        yield made


@pytest.fixture
def studio(url: str) -> Iterator[Studio]:
    made = Studio(url)
    yield made
    made.admin.close()


def connect(store: Store, studio: Studio) -> None:
    one = Connection("ls", "label-studio", "ls", studio.url, "env:LS_TOKEN", "env:LS_HOOK", only=(str(studio.project),), every_s=86_400)
    connections.add(store, one)


def check(store: Store, studio: Studio) -> None:
    truth = expected(studio.annotations())
    assert stored(store, "ls") == truth
    assert ghosts(store, "ls").isdisjoint(truth)
    assert [one.name for one in verify(store) if not one.ok] == []


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


class Cut(BaseException):
    """The process stops here."""


def work(studio: Studio, people: list[Annotator], chance: random.Random, steps: int, between: Callable[[], None]) -> None:
    """Submit, edit what others did, skip, delete, convert predictions, bring and delete tasks."""
    for _ in range(steps):
        one = chance.choice(people)
        tasks, annotations = studio.tasks(), studio.annotations()
        match chance.choices(("submit", "update", "skip", "delete", "convert", "bring", "delete task"), (8, 6, 2, 2, 1, 1, 1))[0]:
            case "submit":
                one.submit(chance.choice(tasks), chance.randrange(4), chance.randrange(1, 40_000) / 1000)
            case "skip":
                one.submit(chance.choice(tasks), 0, chance.randrange(1, 9_000) / 1000, skip=True)
            case "update" if annotations:
                held = chance.choice(annotations)
                one.update(held["id"], chance.randrange(4), round((held["lead_time"] or 0) + chance.randrange(1, 9_000) / 1000, 3))
            case "delete" if annotations:
                studio.admin.delete(f"/api/annotations/{chance.choice(annotations)['id']}/").raise_for_status()
            case "convert":
                studio.action("predictions_to_annotations", chance.sample(tasks, 2))
            case "bring":
                studio.bring(3)
            case "delete task" if len(tasks) > 4:
                studio.admin.delete(f"/api/tasks/{chance.choice(tasks)}/").raise_for_status()
        between()


def test_each_edit_is_credited_to_whoever_made_it(studio: Studio, people: list[Annotator], store: Store) -> None:
    studio.bring(2)
    connect(store, studio)
    li, wang, _ = people
    connections.pull(store, "ls")
    number = li.submit(studio.tasks()[0], 2, 10.5)
    connections.pull(store, "ls")
    wang.update(number, 3, 17.75)
    connections.pull(store, "ls")
    li.update(number, 3, 18.0)
    connections.pull(store, "ls")
    check(store, studio)
    rows = store.rows("SELECT worker_id, worker.name, action, units, seconds FROM work JOIN worker USING (worker_key) ORDER BY event_id")
    assert [(worker, name, action, int(units), float(seconds)) for worker, name, action, units, seconds in rows] == [
        (f"ls:{li.id}", "li", 0, 3, 10.5), (f"ls:{wang.id}", "wang", 1, 0, 7.25), (f"ls:{li.id}", "li", 1, 0, 0.25),
    ]  # fmt: skip


def test_a_personal_access_token_reads_the_same(
    studio: Studio, people: list[Annotator], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.bring(2)
    people[0].submit(studio.tasks()[0], 2, 3)
    connect(store, studio)
    monkeypatch.setenv("LS_TOKEN", people[0].post("/api/token/").raise_for_status().json()["token"])
    connections.pull(store, "ls")
    check(store, studio)


def test_many_tasks_of_one_instant(studio: Studio, people: list[Annotator], store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bulk action moves every task to the same instant; pages are smaller than that."""
    studio.bring(23)
    studio.action("predictions_to_annotations", studio.tasks())
    connect(store, studio)
    small = type(connections.connector("label-studio"))(page=5)  # type: ignore[call-arg]
    monkeypatch.setattr(connections, "connector", lambda tool: small)
    assert connections.pull(store, "ls").seen >= 23
    assert store.rows("SELECT count(*), sum(units), sum(prelabelled_units) FROM work") == [(23, 46, 46)]
    check(store, studio)


@contextmanager
def receiving(store: Store) -> Iterator[str]:
    """The receiver of this store, with its puller; the address of the hook."""
    with owning(store) as own, puller.pulling(own):
        settings = uvicorn.Config(
            api.app(lambda store, question, account: {}, "control"), port=free_port(), log_config=None, lifespan="off"
        )
        server = uvicorn.Server(settings)
        thread = Thread(target=server.run)
        thread.start()
        try:
            eventually(lambda: server.started)
            yield f"http://127.0.0.1:{settings.port}/hooks/label-studio/ls"
        finally:
            server.should_exit = True
            thread.join()


class Slow(BaseHTTPRequestHandler):
    """Takes longer than Label Studio waits, and says nothing."""

    def do_POST(self) -> None:
        time.sleep(1.5)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_done_while_hooks_come_are_lost_or_hang(studio: Studio, people: list[Annotator], store: Store, seed: int) -> None:
    chance = random.Random(seed)
    studio.bring(6)
    connect(store, studio)

    def cut_off() -> None:
        """Now and then a pull, and it may end after any of its commits."""
        left = chance.randrange(6)

        def submit(job: Callable[[Store], object]) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Cut
            return job(store)

        if chance.random() < 0.5:
            with suppress(Cut):
                connections.pull(store, "ls", submit=submit)

    with receiving(store) as address:  # up: hints alone bring everything
        studio.hook(address)
        work(studio, people, chance, 20, lambda: None)
        eventually(lambda: stored(store, "ls") == expected(studio.annotations()))
    studio.hook(f"http://127.0.0.1:{free_port()}/down")
    work(studio, people, chance, 20, cut_off)
    slow = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = Thread(target=slow.serve_forever)
    thread.start()
    try:
        studio.hook(f"http://127.0.0.1:{slow.server_address[1]}/slow")
        work(studio, people, chance, 6, cut_off)
    finally:
        slow.shutdown()
        slow.server_close()
        thread.join()
    connections.pull(store, "ls", sweep=True)
    check(store, studio)
    again = connections.pull(store, "ls", sweep=True, again=True)
    assert (again.new, again.updated, again.rejected) == (0, 0, 0)
