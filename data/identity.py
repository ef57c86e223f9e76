"""One person under several accounts: who is likely to be whom, decided by people, and reversible.

An account is a worker id that a tool gave (`label-studio:7`); a person is the id of the base's own lists. When an account is a
person's, its work and verdicts count as theirs, past and future: attempts, overlapping hours, site and team follow.
The log keeps which account the source named, so that the decision can be taken back.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Any, Literal

from duckdb import DuckDBPyConnection

from data.errors import InputError, NameUnknown
from data.facts import LOGS
from data.load import Loading
from data.store import Store

Why = Literal["id", "mail", "name", "pinyin"]
STRENGTH: dict[Why, float] = {"id": 0.95, "mail": 0.9, "name": 0.8, "pinyin": 0.6}  # the strongest first
MOST_ALIKE = 6  # a name that more people have than this suggests nobody
SHORTEST = 3  # letters below which two latin words being equal means nothing

_HANZI = re.compile(r"[\u3400-\u9fff]")
_WORDS = re.compile(r"[a-z]+|[0-9]+|[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Known:
    """A worker id and what is known of it: name, the sources that use it, rows of work and reviews, first and last business date,
    and whether a list of this base describes an employment."""

    worker_id: str
    name: str | None
    sources: tuple[str, ...]
    rows: int
    first: date | None
    last: date | None
    employed: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An account that is likely a person's: what speaks for it, strongest first, how strong (0–1), how many others it could be by
    the same sign, and on how many days both worked."""

    account: Known
    person: Known
    why: tuple[Why, ...]
    strength: float
    others: int
    days_both: int


@dataclass(frozen=True, slots=True)
class Match:
    """An account that counts as a person's, and who decided so when (UTC without zone)."""

    account: Known
    person: Known
    decided_at: datetime
    decided_by: str


# Reading --------------------------------------------------------------------------------------------------------------------
def suggestions(store: Store, *, sites: Iterable[str] | None = None) -> list[Suggestion]:
    """Pairs that are likely one person and that nobody has decided on, the strongest first; of these sites when given.

    Two ids that the same source used on the same day are never suggested, nor two that both have an employment.
    """
    with store.cursor() as cur:
        found = _known(cur)
        signs = _signs(cur)
        decided = {tuple(pair) for pair in cur.execute("SELECT account_key, worker_key FROM identity").fetchall()}
        days = _days(cur)
        mine = None if sites is None else _at(cur, sites)
    by_word: dict[str, list[int]] = {}
    for key, said in signs.items():
        for word in {word for _, word in said}:
            by_word.setdefault(word, []).append(key)
    pairs: dict[tuple[int, int], dict[Why, int]] = {}
    for word, keys in by_word.items():
        if len(keys) > MOST_ALIKE or len(keys) < 2:
            continue
        for one, two in combinations(keys, 2):
            why = _because(signs[one], signs[two], word)
            if why is not None:
                kept = pairs.setdefault((one, two), {})
                kept[why] = max(kept.get(why, 0), len(keys) - 2)
    made = []
    for (one, two), reason in pairs.items():
        if (found[one].employed and found[two].employed) or (one, two) in decided or (two, one) in decided:
            continue
        if mine is not None and not ({one, two} & mine):
            continue
        same_source = set(found[one].sources) & set(found[two].sources)
        both = days.get(one, set()) & days.get(two, set())
        if same_source and both:
            continue
        account, person = (one, two) if _is_person(found[two], found[one]) else (two, one)
        reasons = tuple(sorted(reason, key=lambda sign: -STRENGTH[sign]))
        others = min(reason.values())
        strength = round(min(1.0, STRENGTH[reasons[0]] + 0.03 * (len(reasons) - 1)) / (1 + others), 2)
        made.append(Suggestion(found[account], found[person], reasons, strength, others, len(both)))
    return sorted(made, key=lambda one: (-one.strength, one.account.worker_id, one.person.worker_id))


def matches(store: Store) -> list[Match]:
    """Every account that counts as a person's, the latest decision first."""
    with store.cursor() as cur:
        found = _known(cur, accounts=True)
        rows = cur.execute("""SELECT w.worker_key, w.same_as, i.decided_at, i.decided_by FROM worker AS w
            LEFT JOIN (SELECT account_key, arg_max(decided_at, decided_at) AS decided_at, arg_max(decided_by, decided_at) AS decided_by FROM identity
                WHERE same GROUP BY ALL) AS i ON i.account_key = w.worker_key
            WHERE w.same_as IS NOT NULL ORDER BY i.decided_at DESC, w.worker_id""").fetchall()
    return [Match(found[account], found[person], at, by) for account, person, at, by in rows]


