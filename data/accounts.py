"""Who may come in: accounts, their sessions, and the tokens of programs.

Passwords are kept as argon2id hashes, session ids and tokens only as SHA-256, so that a copy of the store lets nobody in.
Writes here are small transactions of their own: they neither wait for an import that is running nor change
`Store.version`, so signing in empties no cache.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar
from weakref import WeakKeyDictionary

import duckdb
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from data.codes import ROLES
from data.errors import InputError, NameUnknown, StoreError
from data.store import Store

MIN_PASSWORD = 10
MAX_PASSWORD = 1024
FAILURES = 5
LOCKED = timedelta(minutes=15)
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
TOKEN_PREFIX = "pw_"

_SLIDE = timedelta(minutes=5)  # a session's expiry is written at most this often
_CACHE_SECONDS = 1.0
_CACHE_ENTRIES = 10_000
_STRANGERS = 10_000

T = TypeVar("T")
_hasher = PasswordHasher()  # argon2id, RFC 9106 low-memory profile (64 MiB, 3 passes)


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in. `site`, `team` and `worker` are source ids, None where the role does not need them."""

    name: str
    role: str
    site: str | None = None
    team: str | None = None
    worker: str | None = None
    disabled: bool = False
    locked_until: datetime | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A program's key. Pushes rows as `source` when that is set; reads measures as `account` sees them when that is set."""

    name: str
    source: str | None
    account: str | None
    created_at: datetime
    revoked_at: datetime | None = None


# Accounts ----------------------------------------------------------------------------------------------------------------
_COLUMNS = "name, role, site_id, team_id, worker_id, disabled, locked_until, created_at"
_NEEDS = {"site_manager": "site", "team_lead": "team", "annotator": "worker", "reviewer": "worker"}


def normal_name(name: str) -> str:
    """The name as accounts know it: NFKC, no outer blanks, lower case.

    >>> normal_name(" Ａnna ")
    'anna'
    """
    return unicodedata.normalize("NFKC", name).strip().lower()


def hash_password(password: str) -> str:
    """The argon2id hash to keep. Raises InputError when the password is shorter than MIN_PASSWORD or longer than MAX_PASSWORD."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InputError(f"A password has at least {MIN_PASSWORD} characters.", f"密码至少需要 {MIN_PASSWORD} 个字符。")
    return _hasher.hash(unicodedata.normalize("NFKC", password))


def add(
    store: Store, name: str, password_hash: str, role: str, *, site: str | None = None, team: str | None = None, worker: str | None = None
) -> Account:
    """Create an account from a hash made by `hash_password`.

    Raises NameUnknown for a role that does not exist, InputError when the name is taken or empty or the role lacks the
    site, team or worker it looks at.
    """
    name = normal_name(name)
    if role not in ROLES:
        raise NameUnknown("role", role, ROLES, "角色")
    if not name or len(name) > 100 or any(unicodedata.category(c).startswith("C") for c in name):
        raise InputError("An account needs a name of 1 to 100 printable characters.", "账号名需为 1 至 100 个可见字符。")
    needed = _NEEDS.get(role)
    if needed and not {"site": site, "team": team, "worker": worker}[needed]:
        raise InputError(f"The role {role} needs --{needed}.", f"角色 {role} 需要 --{needed}。")
    if not password_hash.startswith("$argon2id$"):
        raise InputError("The password must be handed in as an argon2id hash.", "密码须以 argon2id 哈希形式提供。")

    def insert(cur: duckdb.DuckDBPyConnection) -> None:
        if cur.execute("SELECT 1 FROM account WHERE name = ?", [name]).fetchall():
            raise InputError(f"There is already an account “{name}”.", f"账号“{name}”已存在。")
        cur.execute(
            "INSERT INTO account (name, password_hash, role, site_id, team_id, worker_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [name, password_hash, role, site or None, team or None, worker or None, _now()],
        )

    _write(store, insert)
    return get(store, name)


def get(store: Store, name: str) -> Account:
    """The account of that name. Raises NameUnknown (with a near name, for the command line) when there is none."""
    found = _find(store, normal_name(name))
    if found is None:
        raise NameUnknown("account", name, [account.name for account in accounts(store)], "账号")
    return found


def accounts(store: Store) -> list[Account]:
    """All accounts by name, disabled ones too."""
    return [Account(*row) for row in store.rows(f"SELECT {_COLUMNS} FROM account ORDER BY name")]


def any_account(store: Store) -> bool:
    """True when somebody could sign in."""
    return bool(store.rows("SELECT 1 FROM account WHERE NOT disabled LIMIT 1"))


def set_disabled(store: Store, name: str, disabled: bool) -> Account:
    """Shut an account out (its sessions end, its tokens stop) or let it in again."""
    account = get(store, name)

    def change(cur: duckdb.DuckDBPyConnection) -> None:
        cur.execute("UPDATE account SET disabled = ?, failures = 0, locked_until = NULL WHERE name = ?", [disabled, account.name])
        if disabled:
            cur.execute("DELETE FROM session WHERE account = ?", [account.name])

    _write(store, change)
    _forget(store)
    return get(store, name)


def set_password(store: Store, name: str, password_hash: str) -> Account:
    """Replace the password; the account's sessions end and a lock is lifted."""
    account = get(store, name)
    if not password_hash.startswith("$argon2id$"):
        raise InputError("The password must be handed in as an argon2id hash.", "密码须以 argon2id 哈希形式提供。")

    def change(cur: duckdb.DuckDBPyConnection) -> None:
        cur.execute("UPDATE account SET password_hash = ?, failures = 0, locked_until = NULL WHERE name = ?", [password_hash, account.name])
        cur.execute("DELETE FROM session WHERE account = ?", [account.name])

    _write(store, change)
    _forget(store)
    return get(store, name)


