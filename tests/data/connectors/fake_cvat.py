"""A CVAT on loopback that answers the requests a pull makes as version 2.5x does, and misbehaves when told to.

What it keeps to, read in the server's source: an export takes whole rows between from and to, both included, and what is not there yet is not
in it; rows have no id; a shape that is edited gets a new id that no event tells; a new stage sets the state back to new, in an event of
its own; results expire; what a request sees depends on who asks, and in which organization.

People at work are played by methods that keep the truth beside the events: who made how many objects, in how much time, in which round.
"""

from __future__ import annotations

import csv
import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "cvat-pat.abcdefgh"
Fault = Literal["429", "500", "502", "drop", "cut", "html"]
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
COLUMNS = (
    "scope", "obj_name", "obj_id", "obj_val", "source", "timestamp", "count", "duration", "project_id", "task_id", "job_id", "user_id", "user_name",
    "user_email", "org_id", "org_slug", "payload", "access_token_id",
)  # fmt: skip
BROWSER = {"id": "3f6c", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}
WORKER = {"id": "3f6d", "user_agent": None}


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Job:
    """A job as its people see it: who has worked on this round, and the objects each made in it that are still theirs to delete."""

    id: int
    task: int
    project: int | None
    kind: Literal["work", "review", "done"] = "work"
    round: int = 1
    state: str = "new"
    stage: str = "annotation"
    authors: set[int] = field(default_factory=set)
    made: dict[int, list[int]] = field(default_factory=dict)