# Deciding -------------------------------------------------------------------------------------------------------------------
def confirm(store: Store, account: str, person: str, *, by: str) -> int:
    """Let an account be a person's; the number of rows that changed hands. `by` names who decided.

    Raises NameUnknown for an id that does not exist; InputError when both are one already, or both have an employment of their own.
    """
    with store.transaction() as cur:
        one, two = _key(cur, account), _key(cur, person)
        if _root(cur, one) == _root(cur, two):
            raise InputError(f"{account} and {person} are one person already.", f"{account} 与 {person} 已是同一人。")
        two = _root(cur, two)
        if cur.execute("SELECT same_as FROM worker WHERE worker_key = ?", [one]).fetchall()[0][0] is not None:
            raise InputError(f"{account} is another person's account: separate them first.", f"{account} 已属于另一人：请先解除。")
        held = [
            name
            for name in ("employment", "attendance")
            if cur.execute(f"SELECT 1 FROM {name} WHERE worker_key = ? LIMIT 1", [one]).fetchall()
        ]
        if held:
            raise InputError(
                f"{account} has an employment or attendance of its own: it is a person, and can only take accounts, not become one.",
                f"{account} 有自己的在职或考勤记录：它是人员，只能接收账号，不能成为账号。",
            )
        members = [one, *(key for (key,) in cur.execute("SELECT worker_key FROM worker WHERE same_as = ?", [one]).fetchall())]
        cur.execute("UPDATE worker SET same_as = ? WHERE worker_key IN ?", [two, members])
        _decide(cur, one, two, True, by)
        return _move(cur, members)


def separate(store: Store, account: str, *, by: str) -> int:
    """Take a decision back: the account is a person of its own again; the number of rows that changed hands.

    Raises NameUnknown for an id that does not exist and InputError for one that is nobody's account.
    """
    with store.transaction() as cur:
        key = _key(cur, account)
        person = cur.execute("SELECT same_as FROM worker WHERE worker_key = ?", [key]).fetchall()[0][0]
        if person is None:
            raise InputError(f"{account} is nobody's account.", f"{account} 不是任何人的账号。")
        cur.execute("UPDATE worker SET same_as = NULL WHERE worker_key = ?", [key])
        _decide(cur, key, person, False, by)
        return _move(cur, [key])


def dismiss(store: Store, account: str, person: str, *, by: str) -> None:
    """Remember that these two are not one person: it is not suggested again. Raises NameUnknown for an id that does not exist."""
    with store.transaction() as cur:
        _decide(cur, _key(cur, account), _key(cur, person), False, by)
        store.touch(())


# Inside ---------------------------------------------------------------------------------------------------------------------
def _decide(cur: DuckDBPyConnection, account: int, person: int, same: bool, by: str) -> None:
    cur.execute("INSERT INTO identity VALUES (?, ?, ?, ?, ?)", [account, person, same, datetime.now(UTC).replace(tzinfo=None), by])


def _move(cur: DuckDBPyConnection, keys: Sequence[int]) -> int:
    """Put the rows that named these accounts in anew, under whom they now belong to."""
    loading = Loading(cur, "identity", None)
    loading.facts.load_id = -1  # nothing it puts in is its own
    among = f"({', '.join(str(int(key)) for key in keys)})"
    moved = 0
    for log in LOGS.values():
        named = f"coalesce(given_key, worker_key) IN {among}"
        if log.name == "review":
            named += f" OR coalesce(given_reviewer_key, reviewer_key) IN {among}"
        loading.facts.withdraw(log, named)
        moved += loading.facts.value(f"SELECT count(*) FROM {log.gone}")
        loading.facts.restage(log, f"SELECT {log.said} FROM {log.gone}")
    loading.finish(set())
    return moved


def _key(cur: DuckDBPyConnection, worker_id: str) -> int:
    found = cur.execute("SELECT worker_key FROM worker WHERE worker_id = ?", [worker_id]).fetchall()
    if not found:
        near = [
            name
            for (name,) in cur.execute("SELECT worker_id FROM worker ORDER BY levenshtein(worker_id, ?) LIMIT 3", [worker_id]).fetchall()
        ]
        raise NameUnknown("worker", worker_id, near, "人员")
    return int(found[0][0])


def _root(cur: DuckDBPyConnection, key: int) -> int:
    return int(cur.execute("SELECT coalesce(same_as, worker_key) FROM worker WHERE worker_key = ?", [key]).fetchall()[0][0])


def _known(cur: DuckDBPyConnection, *, accounts: bool = False) -> dict[int, Known]:
    """What is known of every person, and of accounts too when wanted, by key; rows are those that named the id itself."""
    rows = cur.execute(f"""WITH fact AS (
            SELECT coalesce(given_key, worker_key) AS worker_key, source_key, count(*) AS n, min(business_date) AS a, max(business_date) AS b FROM work GROUP BY ALL
            UNION ALL
            SELECT coalesce(given_reviewer_key, reviewer_key), source_key, count(*), min(review_date), max(review_date) FROM review
            WHERE reviewer_key IS NOT NULL GROUP BY ALL
        ), told AS (
            SELECT worker_key, list_sort(list(DISTINCT s.name)) AS sources, sum(n)::BIGINT AS n, min(a) AS a, max(b) AS b FROM fact JOIN source AS s USING (source_key)
            GROUP BY ALL)
        SELECT w.worker_key, w.worker_id, w.name, coalesce(t.sources, []), coalesce(t.n, 0), t.a, t.b, e.worker_key IS NOT NULL
        FROM worker AS w LEFT JOIN told AS t USING (worker_key) LEFT JOIN (SELECT DISTINCT worker_key FROM employment) AS e USING (worker_key)
        {"" if accounts else "WHERE w.same_as IS NULL"}""").fetchall()
    return {key: Known(worker, name, tuple(sources), n, a, b, employed) for key, worker, name, sources, n, a, b, employed in rows}


