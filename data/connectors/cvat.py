"""CVAT over its API: its event log in windows of time, its quality reports, and the names of projects and people.

An export of events is ordered (`POST /api/events/export`), waited for (`/api/requests/ID`) and fetched (`result_url`); from and to are always
given, because what a server takes without them has changed. The events of a window, united with what the log holds of their jobs,
give the rows (`cvat_facts`); so windows may overlap, and each pull begins OVERLAP before the one before ended, by the server's clock, for events
that were written down late. A browser that was away sends its working time hours later under its earlier instant: every sweep reads the last
LATE hours again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data.connectors import cvat_facts as facts
from data.connectors import cvat_quality as quality
from data.connectors.client import Client, ToolError
from data.connectors.connector import Clock, Connection, Cursor, Discovery, Named, Names, Page, Read
from data.connectors.credential import secret
from data.connectors.cvat_events import EPOCH, SCOPES, WORKING_TIME, Seen, Unreadable, instant, seen_in
from data.errors import InputError
from data.tables import Batch

TOOL = "cvat"
PAGE = 100
BEGIN = int((datetime(2022, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())  # CVAT kept no such log before
OVERLAP = 600  # s read again at every pull
LATE = 48 * 3600  # s read again at every sweep
SHORTEST, FIRST, LONGEST = 60, 86_400, 16 * 86_400  # s of a window
SMALL, LARGE, MOST = 2 << 20, 48 << 20, 1 << 30  # bytes of an export: windows grow below, shrink above, and at most are taken
PATIENCE = 900.0  # s that an export may take
SILENT = 24 * 3_600_000  # ms without a scope, while others go on, that are worth a remark
_LEGACY = re.compile(r"[0-9a-f]{40}")

log = logging.getLogger("piecework.connections")


class Cvat:
    """The connector; it keeps nothing between calls."""

    tool = TOOL
    title = "CVAT"
    clock = Clock(
        "active", False,
        "time with activity in a job: pauses of 100 s and more between two actions do not count; each person's time is their own",
        "在作业中有操作的时间：两次操作间隔达 100 秒及以上的不计；各人时间各算各的",
    )  # fmt: skip

    def __init__(
        self,
        page: int = PAGE,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        first: int = FIRST,
        begin: int = BEGIN,
    ) -> None:
        self._page, self._sleep, self._now, self._first, self._begin = page, sleep, now, first, begin

    def discover(self, connection: Connection) -> Discovery:
        """The projects and users this credential sees. Raises ToolError when the server cannot be reached, refuses, or keeps no events."""
        with self._client(connection) as http:
            views = _views(http)
            _check_analytics(http, connection.address)
            projects = {
                str(one["id"]): Named(str(one["id"]), str(one.get("name") or one["id"]))
                for view in views
                for one in self._listed(http, "/api/projects", view)
            }
            users = {str(one["id"]): Named(str(one["id"]), _name(one)) for view in views for one in self._listed(http, "/api/users", view)}
            about = http.get("/api/server/about")
            version = about.get("version") if isinstance(about, dict) else None
            return Discovery(str(version) if version else None, tuple(projects.values()), tuple(users.values()))

    def pull(self, connection: Connection, cursor: Cursor, *, sweep: bool, read: Read) -> Generator[Page, None, None]:
        """Everything that happened since `cursor`, in order of time for each organization the credential sees; with `sweep`, the last days again."""
        with self._client(connection) as http:
            state: dict[str, Any] = {name: cursor.get(name, {}) for name in ("people", "projects", "views", "scopes")}
            state |= {"users": cursor.get("users"), "refused": bool(cursor.get("refused")), "began": cursor.get("began")}
            state = _copy(state)
            views = _views(http)
            yield from self._directory(http, connection, state, views)
            for view in views:
                place = state["views"].setdefault(view, {"until": None, "step": self._first, "report": 0})
                if sweep and place["until"] is not None:
                    yield from self._windows(http, connection, state, view, place["until"] - LATE, place["until"])
                yield from self._windows(http, connection, state, view, place["until"], None)
                yield from self._reports(http, connection, state, view)
            yield Page(_copy(state), lambda cur: [], remark=_remark(state))

    def hinted_sweep(self, action: str) -> bool:
        """Nothing vanishes from a log."""
        return False

    # Events ----------------------------------------------------------------------------------------------------------------
    def _windows(
        self, http: Client, connection: Connection, state: dict[str, Any], view: str, since: int | None, until: int | None
    ) -> Iterator[Page]:
        """The events from `since` (s, None: all) up to `until` (None: up to now, which moves the cursor), window by window."""
        place = state["views"][view]
        at = self._begin if since is None else since if until is not None else since - OVERLAP
        while True:
            end = min(at + place["step"], until) if until is not None else at + place["step"]
            last = end == until if until is not None else end >= self._now()
            with tempfile.TemporaryDirectory() as folder:
                try:
                    path = Path(folder, "events.csv")
                    begun = self._export(http, connection, view, at, None if last and until is None else end, path)
                    seen, size = seen_in(path), path.stat().st_size
                except ToolError as error:
                    if not (error.status == 413 or isinstance(error, ExportFailed)) or place["step"] <= SHORTEST:
                        raise
                    place["step"] = max(SHORTEST, place["step"] // 4)
                    continue
                except InputError as error:
                    raise ToolError(f"CVAT: {error}", f"CVAT：{error.zh}") from None
            if seen.scopes:
                state["began"] = min(seen.began, state["began"] or seen.began)
            for scope, when in seen.scopes.items():
                state["scopes"][scope] = max(when, state["scopes"].get(scope, when))
            if until is None:
                # By the server's clock, wherever it stands: what it writes down from then on is later.
                newest = max(seen.scopes.values(), default=at * 1000) // 1000
                place["until"] = (newest if begun is None else begun) if last else end if begun is None else min(end, begun)
            state["people"] |= {
                user: connection.people[key]
                for user, words in seen.people.items()
                for key in (*words, user)
                if key and key in connection.people
            }
            yield Page(_copy(state), _taken(connection, state, seen), seen.rows, _when(max(seen.scopes.values(), default=None)))
            if size < SMALL:
                place["step"] = min(LONGEST, place["step"] * 2)
            elif size > LARGE:
                place["step"] = max(SHORTEST, place["step"] // 2)
            if last:
                return
            at = end

    def _export(self, http: Client, connection: Connection, view: str, since: int, until: int | None, path: Path) -> int | None:
        """Have the events of a window written into a file; the instant (s) at which the server took the order, None where it does not say.

        An export that has expired before it was fetched is ordered again.
        """
        span = {"from": _stamp(since), "to": _stamp(until if until is not None else int(self._now()) + 366 * 86_400), **_in(view)}
        for attempt in range(3):
            try:
                answer = http.post("/api/events/export?" + "&".join(f"{name}={quote(str(value))}" for name, value in span.items()), {})
            except ToolError as error:
                raise _no_events(error, connection.address) from None
            request = answer.get("rq_id") if isinstance(answer, dict) else None
            if not isinstance(request, str):
                raise ToolError("/api/events/export names no request.", "/api/events/export 没有返回请求编号。", status=200)
            try:
                done = self._awaited(http, request)
                if done is None:
                    continue
                if done.get("status") == "failed":
                    _check_analytics(http, connection.address)
                    why = str(done.get("message") or "").strip().splitlines()[-1:] or ["no reason given"]
                    raise ExportFailed(f"CVAT could not export its events: {why[0][:300]}", f"CVAT 未能导出事件：{why[0][:300]}")
                result = urlsplit(str(done.get("result_url") or ""))
                _, found, rest = result.path.partition("/api/")
                if not found:
                    raise ToolError("The export of events names no result.", "事件导出没有给出结果地址。", status=200)
                with path.open("w+b") as file:
                    http.save("/api/" + rest, dict(parse_qsl(result.query)), file, MOST)
            except ToolError as error:
                if error.status in (400, 404) and attempt < 2:
                    continue  # expired, or cleared away
                raise
            try:
                return instant(done.get("created_date")) // 1000
            except Unreadable:
                return None
        raise ToolError("CVAT's exports expire before they can be fetched.", "CVAT 的导出结果在取回之前已过期。", status=404)

    def _awaited(self, http: Client, request: str) -> Mapping[str, Any] | None:
        """A request when it is finished or failed; None when the server no longer knows it. Raises ToolError after PATIENCE."""
        waited, pause = 0.0, 0.25
        while True:
            try:
                answer = http.get("/api/requests/" + quote(request, safe=""))
            except ToolError as error:
                if error.status == 404:
                    return None
                raise
            if not isinstance(answer, dict):
                raise ToolError(
                    "/api/requests answers with something that is not a request.", "/api/requests 的响应不是请求状态。", status=200
                )
            if answer.get("status") in ("finished", "failed"):
                return answer
            if waited >= PATIENCE:
                raise ToolError("CVAT has not finished an export of events in 15 minutes.", "CVAT 在 15 分钟内没有完成事件导出。")
            self._sleep(pause)
            waited, pause = waited + pause, min(5.0, pause * 1.5)

    # Everything else ---------------------------------------------------------------------------------------------------------
    def _client(self, connection: Connection) -> Client:
        """A client that signs its requests: an API key of old (40 hexadecimal digits) as Token, a personal access token as Bearer."""
        token = secret(connection.credential)
        scheme = "Token" if _LEGACY.fullmatch(token) else "Bearer"
        return Client(connection.address, lambda: {"Authorization": f"{scheme} {token}"}, sleep=self._sleep)

    def _listed(self, http: Client, path: str, view: str, **params: object) -> Iterator[Mapping[str, Any]]:
        """All of a list, page by page."""
        page = 1
        while True:
            answer = http.get(path, {"page": page, "page_size": self._page, **_in(view), **params})
            rows = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(rows, list) or not all(isinstance(one, dict) and "id" in one for one in rows):
                raise ToolError(f"{path} answers with something that is not a list.", f"{path} 的响应不是列表。", status=200)
            yield from rows
            if not answer.get("next"):
                return
            page += 1

    def _directory(self, http: Client, connection: Connection, state: dict[str, Any], views: tuple[str, ...]) -> Iterator[Page]:
        """The names of projects and people, when they are not those of the pull before."""
        titles = {
            str(one["id"]): str(one.get("name") or one["id"]) for view in views for one in self._listed(http, "/api/projects", view)
        }  # fmt: skip
        fresh = {
            name: title for name, title in titles.items() if state["projects"].get(name) != title and (not connection.only or name in connection.only)
        }  # fmt: skip
        users = {str(one["id"]): one for view in views for one in self._listed(http, "/api/users", view)}
        seen = sorted((number, _name(one), str(one.get("email") or ""), str(one.get("username") or "")) for number, one in users.items())
        state["people"] |= {
            number: connection.people[known] for number, _, email, username in seen for known in (username, email, number) if known and known in connection.people
        }  # fmt: skip
        digest = hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]
        if not fresh and digest == state["users"]:
            return
        state["projects"] |= fresh
        changed, state["users"] = digest != state["users"], digest
        names = Names(connection.source, connection.projects, {**connection.people, **state["people"]})
        found = []
        if unnamed := {name: title for name, title in fresh.items() if name not in connection.projects}:
            table = pa.table({
                "project_id": pa.array([names.project(name) for name in unnamed], pa.string()), "name": pa.array(list(unnamed.values()), pa.string()),
                "line": pa.array(range(len(unnamed)), pa.int64()),
            })  # fmt: skip
            found.append(Batch("projects", table, [], len(unnamed)))
        if changed and (rows := [row for row in seen if names.worker(row[0]) == f"{connection.source}:{row[0]}"]):
            extra = [json.dumps({"email": email, "username": username}, ensure_ascii=False) for _, _, email, username in rows]
            table = pa.table({
                "worker_id": pa.array([names.worker(row[0]) for row in rows], pa.string()), "name": pa.array([row[1] for row in rows], pa.string()),
                "extra": pa.array(extra, pa.string()), "line": pa.array(range(len(rows)), pa.int64()),
            })  # fmt: skip
            found.append(Batch("workers", table, [], len(rows)))
        yield Page(_copy(state), lambda cur: found, len(seen))

    def _reports(self, http: Client, connection: Connection, state: dict[str, Any], view: str) -> Iterator[Page]:
        """Quality reports that came since the last one read, oldest first. A server or a credential without them goes without."""
        place, targets = state["views"][view], dict[str, tuple[str, float]]()
        while True:
            newer = json.dumps({"and": [{">": [{"var": "id"}, place["report"]]}]})
            try:
                answer = http.get("/api/quality/reports", {"filter": newer, "sort": "id", "page": 1, "page_size": self._page, **_in(view)})
            except ToolError as error:
                if error.status not in (403, 404, 405):
                    raise
                state["refused"] = error.status == 403
                return
            state["refused"] = False
            rows = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(rows, list) or not all(isinstance(one, dict) and type(one.get("id")) is int for one in rows):
                raise ToolError(
                    "/api/quality/reports answers with something that is not a list.", "/api/quality/reports 的响应不是列表。", status=200
                )
            rows = [one for one in rows if one["id"] > place["report"]]
            if not rows:
                return
            place["report"] = max(one["id"] for one in rows)
            mine = [one for one in rows if not connection.only or str(one.get("project_id")) in connection.only]
            for task in {
                str(one["task_id"]) for one in mine if one.get("task_id") is not None and one.get("target") == "job"
            } - targets.keys():
                targets |= _target(http, task)
            yield Page(_copy(state), _judged(connection, state, mine, dict(targets)), len(rows))


class ExportFailed(ToolError):
    """The server gave an export up: it may manage a shorter window."""


def _taken(connection: Connection, state: Mapping[str, Any], seen: Seen) -> Callable[[DuckDBPyConnection], list[Batch]]:
    names = Names(connection.source, connection.projects, {**connection.people, **state["people"]})
    kept = "SELECT raw FROM reject WHERE file IS NULL AND raw IN (SELECT unnest(?::VARCHAR[]))"

    def batches(cur: DuckDBPyConnection) -> list[Batch]:
        read = facts.reading(cur)
        told = {raw for (raw,) in read(kept, [[one.raw for one in seen.rejects]])} if seen.rejects else set()
        rejects = [replace(one, line=0) for one in seen.rejects if one.raw not in told]  # windows overlap: each is refused once
        return facts.batches(read, names, facts.chosen(seen, connection.only), rejects)

    return batches


def _judged(
    connection: Connection, state: Mapping[str, Any], rows: list[Mapping[str, Any]], targets: Mapping[str, tuple[str, float]]
) -> Callable[[DuckDBPyConnection], list[Batch]]:
    names = Names(connection.source, connection.projects, {**connection.people, **state["people"]})
    return lambda cur: quality.batches(facts.reading(cur), names, rows, targets)


def _target(http: Client, task: str) -> dict[str, tuple[str, float]]:
    """What the settings of a task require: (measure, threshold), by task; nothing where they do not say or are not to be seen."""
    try:
        answer = http.get("/api/quality/settings", {"task_id": task})
    except ToolError as error:
        if error.status not in (400, 403, 404):
            raise
        return {}
    rows = answer.get("results") if isinstance(answer, dict) else None
    for one in rows if isinstance(rows, list) else ():
        measure, least = one.get("target_metric"), one.get("target_metric_threshold")
        if isinstance(measure, str) and isinstance(least, (int, float)):
            return {task: (measure, float(least))}
    return {}


def _views(http: Client) -> tuple[str, ...]:
    """What has to be read to see everybody's events: all at once ("") as an administrator, else one organization after another, by id.

    Raises ToolError for a credential that would only be shown its own user's events.
    """
    me = http.get("/api/users/self")
    if not isinstance(me, dict) or "id" not in me:
        raise ToolError(
            "/api/users/self does not say who this is: is this CVAT?", "/api/users/self 没有说明当前用户：该地址是否为 CVAT？", status=200
        )
    if me.get("is_superuser") or "admin" in (me.get("groups") or ()):
        return ("",)
    found, page = list[str](), 1
    while True:
        answer = http.get("/api/memberships", {"page": page, "page_size": PAGE})
        rows = answer.get("results") if isinstance(answer, dict) else None
        for one in rows if isinstance(rows, list) else ():
            mine = isinstance(one.get("user"), dict) and one["user"].get("id") == me["id"]
            if mine and one.get("is_active", True) and one.get("role") in ("owner", "maintainer"):
                found.append(str(one["organization"]))
        if not isinstance(answer, dict) or not answer.get("next"):
            break
        page += 1
    if not found:
        raise ToolError(
            "CVAT shows this credential its own user's events only: use that of an administrator, or of an organization's owner or maintainer.",
            "CVAT 只向该凭据显示其本人的事件：请使用管理员，或组织所有者、维护者的凭据。",
            status=403,
        )
    return tuple(sorted(found, key=int))


def _check_analytics(http: Client, address: str) -> None:
    """Raises ToolError when the server says that it keeps no events."""
    try:
        answer = http.get("/api/server/plugins")
    except ToolError as error:
        if error.status == 404:
            return
        raise
    if isinstance(answer, dict) and answer.get("ANALYTICS") is False:
        raise _without_events(address, None)


def _without_events(address: str, status: int | None) -> ToolError:
    host = urlsplit(address).netloc
    return ToolError(
        f"CVAT at {host} keeps no event log: who worked when is only known with its analytics (ClickHouse) switched on.",
        f"{host} 上的 CVAT 没有事件日志：只有启用分析组件（ClickHouse）后才知道谁在何时工作。",
        status=status,
    )


def _no_events(error: ToolError, address: str) -> ToolError:
    """What a refused order of an export means."""
    host = urlsplit(address).netloc
    if error.status == 403:
        return ToolError(
            f"CVAT at {host} does not let this credential export events (403): use that of an administrator, or of an organization's owner or maintainer.",
            f"{host} 上的 CVAT 不允许该凭据导出事件（403）：请使用管理员，或组织所有者、维护者的凭据。",
            status=403,
        )
    if error.status in (404, 405):
        return ToolError(
            f"CVAT at {host} has no export of events over its API ({error.status}): it is older than 2.32, or runs without analytics. Import its events CSV instead.",
            f"{host} 上的 CVAT 不提供事件导出接口（{error.status}）：版本早于 2.32 或未启用分析组件。请改为导入事件 CSV 文件。",
            status=error.status,
        )
    return error


def _remark(state: Mapping[str, Any]) -> tuple[str, str] | None:
    """What somebody should look at: a kind of event that has stopped coming while others go on, or quality reports out of sight."""
    seen: Mapping[str, int] = state["scopes"]
    newest = max(seen.values(), default=0)
    creating = [scope for scope in SCOPES if scope.startswith("create:")]
    groups = {WORKING_TIME: (WORKING_TIME,), "update:job": ("update:job",), "create:shapes|tags|tracks": tuple(creating)}
    silent = [
        (name, max((seen[scope] for scope in scopes if scope in seen), default=None)) for name, scopes in groups.items()
    ]  # fmt: skip
    stopped = [(name, last) for name, last in silent if newest and newest - (state["began"] if last is None else last) > SILENT]
    if stopped:
        en = "; ".join(f"{name} {'never came' if last is None else 'last came ' + _day(last)}" for name, last in stopped)
        zh = "；".join(f"{name} {'从未出现' if last is None else '最近一次为 ' + _day(last)}" for name, last in stopped)
        return f"Events of CVAT are missing while others come: {en}.", f"CVAT 的部分事件缺失而其他事件正常：{zh}。"
    if state["refused"]:
        return (
            "CVAT does not show this credential its quality reports (403): there are no gold checks from it.",
            "CVAT 不向该凭据显示质量报告（403）：没有来自 CVAT 的金标检查。",
        )
    return None


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")


def _when(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None)


def _stamp(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in(view: str) -> dict[str, object]:
    return {"org_id": view} if view else {}


def _copy(state: Mapping[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(state))
    return copied


def _name(user: Mapping[str, Any]) -> str:
    full = f"{user.get('first_name') or ''} {user.get('last_name') or ''}".strip()
    return full or str(user.get("username") or user["id"])
