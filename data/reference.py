"""Who, where and what for: people, sites, projects, prices … brought up to date from canonical rows, one spec a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data.tables import TABLES, Reject, reason

# Leave reasons that were not the person's own choice (metrics.md W-05); walking away without notice (自离) was.
INVOLUNTARY = ("试用期不合格", "协商解除", "裁员", "合同到期不续", "退休", "死亡", "failed probation", "mutual termination", "layoff", "contract not renewed",
               "retirement", "death", "dismissed", "辞退", "开除")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """How a canonical table lands: target table, key columns and value columns as SQL over the incoming row `s`.

    A value is written only when the canonical column it `needs` was in the file; a blank in a column that was there erases.
    `where` leaves rows out that do not concern this target (a worker without a hire date has no spell). `own`: what a row itself says of
    a column that is else filled from elsewhere.
    """

    target: str
    keys: Mapping[str, str]
    values: Mapping[str, tuple[str, str]]
    where: str = "true"
    has_stub: bool = False
    own: Mapping[str, str] = field(default_factory=dict)


_SITE, _TEAM, _WORKER, _PROJECT = (f"(SELECT {n}_key FROM {n} WHERE {n}.{n}_id = s.{n}_id)" for n in ("site", "team", "worker", "project"))
_BATCH = f"coalesce((SELECT batch_key FROM batch WHERE batch.batch_id = s.batch_id AND batch.project_key = {_PROJECT}), 0)"


def _same(*names: str) -> dict[str, tuple[str, str]]:
    return {name: (f"s.{name}", name) for name in names}


_PLACE = {
    "site_key": (f"coalesce({_SITE}, (SELECT site_key FROM team WHERE team.team_id = s.team_id), 0)", "site_id|team_id"),
    "team_key": (f"coalesce({_TEAM}, 0)", "team_id"),
    **_same("role", "skill_level"),
}
_OWN = {"site_key": f"coalesce({_SITE}, 0)"}  # that of the team follows the team
_VOLUNTARY = (
    f"coalesce(s.voluntary, CASE WHEN s.leave_reason IS NOT NULL THEN NOT list_contains({list(INVOLUNTARY)!r}, lower(s.leave_reason)) END)"
)

REFERENCES: dict[str, tuple[Reference, ...]] = {
    "sites": (Reference("site", {"site_key": _SITE}, {**_same("name", "name_en", "zone", "seats", "minimum_wage"),
        "day_start_minute": ("s.day_start", "day_start")}, has_stub=True),),
    "teams": (Reference("team", {"team_key": _TEAM}, {**_same("name", "name_en", "lead_worker_id", "modality"),
        "site_key": (f"coalesce({_SITE}, 0)", "site_id")}, has_stub=True),),
    "workers": (
        Reference("worker", {"worker_key": _WORKER}, _same("name", "extra"), has_stub=True),
        Reference("assignment", {"worker_key": _WORKER, "valid_from": "coalesce(s.valid_from, DATE '1900-01-01')"}, _PLACE,
            where="(s.site_id IS NOT NULL OR s.team_id IS NOT NULL OR s.role IS NOT NULL OR s.skill_level IS NOT NULL)", own=_OWN),
        Reference("employment", {"worker_key": _WORKER, "hired": "s.hire_date"}, {"left_on": ("s.leave_date", "leave_date"),
            **_same("leave_reason", "contract", "channel"), "voluntary": (_VOLUNTARY, "leave_reason|voluntary")}, where="s.hire_date IS NOT NULL"),
    ),
    "assignments": (Reference("assignment", {"worker_key": _WORKER, "valid_from": "s.valid_from"}, _PLACE, own=_OWN),),
    "projects": (Reference("project", {"project_key": _PROJECT}, _same("name", "name_en", "client", "client_en", "modality", "task_type", "unit",
        "ordered_units", "due_date", "quality_limit", "tier", "upstream", "extra"), has_stub=True),),
    "batches": (Reference("batch", {"batch_key": _BATCH}, _same("units", "delivered_at", "decided_at", "decision", "inspected", "defects",
        "resubmission_of"), has_stub=True),),
    "prices": (Reference("price", {"project_key": _PROJECT, "batch_key": _BATCH, "valid_from": "s.valid_from"}, _same("amount", "currency")),),
    "rates": (Reference("rate", {"project_key": _PROJECT, "batch_key": _BATCH, "action": "coalesce(s.action, 'annotate')", "valid_from": "s.valid_from"},
        _same("amount", "currency", "pay_on")),),
    "attendance": (Reference("attendance", {"worker_key": _WORKER, "work_date": "s.work_date"}, _same("rostered_minutes", "clock_in", "clock_out", "leave", "seat")),),
    "standards": (Reference("standard", {"project_key": _PROJECT, "valid_from": "s.valid_from"}, _same("seconds_per_unit")),),
    "quotas": (Reference("quota", {"project_key": _PROJECT, "site_key": f"coalesce({_SITE}, 0)", "work_date": "s.work_date"}, _same("units")),),
    "costs": (Reference("cost", {"site_key": f"coalesce({_SITE}, 0)", "month": "date_trunc('month', s.month)::DATE", "kind": "s.kind"}, _same("amount", "currency")),),
    "notes": (Reference("note", {"note_id": "s.note_id"}, {**_same("from_date", "to_date", "kind", "text", "text_en"),
        "site_key": (f"coalesce({_SITE}, 0)", "site_id"), "project_key": (_PROJECT, "project_id")}),),
}  # fmt: skip

# Columns that must hold something where the file is silent.
_DEFAULTS = {"zone": "(SELECT value FROM meta WHERE key = 'zone')", "currency": "(SELECT value FROM meta WHERE key = 'currency')", "day_start_minute": "0",
             "site_key": "0", "team_key": "0", "pay_on": "'submit'", "project_key": "NULL"}  # fmt: skip


def checked(cur: DuckDBPyConnection, table: str) -> list[Reject]:
    """Take rows out of the temporary table `incoming` that contradict the store or themselves, as rejects."""
    rules: tuple[tuple[str, str, str], ...] = ()  # code, column, condition
    if table == "workers":
        rules = (("leave_before_hire", "leave_date", "leave_date < hire_date"),
                 ("leave_without_hire", "leave_date", "leave_date IS NOT NULL AND hire_date IS NULL"))  # fmt: skip
    elif table in ("prices", "rates", "costs"):
        rules = (("other_currency", "currency", f"currency <> '{_currency(cur)}'"),)
    found: list[Reject] = []
    for code, column, condition in rules:
        bad = cur.execute(
            f"SELECT line, {column}::VARCHAR, to_json(incoming)::VARCHAR FROM incoming WHERE {condition} ORDER BY line"
        ).fetchall()
        found += [Reject(line, code, column, value, reason(code, table, column, value)[0], raw) for line, value, raw in bad]
        if bad:
            cur.execute(f"DELETE FROM incoming WHERE {condition}")
    return found


def _currency(cur: DuckDBPyConnection) -> str:
    """The one currency of this store: that of the first amounts ever loaded."""
    kept = cur.execute("SELECT (SELECT count(*) FROM price) + (SELECT count(*) FROM rate) + (SELECT count(*) FROM cost)").fetchall()[0][0]
    if not kept:
        first = cur.execute(
            "SELECT currency FROM incoming WHERE currency IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
        ).fetchall()
        if first and first[0][0].isalpha() and len(first[0][0]) == 3:
            cur.execute("UPDATE meta SET value = upper(?) WHERE key = 'currency'", [first[0][0]])
    return str(cur.execute("SELECT value FROM meta WHERE key = 'currency'").fetchall()[0][0])


def upsert(cur: DuckDBPyConnection, table: str, present: frozenset[str], load_id: int) -> tuple[int, int, int]:
    """Bring the rows of the temporary table `incoming` into their tables; (new, updated, duplicates) adding up to its rows.
    What they said is kept under the load, in case another one is taken back.

    The last of several rows with one key wins. A row that only named something known from elsewhere (a stub) counts as new
    when it is described for the first time.
    """
    columns = {c.name for c in TABLES[table].columns}
    for kind in ("site", "team", "worker", "project"):
        if f"{kind}_id" in columns:
            add_keys(cur, kind, f"SELECT {kind}_id FROM incoming")
    if {"project_id", "batch_id"} <= columns:
        add_batches(cur, "SELECT project_id, batch_id FROM incoming")
    cur.execute("CREATE OR REPLACE TEMP TABLE fate (line BIGINT, fate TINYINT)")  # 2 new, 1 updated, 0 as it was
    for ref in REFERENCES[table]:
        known = {name: sql for name, (sql, needs) in ref.values.items() if present & set(needs.split("|"))}
        cells = ", ".join(
            f"{sql} AS {name}" for name, sql in [*ref.keys.items(), *known.items(), *((f"own_{c}", sql) for c, sql in ref.own.items())]
        )
        cur.execute(f"CREATE OR REPLACE TEMP TABLE resolved AS SELECT line, {cells} FROM incoming AS s WHERE {ref.where}")
        keys = ", ".join(ref.keys)
        cur.execute(f"""CREATE OR REPLACE TEMP TABLE latest AS SELECT * FROM resolved
            QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY line DESC, rowid DESC) = 1""")
        match = " AND ".join(f"t.{k} = l.{k}" for k in ref.keys)
        differs = " OR ".join([*(f"t.{c} IS DISTINCT FROM {_filled(c)}" for c in known), *(["t.stub"] if ref.has_stub else []), "false"])
        was_stub = "t.stub" if ref.has_stub else "false"
        key = f"to_json([{', '.join(f't.{k}::VARCHAR' for k in ref.keys)}])::VARCHAR"
        held = ", ".join(f"'{c}', t.{c}::VARCHAR" for c in ref.values)
        described = "NOT t.stub" if ref.has_stub else "true"
        cur.execute(f"""INSERT INTO reference_said
            SELECT 0, '{ref.target}', {key}, json_object({held})::VARCHAR FROM {ref.target} AS t SEMI JOIN latest AS l ON {match}
            WHERE {described} AND {key} NOT IN (SELECT key FROM reference_said WHERE target = '{ref.target}')""")
        told = ", ".join(f"'{c}', ({f'l.own_{c}' if c in ref.own else _filled(c)})::VARCHAR" for c in known)
        cur.execute(f"""INSERT INTO reference_said
            SELECT {load_id}, '{ref.target}', {key.replace("t.", "l.")}, json_object({told})::VARCHAR FROM latest AS l""")
        cur.execute(f"""INSERT INTO fate SELECT l.line, CASE WHEN t.{next(iter(ref.keys))} IS NULL OR {was_stub} THEN 2 WHEN {differs} THEN 1 ELSE 0 END
            FROM latest AS l LEFT JOIN {ref.target} AS t ON {match}""")
        sets = ", ".join([*(f"{c} = {_filled(c)}" for c in known), *(["stub = false"] if ref.has_stub else [])])
        if sets:
            cur.execute(f"UPDATE {ref.target} AS t SET {sets} FROM latest AS l WHERE {match} AND ({differs})")
        names = [*ref.keys, *known]
        extra = {"valid_from_ts": "TIMESTAMP '1900-01-01'", "site_key": "0", "team_key": "0"} if ref.target == "assignment" else {}
        filler = {name: sql for name, sql in extra.items() if name not in names}
        cur.execute(f"""INSERT INTO {ref.target} ({", ".join([*names, *filler])})
            SELECT {", ".join([*(f"l.{k}" for k in ref.keys), *(_filled(c) for c in known), *filler.values()])}
            FROM latest AS l ANTI JOIN {ref.target} AS t ON {match}""")
    rows = cur.execute("SELECT count(*) FROM incoming").fetchall()[0][0]
    new, updated = cur.execute(
        "SELECT count(*) FILTER (f = 2), count(*) FILTER (f = 1) FROM (SELECT max(fate) AS f FROM fate GROUP BY line)"
    ).fetchall()[0]
    return new, updated, rows - new - updated


def _filled(column: str) -> str:
    return f"coalesce(l.{column}, {_DEFAULTS[column]})" if column in _DEFAULTS else f"l.{column}"


def add_keys(cur: DuckDBPyConnection, kind: str, ids: str) -> None:
    """Give a small integer to every id of `kind` (site, team, worker, project) in the select `ids` that has none: a stub."""
    zone = {"site": ", zone"}.get(kind, "")
    value = {"site": ", (SELECT value FROM meta WHERE key = 'zone')"}.get(kind, "")
    cur.execute(f"""INSERT INTO {kind} ({kind}_key, {kind}_id, stub{zone})
        SELECT (SELECT coalesce(max({kind}_key), 0) FROM {kind}) + row_number() OVER (ORDER BY id), id, true{value}
        FROM (SELECT DISTINCT id FROM ({ids}) AS named(id) WHERE id IS NOT NULL) ANTI JOIN {kind} ON {kind}_id = id""")


def add_batches(cur: DuckDBPyConnection, rows: str) -> None:
    """Give a small integer to every (project_id, batch_id) in the select `rows` that has none: a stub. Projects have theirs."""
    cur.execute(f"""INSERT INTO batch (batch_key, project_key, batch_id, stub)
        SELECT (SELECT coalesce(max(batch_key), 0) FROM batch) + row_number() OVER (ORDER BY project_key, batch_id), project_key, batch_id, true
        FROM (SELECT DISTINCT p.project_key, named.batch_id FROM ({rows}) AS named(project_id, batch_id) JOIN project AS p USING (project_id)
              WHERE named.batch_id IS NOT NULL) AS n ANTI JOIN batch AS b ON b.project_key = n.project_key AND b.batch_id = n.batch_id""")


def add_sources(cur: DuckDBPyConnection, names: str) -> None:
    """Give a small integer to every source named in the select `names` that has none."""
    cur.execute(f"""INSERT INTO source SELECT (SELECT coalesce(max(source_key), 0) FROM source) + row_number() OVER (ORDER BY n), n
        FROM (SELECT DISTINCT n FROM ({names}) AS named(n)) ANTI JOIN source ON name = n""")


def place_assignments(cur: DuckDBPyConnection) -> None:
    """Give assignments that name no site that of their team, and each the UTC instant its first business date begins at its site."""
    cur.execute("""UPDATE assignment AS a SET site_key = n.site_key FROM (
            SELECT a.worker_key, a.valid_from, t.site_key FROM assignment AS a JOIN team AS t USING (team_key) LEFT JOIN (
                SELECT (key->>0)::INTEGER AS worker_key, (key->>1)::DATE AS valid_from, last(said->>'site_key' ORDER BY load_id, rowid) AS own
                FROM reference_said WHERE target = 'assignment' AND said->>'site_key' IS NOT NULL GROUP BY ALL) AS o USING (worker_key, valid_from)
            WHERE coalesce(o.own::INTEGER, a.site_key) = 0 AND a.site_key <> t.site_key) AS n
        WHERE n.worker_key = a.worker_key AND n.valid_from = a.valid_from""")
    cur.execute("""UPDATE assignment AS a SET valid_from_ts = n.ts FROM (
            SELECT worker_key, valid_from, timezone('UTC', timezone(s.zone, valid_from + to_minutes(s.day_start_minute))) AS ts
            FROM assignment JOIN site AS s USING (site_key)) AS n
        WHERE n.worker_key = a.worker_key AND n.valid_from = a.valid_from AND n.ts <> a.valid_from_ts""")


# Taking back -----------------------------------------------------------------------------------------------------------------
def unsay(cur: DuckDBPyConnection, loads: Sequence[int]) -> dict[str, int]:
    """Forget what these loads said: every row they described becomes what the other loads said of it, or is gone, or known by its id
    only. The number of rows that changed hands by canonical table."""
    changed: dict[str, int] = {}
    for table, refs in REFERENCES.items():
        for ref in refs:
            found = cur.execute(
                "SELECT DISTINCT key FROM reference_said WHERE target = ? AND load_id IN ?", [ref.target, list(loads)]
            ).fetchall()
            if not found:
                continue
            changed[table] = changed.get(table, 0) + len(found)
            cur.execute("DELETE FROM reference_said WHERE target = ? AND load_id IN ?", [ref.target, list(loads)])
            told: dict[str, dict[str, str | None]] = {}
            keys = pa.table({"key": pa.array([key for (key,) in found], pa.string())})
            cur.register("forgotten", keys)
            for key, said in cur.execute(
                "SELECT key, said FROM reference_said SEMI JOIN forgotten USING (key) WHERE target = ? ORDER BY load_id, rowid",
                [ref.target],
            ).fetchall():
                told.setdefault(key, {}).update(json.loads(said))
            _tell(cur, ref, [key for (key,) in found], told)
            cur.unregister("forgotten")
    return changed


def _tell(cur: DuckDBPyConnection, ref: Reference, keys: Sequence[str], told: Mapping[str, Mapping[str, str | None]]) -> None:
    """Make the rows of these keys what is told of them."""
    columns = {name: kind for name, kind, *_ in cur.execute(f"DESCRIBE {ref.target}").fetchall()}
    default = dict(cur.execute("SELECT column_name, column_default FROM duckdb_columns() WHERE table_name = ?", [ref.target]).fetchall())
    names = [*ref.keys, *ref.values]
    split = [json.loads(key) for key in keys]
    cells = {name: [row[place] for row in split] for place, name in enumerate(ref.keys)}
    cells |= {name: [told.get(key, {}).get(name) for key in keys] for name in ref.values}
    cur.register(
        "retold", pa.table({n: pa.array(c, pa.string()) for n, c in cells.items()} | {"told": pa.array([key in told for key in keys])})
    )

    def cell(name: str) -> str:
        filled = f"r.{name}::{columns[name]}"
        kept = _DEFAULTS.get(name) or default.get(name)
        return f"coalesce({filled}, {kept})" if kept else filled

    match = " AND ".join(f"t.{k} = r.{k}::{columns[k]}" for k in ref.keys)
    if ref.has_stub:
        sets = ", ".join([*(f"{name} = {cell(name)}" for name in ref.values), "stub = NOT r.told"])
        cur.execute(f"UPDATE {ref.target} AS t SET {sets} FROM retold AS r WHERE {match}")
    else:
        extra = {"valid_from_ts": "TIMESTAMP '1900-01-01'"} if ref.target == "assignment" else {}
        cur.execute(f"DELETE FROM {ref.target} AS t USING retold AS r WHERE {match}")
        cur.execute(f"""INSERT INTO {ref.target} ({", ".join([*names, *extra])})
            SELECT {", ".join([*map(cell, names), *extra.values()])} FROM retold AS r WHERE told""")
    cur.unregister("retold")


# Where a person, a batch, a project, a team or a site can be spoken of.
_SPOKEN = {
    "worker": ("work.worker_key", "work.given_key", "review.worker_key", "review.given_key", "review.reviewer_key", "review.given_reviewer_key",
               "work_version.worker_key", "review_version.worker_key", "review_version.reviewer_key", "employment.worker_key", "assignment.worker_key",
               "attendance.worker_key", "worker.same_as", "identity.account_key", "identity.worker_key"),
    "batch": ("work.batch_key", "review.batch_key", "work_version.batch_key", "review_version.batch_key", "price.batch_key", "rate.batch_key"),
    "project": ("work.project_key", "review.project_key", "work_version.project_key", "review_version.project_key", "batch.project_key",
                "price.project_key", "rate.project_key", "standard.project_key", "quota.project_key", "note.project_key"),
    "team": ("work.team_key", "review.team_key", "assignment.team_key"),
    "site": ("work.site_key", "review.site_key", "assignment.site_key", "team.site_key", "quota.site_key", "cost.site_key", "note.site_key"),
}  # fmt: skip


def drop_unspoken(cur: DuckDBPyConnection) -> None:
    """Forget people, batches, projects, teams and sites that were known by their id only, where nothing speaks of them any more."""
    for kind, places in _SPOKEN.items():
        spoken = " UNION ".join(f"SELECT {place.split('.')[1]} FROM {place.split('.')[0]}" for place in places)
        said = f"""SELECT (key->>0)::INTEGER FROM reference_said WHERE target = '{kind}'
            UNION SELECT (said->>'{kind}_key')::INTEGER FROM reference_said WHERE target IN ('team', 'assignment', 'note')"""
        same = " AND same_as IS NULL" if kind == "worker" else ""
        cur.execute(f"""DELETE FROM {kind} WHERE stub AND {kind}_key <> 0{same} AND {kind}_key NOT IN (
            SELECT k FROM ({spoken} UNION {said}) AS spoken(k) WHERE k IS NOT NULL)""")