# Signing in --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SignIn:
    """What came of an attempt: `sid` for the cookie when it succeeded; `locked` when the name has to wait."""

    sid: str | None = None
    locked: bool = False


def sign_in(store: Store, name: str, password: str, now: datetime | None = None) -> SignIn:
    """Check a password and open a session; run it in a thread, it takes about 0.1 s on purpose.

    An attempt is counted before the password is looked at, so parallel guesses gain nothing. After FAILURES failures in a
    row the name is shut for LOCKED, the right password too. Unknown and disabled names answer as known ones do.
    """
    now = now or _now()
    name = normal_name(name)
    if not _attempt(store, name, now):
        return SignIn(locked=True)
    found = store.rows("SELECT password_hash, disabled FROM account WHERE name = ?", [name])
    right = _matches(found[0][0] if found else _nobody(), password)
    if not found or found[0][1] or not right:
        return SignIn()
    sid = secrets.token_urlsafe(32)
    stale = _hasher.check_needs_rehash(found[0][0])

    def enter(cur: duckdb.DuckDBPyConnection) -> None:
        cur.execute("UPDATE account SET failures = 0, locked_until = NULL WHERE name = ?", [name])
        if stale:
            cur.execute(
                "UPDATE account SET password_hash = ? WHERE name = ?", [_hasher.hash(unicodedata.normalize("NFKC", password)), name]
            )
        cur.execute("DELETE FROM session WHERE expires_at <= ?", [now])
        cur.execute("INSERT INTO session VALUES (?, ?, ?, ?)", [session_key(sid), name, now, now + IDLE])

    _write(store, enter)
    return SignIn(sid=sid)


def _attempt(store: Store, name: str, now: datetime) -> bool:
    """Count an attempt; False when the name is shut."""

    def count(cur: duckdb.DuckDBPyConnection) -> bool:
        found = cur.execute("SELECT failures, locked_until FROM account WHERE name = ?", [name]).fetchall()
        failures, until = found[0] if found else _strangers(store).get(name, (0, None))
        if until is not None and until > now:
            return False
        failures = 1 if until is not None else failures + 1
        until = now + LOCKED if failures >= FAILURES else None
        if found:
            cur.execute("UPDATE account SET failures = ?, locked_until = ? WHERE name = ?", [failures, until, name])
        else:
            strangers = _strangers(store)
            strangers[name] = (failures, until)
            strangers.move_to_end(name)
            while len(strangers) > _STRANGERS:
                strangers.popitem(last=False)
        return True

    return _write(store, count)


