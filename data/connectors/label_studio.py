"""Label Studio, Community and Enterprise, over its HTTP API.

Tasks are read project by project in order of `updated_at`, which every submit, edit, skip and deletion of an annotation moves.
A task that is deleted itself leaves no trace there: a sweep lists the ids that are left.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data.connectors import label_studio_facts as shapes
from data.connectors.client import Client, ToolError
from data.connectors.connector import Clock, Connection, Cursor, Discovery, Named, Names, Page, Read
from data.connectors.credential import secret
from data.tables import Batch

TOOL = "label-studio"
PAGE = 100
SWEEP_PAGE = 1_000
OVERLAP = 60_000_000  # µs read again at every pull: a transaction of the server may commit later than the instant it writes down

Task = Mapping[str, Any]


class LabelStudio:
    """The connector; it keeps nothing between calls."""

    tool = TOOL
    title = "Label Studio"
    clock = Clock(
        "lead_time", True,
        "from opening a task to submitting it, idle time included, added up over edits; each edit's share is credited to whoever made it",
        "从打开任务到提交的时间，含空闲，多次编辑累计；每次编辑的增量记给编辑者",
    )  # fmt: skip

    def __init__(self, page: int = PAGE, sleep: Callable[[float], None] = time.sleep) -> None:
        self._page, self._sleep = page, sleep

    def discover(self, connection: Connection) -> Discovery:
        """The projects and users this credential sees. Raises ToolError when the server cannot be reached or refuses."""
        with self._client(connection) as http:
            projects = tuple(Named(str(one["id"]), str(one.get("title") or one["id"])) for one in _projects(http))
            users = tuple(Named(str(one["id"]), _name(one)) for one in _users(http))
            return Discovery(_version(http), projects, users)

    def pull(self, connection: Connection, cursor: Cursor, *, sweep: bool, read: Read) -> Generator[Page, None, None]:
        """Everything that changed since `cursor`, oldest first in each project; with `sweep`, deleted tasks too."""
        with self._client(connection) as http:
            state: dict[str, Any] = {
                "users": cursor.get("users"),
                "people": dict(cursor.get("people", {})),
                "projects": dict(cursor.get("projects", {})),
            }
            yield from self._directory(http, connection, state)
            names, visible = names_of(connection, state), _projects(http)
            doubtful = set[str]()  # projects here whose tasks are to be compared
            for project in visible:
                name, count = str(project["id"]), project.get("task_number")
                if connection.only and name not in connection.only:
                    continue
                place = dict(state["projects"].get(name, {}))
                if place.get("title") != project.get("title"):
                    place["title"] = project.get("title")
                    state["projects"][name] = dict(place)
                    yield Page(_copy(state), _describe(names, connection, project))
                since = place.get("updated")
                for tasks in self._changed(http, name, None if since is None else int(since) - OVERLAP):
                    newest = max(map(_updated, tasks))
                    place["updated"] = max(newest, int(place.get("updated") or 0))
                    state["projects"][name] = dict(place)
                    yield Page(_copy(state), _taken(names, connection, tasks, name), len(tasks), shapes.instant(newest))
                if sweep or (isinstance(count, int) and count < int(place.get("tasks") or 0)):
                    doubtful.add(names.project(name))
            for project_id in sorted(doubtful):
                members = [name for name in state["projects"] if names.project(name) == project_id]
                if {str(one["id"]) for one in visible} >= set(members):  # tasks of a project out of sight would look deleted
                    yield from self._swept(http, names, connection, members, state, read)
            for project in visible:
                if (place := state["projects"].get(str(project["id"]))) is not None:
                    place["tasks"] = project.get("task_number")
            if state != cursor:
                yield Page(_copy(state), lambda cur: [])

    def hinted_sweep(self, action: str) -> bool:
        """Deleted tasks do not show in a list of what changed."""
        return action == "TASKS_DELETED"

    # Reading -----------------------------------------------------------------------------------------------------------
    def _client(self, connection: Connection) -> Client:
        """A client that signs its requests: a legacy token as it is, a personal access token through the short-lived one it buys."""
        token = secret(connection.credential)
        if token.count(".") != 2:
            return Client(connection.address, lambda: {"Authorization": f"Token {token}"}, sleep=self._sleep)
        access: list[str] = []

        def renew() -> bool:
            answer = http.post("/api/token/refresh/", {"refresh": token}, signed=False)
            if not isinstance(answer, dict) or not isinstance(answer.get("access"), str):
                raise ToolError("The server gave no access token.", "服务器没有返回访问令牌。", status=401)
            access[:] = [answer["access"]]
            return True

        def headers() -> dict[str, str]:
            if not access:
                renew()
            return {"Authorization": f"Bearer {access[0]}"}

        http = Client(connection.address, headers, renew=renew, sleep=self._sleep)
        return http

    def _tasks(
        self, http: Client, project: str, filters: Sequence[Mapping[str, object]], order: str, *, size: int, whole: bool
    ) -> tuple[list[Task], bool]:
        """The first page of the tasks that meet all filters, and whether there are more (a server may give fewer than asked)."""
        query = {"filters": {"conjunction": "and", "items": list(filters)}, "ordering": [order]}
        params: dict[str, object] = {"project": project, "page": 1, "page_size": size, "resolve_uri": "false", "query": json.dumps(query)}
        if whole:
            params["fields"] = "all"
        answer = http.get("/api/tasks", params)
        found = answer.get("tasks") if isinstance(answer, dict) else None
        if not isinstance(found, list) or not all(isinstance(one, dict) and str(one.get("id", "")).isdigit() for one in found):
            raise ToolError("/api/tasks answers with something that is not a list of tasks.", "/api/tasks 的响应不是任务列表。", status=200)
        total = answer.get("total")
        return found, total > len(found) > 0 if isinstance(total, int) else len(found) >= size

    def _changed(self, http: Client, project: str, since: int | None) -> Iterator[list[Task]]:
        """Tasks updated after `since` (µs), oldest first, in pages none of which depends on the others: tasks move while they are read.

        The last instant of a page is the key of the next. More tasks than a page holds may share one instant (a bulk action): these
        are read by id.
        """
        while True:
            tasks, more = self._tasks(
                http, project, [] if since is None else [_after(since)], "tasks:updated_at", size=self._page, whole=True
            )
            if tasks:
                yield tasks
            if not more:
                return
            instants = [_updated(task) for task in tasks]
            last = max(instants)
            if min(instants) == last:
                yield from self._by_id(http, project, [_after(last - 1), _before(last + 1)], size=self._page, whole=True)
                since = last
            else:
                since = last - 1

    def _by_id(
        self, http: Client, project: str, filters: Sequence[Mapping[str, object]], *, size: int, whole: bool
    ) -> Iterator[list[Task]]:
        """All tasks that meet the filters, in order of id."""
        above, more = 0, True
        while more:
            tasks, more = self._tasks(
                http, project, [*filters, _filter("id", "greater", "Number", above)], "tasks:id", size=size, whole=whole
            )
            if tasks:
                yield tasks
                above = max(int(one["id"]) for one in tasks)

    def _swept(
        self, http: Client, names: Names, connection: Connection, projects: Sequence[str], state: Mapping[str, Any], read: Read
    ) -> Iterator[Page]:
        """Compare the tasks that have work here with those still there: the vanished ones lose their output, differing ones are
        read again. `projects` are all those of the tool that are one project here."""
        held = live(read, names, projects[0])  # before the list: what is submitted meanwhile is not in it
        counts: dict[str, tuple[str, int]] = {}
        for project in projects:
            for tasks in self._by_id(http, project, [], size=SWEEP_PAGE, whole=False):
                for one in tasks:
                    counts[str(one["id"])] = project, int(one.get("total_annotations") or 0) + int(one.get("cancelled_annotations") or 0)
        vanished = [task for task in held if task not in counts]
        for start in range(0, 0 if connection.keep_deleted else len(vanished), SWEEP_PAGE):
            ghosts = [{"id": task, "annotations": []} for task in vanished[start : start + SWEEP_PAGE]]
            yield Page(_copy(state), _taken(names, connection, ghosts, projects[0]), len(ghosts))
        for task, (project, count) in counts.items():
            if count > held.get(task, 0) or (count < held.get(task, 0) and not connection.keep_deleted):
                again, _ = self._tasks(http, project, [_filter("id", "equal", "Number", int(task))], "tasks:id", size=1, whole=True)
                if again:
                    yield Page(_copy(state), _taken(names, connection, again, project), 1)

    def _directory(self, http: Client, connection: Connection, state: dict[str, Any]) -> Iterator[Page]:
        """The names of people, when they are not those of the pull before."""
        users = _users(http)
        seen = [(str(one["id"]), _name(one), str(one.get("email") or ""), str(one.get("username") or "")) for one in users]
        people = {
            number: connection.people[known]
            for number, _, email, username in seen
            for known in (username, email, number)
            if known and known in connection.people
        }
        digest = hashlib.sha256(json.dumps(sorted(seen)).encode()).hexdigest()[:16]
        if digest == state["users"] and people == state["people"]:
            return
        state["users"], state["people"] = digest, people
        names = names_of(connection, state)
        rows = [(names.worker(number), name, email, username) for number, name, email, username in seen if number not in people]
        extra = [json.dumps({"email": email, "username": username}, ensure_ascii=False) for _, _, email, username in rows]
        table = pa.table({
            "worker_id": pa.array([row[0] for row in rows], pa.string()), "name": pa.array([row[1] for row in rows], pa.string()),
            "extra": pa.array(extra, pa.string()), "line": pa.array(range(len(rows)), pa.int64()),
        })  # fmt: skip
        yield Page(_copy(state), lambda cur: [Batch("workers", table, [], len(rows))] if rows else [], len(seen))


def names_of(connection: Connection, cursor: Cursor) -> Names:
    """This base's ids, with what the connection has learnt of people given by e-mail or user name."""
    return Names(connection.source, connection.projects, {**connection.people, **cursor.get("people", {})})


