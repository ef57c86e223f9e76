"""A small invented base written straight into the log, with roll-ups built by the loader's own statements, and flat views of the
log for check queries that know nothing of the compiler."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from data import ids
from data.rollup import REVIEW_ROLLUPS, WORK_ROLLUPS
from data.store import Store

FIRST, LAST = date(2026, 1, 26), date(2026, 3, 10)
DAYS = (LAST - FIRST).days + 1
WORKERS = range(1, 25)

FLAT_PERSON = """(SELECT {column} FROM presence AS pr WHERE pr.worker_key = w.worker_key AND pr.from_date <= {day}
    AND (pr.to_date IS NULL OR {day} < pr.to_date OR (pr.ends_spell AND {day} = pr.to_date)) ORDER BY pr.from_date DESC LIMIT 1)"""


def _flat(day: str) -> str:
    person = {column: FLAT_PERSON.format(column=column, day=day) for column in ("skill_level", "contract", "hired")}
    tenure = f"({day} - {person['hired']})"
    return f"""{day} AS day, date_trunc('week', {day})::DATE AS week, date_trunc('month', {day})::DATE AS month,
        (SELECT site_id FROM site WHERE site.site_key = w.site_key) AS site, (SELECT team_id FROM team WHERE team.team_key = w.team_key) AS team,
        (SELECT worker_id FROM worker WHERE worker.worker_key = w.worker_key) AS worker, p.project_id AS project, coalesce(p.client, '') AS client,
        coalesce(p.modality, '') AS modality, coalesce(p.task_type, '') AS task_type, p.tier,
        coalesce((SELECT batch_id FROM batch WHERE batch.batch_key = w.batch_key), '') AS batch, w.round::INTEGER AS round,
        {person["skill_level"]} AS skill_level, coalesce({person["contract"]}, '') AS contract,
        CASE WHEN {tenure} < 7 THEN '<7d' WHEN {tenure} BETWEEN 7 AND 30 THEN '7-30d' WHEN {tenure} BETWEEN 31 AND 90 THEN '31-90d'
             WHEN {tenure} BETWEEN 91 AND 180 THEN '91-180d' WHEN {tenure} BETWEEN 181 AND 365 THEN '181-365d' WHEN {tenure} > 365 THEN '>365d'
             ELSE '' END AS tenure_band"""


FLAT = {
    "flat_work": f"""SELECT {_flat("w.business_date")}, w.hour::INTEGER AS hour, ['annotate','rework','review','clean'][w.action + 1] AS action,
        coalesce(['reported','gap_100s','lead_time','active','wall'][w.clock + 1], '') AS clock, w.item_id, w.units, w.prelabelled_units, w.seconds,
        w.wall_s, w.overlap_s, CASE WHEN w.ts IS NOT NULL AND coalesce(w.wall_s, w.seconds) >= 0 THEN coalesce(w.wall_s, w.seconds) END AS length
        FROM work AS w JOIN project AS p USING (project_key)""",
    "flat_review": f"""SELECT {_flat("w.work_date")}, coalesce(['annotate','rework','review','clean'][w.work_action + 1], '') AS action,
        ['self','qc1','qc2','client','gold'][w.stage + 1] AS stage, ['accept','fix','reject'][w.verdict + 1] AS verdict,
        coalesce((SELECT worker_id FROM worker WHERE worker.worker_key = w.reviewer_key), '') AS reviewer, coalesce(w.error_type, '') AS error_type,
        w.item_id, w.inspected_units, w.error_units, w.work_units, w.linked, w.is_first, w.is_last, w.stage_first, w.stage_last, w.overturned
        FROM review AS w JOIN project AS p USING (project_key)""",
    "flat_earn": f"""SELECT {_flat("w.business_date")}, ['annotate','rework','review','clean'][w.action + 1] AS action, w.unit_count, w.pay, w.revenue,
        w.unpriced_units, w.unrated_units FROM earn_day AS w JOIN project AS p USING (project_key)""",
    "flat_cost": """SELECT w.business_date AS day, date_trunc('week', w.business_date)::DATE AS week, date_trunc('month', w.business_date)::DATE AS month,
        (SELECT site_id FROM site WHERE site.site_key = w.site_key) AS site, w.kind, w.amount FROM cost_day AS w""",
}


def fill(path: Path, seed: int = 7, rows: int = 3000) -> Store:
    """A new store with `rows` work rows, half as many reviews, earnings, costs and employment, all random and small."""
    rng = random.Random(seed)
    store = Store(path, threads=1)
    with store.transaction() as cur:
        cur.execute("INSERT INTO site (site_key, site_id, zone) VALUES (1, 'S1', 'Asia/Shanghai'), (2, 'S2', 'Asia/Shanghai')")
        cur.execute("INSERT INTO team (team_key, team_id, site_key) VALUES (1, 'A', 1), (2, 'B', 1), (3, 'C', 2)")
        cur.execute("INSERT INTO source VALUES (1, 'tool')")
        cur.execute("""INSERT INTO project (project_key, project_id, client, modality, task_type, tier) VALUES
            (1, 'P1', 'Acme', 'image', 'box', 0), (2, 'P2', 'Acme', 'text', 'tag', 1), (3, 'P3', NULL, 'image', NULL, NULL)""")
        cur.execute("INSERT INTO batch (batch_key, project_key, batch_id) VALUES (1, 1, 'B1'), (2, 2, 'B2'), (3, 1, 'B3')")
        cur.executemany(
            "INSERT INTO worker (worker_key, worker_id, name) VALUES (?, ?, ?)", [(k, f"w{k:02}", f"Name {k}") for k in WORKERS]
        )
        _people(cur, rng)
        _insert(cur, "work", [_work(rng, i) for i in range(rows)])
        reviews = [_review(rng, i) for i in range(rows // 2)]
        _insert(cur, "review", reviews + [_second(rng, review, i) for i, review in enumerate(reviews[::6])])
        for log, mine in (("work", "action IN (0, 1)"), ("review", "true")):
            cur.execute(f"""UPDATE {log} SET repeat_of = n FROM (SELECT project_key AS p, item_id AS i, row_number() OVER () AS n FROM {log}
                WHERE {mine} GROUP BY ALL HAVING count(*) > 1) WHERE project_key = p AND item_id = i AND {mine}""")
        falls = ", ".join(
            f"coalesce({c}::VARCHAR, '')" for c in ("work_date", "worker_key", "site_key", "team_key", "batch_key", "work_action", "round")
        )
        cur.execute(f"""UPDATE review SET once = CASE WHEN places > 1 THEN NULL WHEN review_id <> one THEN 0 WHEN sent_back THEN 2 ELSE 1 END
            FROM (SELECT project_key AS p, item_id AS i, count(DISTINCT concat_ws('|', {falls})) AS places, min(review_id) AS one,
                bool_or(verdict = 2) AS sent_back FROM review GROUP BY ALL) WHERE project_key = p AND item_id = i""")
        _insert(cur, "earn_day", [_earned(rng) for _ in range(rows // 4)])
        _insert(cur, "cost_day", [_cost(rng, site, day) for site in (1, 2) for day in range(DAYS)])
        for log, tables in (("work", WORK_ROLLUPS), ("review", REVIEW_ROLLUPS)):
            for table, select in tables.items():
                cur.execute(f"INSERT INTO {table} BY NAME {select.format(rel=log)}")
        for name, select in FLAT.items():
            cur.execute(f"CREATE TABLE {name} AS {select}")
    return store


def _insert(cur, table: str, rows: list[dict]) -> None:
    arrow = pa.Table.from_pylist(rows)
    cur.register("incoming", arrow)
    cur.execute(f"INSERT INTO {table} BY NAME SELECT {ids.columns(arrow.column_names)} FROM incoming")
    cur.unregister("incoming")


def _place(worker: int) -> tuple[int, int]:
    team = worker % 4
    return (0, 0) if team == 0 else ((1, 1), (1, 2), (2, 3))[team - 1]


def _day(rng: random.Random) -> date:
    return FIRST + timedelta(days=rng.randrange(DAYS))


def _work(rng: random.Random, i: int) -> dict:
    worker, project = rng.choice(WORKERS), rng.randint(1, 3)
    site, team = _place(worker)
    day = None if rng.random() < 0.04 else _day(rng)
    hour = None if day is None else rng.randint(8, 19)
    seconds = None if rng.random() < 0.1 else 0.0 if rng.random() < 0.02 else round(rng.lognormvariate(3, 1), 3)
    wall = None if rng.random() < 0.5 else round(rng.uniform(-20, 200), 3)
    length = None if day is None else seconds if wall is None else wall if wall >= 0 else None
    return {
        "business_date": day, "worker_key": worker, "ts": datetime(day.year, day.month, day.day, hour, i % 60) if day else None, "source_key": 1,
        "event_id": f"e{i}", "project_key": project, "batch_key": {1: rng.choice((0, 1, 3)), 2: 2, 3: 0}[project], "item_id": f"i{rng.randrange(400)}",
        "action": rng.choices((0, 1, 2, 3), (70, 15, 10, 5))[0], "round": rng.choice((1, 1, 1, 2)), "round_given": True,
        "units": round(rng.choice((0, 1, 2, 5, 12.5)), 3), "prelabelled_units": rng.choice((None, 0.0, 1.0)), "seconds": seconds, "wall_s": wall,
        "overlap_s": round(rng.uniform(0, length or 0) * 0.3, 3) if length else 0.0, "clock": rng.choice((None, 0, 2)), "hour": hour,
        "site_key": site, "team_key": team, "load_id": 1,
    }  # fmt: skip


def _review(rng: random.Random, i: int) -> dict:
    worker, project = rng.choice(WORKERS), rng.randint(1, 3)
    site, team = _place(worker)
    linked = rng.random() > 0.05
    day = None if rng.random() < 0.03 else _day(rng)
    verdict = rng.choices((0, 1, 2), (75, 10, 15))[0]
    return {
        "work_date": day, "review_date": day and min(LAST, day + timedelta(days=rng.choice((0, 0, 1, 4)))), "worker_key": worker,
        "source_key": 1, "review_id": f"r{i}", "event_given": linked, "project_key": project, "batch_given": False,
        "batch_key": {1: rng.choice((0, 1, 3)), 2: 2, 3: 0}[project], "item_id": f"i{rng.randrange(300)}", "reviewer_key": rng.choice((None, 1, 2, 3)),
        "stage": rng.choice((0, 1, 1, 2, 3)), "round": rng.choice((1, 1, 2)), "verdict": verdict, "inspected_units": rng.choice((None, 3.0, 8.0)),
        "error_units": rng.choice((None, 0.0, 1.0)), "error_type": rng.choice(("漏标", "错类", None)) if verdict else None, "linked": linked,
        "work_action": rng.choice((0, 0, 1, 2)) if linked else None, "work_units": rng.choice((5.0, 10.0)) if linked else None,
        "is_first": linked and rng.random() < 0.7, "is_last": linked and rng.random() < 0.7, "stage_first": linked and rng.random() < 0.8,
        "stage_last": linked and rng.random() < 0.8, "overturned": linked and verdict == 2 and rng.random() < 0.2, "site_key": site, "team_key": team,
        "load_id": 1,
    }  # fmt: skip


def _second(rng: random.Random, first: dict, i: int) -> dict:
    """Another verdict on the same work, by somebody else at another stage; the item is theirs alone. Some judge other work of the item."""
    first["item_id"] = f"twice{i}"
    verdict = rng.choices((0, 1, 2), (60, 10, 30))[0]
    other = {"work_date": _day(rng), "round": first["round"] + 1} if i % 5 == 0 else {}
    return first | {
        "review_id": f"s{i}", "reviewer_key": rng.choice((1, 2, 3)), "stage": 2, "verdict": verdict, "is_first": False, "stage_first": True,
        "error_type": "漏标" if verdict else None, **other,
    }  # fmt: skip


def _earned(rng: random.Random) -> dict:
    worker, project = rng.choice(WORKERS), rng.randint(1, 3)
    site, team = _place(worker)
    units = rng.randint(1, 40)
    sold = rng.random() < 0.5
    return {
        "business_date": None if rng.random() < 0.02 else _day(rng), "basis": rng.choice(("submit", "pass", "accept")), "worker_key": worker,
        "team_key": team, "site_key": site, "project_key": project, "batch_key": 0, "action": rng.randrange(4), "round": 1, "unit_count": units,
        "pay": round(units * 0.0375, 4), "revenue": round(units * 0.0615, 4) if sold else 0.0, "unpriced_units": rng.choice((0, 0, units)),
        "unrated_units": rng.choice((0, 0, units)),
    }  # fmt: skip


def _cost(rng: random.Random, site: int, day: int) -> dict:
    return {
        "site_key": site, "business_date": FIRST + timedelta(days=day), "kind": rng.choice(("rent", "power", "subsidy")),
        "amount": round(rng.uniform(10, 900), 2),
    }  # fmt: skip


def _people(cur, rng: random.Random) -> None:
    """One spell for most people, two for some; some stretches change team or skill on the way."""
    rows = []
    for worker in WORKERS:
        site, team = _place(worker)
        start = FIRST - timedelta(days=rng.choice((5, 20, 60, 120, 300, 500))) + timedelta(days=rng.choice((0, 0, 15, 30)))
        for spell in range(2 if worker % 7 == 0 else 1):
            hired = start + timedelta(days=60 * spell)
            left = hired + timedelta(days=rng.choice((3, 25, 40))) if worker % 3 == 0 or (spell == 0 and worker % 7 == 0) else None
            cut = hired + timedelta(days=2 + rng.randrange(20)) if rng.random() < 0.5 else None
            if cut and left and cut >= left:
                cut = None
            person = {
                "worker_key": worker,
                "hired": hired,
                "contract": rng.choice(("full", "part", None)),
                "channel": rng.choice(("ads", "friend")),
            }
            end = {"voluntary": rng.choice((True, False, None)), "leave_reason": rng.choice(("pay", "home"))} if left else {}
            first = person | {"from_date": hired, "to_date": cut or left, "starts_spell": True, "ends_spell": bool(left and not cut),
                              "site_key": site, "team_key": team, "moved_in": False, "moved_out": bool(cut), "skill_level": 5, "modality": "image"}  # fmt: skip
            rows.append(first | (end if not cut else {}))
            if cut:
                rows.append(person | end | {"from_date": cut, "to_date": left, "starts_spell": False, "ends_spell": left is not None, "site_key": 2,
                                            "team_key": 3, "moved_in": True, "moved_out": False, "skill_level": 4, "modality": "text"})  # fmt: skip
    for row in rows:
        later = [other["from_date"] for other in rows if other["worker_key"] == row["worker_key"] and other["from_date"] > row["from_date"]]
        gone = row["to_date"] + timedelta(days=1) if row["ends_spell"] else row["to_date"]
        row["counts_until"] = min([*later, gone or date.max])
    keys = ("worker_key", "from_date", "to_date", "hired", "starts_spell", "ends_spell", "voluntary", "leave_reason", "contract", "channel", "site_key",
            "team_key", "moved_in", "moved_out", "skill_level", "modality", "counts_until")  # fmt: skip
    _insert(cur, "presence", [{key: row.get(key) for key in keys} for row in rows])
