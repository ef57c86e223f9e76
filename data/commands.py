"""What `python -m data` can do to a store, whichever process owns it: one row a verb, a JSON object in and one out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import cast

from data import accounts, connections, identity, load, mapping, undo
from data.connectors.connector import Connection
from data.errors import InputError, NameUnknown, PieceworkError
from data.owner import owned
from data.status import status
from data.store import Store
from data.verify import verify

Payload = Mapping[str, object]
Answer = dict[str, object]
Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Command:
    """One verb. `writes`: it goes through the writer of a running server. `creates`: it may make a new, empty store."""

    run: Callable[[Store, Payload, Progress | None], Answer]
    writes: bool = False
    creates: bool = False


def as_json(content: object) -> str:
    """JSON as the server and the command line both write it: instants with Z, days in ISO form, no NaN."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds" if value.microsecond else "seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _text(payload: Payload, key: str) -> str | None:
    value = payload.get(key)
    if value is None or isinstance(value, str):
        return value
    raise InputError(f"“{key}” must be text.", f"“{key}”必须是文本。")


def _need(payload: Payload, key: str) -> str:
    value = _text(payload, key)
    if not value:
        raise InputError(f"“{key}” is missing.", f"缺少“{key}”。")
    return value


_COUNTS = ("file", "table", "rows", "new", "updated", "duplicates", "rejected", "undated", "naive")