def live(read: Read, names: Names, project: str) -> dict[str, int]:
    """Tasks of a project that have annotations in the log, and how many of these are not marked as deleted."""
    sql = """SELECT item_id, count(*) FROM work WHERE source_key = (SELECT source_key FROM source WHERE name = ?)
        AND project_key = (SELECT project_key FROM project WHERE project_id = ?) AND NOT contains(event_id, '@')
        AND (extra IS NULL OR NOT contains(extra, '"deleted": true')) GROUP BY ALL"""
    return dict(read(sql, [names.source, names.project(project)]))


def _taken(names: Names, connection: Connection, tasks: Sequence[Task], project: str) -> Callable[[DuckDBPyConnection], list[Batch]]:
    return lambda cur: shapes.page_batches(shapes.reading(cur), names, tasks, project, keep_deleted=connection.keep_deleted)


def _describe(names: Names, connection: Connection, project: Mapping[str, Any]) -> Callable[[DuckDBPyConnection], list[Batch]]:
    """The project's title, unless the base has a project of its own for it."""
    name = str(project["id"])
    if name in connection.projects:
        return lambda cur: []
    table = pa.table({
        "project_id": pa.array([names.project(name)], pa.string()), "name": pa.array([project.get("title") or None], pa.string()),
        "line": pa.array([0], pa.int64()),
    })  # fmt: skip
    return lambda cur: [Batch("projects", table, [], 1)]


