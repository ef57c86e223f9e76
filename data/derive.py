"""What follows from the facts: where and on which business date work was done, which attempt it was, how intervals of one
person overlap, which verdict was first and last, who was employed when, and when a batch was accepted.

Every function takes a cursor inside the load's transaction and reads or writes the temporary tables it names; the
results depend on the facts alone, not on the order in which they arrived.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb import DuckDBPyConnection

from data import rollup
from data.codes import ACCEPT, ANNOTATE, REJECT, REWORK
from data.ids import ITEM, same
from data.rollup import LENGTH, Dates, gather


def place(cur: DuckDBPyConnection, facts: str, into: str) -> None:
    """Give rows with worker_key and ts their site, team and local time, as the view `into`: the assignment valid at that instant.

    The business date is the local date on which the shift began, so a site whose day starts at 06:00 counts 02:00 to the
    day before. Undated rows take the person's latest assignment and have no date.
    """
    zone = str(cur.execute("SELECT zone FROM site WHERE site_key = 0").fetchall()[0][0]).replace("'", "''")
    at = "coalesce(f.ts::TIMESTAMP, TIMESTAMP '9999-12-31')"
    cur.execute(f"""CREATE OR REPLACE TEMP VIEW {into} AS
        WITH span AS (
            SELECT a.*, s.zone, lead(valid_from_ts, 1, TIMESTAMP 'infinity') OVER (PARTITION BY worker_key ORDER BY valid_from_ts) AS valid_to_ts
            FROM assignment AS a JOIN site AS s USING (site_key)
        )
        SELECT f.*, coalesce(a.site_key, 0)::SMALLINT AS site_key, coalesce(a.team_key, 0)::SMALLINT AS team_key,
            timezone(coalesce(a.zone, '{zone}'), make_timestamptz(epoch_us(f.ts))) AS local_ts
        FROM {facts} AS f LEFT JOIN span AS a ON a.worker_key = f.worker_key AND {at} >= a.valid_from_ts AND {at} < a.valid_to_ts""")


def business_date(cur: DuckDBPyConnection, local: str, site: str) -> str:
    """SQL for the business date of a local instant at a site; skips the shift of the day's start where no site has one."""
    starts = cur.execute("SELECT site_key, day_start_minute FROM site WHERE day_start_minute <> 0").fetchall()
    if not starts:
        return f"{local}::DATE"
    cases = " ".join(f"WHEN {int(key)} THEN {int(minutes)}" for key, minutes in starts)
    return f"({local} - to_minutes(CASE {site} {cases} ELSE 0 END))::DATE"


def find_relatives(cur: DuckDBPyConnection, work: str, touched: str) -> None:
    """The rows of touched items that have company: the table relative(is_new, id, …), of fresh when is_new, else of the log.

    Reads fresh(id, …), `touched` (a select of ITEM) and `work`, a select over the log with the row's place as
    rid. A logged row that lost its company is there as well.
    """
    columns = f"{ITEM}, worker_key, action, ts, source_key, event_no, event_head"
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE kin AS
        SELECT w.rid AS id, {columns}, round, round_given, business_date, repeat_of FROM {work} AS w SEMI JOIN ({touched}) AS t ON {same("t", "w", ITEM)}""")
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE relative AS
        WITH several AS (
            SELECT {ITEM} FROM (SELECT {ITEM}, true AS is_new FROM fresh UNION ALL SELECT {ITEM}, false FROM kin)
            GROUP BY ALL HAVING count(*) > 1 OR NOT bool_and(is_new)
        )
        SELECT true AS is_new, id, {columns}, NULL::USMALLINT AS round, round_given, NULL::DATE AS business_date, NULL::INTEGER AS repeat_of
        FROM fresh SEMI JOIN several USING ({ITEM})
        UNION ALL
        SELECT false, id, {columns}, round, round_given, business_date, repeat_of FROM kin SEMI JOIN several USING ({ITEM})""")


