"""Deciding whose accounts are whose from a screen: who may decide about whom, what a decision would change, what was decided.

What a decision does is in `data.identity`. Who looks after single sites decides about people of those sites, and about accounts
that have worked nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from duckdb import DuckDBPyConnection

from data import identity
from data.errors import InputError, NameUnknown, NotAllowed
from data.identity import Suggestion
from data.store import Store

Wish = Literal["same", "different", "apart", "open"]
"""What somebody decides on an account and a person: it is theirs; it is not; it is no longer; the question is open again."""
Verdict = Literal["same", "different", "apart"]

Sites = Collection[str] | None
"""Ids of the sites somebody looks after; None for all."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody who can be chosen. `person`: a list of the base or a clock knows them, so they can only take accounts."""

    worker_id: str
    name: str | None
    person: bool


@dataclass(frozen=True, slots=True)
class Moving:
    """Rows that count as somebody else's once an account changes hands: its work, the reviews of that work, the reviews it made,
    and the first and last business date among the work. None without dated work."""

    work: int
    judged: int
    made: int
    first: date | None
    last: date | None

    @property
    def rows(self) -> int:
        """Work and reviews of it and by it; a review of one's own work counts twice."""
        return self.work + self.judged + self.made


@dataclass(frozen=True, slots=True)
class Decision:
    """The latest decision on an account and a person, who made it and when (UTC without zone). `apart`: it was the person's and is no more."""

    account: Listed
    person: Listed
    verdict: Verdict
    at: datetime
    by: str


# Reading --------------------------------------------------------------------------------------------------------------------
def suggestions(store: Store, sites: Sites) -> list[Suggestion]:
    """`identity.suggestions` that these sites may decide on: at least one of the two is of these sites, and neither of another."""
    found = identity.suggestions(store, sites=sites)
    if sites is None:
        return found
    places = _places(store)
    return [one for one in found if _mine(places, sites, one.account.worker_id, one.person.worker_id)]


def listed(store: Store, sites: Sites) -> list[Listed]:
    """Everybody who can be chosen by hand, by id: ids that are nobody's account yet; with `sites`, those known at these sites alone."""
    places = None if sites is None else _places(store)
    rows = store.rows(f"SELECT worker_id, name, {_PERSON} FROM worker AS w WHERE same_as IS NULL ORDER BY worker_id")
    return [Listed(*row) for row in rows if places is None or (row[0] in places and places[row[0]] <= set(sites or ()))]


def moving(store: Store, accounts: Iterable[str]) -> dict[str, Moving]:
    """What would change hands with each of these accounts and the accounts that are theirs. An id that does not exist is left out."""
    rows = store.rows(
        """WITH wanted AS (SELECT a.worker_id, m.worker_key FROM worker AS a JOIN worker AS m ON m.worker_key = a.worker_key OR m.same_as = a.worker_key
            WHERE list_contains($ids, a.worker_id)),
        worked AS (SELECT x.worker_id, count(*) AS n, min(w.business_date) AS a, max(w.business_date) AS b
            FROM work AS w JOIN wanted AS x ON x.worker_key = coalesce(w.given_key, w.worker_key) GROUP BY ALL),
        judged AS (SELECT x.worker_id, count(*) AS n FROM review AS r JOIN wanted AS x ON x.worker_key = coalesce(r.given_key, r.worker_key) GROUP BY ALL),
        made AS (SELECT x.worker_id, count(*) AS n FROM review AS r JOIN wanted AS x ON x.worker_key = coalesce(r.given_reviewer_key, r.reviewer_key) GROUP BY ALL)
        SELECT k.worker_id, coalesce(w.n, 0), coalesce(j.n, 0), coalesce(m.n, 0), w.a, w.b FROM (SELECT DISTINCT worker_id FROM wanted) AS k
        LEFT JOIN worked AS w USING (worker_id) LEFT JOIN judged AS j USING (worker_id) LEFT JOIN made AS m USING (worker_id)""",
        {"ids": list(accounts)},
    )
    return {worker: Moving(*rest) for worker, *rest in rows}