def _copy(state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "users": state["users"],
        "people": dict(state["people"]),
        "projects": {name: dict(place) for name, place in state["projects"].items()},
    }


def _updated(task: Task) -> int:
    return shapes.micros(task.get("updated_at"), "version") or 0


def _filter(column: str, operator: str, kind: str, value: object) -> dict[str, object]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def _stamp(found: int) -> str:
    """The server wants fractional seconds, and answers 500 without."""
    return datetime.fromtimestamp(found // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{found % 1_000_000:06d}Z"


def _after(found: int) -> dict[str, object]:
    return _filter("updated_at", "greater", "Datetime", _stamp(found))


def _before(found: int) -> dict[str, object]:
    return _filter("updated_at", "less", "Datetime", _stamp(found))


def _listed(http: Client, path: str) -> list[Mapping[str, Any]]:
    """All of a list, which some versions give whole and some in pages."""
    found: list[Mapping[str, Any]] = []
    page = 1
    while True:
        answer = http.get(path, {"page": page, "page_size": PAGE})
        rows = answer.get("results") if isinstance(answer, dict) else answer
        if not isinstance(rows, list) or not all(isinstance(one, dict) and "id" in one for one in rows):
            raise ToolError(f"{path} answers with something that is not a list.", f"{path} 的响应不是列表。", status=200)
        found += rows
        if not isinstance(answer, dict) or not answer.get("next"):
            return list({str(one["id"]): one for one in found}.values())
        page += 1


def _projects(http: Client) -> list[Mapping[str, Any]]:
    return _listed(http, "/api/projects/")


def _users(http: Client) -> list[Mapping[str, Any]]:
    return _listed(http, "/api/users/")


def _version(http: Client) -> str | None:
    try:
        answer = http.get("/api/version")
    except ToolError:
        return None
    found = answer.get("release") if isinstance(answer, dict) else None
    return str(found) if found else None


def _name(user: Mapping[str, Any]) -> str:
    """A person's name, else the user name, else the e-mail address."""
    full = f"{user.get('first_name') or ''} {user.get('last_name') or ''}".strip()
    return full or str(user.get("username") or user.get("email") or user["id"])
