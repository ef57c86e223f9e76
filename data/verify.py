"""Proof that what screens read is what the log says: roll-ups = log, keys unique, references whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from data import derive, rollup
from data.codes import ANNOTATE, REJECT, REWORK
from data.facts import LOGS
from data.ids import ITEM
from data.store import Store


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked: its name by tables and columns, what it is in both languages, whether it held, and how many rows did not."""

    name: str
    en: str
    zh: str
    ok: bool
    wrong: int

    @property
    def detail(self) -> str:
        """In words: “holds”, or how many rows differ."""
        return "holds" if self.ok else f"{self.wrong:,} rows differ"


def verify(store: Store) -> list[Check]:
    """Recompute every roll-up from the log and compare; look for keys held twice and references that lead nowhere.

    Reads one consistent snapshot, changes nothing, and takes seconds per ten million rows.
    """
    with store.wide(), store.cursor() as cur:
        cur.execute("BEGIN")
        try:
            return [Check(name, en, zh, wrong == 0, wrong) for name, en, zh, wrong in _checks(cur)]
        finally:
            cur.execute("ROLLBACK")


# What people call a table, in both languages.
_WORDS = {
    "work_day": ("output by day", "按日产出"), "work_hour": ("output by hour", "按小时产出"), "pace_day": ("pace by project", "按项目速度"),
    "pace_group": ("pace by team", "按班组速度"), "pace_worker": ("pace by person", "按人员速度"), "review_day": ("reviews by day", "按日质检"), "judged_day": ("work judged by day", "按日受检作业"),
    "judged_item": ("items judged more than once", "多次受检的题"),
    "earn_day": ("what was earned", "按日计酬"), "work": ("work", "作业"), "review": ("reviews", "质检"), "worker": ("person", "人员"),
    "project": ("project", "项目"), "site": ("site", "基地"), "team": ("team", "班组"), "source": ("source", "来源"), "batch": ("batch", "批次"),
    "reviewer": ("reviewer", "质检员"), "employment": ("employment", "任职"), "assignment": ("assignments", "调动"), "price": ("prices", "单价"),
    "rate": ("rates", "工价"),
}  # fmt: skip


def _checks(cur: DuckDBPyConnection) -> Iterator[tuple[str, str, str, int]]:
    def same(table: str) -> tuple[str, str, str]:
        en, zh = _WORDS[table]
        return f"{table} = log", f"{en.capitalize()} adds up to the log", f"{zh}与日志一致"

    def known(table: str, column: str) -> tuple[str, str, str]:
        (of, of_zh), (what, what_zh) = _WORDS[table], _WORDS[column.removesuffix("_key")]
        return f"{table}.{column} known", f"{of.capitalize()}: every {what} is known", f"{of_zh}中的{what_zh}都有记录"

    for log, tables in rollup.ROLLUPS.items():
        for table, select in tables.items():
            yield *same(table), _differences(cur, table, select.format(rel=log))
    yield *same("earn_day"), _differences(cur, "earn_day", rollup.earned_on(cur, None))
    for one in LOGS.values():
        twice = f"SELECT count(*) FROM (SELECT source_key, {one.parts} FROM {one.name} GROUP BY ALL HAVING count(*) > 1)"
        en, zh = _WORDS[one.name]
        yield f"{one.name} keys unique", f"{en.capitalize()}: no row twice", f"{zh}没有重复的记录", _count(cur, twice)
    for log, rows in (("work", f"(FROM work WHERE action IN ({ANNOTATE}, {REWORK}))"), ("review", "review")):
        apart = f"""SELECT count(*) FROM (SELECT 1 FROM {rows} GROUP BY {ITEM}
            HAVING count(*) > 1 AND (count(repeat_of) < count(*) OR min(repeat_of) <> max(repeat_of)))"""
        mixed = f"SELECT count(*) FROM (SELECT repeat_of FROM {rows} WHERE repeat_of IS NOT NULL GROUP BY ALL HAVING count(DISTINCT ({ITEM})) > 1)"
        wrong = _count(cur, apart) + _count(cur, mixed) + (_count(cur, _MISCOUNTED) if log == "review" else 0)
        en, zh = _WORDS[log]
        yield f"{log} items counted once", f"{en.capitalize()}: every item is counted once", f"{zh}中每题只计一次", wrong
    for table, column, target in (
        ("work", "worker_key", "worker"), ("work", "project_key", "project"), ("work", "site_key", "site"), ("work", "team_key", "team"),
        ("work", "source_key", "source"), ("review", "worker_key", "worker"), ("review", "reviewer_key", "worker"), ("review", "project_key", "project"),
        ("employment", "worker_key", "worker"), ("assignment", "worker_key", "worker"), ("price", "project_key", "project"), ("rate", "project_key", "project"),
    ):  # fmt: skip
        lost = f"SELECT count(*) FROM {table} AS f ANTI JOIN {target} AS t ON t.{target}_key = f.{column} WHERE f.{column} IS NOT NULL"
        yield *known(table, column), _count(cur, lost)
    for table in ("work", "review"):
        lost = f"SELECT count(*) FROM {table} AS f ANTI JOIN batch AS b ON b.batch_key = f.batch_key WHERE f.batch_key <> 0"
        yield *known(table, "batch_key"), _count(cur, lost)


# Items whose reviews all fall to one day, person, team, batch and attempt and that not exactly one of them counts, for what it is; others that any counts.
_MISCOUNTED = f"""SELECT count(*) FROM (
    SELECT min({derive.PLACE}) <> max({derive.PLACE}) AS apart, count(*) AS n, count(once) AS told, count(*) FILTER (once > 0) AS counting,
        max(once) AS most, 1 + bool_or(verdict = {REJECT})::INTEGER AS due FROM review GROUP BY {ITEM})
    WHERE CASE WHEN apart THEN told > 0 ELSE told < n OR counting <> 1 OR most <> due END"""


def _differences(cur: DuckDBPyConnection, table: str, select: str) -> int:
    """Keys whose sums in the roll-up are not those of the select; a key absent on one side counts as zeros there."""
    columns = [(name, kind) for name, kind, *_ in cur.execute(f"DESCRIBE {table}").fetchall()]
    sums = [name for name, _ in columns if name.endswith(("_count", "_rows", "_units", "_s", "_accepts")) or name in _PLAIN_SUMS]
    keys = ", ".join(name for name, _ in columns if name not in sums)
    added = ", ".join(f"sum({name}) AS {name}" for name in sums)
    minus = ", ".join(f"-{name} AS {name}" for name in sums)
    unequal = " OR ".join(f"{name} <> 0" for name in sums)
    return _count(
        cur,
        f"""SELECT count(*) FROM (
        SELECT {keys}, {added} FROM (SELECT {keys}, {", ".join(sums)} FROM {table} UNION ALL BY NAME SELECT {keys}, {minus} FROM ({select})) GROUP BY ALL)
        WHERE {unequal}""",
    )


_PLAIN_SUMS = {"seconds", "verdicts", "rejections", "unlinked", "pay", "revenue"}


def _count(cur: DuckDBPyConnection, sql: str) -> int:
    return int(cur.execute(sql).fetchall()[0][0])