def decisions(store: Store, sites: Sites) -> list[Decision]:
    """The latest decision on every pair that anybody decided on, newest first; with `sites`, where neither is of another site and one is of these.

    An account that was given to another account is shown with the person that both count as now.
    """
    rows = store.rows(f"""
        WITH last AS (SELECT account_key, worker_key, arg_max(same, decided_at) AS same, bool_or(same) AS ever, max(decided_at) AS at,
            arg_max(decided_by, decided_at) AS who FROM identity GROUP BY ALL),
        told AS (SELECT l.*, l.same AND a.same_as IS NOT NULL AS stands, CASE WHEN l.same THEN coalesce(a.same_as, l.worker_key) ELSE l.worker_key END AS whose
            FROM last AS l JOIN worker AS a ON a.worker_key = l.account_key)
        SELECT a.worker_id, a.name, {_PERSON.replace("w.", "a.")}, p.worker_id, p.name, {_PERSON.replace("w.", "p.")},
            CASE WHEN t.stands THEN 'same' WHEN t.ever THEN 'apart' ELSE 'different' END, t.at, t.who
        FROM told AS t JOIN worker AS a ON a.worker_key = t.account_key JOIN worker AS p ON p.worker_key = t.whose
        QUALIFY row_number() OVER (PARTITION BY t.account_key, t.whose ORDER BY t.at DESC) = 1 ORDER BY t.at DESC, a.worker_id, p.worker_id""")
    made = [Decision(Listed(*row[:3]), Listed(*row[3:6]), *row[6:]) for row in rows]
    if sites is None:
        return made
    places = _places(store)
    return [one for one in made if _mine(places, sites, one.account.worker_id, one.person.worker_id)]


def stamp(store: Store) -> tuple[int, datetime | None]:
    """How many decisions were ever made, and when the last one: it changes with every decision."""
    ((made, last),) = store.rows("SELECT count(*), max(decided_at) FROM identity")
    return made, last


# Deciding -------------------------------------------------------------------------------------------------------------------
def decide(store: Store, wish: Wish, account: str, person: str, *, by: str, sites: Sites) -> int:
    """Carry a decision out; the number of rows that changed hands. `by` names who decided, `sites` what they look after.

    Raises NotAllowed where one of the two is of a site that is not theirs, or neither is of any; NameUnknown and InputError as
    `data.identity` does, and InputError where the account is not that person's any more.
    """
    if sites is not None and not _mine(_places(store), sites, account, person):
        raise NotAllowed(
            f"{account} and {person} are not both people of your sites: an administrator or HR can decide.",
            f"{account} 与 {person} 并非都属于您的基地：请由管理员或人事决定。",
        )
    match wish:
        case "same":
            return identity.confirm(store, account, person, by=by)
        case "different":
            identity.dismiss(store, account, person, by=by)
            return 0
        case "apart":
            known = store.rows(
                "SELECT p.worker_id FROM worker AS a JOIN worker AS p ON p.worker_key = a.same_as WHERE a.worker_id = $account",
                {"account": account},
            )
            if known != [(person,)]:
                raise InputError(f"{account} does not count as {person} any more.", f"{account} 已不再计入 {person}。")
            return identity.separate(store, account, by=by)
        case "open":
            reopen(store, account, person)
            return 0


def reopen(store: Store, account: str, person: str) -> None:
    """Forget that somebody said these two are not one: they may be suggested again.

    Raises NameUnknown for an id that does not exist; InputError where they are one now.
    """
    with store.transaction() as cur:
        one, two = _key(cur, account), _key(cur, person)
        if cur.execute("SELECT 1 FROM worker WHERE worker_key = ? AND same_as = ?", [one, two]).fetchall():
            raise InputError(f"{account} counts as {person} now: separate them first.", f"{account} 现计入 {person}：请先解除。")
        cur.execute("DELETE FROM identity WHERE account_key = ? AND worker_key = ?", [one, two])
        store.touch(())


# Inside ---------------------------------------------------------------------------------------------------------------------
# A list of the base, or a clock, knows them: `identity.confirm` refuses to make such an id somebody's account.
_PERSON = (
    "(EXISTS (FROM employment AS e WHERE e.worker_key = w.worker_key) OR EXISTS (FROM attendance AS c WHERE c.worker_key = w.worker_key))"
)


def _places(store: Store) -> Mapping[str, frozenset[str]]:
    """The sites at which each id has been: by its assignments and by the work that counts as theirs. Who has been nowhere is missing."""
    rows = store.rows(
        """SELECT worker_id, list(DISTINCT site_id) FROM (SELECT worker_key, site_key FROM assignment UNION SELECT worker_key, site_key FROM work_day)
        JOIN worker USING (worker_key) JOIN site USING (site_key) WHERE site_id <> '' GROUP BY ALL"""
    )
    return {worker: frozenset(sites) for worker, sites in rows}


def _mine(places: Mapping[str, frozenset[str]], sites: Collection[str], *workers: str) -> bool:
    """True when they have been at these sites and at no other, at least one of them at all."""
    been = frozenset[str]().union(*(places.get(worker, frozenset()) for worker in workers))
    return bool(been) and been <= set(sites)


def _key(cur: DuckDBPyConnection, worker_id: str) -> int:
    found = cur.execute("SELECT worker_key FROM worker WHERE worker_id = ?", [worker_id]).fetchall()
    if not found:
        raise NameUnknown("worker", worker_id, (), "人员")
    return int(found[0][0])