def import_files(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    """{files: absolute paths, table, mapping, source, zone} → {files: counts each, errors, seconds, demo}; one transaction a file."""
    began = time.monotonic()
    files, errors = [], []
    for name in cast(list[str], payload["files"]):
        try:
            reports = connections.imported(
                store, Path(name), table=_text(payload, "table"), mapping=_text(payload, "mapping"), source=_text(payload, "source"),
                zone=_text(payload, "zone"), progress=progress,
            )  # fmt: skip
        except PieceworkError as error:
            errors.append({"file": name, "error": str(error), "error_zh": error.zh})
        else:
            files += [{name: getattr(report, name) for name in _COUNTS} for report in reports]
    return {"files": files, "errors": errors, "seconds": round(time.monotonic() - began, 3), "demo": store.is_demo}


def _sync(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    """{connection, sweep, again} → what the pull did; `rejected` counts records that could not be read."""
    own = owned(store)
    done = connections.pull(
        store, _need(payload, "connection"), sweep=payload.get("sweep") is True, again=payload.get("again") is True, progress=progress,
        submit=None if own is None else lambda job: own.writer.submit(job).result(),
    )  # fmt: skip
    return asdict(done)


def _connection(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    """Connections: add and edit (both ask the tool first, unless `unchecked`), list, show, remove."""
    match payload.get("action"):
        case "add" | "edit" as action:
            made = _wanted(payload) if action == "add" else _edited(connections.get(store, _need(payload, "name")), payload)
            seen = None if payload.get("unchecked") is True else asdict(connections.discover(made))
            (connections.add if action == "add" else connections.change)(store, made)
            return {"connection": _state(store, made.name), "discovered": seen}
        case "list":
            return {"connections": [_state_row(state) for state in connections.states(store)]}
        case "show":
            found = connections.get(store, _need(payload, "name"))
            return {"connection": _state(store, found.name), "settings": asdict(found)}
        case "remove":
            connections.remove(store, _need(payload, "name"))
            return {"name": payload["name"], "removed": True}
        case other:
            raise NameUnknown("connection action", str(other), ("add", "edit", "list", "show", "remove"), "连接操作")


def _wanted(payload: Payload) -> Connection:
    name, tool = _need(payload, "name"), _need(payload, "tool")
    every = payload.get("every")
    if every is not None and not isinstance(every, int):
        raise InputError("“every” must be a whole number of seconds.", "“every”必须是整数秒。")
    pairs = {}
    for key in ("projects", "people"):
        given = payload.get(key) or {}
        if not isinstance(given, dict) or not all(isinstance(text, str) and text for pair in given.items() for text in pair):
            raise InputError(f"“{key}” must name an id for an id.", f"“{key}”应为编号到编号的对应。")
        pairs[key] = given
    only = payload.get("only") or []
    if not isinstance(only, list) or not all(isinstance(one, str) for one in only):
        raise InputError("“only” must be a list of projects.", "“only”应为项目列表。")
    return Connection(
        name, tool, _text(payload, "source") or name, _need(payload, "address"), _text(payload, "credential") or "", _text(payload, "hook_secret"),
        pairs["projects"], pairs["people"], tuple(only), payload.get("keep_deleted") is True, 30 if every is None else every,
        _text(payload, "mapping"),
    )  # fmt: skip


def _edited(kept: Connection, payload: Payload) -> Connection:
    """A connection with what was given in place of what was kept."""
    given = {key: value for key, value in payload.items() if value not in (None, [], {}, "") and key not in ("action", "unchecked")}
    told = asdict(kept) | {"every": kept.every_s, "only": list(kept.only)} | given
    return _wanted(told)


def _state(store: Store, name: str) -> Answer:
    return next(_state_row(state) for state in connections.states(store) if state.name == name)


def _state_row(state: connections.State) -> Answer:
    return asdict(state) | {"lag_s": None if state.lag_s is None else round(state.lag_s, 1)}


def _rejects(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    return {"rejects": load.rejects(store)}


def _loads(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    return {"loads": [asdict(one) for one in undo.loads(store, limit=int(cast(int, payload.get("limit") or 200)))]}


def _undo(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    ids = [int(one) for one in cast(list[int], payload["loads"])]
    done = undo.preview(store, ids) if payload.get("preview") else undo.undo(store, ids, by=_text(payload, "by") or "command line")
    return asdict(done)


def _identity(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    by = _text(payload, "by") or "command line"
    match payload.get("action"):
        case "list":
            return {"matches": [asdict(one) for one in identity.matches(store)]}
        case "suggest":
            return {"suggestions": [asdict(one) for one in identity.suggestions(store)]}
        case "same":
            return {"rows": identity.confirm(store, _need(payload, "account"), _need(payload, "person"), by=by)}
        case "apart":
            return {"rows": identity.separate(store, _need(payload, "account"), by=by)}
        case "different":
            identity.dismiss(store, _need(payload, "account"), _need(payload, "person"), by=by)
            return {"rows": 0}
        case other:
            raise NameUnknown("identity action", str(other), ("list", "suggest", "same", "apart", "different"), "身份操作")


def _verify(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    checks = verify(store)
    rows = [
        {"name": check.name, "en": check.en, "zh": check.zh, "ok": check.ok, "wrong": check.wrong, "detail": check.detail}
        for check in checks
    ]
    return {"ok": all(check.ok for check in checks), "checks": rows}


def _status(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    return dict(status(store))


def _backup(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    target = store.backup(_need(payload, "file"))
    return {"file": str(target), "bytes": target.stat().st_size}


def _restore(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    source = _need(payload, "file")
    store.restore(source)
    accounts.end_sessions(store)
    return {"file": source, "store": str(store.path), "kept": f"{store.path}.before-restore"}


def _account(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    match payload.get("action"):
        case "add":
            site, team, worker = _text(payload, "site"), _text(payload, "team"), _text(payload, "worker")
            if store.is_demo:
                raise InputError(
                    "This is a demo base, which opens without sign-in: start a store of your own first (PIECEWORK_STORE).",
                    "这是演示基地，无需登录：请先建立自己的数据文件（PIECEWORK_STORE）。",
                )
            made = accounts.add(
                store, _need(payload, "name"), _need(payload, "password_hash"), _need(payload, "role"), site=site, team=team, worker=worker
            )
            unknown = [
                f"There is no {kind} “{value}” in the store yet."
                for kind, value in (("site", site), ("team", team), ("worker", worker))
                if value and not store.rows(f"SELECT 1 FROM {kind} WHERE {kind}_id = ?", [value])
            ]
            return {"account": _account_row(made), "warnings": unknown}
        case "list":
            return {"accounts": [_account_row(account) for account in accounts.accounts(store)]}
        case "disable" | "enable" as action:
            return {"account": _account_row(accounts.set_disabled(store, _need(payload, "name"), action == "disable"))}
        case "password":
            return {"account": _account_row(accounts.set_password(store, _need(payload, "name"), _need(payload, "password_hash")))}
        case other:
            raise NameUnknown("account action", str(other), ("add", "list", "disable", "enable", "password"), "账号操作")


def _account_row(account: accounts.Account) -> Answer:
    locked = account.locked_until is not None and account.locked_until > datetime.now(UTC).replace(tzinfo=None)
    return {
        "name": account.name, "role": account.role, "site": account.site, "team": account.team, "worker": account.worker,
        "disabled": account.disabled, "locked": locked, "created_at": account.created_at,
    }  # fmt: skip


def _token(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    match payload.get("action"):
        case "add":
            name = _need(payload, "name")
            text = accounts.add_token(store, name, source=_text(payload, "source"), account=_text(payload, "account"))
            made = accounts.token_for(store, text)
            return {"token": text, "name": name, "source": made and made.source, "account": made and made.account}
        case "list":
            return {"tokens": [asdict(token) for token in accounts.tokens(store)]}
        case "revoke":
            accounts.revoke_token(store, _need(payload, "name"))
            return {"name": payload["name"], "revoked": True}
        case other:
            raise NameUnknown("token action", str(other), ("add", "list", "revoke"), "令牌操作")


def _facts(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    """What the store says about itself, and the newest instant in it."""
    newest = store.rows("SELECT max(ts) FROM (SELECT max(ts) AS ts FROM work UNION ALL SELECT max(ts) FROM review)")[0][0]
    return {"facts": dict(store.rows("SELECT key, value FROM meta")), "newest": newest}


def _mapping(store: Store, payload: Payload, progress: Progress | None) -> Answer:
    match payload.get("action"):
        case "list":
            return {"mappings": mapping.names(store)}
        case "show":
            return {"name": payload["name"], "mapping": json.loads(mapping.get(store, _need(payload, "name")).to_json())}
        case "save":
            spec = {**cast(dict[str, object], payload["spec"]), "name": _need(payload, "name")}
            mapping.save(store, mapping.Mapping.from_json(json.dumps(spec)))
            return {"name": payload["name"], "saved": True}
        case other:
            raise NameUnknown("mapping action", str(other), ("list", "show", "save"), "映射操作")


COMMANDS: Mapping[str, Command] = MappingProxyType({
    "import": Command(import_files, writes=True, creates=True),
    "rejects": Command(_rejects),
    "loads": Command(_loads),
    "undo": Command(_undo, writes=True),
    "identity": Command(_identity, writes=True),
    "verify": Command(_verify),
    "status": Command(_status),
    "backup": Command(_backup),
    "restore": Command(_restore, writes=True, creates=True),
    "account": Command(_account, creates=True),
    "token": Command(_token, creates=True),
    "mapping": Command(_mapping, creates=True),
    "facts": Command(_facts),
    "sync": Command(_sync),
    "connection": Command(_connection, creates=True),
})  # fmt: skip