def _days(cur: DuckDBPyConnection) -> dict[int, set[date]]:
    rows = cur.execute(
        "SELECT worker_key, list(DISTINCT business_date) FROM work_day WHERE business_date IS NOT NULL GROUP BY ALL"
    ).fetchall()
    return {key: set(days) for key, days in rows}


def _at(cur: DuckDBPyConnection, sites: Iterable[str]) -> set[int]:
    rows = cur.execute(
        """SELECT worker_key FROM assignment JOIN site USING (site_key) WHERE site_id IN $sites
        UNION SELECT worker_key FROM work_day JOIN site USING (site_key) WHERE site_id IN $sites""",
        {"sites": list(sites)},
    ).fetchall()
    return {key for (key,) in rows}


def _is_person(one: Known, other: Known) -> bool:
    """Which of two is the person rather than the account: the employed, else the id without a tool's name before it, else the older."""
    return (one.employed, ":" not in one.worker_id, one.name is not None, -(one.first or date.max).toordinal(), one.worker_id) > (
        other.employed, ":" not in other.worker_id, other.name is not None, -(other.first or date.max).toordinal(), other.worker_id,
    )  # fmt: skip


Sign = tuple[Why, str]  # where a word comes from, and the word


def _signs(cur: DuckDBPyConnection) -> dict[int, set[Sign]]:
    rows = cur.execute("SELECT worker_key, worker_id, name, extra FROM worker WHERE same_as IS NULL").fetchall()
    return {key: set(_words(worker, name, extra)) for key, worker, name, extra in rows}


def _words(worker_id: str, name: str | None, extra: str | None) -> Iterator[Sign]:
    """What an id, a name, an e-mail address or a user name can be recognised by, under one spelling.

    >>> sorted(_words("ls:7", "王 丽", '{"email": "Li.Wang@base.cn"}'))
    [('mail', 'liwang'), ('name', '王丽'), ('pinyin', 'liwang'), ('pinyin', 'wangli')]
    """
    told: dict[str, Any] = json.loads(extra) if extra else {}
    prefix, colon, own = worker_id.partition(":")
    texts: list[tuple[Why, str]] = [("id", own if colon else prefix)]
    for column in ("email", "username", "邮箱", "用户名"):
        value = told.get(column)
        if isinstance(value, str) and value:
            texts.append(("mail", value.partition("@")[0]))
    if name:
        texts.append(("name", name.partition("@")[0]))
    for kind, text in texts:
        parts = _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())
        word = "".join(parts)
        # A tool numbers its users 1, 2, 3: such a number is nobody's.
        if not word or (colon and kind == "id" and word.isdigit() and len(word) < 5) or (word.isascii() and len(word) < SHORTEST):
            continue
        yield kind, word
        if kind == "name" and not _HANZI.search(word):
            yield kind, "".join(reversed(parts))
        if _HANZI.match(word) and 2 <= len(word) <= 4:
            for spelling in _pinyin(word):
                yield "pinyin", spelling


def _pinyin(name: str) -> tuple[str, str]:
    """A Chinese name in Latin letters, family name first and last.

    >>> _pinyin("王丽"), _pinyin("单雄信")
    (('wangli', 'liwang'), ('shanxiongxin', 'xiongxinshan'))
    """
    from pypinyin import lazy_pinyin

    first, *rest = lazy_pinyin(name)
    family, given = _FAMILY.get(name[0], first), "".join(rest)
    return family + given, given + family


# Characters that are read otherwise as family names.
_FAMILY = {
    "单": "shan",
    "曾": "zeng",
    "解": "xie",
    "仇": "qiu",
    "查": "zha",
    "任": "ren",
    "区": "ou",
    "朴": "piao",
    "华": "hua",
    "盖": "ge",
    "覃": "qin",
    "尉": "wei",
}


def _because(one: set[Sign], two: set[Sign], word: str) -> Why | None:
    """The weaker of the two places the word comes from, which is as much as it proves."""
    mine, theirs = ([kind for kind, said in signs if said == word] for signs in (one, two))
    if set(mine) == set(theirs) == {"pinyin"}:
        return None  # 王丽 and 汪莉 sound alike: no sign at all
    order = list(STRENGTH)
    return order[max(min(map(order.index, mine)), min(map(order.index, theirs)))]