def number_rounds(cur: DuckDBPyConnection) -> None:
    """Number the attempts the source did not number: the table attempt(is_new, id, round, old_round, business_date), for the
    rows of relative; the only row of an item is its first attempt (its second, if it is rework).

    Attempt k of a person on an item is round k; a rework row is one more than the rework rows on the item so far, whoever
    does them, plus one.
    """
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE attempt AS
        SELECT is_new, id, business_date, round AS old_round, least(65535, row_number() OVER (
                PARTITION BY {ITEM}, action, CASE WHEN action = {REWORK} THEN 0 ELSE worker_key END
                ORDER BY ts NULLS LAST, source_key, event_no, event_head) + (action = {REWORK})::INTEGER)::USMALLINT AS round
        FROM relative WHERE NOT round_given""")


def mark_repeats(cur: DuckDBPyConnection, log: str, rows: str, into: str, told: tuple[str, str] | None = None) -> None:
    """Give the rows of an item that has several one number to know it by: the table `into`(is_new, id, repeat_of) of the rows
    whose number is not yet right. `rows`: a select of (is_new, id, ITEM, repeat_of).

    `told`: what else `into` tells of every row of such an item: aggregates over the item's rows, and columns of a row (r) and these (n).
    """
    of_item, of_row = told or ("", "")
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE {into} AS
        WITH several AS (
            SELECT {ITEM}, max(repeat_of) AS known, min(id) AS place{of_item} FROM ({rows}) GROUP BY ALL HAVING count(*) > 1
        ), numbered AS (
            SELECT * EXCLUDE (known, place), coalesce(known, (SELECT coalesce(max(repeat_of), 0) FROM {log})
                + row_number() OVER (PARTITION BY known IS NULL ORDER BY place, {ITEM}))::INTEGER AS number FROM several
        )
        SELECT r.is_new, r.id, n.number AS repeat_of{of_row}
        FROM ({rows}) AS r JOIN numbered AS n ON {same("n", "r", ITEM)}
        {"" if told else "WHERE r.repeat_of IS DISTINCT FROM n.number"}""")


