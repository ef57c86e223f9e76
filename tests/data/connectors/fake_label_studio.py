"""A Label Studio on loopback that answers the requests a pull makes as version 1.23.2 does, and misbehaves when told to.

What it keeps to, seen on the real server: every change of an annotation moves its task's `updated_at` (a bulk action moves many to
one instant); tasks of one instant come in no order; a page beyond the last is 404; an instant without fractions of a
second is answered with 500; a deleted task is just gone; access tokens expire.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

TOKEN = "0123456789abcdef0123456789abcdef01234567"
REFRESH = "head.body.refresh"
Fault = Literal["429", "500", "502", "drop", "cut", "html"]
START = datetime(2026, 3, 2, 1, tzinfo=UTC)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parsed(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def box(name: str, origin: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": name, "type": "rectanglelabels", "from_name": "lbl", "to_name": "img",
        "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["Car"]},
    }  # fmt: skip
    return found | ({"origin": origin} if origin else {})


@dataclass
class FakeLabelStudio:
    """The server's state, changed by the methods below as people and bulk actions would."""

    most_a_page: int = 1_000
    now: datetime = START
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    on_request: Callable[[], None] | None = None
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    _next: int = 0
    _access: int = 1
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # What people do -------------------------------------------------------------------------------------------------------
    def tick(self, seconds: float = 1.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def _number(self) -> int:
        self._next += 1
        return self._next

    def user(self, email: str, first: str = "", last: str = "") -> int:
        number = self._number()
        self.users[number] = {"id": number, "email": email, "username": email, "first_name": first, "last_name": last}
        return number

    def project(self, title: str) -> int:
        number = self._number()
        self.projects[number] = {"id": number, "title": title}
        return number

    def task(self, project: int, *, batch: str | None = None, predicted: int = 0) -> int:
        with self._lock:
            number = self._number()
            self.tasks[number] = {
                "id": number, "project": project, "data": {"image": f"{number}.jpg"} | ({"batch": batch} if batch else {}), "annotations": [],
                "predictions": [{"id": number * 100, "result": [box(f"p{k}") for k in range(predicted)]}] if predicted else [],
                "total_predictions": int(bool(predicted)), "created_at": iso(self.now), "updated_at": iso(self.now),
            }  # fmt: skip
            return number

    def submit(self, task: int, user: int, *, boxes: int = 1, lead: float | None = 5.0, skip: bool = False, **more: Any) -> int:
        with self._lock:
            number = self._number()
            self.tasks[task]["annotations"].append({
                "id": number, "task": task, "project": self.tasks[task]["project"], "completed_by": user, "updated_by": user,
                "result": [box(f"{number}-{k}") for k in range(boxes)], "lead_time": lead, "was_cancelled": skip, "ground_truth": False,
                "created_at": iso(self.now), "updated_at": iso(self.now), "parent_prediction": None, "import_id": None, "last_action": None,
                **more,
            })  # fmt: skip
            self._moved(task)
            return number

    def update(self, annotation: int, user: int, *, boxes: int | None = None, lead: float = 0.0, skip: bool | None = None) -> None:
        """An edit that takes `lead` more seconds."""
        with self._lock:
            task, held = self.annotation(annotation)
            held["updated_by"], held["updated_at"] = user, iso(self.now)
            held["lead_time"] = (held["lead_time"] or 0.0) + lead
            if boxes is not None:
                held["result"] = [box(f"{annotation}-{k}") for k in range(boxes)]
            if skip is not None:
                held["was_cancelled"] = skip
            self._moved(task)

    def delete(self, annotation: int) -> None:
        with self._lock:
            task, held = self.annotation(annotation)
            self.tasks[task]["annotations"].remove(held)
            self._moved(task)

    def convert(self, tasks: list[int], user: int) -> list[int]:
        """Predictions turned into annotations: all tasks move to one instant."""
        with self._lock:
            made = []
            for task in tasks:
                prediction = self.tasks[task]["predictions"][0]
                made.append(
                    self.submit(task, user, boxes=len(prediction["result"]), lead=None, updated_by=None, parent_prediction=prediction["id"])
                )
            return made

    def delete_task(self, task: int) -> None:
        with self._lock:
            del self.tasks[task]

    def annotation(self, number: int) -> tuple[int, dict[str, Any]]:
        return next((task, one) for task, held in self.tasks.items() for one in held["annotations"] if one["id"] == number)

    def annotations(self) -> list[dict[str, Any]]:
        return [one for task in self.tasks.values() for one in task["annotations"]]

    def _moved(self, task: int) -> None:
        self.tasks[task]["updated_at"] = iso(self.now)

    # What it answers --------------------------------------------------------------------------------------------------------
    def answer(self, method: str, target: str, body: bytes, authorization: str) -> tuple[int, object]:
        parts = urlsplit(target)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            self.requests.append(f"{method} {parts.path}")
            if parts.path == "/api/token/refresh/" and method == "POST":
                return (200, {"access": f"access-{self._access}"}) if json.loads(body) == {"refresh": REFRESH} else (401, {"detail": "no"})
            if authorization not in (f"Token {TOKEN}", f"Bearer access-{self._access}"):
                return 401, {"detail": "Invalid token."}
            if self.on_request is not None:
                self.on_request()
            match parts.path:
                case "/api/version":
                    return 200, {"release": "1.23.2"}
                case "/api/users/":
                    return 200, list(self.users.values())
                case "/api/projects/":
                    return self._projects(int(given["page"]), int(given["page_size"]))
                case "/api/tasks":
                    return self._tasks(given)
        return 404, {"detail": "Not found."}

    def _projects(self, page: int, size: int) -> tuple[int, object]:
        size = min(size, self.most_a_page)
        rows = [
            one | {"task_number": sum(task["project"] == number for task in self.tasks.values())} for number, one in self.projects.items()
        ]
        shown = rows[(page - 1) * size : page * size]
        return 200, {"count": len(rows), "next": "more" if len(rows) > page * size else None, "results": shown}

    def _tasks(self, given: dict[str, str]) -> tuple[int, object]:
        if int(given["project"]) not in self.projects:
            return 404, {"detail": "No Project matches the given query."}
        query = json.loads(given["query"])
        rows = [task for task in self.tasks.values() if task["project"] == int(given["project"])]
        self.chance.shuffle(rows)
        for item in query["filters"]["items"]:
            name = item["filter"].removeprefix("filter:tasks:")
            if name == "updated_at":
                try:
                    bound: Any = parsed(item["value"])
                except ValueError:
                    return 500, {"detail": "time data does not match format"}
            else:
                bound = int(item["value"])
            held = [(parsed(task[name]) if name == "updated_at" else task[name], task) for task in rows]
            keep = {"greater": lambda a, b: a > b, "less": lambda a, b: a < b, "equal": lambda a, b: a == b}[item["operator"]]
            rows = [task for value, task in held if keep(value, bound)]
        rows.sort(key=lambda task: task[query["ordering"][0].removeprefix("tasks:")])
        size, page = min(int(given["page_size"]), self.most_a_page), int(given["page"])
        shown = rows[(page - 1) * size : page * size]
        if not shown and page > 1:
            return 404, {"detail": "Invalid page."}
        tasks = []
        for task in shown:
            counted = {
                "total_annotations": sum(not one["was_cancelled"] for one in task["annotations"]),
                "cancelled_annotations": sum(one["was_cancelled"] for one in task["annotations"]),
            }
            tasks.append(task | counted if given.get("fields") == "all" else {**task, **counted, "annotations": [], "predictions": []})
        return 200, {"total": len(rows), "tasks": tasks}

    def fault(self) -> Fault | None:
        with self._lock:
            return self.faults.pop(0) if self.faults else None

    def expire(self) -> None:
        """Access tokens given out so far are worth nothing any more."""
        self._access += 1


@contextmanager
def serving(fake: FakeLabelStudio) -> Iterator[str]:
    """The address of a server with this state, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = fake.fault()
            if fault == "drop":
                self.close_connection = True
            elif fault in ("429", "500", "502"):
                self._send(int(fault), b'{"detail": "later"}', {"Retry-After": "0"})
            elif fault == "html":
                self._send(200, b"<html>Sign in</html>", {})
            else:
                status, content = fake.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
                self._send(status, json.dumps(content).encode(), {}, cut=fault == "cut")

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