def _matches(password_hash: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD:
        password = ""
    try:
        return _hasher.verify(password_hash, unicodedata.normalize("NFKC", password))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """A hash that no password opens, so that unknown names cost the same time."""
    return _hasher.hash(secrets.token_urlsafe(32))


# Sessions ----------------------------------------------------------------------------------------------------------------
def session_key(sid: str) -> str:
    """What the store and the pages know a session by: the SHA-256 of the cookie, useless as a cookie."""
    return hashlib.sha256(sid.encode()).hexdigest()


def session_account(store: Store, key: str | None, now: datetime | None = None) -> Account | None:
    """Who is signed in with this session, asked on every run: None once it expired, was signed out or the account disabled.

    `key` is `session_key(cookie)`, which pages read from `st.user["session"]`. Remembered for a second. Each use moves the
    expiry 12 hours on, up to 7 days after signing in.
    """
    if not key:
        return None
    memory = _memory(store)
    known = memory.get(key)
    clock = time.monotonic()
    if now is None and known is not None and clock - known[0] < _CACHE_SECONDS:
        return known[1]
    moment = now or _now()
    found = store.rows(
        f"SELECT session.created_at, session.expires_at, {_COLUMNS.replace('created_at', 'account.created_at')} "
        "FROM session JOIN account ON account.name = session.account "
        "WHERE sid_hash = ? AND expires_at > ? AND session.created_at > ? AND NOT disabled",
        [key, moment, moment - LONGEST],
    )
    account = Account(*found[0][2:]) if found else None
    if found and found[0][1] < moment + IDLE - _SLIDE:
        expires = min(moment + IDLE, found[0][0] + LONGEST)
        if expires > found[0][1]:
            _write(store, lambda cur: cur.execute("UPDATE session SET expires_at = ? WHERE sid_hash = ?", [expires, key]))
    if now is None:
        with _guard:
            memory[key] = (clock, account)
            while len(memory) > _CACHE_ENTRIES:
                memory.popitem(last=False)
    return account


def sign_out(store: Store, key: str | None) -> None:
    """End a session; an open tab that carries it is refused on its next run."""
    if key:
        _write(store, lambda cur: cur.execute("DELETE FROM session WHERE sid_hash = ?", [key]))
        _forget(store)


def end_sessions(store: Store) -> None:
    """Sign everybody out, as after a restore: sessions in a backup must not come back to life."""
    _write(store, lambda cur: cur.execute("DELETE FROM session"))
    _forget(store)


# Tokens ------------------------------------------------------------------------------------------------------------------
def add_token(store: Store, name: str, *, source: str | None = None, account: str | None = None) -> str:
    """Make a token and return it, the only time it can be read.

    Without an account it may only push, as `source` (its own name when none is given). With an account it reads measures
    as that person sees them, and pushes only where a source is given too.
    """
    name = name.strip()
    if not name:
        raise InputError("A token needs a name.", "令牌需要名称。")
    owner = get(store, account).name if account else ""
    if not owner:
        source = source or name
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)

    def insert(cur: duckdb.DuckDBPyConnection) -> None:
        if cur.execute("SELECT 1 FROM token WHERE name = ?", [name]).fetchall():
            raise InputError(f"There is already a token “{name}”.", f"令牌“{name}”已存在。")
        cur.execute(
            "INSERT INTO token (token_hash, name, account, may_push, source, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            [session_key(token), name, owner, bool(source), source, _now()],
        )

    _write(store, insert)
    return token


def tokens(store: Store) -> list[Token]:
    """All tokens by name, revoked ones too; never their text."""
    found = store.rows("SELECT name, source, nullif(account, ''), created_at, revoked_at FROM token ORDER BY name")
    return [Token(*row) for row in found]


def revoke_token(store: Store, name: str) -> None:
    """Stop a token for good. Raises NameUnknown."""
    if not store.rows("SELECT 1 FROM token WHERE name = ?", [name]):
        raise NameUnknown("token", name, [token.name for token in tokens(store)], "令牌")
    _write(store, lambda cur: cur.execute("UPDATE token SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL", [_now(), name]))


def token_for(store: Store, text: str) -> Token | None:
    """The token with this text, None when it does not exist or was revoked."""
    found = store.rows(
        "SELECT name, CASE WHEN may_push THEN source END, nullif(account, ''), created_at, revoked_at FROM token "
        "WHERE token_hash = ? AND revoked_at IS NULL",
        [session_key(text)],
    )
    return Token(*found[0]) if found else None


def token_account(store: Store, token: Token) -> Account | None:
    """Whose eyes the token reads with; None for a push-only token and while the account is disabled."""
    account = _find(store, token.account) if token.account else None
    return account if account is not None and not account.disabled else None


# Inside ------------------------------------------------------------------------------------------------------------------
_guard = threading.Lock()
_sessions: WeakKeyDictionary[Store, OrderedDict[str, tuple[float, Account | None]]] = WeakKeyDictionary()
_unknown: WeakKeyDictionary[Store, OrderedDict[str, tuple[int, datetime | None]]] = WeakKeyDictionary()


def _memory(store: Store) -> OrderedDict[str, tuple[float, Account | None]]:
    with _guard:
        return _sessions.setdefault(store, OrderedDict())


def _strangers(store: Store) -> OrderedDict[str, tuple[int, datetime | None]]:
    """Failures of names that have no account."""
    with _guard:
        return _unknown.setdefault(store, OrderedDict())


def _forget(store: Store) -> None:
    with _guard:
        _sessions.pop(store, None)


def _find(store: Store, name: str) -> Account | None:
    found = store.rows(f"SELECT {_COLUMNS} FROM account WHERE name = ?", [name])
    return Account(*found[0]) if found else None


def _now() -> datetime:
    """Now in UTC, without the zone, as TIMESTAMP columns hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


_writing = threading.Lock()


def _write(store: Store, change: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
    """Run a change in a transaction of its own, without the store's write lock; tried again when it met another change."""
    for _ in range(20):
        with _writing, store.cursor() as cur:
            cur.execute("BEGIN")
            try:
                answer = change(cur)
                store.commit(cur)
                return answer
            except duckdb.TransactionException:
                store.roll_back(cur)
            except BaseException:
                store.roll_back(cur)
                raise
        time.sleep(0.05)
    raise StoreError("The accounts are busy; try again in a moment.", "账号数据正忙，请稍后再试。")