@dataclass
class FakeCvat:
    """The server's state, changed by the methods below; `events` are rows of the log, each with the moment from which an export has it."""

    now: datetime = START
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    events: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[int, dict[str, Any]] = field(default_factory=dict)
    truth: dict[tuple[int, int, str, int], list[int]] = field(default_factory=dict)  # job, user, action, round → units, ms
    verdicts: set[tuple[int, int, int, str, int]] = field(default_factory=set)  # job, ms, reviewer, verdict, round
    me: dict[str, Any] = field(default_factory=lambda: {"id": 1, "username": "admin", "is_superuser": True, "groups": ["admin"]})
    memberships: list[dict[str, Any]] = field(default_factory=list)
    analytics: bool = True
    columns: tuple[str, ...] = COLUMNS
    ahead: timedelta = timedelta()
    polls: int = 0  # how often a request is still under way before it is finished
    expiring: int = 0  # how many results are gone before they are fetched
    failing: str | None = None
    forbidden: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    spans: list[tuple[str, str]] = field(default_factory=list)
    on_request: Callable[[], None] | None = None
    _next: int = 100
    _results: dict[str, tuple[int, str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # What people do -------------------------------------------------------------------------------------------------------
    def tick(self, seconds: float = 1.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def number(self) -> int:
        self._next += 1
        return self._next

    def user(self, name: str, first: str = "", last: str = "") -> int:
        number = self.number()
        self.users[number] = {"id": number, "username": name, "first_name": first, "last_name": last, "email": f"{name}@base.cn"}
        return number

    def project(self, name: str) -> int:
        number = self.number()
        self.projects[number] = {"id": number, "name": name}
        return number

    def job(self, project: int | None) -> int:
        number = self.number()
        self.jobs[number] = Job(number, self.number(), project)
        return number

    def record(
        self, scope: str, user: int | None, job: Job | None, *, late: float = 0.0, org: int | None = None, **more: Any
    ) -> dict[str, Any]:
        """Write an event down; an export has it `late` seconds from now on."""
        with self._lock:
            who = self.users.get(user or 0, {})
            row = dict.fromkeys(COLUMNS) | {
                "scope": scope, "source": "server", "timestamp": self.now, "duration": 0, "user_id": user, "user_name": who.get("username"),
                "user_email": who.get("email"), "org_id": org,
            }  # fmt: skip
            if job is not None:
                row |= {"job_id": job.id, "task_id": job.task, "project_id": job.project}
            row |= more
            if isinstance(row["payload"], dict):
                row["payload"] = json.dumps(row["payload"])
            self.events.append((self.now + timedelta(seconds=late), row))
            return row

    def _truth(self, job: Job, user: int, action: str) -> list[int]:
        return self.truth.setdefault((job.id, user, action, job.round), [0, 0])

    def _action(self, job: Job) -> str:
        return "annotate" if job.round == 1 else "rework"

    def time(self, job: int, user: int, seconds: float, *, late: float = 0.0) -> None:
        """Working time in the job from now on; the clock moves past it."""
        one, ms = self.jobs[job], round(seconds * 1000)
        self.record("send:working_time", user, one, late=late, count=1, duration=ms, payload={"working_time": ms, "request": BROWSER})
        self.tick(seconds + 0.001)
        mine = user in one.authors and one.kind == "work"
        self._truth(one, user, "clean" if one.kind == "done" else self._action(one) if mine else "review")[1] += ms

    def draw(self, job: int, user: int, count: int, *, late: float = 0.0, shape: str = "rectangle") -> list[int]:
        """Objects drawn in the browser and saved; they count while there is work on a round."""
        one = self.jobs[job]
        ids = [self.number() for _ in range(count)]
        listed = [{"id": number} for number in ids]
        self.record(
            "create:shapes", user, one, late=late, obj_name=shape, count=count % 65536, payload={"shapes": listed, "request": BROWSER}
        )
        self.tick(0.001)
        if one.kind == "work":
            one.authors.add(user)
            self._truth(one, user, self._action(one))[0] += count
            one.made.setdefault(user, []).extend(ids)
        return ids

    def edit(self, job: int, user: int) -> None:
        """The person's latest object is edited: it goes on under a new id that no event tells."""
        one = self.jobs[job]
        ids = one.made.get(user, [])
        self.record("update:shapes", user, one, obj_name="rectangle", count=1, payload={"shapes": [{"id": ids[-1]}], "request": BROWSER})
        ids[-1] = self.number()
        self.tick(0.001)

    def erase(self, job: int, user: int, count: int, *, late: float = 0.0) -> None:
        """Some of the person's latest objects of this round are deleted again."""
        one = self.jobs[job]
        ids = one.made.get(user, [])[-count:]
        del one.made[user][-len(ids) :]
        self.record(
            "delete:shapes", user, one, late=late, obj_name="rectangle", count=len(ids), payload={"shapes": [{"id": number} for number in ids], "request": BROWSER}
        )  # fmt: skip
        self.tick(0.001)
        self._truth(one, user, self._action(one))[0] -= len(ids)

    def place(self, job: int, user: int, count: int) -> list[int]:
        """Objects that an import puts into the job, in a worker of the server."""
        ids = [self.number() for _ in range(count)]
        listed = [{"id": number} for number in ids]
        self.record("create:shapes", user, self.jobs[job], obj_name="rectangle", count=count, payload={"shapes": listed, "request": WORKER})
        self.tick(0.001)
        return ids

    def move(self, job: int, user: int, *, state: str | None = None, stage: str | None = None) -> int:
        """A new stage and state, as a person sets them; the moment, in ms."""
        one = self.jobs[job]
        at = round(self.now.timestamp() * 1000)
        if stage is not None and stage != one.stage:
            state = state or "new"
            self.record("update:job", user, one, obj_name="stage", obj_val=stage, payload={"old_value": one.stage})
            one.stage = stage
        if state is not None and state != one.state:
            self.record("update:job", user, one, obj_name="state", obj_val=state, payload={"old_value": one.state})
            one.state = state
        self.record("update:job", user, one, obj_name="updated_date", obj_val=str(self.now), payload={"old_value": ""})
        self.tick(0.001)
        return at

    def complete(self, job: int, user: int) -> None:
        self.move(job, user, state="completed")
        self.jobs[job].kind = "review"

    def reopen(self, job: int, user: int) -> None:
        self.move(job, user, state="in progress")
        self.jobs[job].kind = "work"

    def reject(self, job: int, user: int) -> None:
        one = self.jobs[job]
        self.verdicts.add((job, self.move(job, user, state="rejected"), user, "reject", one.round))
        one.kind, one.round, one.authors, one.made = "work", one.round + 1, set(), {}

    def accept(self, job: int, user: int) -> None:
        one = self.jobs[job]
        at = self.move(job, user, stage="acceptance", state="completed")
        if one.kind != "done":
            self.verdicts.add((job, at, user, "accept", one.round))
        one.kind = "done"

    def told(self) -> tuple[dict[tuple[int, int, str, int], tuple[int, int]], set[tuple[int, int, int, str, int]]]:
        """The truth: units and ms by job, person, action and round; and the verdicts."""
        return {key: (units, ms) for key, (units, ms) in self.truth.items() if units or ms}, self.verdicts

    def csv(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> str:
        """The export of what has arrived by now."""
        with self._lock:
            shown = [
                row for visible, row in self.events
                if visible <= self.now and (since is None or row["timestamp"] >= since) and (until is None or row["timestamp"] <= until)
                and (org is None or str(row["org_id"]) == org)
            ]  # fmt: skip
            text = io.StringIO()
            writer = csv.writer(text)
            if not shown:
                writer.writerow([])  # the database gives no columns with no rows
                return text.getvalue()
            writer.writerow(self.columns)
            for row in sorted(shown, key=lambda one: one["timestamp"]):
                moment = row["timestamp"].replace(microsecond=row["timestamp"].microsecond // 1000 * 1000)
                writer.writerow([str(moment) if name == "timestamp" else row.get(name) for name in self.columns])
            return text.getvalue()

    # What it answers --------------------------------------------------------------------------------------------------------
    def answer(self, method: str, target: str, authorization: str) -> tuple[int, object]:
        parts = urlsplit(target)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            self.requests.append(f"{method} {parts.path}")
            if authorization not in (f"Token {KEY}", f"Bearer {TOKEN}"):
                return 401, {"detail": "Invalid token."}
            if self.on_request is not None:
                self.on_request()
            if parts.path in self.forbidden:
                return 403, {"detail": "You do not have permission to perform this action."}
            if parts.path in self.missing:
                return 404, {"detail": "Not found."}
            match parts.path:
                case "/api/server/about":
                    return 200, {"name": "CVAT", "version": "2.54.0"}
                case "/api/server/plugins":
                    return 200, {"GIT_INTEGRATION": False, "ANALYTICS": self.analytics, "MODELS": False, "PREDICT": False}
                case "/api/users/self":
                    return 200, self.me
                case "/api/users":
                    return self._listed(list(self.users.values()), given)
                case "/api/projects":
                    return self._listed(list(self.projects.values()), given)
                case "/api/memberships":
                    return self._listed(self.memberships, given)
                case "/api/quality/reports":
                    above = json.loads(given["filter"])["and"][0][">"][1]
                    return self._listed(sorted((one for one in self.reports if one["id"] > above), key=lambda one: one["id"]), given)
                case "/api/quality/settings":
                    return self._listed([one for one in (self.settings.get(int(given["task_id"])),) if one], given | {"page_size": "10"})
                case "/api/events/export" if method == "POST":
                    return self._order(given)
                case "/api/events/download":
                    return self._result(given["rq_id"])
            if parts.path.startswith("/api/requests/"):
                return self._request(unquote(parts.path.removeprefix("/api/requests/")))
        return 404, {"detail": "Not found."}

    def _listed(self, rows: list[dict[str, Any]], given: dict[str, str]) -> tuple[int, object]:
        page, size = int(given.get("page", 1)), int(given["page_size"])
        shown = rows[(page - 1) * size : page * size]
        return 200, {"count": len(rows), "next": "more" if len(rows) > page * size else None, "previous": None, "results": shown}

    def _order(self, given: dict[str, str]) -> tuple[int, object]:
        org = given.get("org_id")
        self.spans.append((given["from"], given["to"]))
        text = self.csv(datetime.fromisoformat(given["from"]), datetime.fromisoformat(given["to"]), org)
        name = f"action=export&target=events&id={self.number()}&user_id=1"
        self._results[name] = self.polls, text
        return 202, {"rq_id": name}

    def _request(self, name: str) -> tuple[int, object]:
        if name not in self._results:
            return 404, {"detail": "Not found."}
        left, text = self._results[name]
        self._results[name] = left - 1, text
        body: dict[str, Any] = {"id": name, "status": "started" if left > 0 else "finished", "message": "", "created_date": iso(self.now)}
        if left <= 0 and self.failing is not None:
            return 200, body | {"status": "failed", "message": self.failing}
        if left <= 0:
            body["result_url"] = f"http://cvat-server:8080/api/events/download?rq_id={name.replace('&', '%26').replace('=', '%3D')}"
        return 200, body

    def _result(self, name: str) -> tuple[int, object]:
        if self.expiring:
            self.expiring -= 1
            del self._results[name]
            return 404, "The exported file has expired, please retry exporting"
        return 200, self._results[name][1]

    def fault(self) -> Fault | None:
        with self._lock:
            return self.faults.pop(0) if self.faults else None

    def kinds(self) -> Counter[str]:
        """How many events of each scope there are."""
        return Counter(row["scope"] for _, row in self.events)


@contextmanager
def serving(fake: FakeCvat) -> Iterator[str]:
    """The address of a server with this state, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = fake.fault()
            if fault == "drop":
                self.close_connection = True
            elif fault in ("429", "500", "502"):
                self._send(int(fault), b'{"detail": "later"}', {"Retry-After": "0"})
            elif fault == "html":
                self._send(200, b"<html>Sign in</html>", {})
            else:
                status, content = fake.answer(self.command, self.path, self.headers.get("Authorization", ""))
                body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self._send(status, body, {}, cut=fault == "cut")

        do_GET = do_POST = _serve

        def _send(self, status: int, text: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text[: len(text) // 2] if cut else text)
            self.close_connection = cut

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
