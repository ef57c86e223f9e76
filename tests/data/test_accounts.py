"""Accounts, lock-out, sessions and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from data import accounts
from data.errors import InputError, NameUnknown
from data.store import Store

PASSWORD = "correct horse battery"
HASH = accounts.hash_password(PASSWORD)
NOON = datetime(2026, 3, 2, 12)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as opened:
        accounts.add(opened, "Anna", HASH, "admin")
        yield opened


def failures(store: Store, name: str) -> tuple[int, datetime | None]:
    return store.rows("SELECT failures, locked_until FROM account WHERE name = ?", [name])[0]


def test_the_hash_is_argon2id_and_no_password_is_kept(store: Store) -> None:
    (kept,) = store.rows("SELECT password_hash FROM account")[0]
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


@pytest.mark.parametrize("password", ["", "123456789", "密码密码密码密码密", "x" * 1025])
def test_a_password_has_ten_characters_or_more(password: str) -> None:
    with pytest.raises(InputError, match="at least 10"):
        accounts.hash_password(password)


def test_names_are_one_whatever_their_case_and_width(store: Store) -> None:
    with pytest.raises(InputError, match="already an account “anna”"):
        accounts.add(store, "ＡNNA ", HASH, "hr")
    assert accounts.sign_in(store, " ANNA", PASSWORD).sid


@pytest.mark.parametrize(
    ("role", "needs"), [("site_manager", "site"), ("team_lead", "team"), ("annotator", "worker"), ("reviewer", "worker")]
)
def test_a_role_names_what_it_looks_at(store: Store, role: str, needs: str) -> None:
    with pytest.raises(InputError, match=f"needs --{needs}"):
        accounts.add(store, "bo", HASH, role)
    assert getattr(accounts.add(store, "bo", HASH, role, **{needs: "X1"}), needs) == "X1"


def test_what_is_wrong_with_an_account_is_said(store: Store) -> None:
    with pytest.raises(NameUnknown, match="Did you mean “executive”"):
        accounts.add(store, "bo", HASH, "executiv")
    with pytest.raises(InputError, match="needs a name"):
        accounts.add(store, " \x00", HASH, "hr")
    with pytest.raises(InputError, match="argon2id"):
        accounts.add(store, "bo", PASSWORD, "hr")
    with pytest.raises(NameUnknown, match="Did you mean “anna”"):
        accounts.set_disabled(store, "ana", True)


def test_only_the_sha256_of_a_session_is_kept(store: Store) -> None:
    sid = accounts.sign_in(store, "anna", PASSWORD).sid
    assert sid
    assert len(sid) >= 43  # 256 bits
    assert store.rows("SELECT sid_hash FROM session") == [(accounts.session_key(sid),)]
    assert accounts.session_account(store, sid) is None, "the key opens, the cookie itself does not"


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_five_failures_shut_a_name_for_a_quarter_of_an_hour(store: Store, name: str) -> None:
    for _ in range(5):
        assert accounts.sign_in(store, name, "wrong", NOON) == accounts.SignIn()
    assert accounts.sign_in(store, name, PASSWORD, NOON) == accounts.SignIn(locked=True)
    assert accounts.sign_in(store, name, PASSWORD, NOON + timedelta(minutes=14, seconds=59)).locked
    later = accounts.sign_in(store, name, PASSWORD, NOON + timedelta(minutes=15, seconds=1))
    assert (later.locked, later.sid is not None) == (False, name == "anna")


def test_a_success_forgets_earlier_failures(store: Store) -> None:
    for _ in range(4):
        accounts.sign_in(store, "anna", "wrong", NOON)
    assert failures(store, "anna") == (4, None)
    assert accounts.sign_in(store, "anna", PASSWORD, NOON).sid
    assert failures(store, "anna") == (0, None)


def test_guessing_in_parallel_gains_nothing(store: Store) -> None:
    answers: list[accounts.SignIn] = []
    together = Barrier(12)

    def guess() -> None:
        together.wait(30)
        answers.append(accounts.sign_in(store, "anna", "wrong"))

    guessers = [Thread(target=guess) for _ in range(12)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    assert sorted(answer.locked for answer in answers) == [False] * 5 + [True] * 7


def test_a_disabled_account_is_out_at_once(store: Store) -> None:
    sid = accounts.sign_in(store, "anna", PASSWORD).sid
    assert sid
    key = accounts.session_key(sid)
    assert accounts.session_account(store, key)
    accounts.set_disabled(store, "anna", True)
    assert accounts.session_account(store, key) is None
    assert accounts.sign_in(store, "anna", PASSWORD) == accounts.SignIn()
    assert not accounts.any_account(store)
    accounts.set_disabled(store, "anna", False)
    assert accounts.session_account(store, key) is None, "the old session stays ended"
    assert accounts.sign_in(store, "anna", PASSWORD).sid


def test_a_new_password_ends_sessions_and_opens_a_lock(store: Store) -> None:
    sid = accounts.sign_in(store, "anna", PASSWORD).sid
    assert sid
    for _ in range(5):
        accounts.sign_in(store, "anna", "wrong")
    accounts.set_password(store, "anna", accounts.hash_password("another password"))
    assert accounts.session_account(store, accounts.session_key(sid)) is None
    assert not accounts.sign_in(store, "anna", PASSWORD).sid
    assert accounts.sign_in(store, "anna", "another password").sid


def test_a_session_ends_after_twelve_idle_hours_and_after_seven_days(store: Store) -> None:
    sid = accounts.sign_in(store, "anna", PASSWORD, NOON).sid
    assert sid
    key = accounts.session_key(sid)
    moment = NOON
    while moment < NOON + timedelta(days=7) - timedelta(hours=11):
        moment += timedelta(hours=11)
        assert accounts.session_account(store, key, moment), moment
    assert accounts.session_account(store, key, NOON + timedelta(days=7)) is None
    other = accounts.sign_in(store, "anna", PASSWORD, NOON).sid
    assert other
    assert accounts.session_account(store, accounts.session_key(other), NOON + timedelta(hours=12)) is None


def test_signing_out_ends_one_session_at_once(store: Store) -> None:
    first, second = (accounts.session_key(accounts.sign_in(store, "anna", PASSWORD).sid or "") for _ in range(2))
    assert accounts.session_account(store, first)
    accounts.sign_out(store, first)
    assert accounts.session_account(store, first) is None
    assert accounts.session_account(store, second)
    accounts.end_sessions(store)
    assert accounts.session_account(store, second) is None
    assert accounts.session_account(store, None) is None


def test_signing_in_neither_waits_for_an_import_nor_empties_caches(store: Store) -> None:
    before = store.version
    with store.transaction() as cur:
        cur.execute("INSERT INTO source VALUES (7, 'under way')")
        assert accounts.sign_in(store, "anna", PASSWORD).sid
    assert store.version == before + 1
    accounts.sign_in(store, "anna", "wrong")
    assert store.version == before + 1


def test_a_token_is_shown_once_and_kept_as_its_hash(store: Store) -> None:
    text = accounts.add_token(store, "tool")
    assert text.startswith("pw_")
    assert not store.rows("SELECT 1 FROM token WHERE contains(token_hash, ?)", [text[3:]])
    found = accounts.token_for(store, text)
    assert found
    assert (found.name, found.source, found.account) == ("tool", "tool", None)
    assert accounts.token_account(store, found) is None
    assert accounts.token_for(store, text + "x") is None
    with pytest.raises(InputError, match="already a token"):
        accounts.add_token(store, "tool")
    accounts.revoke_token(store, "tool")
    assert accounts.token_for(store, text) is None
    assert [token.revoked_at is not None for token in accounts.tokens(store)] == [True]
    with pytest.raises(NameUnknown):
        accounts.revoke_token(store, "tol")


def test_a_reading_token_sees_as_its_account_and_ends_with_it(store: Store) -> None:
    token = accounts.token_for(store, accounts.add_token(store, "bi", account="ANNA"))
    assert token
    assert token.source is None
    account = accounts.token_account(store, token)
    assert account
    assert account.role == "admin"
    accounts.set_disabled(store, "anna", True)
    assert accounts.token_account(store, token) is None
    both = accounts.token_for(store, accounts.add_token(store, "both", source="cvat", account="anna"))
    assert both
    assert (both.source, both.account) == ("cvat", "anna")


def test_instants_are_utc(store: Store) -> None:
    created = accounts.get(store, "anna").created_at
    assert created
    assert abs(datetime.now(UTC).replace(tzinfo=None) - created) < timedelta(minutes=5)