def measure_overlaps(cur: DuckDBPyConnection, gone: str | None) -> bool:
    """Count a person's overlapping intervals once: the table covered(is_new, id, overlap_s, business_date) of rows
    whose overlap is new; False when there is none.

    A row's overlap is the part of its interval already covered by intervals of the same person that began earlier, so
    length − overlap adds up to the union. Only rows that begin inside a stretch touched by this load can change.
    Reads fresh and `gone` (rows removed, if any); keeps worker.longest_interval_s.
    """
    touched = f"SELECT worker_key, epoch_ms(ts) AS ends, (({LENGTH}) * 1000)::BIGINT AS ms FROM {{}}"
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE reach AS
        SELECT t.worker_key, min(ends - ms) AS a, max(ends) AS b, max(ms) > any_value(w.longest_interval_s * 1000) AS longer, max(ms) AS ms,
            max(ends) + greatest(max(ms), any_value(w.longest_interval_s * 1000)::BIGINT) AS c
        FROM ({" UNION ALL ".join(touched.format(name) for name in ("fresh", gone) if name)}) AS t JOIN worker AS w USING (worker_key)
        WHERE ms > 0 GROUP BY ALL""")
    # Constant bounds beside the join let the scan skip what lies outside; a business date is at most two days before the UTC date.
    count = " + ".join(f"(SELECT count(*) FROM {name})" for name in ("fresh", gone) if name)
    since, until, longer, size = cur.execute(f"SELECT min(a), max(c), bool_or(longer), {count} FROM reach").fetchall()[0]
    if since is None:
        return False
    if longer:
        cur.execute(
            "UPDATE worker AS w SET longest_interval_s = r.ms / 1000.0 FROM reach AS r WHERE r.worker_key = w.worker_key AND r.longer"
        )
    parts = 1 + size // rollup.AT_ONCE  # nobody's intervals cover another's, so a large load is measured some people at a time
    cur.execute("CREATE OR REPLACE TEMP TABLE covered (is_new BOOLEAN, id BIGINT, overlap_s DECIMAL(12,3), business_date DATE)")
    found = [_measure_people(cur, since, until, parts, part) for part in range(parts)]
    return any(found)


def _measure_people(cur: DuckDBPyConnection, since: int, until: int, parts: int, part: int) -> bool:
    """The overlaps of every `parts`-th person into `covered`; False when none is new."""
    rows: pa.Table = cur.execute(f"""
        SELECT true AS is_new, f.id, f.worker_key, epoch_ms(f.ts) AS ends, (({LENGTH}) * 1000)::BIGINT AS ms, hash(f.event_no, f.event_head) AS tie,
            NULL::BIGINT AS old, NULL::DATE AS business_date, NULL::BIGINT AS a, NULL::BIGINT AS b
        FROM fresh AS f WHERE ({LENGTH}) > 0 AND f.worker_key % $parts = $part
        UNION ALL
        SELECT false, w.rowid, w.worker_key, epoch_ms(w.ts), (({LENGTH}) * 1000)::BIGINT, hash(w.event_no, w.event_head), (w.overlap_s * 1000)::BIGINT, w.business_date, r.a, r.b
        FROM work AS w JOIN reach AS r ON r.worker_key = w.worker_key AND epoch_ms(w.ts) > r.a AND epoch_ms(w.ts) <= r.c
        WHERE ({LENGTH}) > 0 AND w.ts > make_timestamp_ms($since)::TIMESTAMP_MS AND w.ts <= make_timestamp_ms($until)::TIMESTAMP_MS
            AND w.business_date BETWEEN make_timestamp_ms($since)::DATE - 2 AND make_timestamp_ms($until)::DATE + 1 AND w.worker_key % $parts = $part""",
        {"since": since, "until": until, "parts": parts, "part": part}).to_arrow_table()  # fmt: skip
    worker, ends, ms, tie = (rows[name].to_numpy() for name in ("worker_key", "ends", "ms", "tie"))
    found = covered_ms(worker, ends, ms, tie)
    new = rows["is_new"].to_numpy()
    old, a, b = (rows[name].fill_null(0).to_numpy() for name in ("old", "a", "b"))
    changed = np.where(new, found != 0, (ends - ms >= a) & (ends - ms < b) & (found != old))
    measured = rows.select(["is_new", "id", "business_date"]).filter(pa.array(changed)).append_column("ms", pa.array(found[changed]))
    if measured.num_rows:  # found by its name in this frame: a registered one would be kept alive until the transaction ends
        cur.execute("INSERT INTO covered SELECT is_new, id, (ms / 1000.0)::DECIMAL(12,3) AS overlap_s, business_date FROM measured")
    return bool(measured.num_rows)


Ints = npt.NDArray[np.integer]


def covered_ms(worker: Ints, ends: Ints, ms: Ints, tie: Ints | None = None) -> npt.NDArray[np.int64]:
    """The part of each interval, ms, already covered by intervals of the same person that began earlier (of two that began
    together, by the one that ended first, then by the smaller tie).

    >>> covered_ms(np.array([1, 1, 2]), np.array([5_000, 8_000, 8_000]), np.array([5_000, 6_000, 1_000])).tolist()
    [0, 3000, 0]
    """
    if not len(worker):
        return np.zeros(0, dtype=np.int64)
    first = int((ends - ms).min())
    ends = ends.astype(np.int64) - first
    starts = ends - ms
    width = int(ends.max()).bit_length()
    if width + int(worker.max()).bit_length() > 62:
        worker = np.unique(worker, return_inverse=True)[1]
    lane = worker.astype(np.int64) << width  # far apart, so that one running maximum serves all
    order = np.argsort(lane + starts, kind="stable")
    if len(order) > 1 and not np.diff((lane + starts)[order]).all():
        order = np.lexsort((*(() if tie is None else (tie,)), ends, starts, worker))
    reached = np.maximum.accumulate((lane + ends)[order])
    covered = np.zeros(len(order), dtype=np.int64)
    covered[1:] = reached[:-1] - (lane + starts)[order][1:]
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.clip(covered, 0, ms[order])
    return found


# What a verdict adds to the items that a roll-up counts: 1, or 2 where the item was sent back. Of several verdicts on an item the first
# adds it, the others nothing (0), where all of them fall to the same day, person, team, batch and attempt; else nobody can add it
# up (null), and it is looked for in the log.
_ALONE = f"1 + (j.verdict = {REJECT})::INTEGER"
PLACE = "hash(work_date, worker_key, site_key, team_key, batch_key, work_action, round)"  # of a review among the rows of judged_day
_OF_ITEM = f""", min({PLACE}) = max({PLACE}) AS together, bool_or(verdict = {REJECT}) AS sent_back"""
_ONCE = """, CASE WHEN NOT n.together THEN NULL
    WHEN row_number() OVER (PARTITION BY n.number ORDER BY r.ts NULLS LAST, r.stage, r.source_key, r.review_no, r.review_head) > 1 THEN 0
    ELSE 1 + n.sent_back::INTEGER END AS once"""


def order_verdicts(cur: DuckDBPyConnection, work: str, review: str, touched: str, parts: int = 1) -> None:
    """Join the reviews of touched items to their work and find each work row's first and last verdict: the table judged.

    Reads fresh_review(id, …), `touched` (a select of ITEM) and `work`, `review`, selects over the logs with the
    row's place as rid; judged has one row a review of those items, with `id` (of fresh_review when is_new, else review.rowid)
    and the derived columns, repeat_of among them.
    A review that names its event belongs to that event; otherwise to the author's latest work on the item before the
    review (or their earliest after it, when clocks disagree). Order: instant, stage, round, review id.

    `parts`: in how many portions to do it, each of some of the items, so that one fits into the memory.
    """
    if parts == 1:
        cur.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {_judged(cur, work, review, touched, 'true', 'review')}")
        return
    numbered = "(SELECT repeat_of FROM review UNION ALL SELECT repeat_of FROM judged)"
    shares = [f"hash({ITEM}) % {parts} = {part}" for part in range(parts)]
    gather(cur, "judged", (_judged(cur, work, review, touched, share, numbered if n else "review") for n, share in enumerate(shares)))


def _judged(cur: DuckDBPyConnection, work: str, review: str, touched: str, share: str, numbered: str) -> str:
    """The select of judged, for the items of a share; `numbered` has the numbers of items that are taken."""
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE verdict_row AS
        SELECT true AS is_new, id, worker_key, ts, source_key, review_no, review_head, CASE WHEN event_given THEN event_head END AS event_head, CASE WHEN event_given THEN event_no END AS event_no, project_key,
            CASE WHEN batch_given THEN batch_key END AS batch_key, item_no, item_head, stage, round_given, verdict, NULL::INTEGER AS repeat_of FROM fresh_review WHERE {share}
        UNION ALL
        SELECT false, r.rid, r.worker_key, r.ts, r.source_key, r.review_no, r.review_head, CASE WHEN r.event_given THEN r.event_head END, CASE WHEN r.event_given THEN r.event_no END, r.project_key,
            CASE WHEN r.batch_given THEN r.batch_key END, r.item_no, r.item_head, r.stage, r.round_given, r.verdict, r.repeat_of
        FROM {review} AS r SEMI JOIN (FROM ({touched}) WHERE {share}) AS t ON {same("t", "r", ITEM)}""")
    found = ("source_key", "event_no", "event_head", "round", "action", "units", "business_date", "site_key", "team_key", "batch_key")
    of_work, of_candidate = (", ".join(f"{alias}.{column}" for column in found) for alias in "wc")
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE link AS SELECT r.is_new, r.id, {of_work} FROM {work} AS w JOIN verdict_row AS r
        ON {same("r", "w", f"source_key, event_no, event_head, {ITEM}")}""")
    # Few reviews name no event, or one of another source: the works these can belong to, in the log as it now stands.
    cur.execute(
        "CREATE OR REPLACE TEMP TABLE unlinked AS SELECT r.* FROM verdict_row AS r ANTI JOIN link AS l ON l.is_new = r.is_new AND l.id = r.id"
    )
    if cur.execute("SELECT count(*) FROM (SELECT 1 FROM unlinked LIMIT 1)").fetchall()[0][0]:
        cur.execute(f"""CREATE OR REPLACE TEMP TABLE candidate AS
            SELECT w.project_key, w.item_no, w.item_head, w.worker_key, w.ts, {of_work}
            FROM {work} AS w SEMI JOIN unlinked AS r ON {same("r", "w", ITEM)}""")
        cur.execute(f"""INSERT INTO link SELECT * EXCLUDE (rank) FROM (
            SELECT r.is_new, r.id, {of_candidate},
                row_number() OVER (PARTITION BY r.is_new, r.id ORDER BY c.source_key <> r.source_key, c.source_key) AS rank
            FROM unlinked AS r JOIN candidate AS c ON {same("c", "r", ITEM)} AND {same("c", "r", "event_no, event_head")}
            UNION ALL
            SELECT r.is_new, r.id, {of_candidate},
                row_number() OVER (PARTITION BY r.is_new, r.id ORDER BY
                    (r.round_given IS NOT NULL AND c.round <> r.round_given), (c.ts > r.ts) IS TRUE, CASE WHEN c.ts > r.ts THEN c.ts END,
                    c.ts DESC NULLS LAST, c.source_key DESC, c.event_no DESC, c.event_head DESC) AS rank
            FROM unlinked AS r JOIN candidate AS c ON {same("c", "r", ITEM)} AND c.worker_key = r.worker_key
            WHERE r.event_no IS NULL AND c.action IN ({ANNOTATE}, {REWORK})
        ) WHERE rank = 1""")
    cur.execute("""CREATE OR REPLACE TEMP TABLE unplaced AS SELECT r.is_new, r.id, r.worker_key, r.ts FROM verdict_row AS r""")
    place(cur, "unplaced", "placed_review")
    date = business_date(cur, "p.local_ts", "p.site_key")
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE joined_verdict AS
        SELECT r.is_new, r.id, r.project_key, r.item_no, r.item_head, r.worker_key, r.ts, r.source_key, r.review_no, r.review_head, r.stage, r.verdict, r.repeat_of, coalesce(r.round_given, 1) AS attempt, l.id IS NOT NULL AS linked,
            l.event_no, l.event_head, l.source_key AS work_source_key, l.action AS work_action, l.units AS work_units,
            coalesce(l.site_key, p.site_key) AS site_key, coalesce(l.team_key, p.team_key) AS team_key,
            coalesce(r.batch_key, l.batch_key, 0) AS batch_key, coalesce(l.round, r.round_given, 1) AS round,
            {date} AS review_date, CASE WHEN l.id IS NOT NULL THEN l.business_date ELSE {date} END AS work_date
        FROM verdict_row AS r LEFT JOIN link AS l ON l.is_new = r.is_new AND l.id = r.id
        JOIN placed_review AS p ON p.is_new = r.is_new AND p.id = r.id""")
    # Most work is judged once: that verdict is first and last. Only where there are more is there an order to find.
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE ordered_verdict AS
        WITH several AS (SELECT work_source_key, event_no, event_head FROM joined_verdict WHERE linked GROUP BY ALL HAVING count(*) > 1)
        SELECT is_new, id,
            row_number() OVER work_up = 1 AS is_first, row_number() OVER work_down = 1 AS is_last,
            row_number() OVER stage_up = 1 AS stage_first, row_number() OVER stage_down = 1 AS stage_last,
            verdict = {REJECT} AND coalesce(bool_or(verdict = {ACCEPT}) OVER (PARTITION BY work_source_key, event_no, event_head
                ORDER BY ts NULLS LAST, stage, attempt, source_key, review_no, review_head ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), false) AS overturned
        FROM (FROM joined_verdict WHERE linked) AS j SEMI JOIN several USING (work_source_key, event_no, event_head)
        WINDOW work_up AS (PARTITION BY work_source_key, event_no, event_head ORDER BY ts NULLS LAST, stage, attempt, source_key, review_no, review_head),
            work_down AS (PARTITION BY work_source_key, event_no, event_head ORDER BY ts DESC NULLS FIRST, stage DESC, attempt DESC, source_key DESC, review_no DESC, review_head DESC),
            stage_up AS (PARTITION BY work_source_key, event_no, event_head, stage ORDER BY ts NULLS LAST, attempt, source_key, review_no, review_head),
            stage_down AS (PARTITION BY work_source_key, event_no, event_head, stage ORDER BY ts DESC NULLS FIRST, attempt DESC, source_key DESC, review_no DESC, review_head DESC)""")
    mark_repeats(cur, numbered, "FROM joined_verdict", "repeated_review", (_OF_ITEM, _ONCE))
    return f"""
        SELECT j.* EXCLUDE ({ITEM}, worker_key, ts, source_key, review_no, review_head, stage, verdict, attempt, repeat_of),
            coalesce(m.repeat_of, j.repeat_of) AS repeat_of, CASE WHEN m.id IS NULL THEN {_ALONE} ELSE m.once END::UTINYINT AS once,
            coalesce(o.is_first, j.linked) AS is_first, coalesce(o.is_last, j.linked) AS is_last, coalesce(o.stage_first, j.linked) AS stage_first,
            coalesce(o.stage_last, j.linked) AS stage_last, coalesce(o.overturned, false) AS overturned
        FROM joined_verdict AS j LEFT JOIN ordered_verdict AS o ON o.is_new = j.is_new AND o.id = j.id
        LEFT JOIN repeated_review AS m ON m.is_new = j.is_new AND m.id = j.id"""


DERIVED_REVIEW = (
    "work_date", "review_date", "linked", "work_source_key", "work_action", "work_units", "site_key", "team_key", "batch_key", "round",
    "is_first", "is_last", "stage_first", "stage_last", "overturned", "once",
)  # fmt: skip


def build_presence(cur: DuckDBPyConnection) -> None:
    """Rebuild the stretches of employment from spells, dated assignments and team modalities (small: one row a stretch)."""
    cur.execute("DELETE FROM presence")
    cur.execute("""INSERT INTO presence BY NAME
        WITH cuts AS (
            SELECT worker_key, hired, left_on, hired AS from_date FROM employment
            UNION
            SELECT e.worker_key, e.hired, e.left_on, a.valid_from FROM employment AS e JOIN assignment AS a USING (worker_key)
            WHERE a.valid_from > e.hired AND a.valid_from < coalesce(e.left_on, DATE '9999-12-31')
        ), pieces AS (
            SELECT c.*, lead(c.from_date) OVER spell AS next_date FROM cuts AS c WINDOW spell AS (PARTITION BY c.worker_key, c.hired ORDER BY c.from_date)
        ), placed AS (
            SELECT p.*, coalesce(a.site_key, 0) AS site_key, coalesce(a.team_key, 0) AS team_key, a.role, a.skill_level
            FROM pieces AS p ASOF LEFT JOIN assignment AS a ON a.worker_key = p.worker_key AND p.from_date >= a.valid_from
        ), told AS (
            SELECT *, coalesce(site_key <> lag(site_key) OVER spell OR team_key <> lag(team_key) OVER spell, false) AS moved_in,
                coalesce(site_key <> lead(site_key) OVER spell OR team_key <> lead(team_key) OVER spell, false) AS moved_out
            FROM placed WINDOW spell AS (PARTITION BY worker_key, hired ORDER BY from_date)
        )
        SELECT t.worker_key, t.from_date, coalesce(t.next_date, t.left_on) AS to_date, t.hired, t.from_date = t.hired AS starts_spell,
            t.next_date IS NULL AND t.left_on IS NOT NULL AS ends_spell, CASE WHEN t.next_date IS NULL THEN e.voluntary END AS voluntary,
            CASE WHEN t.next_date IS NULL THEN e.leave_reason END AS leave_reason, e.contract, e.channel, t.site_key, t.team_key, t.moved_in, t.moved_out,
            t.role, t.skill_level, m.modality,
            least(coalesce(lead(t.from_date) OVER (PARTITION BY t.worker_key ORDER BY t.from_date), DATE '9999-12-31'),
                CASE WHEN t.next_date IS NOT NULL THEN t.next_date ELSE coalesce(t.left_on + 1, DATE '9999-12-31') END) AS counts_until
        FROM told AS t JOIN employment AS e ON e.worker_key = t.worker_key AND e.hired = t.hired JOIN team AS m ON m.team_key = t.team_key
        ORDER BY t.from_date, t.worker_key""")


def accept_batches(cur: DuckDBPyConnection) -> Dates:
    """Find the local date each batch was accepted: by its own decision, else by that of a later resubmission.

    A batch that was delivered or decided governs the acceptance of its rows; other rows are accepted by their last verdict.
    Returns the earning dates this changes.
    """
    cur.execute("""CREATE OR REPLACE TEMP TABLE acceptance AS
        WITH RECURSIVE zone AS (
            SELECT CASE WHEN count(DISTINCT zone) FILTER (NOT stub) = 1 THEN any_value(zone) FILTER (NOT stub)
                ELSE any_value(zone) FILTER (site_key = 0) END AS zone FROM site
        ), chain AS (
            SELECT batch_key AS first_key, batch_key, project_key, batch_id, 0 AS depth FROM batch WHERE batch_key <> 0
            UNION ALL
            SELECT c.first_key, b.batch_key, b.project_key, b.batch_id, c.depth + 1 FROM chain AS c
            JOIN batch AS b ON b.project_key = c.project_key AND b.resubmission_of = c.batch_id WHERE c.depth < 50
        )
        SELECT c.first_key AS batch_key, bool_or(c.depth = 0 AND (b.delivered_at IS NOT NULL OR coalesce(b.decision, '') IN ('accept', 'reject'))) AS governed,
            (min(timezone(z.zone, timezone('UTC', coalesce(b.decided_at, b.delivered_at)))) FILTER (b.decision = 'accept'))::DATE AS accepted_on
        FROM chain AS c JOIN batch AS b USING (batch_key), zone AS z GROUP BY ALL""")
    cur.execute("""CREATE OR REPLACE TEMP TABLE reaccepted AS SELECT b.batch_key, b.accepted_on AS before, a.accepted_on, a.governed
        FROM acceptance AS a JOIN batch AS b USING (batch_key)
        WHERE a.accepted_on IS DISTINCT FROM b.accepted_on OR a.governed <> b.governed""")
    changed = cur.execute("""SELECT before FROM reaccepted WHERE before IS NOT NULL UNION SELECT accepted_on FROM reaccepted WHERE accepted_on IS NOT NULL
        UNION SELECT r.review_date FROM review_day AS r SEMI JOIN reaccepted USING (batch_key) WHERE r.passed_units <> 0""").fetchall()
    cur.execute(
        """UPDATE batch AS b SET accepted_on = r.accepted_on, governed = r.governed FROM reaccepted AS r WHERE r.batch_key = b.batch_key"""
    )
    return {row[0] for row in changed}


def spread_costs(cur: DuckDBPyConnection) -> None:
    """Spread each monthly cost over the days of its month, to the fen: the days' parts add up to the month's amount."""
    cur.execute("DELETE FROM cost_day")
    cur.execute("""INSERT INTO cost_day
        WITH days AS (
            SELECT c.site_key, c.kind, c.amount, unnest(generate_series(c.month, last_day(c.month), INTERVAL 1 DAY))::DATE AS business_date, day(last_day(c.month)) AS n FROM cost AS c
        ), running AS (
            SELECT *, CASE WHEN day(business_date) = n THEN amount ELSE (amount * day(business_date) / n)::DECIMAL(18,2) END AS so_far FROM days
        )
        SELECT site_key, business_date, kind, so_far - coalesce(lag(so_far) OVER (PARTITION BY site_key, kind, date_trunc('month', business_date) ORDER BY business_date), 0)
        FROM running ORDER BY business_date, site_key, kind""")
