"""The floor's rows in the log's own shape: written straight into the store, for the plan knows what a load would have to find out.

`data.load` given the same rows as text ends with the same store (tests hold that). This holds for what the floor plays: sites
share a zone and a start of day, nobody works past it, and two rows of one person never end at the same instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb import DuckDBPyConnection

from data import ids, reference, rollup
from data.codes import ACCEPT, ANNOTATE, CLOCKS, REJECT, REWORK
from data.demo.floor import DAY_MS, PER_DAY, WHY, ZONE_MS, Floor, Rows, take
from data.demo.log import event_ids, item_ids, review_ids, words
from data.demo.names import ERROR_TYPES
from data.demo.people import SITES
from data.demo.projects import PROJECTS, TOOLS
from data.demo.reference import DAY_START
from data.derive import covered_ms
from data.store import Store

ROW_GROUP = 122_880  # rows DuckDB stores together: batches of that size go to its threads and to the file as they are
_UNITS, _SPAN = pa.decimal32(9, 3), pa.decimal64(12, 3)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One day's work as columns of the log; `tool` and `lot` index the floor's and become keys when it is written."""

    columns: dict[str, pa.Array]
    tool: npt.NDArray[np.integer]
    lot: npt.NDArray[np.int32]


class Ledger:
    """The way of one floor's rows into one store, whose people, projects, sites and teams are there already."""

    def __init__(self, store: Store, floor: Floor, source: str) -> None:
        self._store, self._floor, self._source = store, floor, source
        self._worker = self._keys("worker", floor.cast.ids)
        self._project = self._keys("project", [p.id for p in PROJECTS]).astype(np.int16)
        self._site = self._keys("site", [s.id for s in SITES]).astype(np.int16)
        self._team = self._keys("team", [t.id for t in floor.cast.teams]).astype(np.int16)
        self._tool = np.zeros(len(TOOLS), dtype=np.int16)
        self._lot = np.zeros(0, dtype=np.int32)
        self._clock = np.array([CLOCKS.index(tool.clock) for tool in TOOLS], dtype=np.uint8)
        self._longest = np.zeros(int(self._worker.max()) + 1, dtype=np.int64)

    def _keys(self, kind: str, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        known = dict(self._store.rows(f"SELECT {kind}_id, {kind}_key FROM {kind}"))
        return np.array([known[one] for one in ids], dtype=np.int64)

    # Work ------------------------------------------------------------------------------------------------------------
    def sheet(self, day: int, rows: Rows) -> Sheet:
        """The rows of one day in the order the log keeps them. Touches no store, so another thread may do it ahead."""
        worker = self._worker[rows["worker"]]
        ends = rows["ts"] - (day * DAY_MS - ZONE_MS)
        order = np.argsort(worker << 32 | ends, kind="stable")
        rows, worker, ends = take(rows, order), worker[order], ends[order]
        wall = rows["wall"].astype(np.float64)
        timed = ~np.isnan(wall)
        wall_ms = np.rint(np.where(timed, wall, 0) * 1000).astype(np.int64)
        seconds = np.rint(rows["seconds"].astype(np.float64) * 10).astype(np.int32) * 100
        length = np.where(timed, wall_ms, seconds)
        np.maximum.at(self._longest, worker, length)
        state = self._floor.cast.at(day)
        tool = self._floor.tool[rows["project"]]
        columns = {
            "business_date": _column(pa.date32(), np.full(len(rows), day, dtype=np.int32)),
            "worker_key": _column(pa.int32(), worker.astype(np.int32)),
            "ts": _column(pa.timestamp("ms"), rows["ts"]),
            "event_id": event_ids(tool, rows["event"]),
            "project_key": _column(pa.int16(), self._project[rows["project"]]),
            "item_id": item_ids(self._floor.trade[rows["project"]], rows["item"]),
            "action": _column(pa.uint8(), rows["action"]),
            "round": _column(pa.uint16(), rows["round"].astype(np.uint16)),
            "units": _thousandths(rows["units"]),
            "prelabelled_units": _thousandths(rows["pre"], rows["pre"] >= 0),
            "seconds": _column(_UNITS, seconds),
            "wall_s": _column(_SPAN, wall_ms, timed & (wall_ms != seconds)),
            "overlap_s": _column(_SPAN, covered_ms(worker, ends, length)),
            "clock": _column(pa.uint8(), self._clock[tool]),
            "hour": _column(pa.uint8(), (ends // 3_600_000).astype(np.uint8)),
            "site_key": _column(pa.int16(), self._site[state.site][rows["worker"]]),
            "team_key": _column(pa.int16(), self._team[state.team][rows["worker"]]),
        }
        return Sheet(columns, tool, np.ascontiguousarray(rows["batch"]))

    def write(self, sheets: Sequence[Sheet]) -> int:
        """Append the days' work in one transaction; the number of rows."""
        with self._store.transaction() as cur:
            self._name(cur, sheets)
            batches = [
                pa.RecordBatch.from_pydict(
                    {**s.columns, "source_key": _column(pa.int16(), self._tool[s.tool]), "batch_key": _column(pa.int32(), self._lot[s.lot])}
                )
                for s in sheets
            ]
            return self._append(cur, "work", "annotations", pa.Table.from_batches(batches), "true AS round_given")

    def _name(self, cur: DuckDBPyConnection, sheets: Sequence[Sheet]) -> None:
        """Give keys to tools and batches that appear for the first time."""
        lots = self._floor.lots[: max((int(s.lot.max()) + 1 for s in sheets if len(s.lot)), default=0)]
        self._lot = np.append(self._lot, np.zeros(max(0, len(lots) - len(self._lot)), dtype=np.int32))
        tools, seen = np.zeros(len(TOOLS), dtype=bool), np.zeros(len(self._lot), dtype=bool)
        for one in sheets:
            tools[one.tool], seen[one.lot] = True, True
        named = pa.table({"name": [TOOLS[n].code for n in np.flatnonzero(tools)]}, schema=pa.schema({"name": pa.string()}))
        cur.register("named", named)
        reference.add_sources(cur, "SELECT name FROM named")
        known = dict(cur.execute("SELECT name, source_key FROM source").fetchall())
        self._tool = np.array([known.get(tool.code, 0) for tool in TOOLS], dtype=np.int16)
        new = np.flatnonzero(seen & (self._lot == 0))
        cur.register("named", pa.table({
            "number": pa.array(new), "project_id": pa.array([PROJECTS[lots[n].project].id for n in new], pa.string()),
            "batch_id": pa.array([lots[n].name for n in new], pa.string()),
        }))  # fmt: skip
        reference.add_batches(cur, "SELECT project_id, batch_id FROM named")
        for number, key in cur.execute("""SELECT n.number, b.batch_key FROM named AS n JOIN project AS p USING (project_id)
                JOIN batch AS b ON b.project_key = p.project_key AND b.batch_id = n.batch_id""").fetchall():  # fmt: skip
            self._lot[number] = key
        cur.unregister("named")

    # Reviews ---------------------------------------------------------------------------------------------------------
    def write_reviews(self, rows: Rows) -> int:
        """Append all reviews, linked to their work and in their order, in one transaction; the number of rows.

        rows: numbered in time order, each of a work row that `write` was given before.
        """
        floor, first_day = self._floor, self._floor.calendar.first
        judged = _judge(floor, rows)
        worker = self._worker[rows["worker"]]
        work_day = first_day - 1 + rows["event"] // PER_DAY
        order = np.lexsort((rows["ts"], worker, work_day))
        rows, worker, work_day = take(rows, order), worker[order].astype(np.int32), work_day[order]
        site, team = np.empty(len(rows), dtype=np.int16), np.empty(len(rows), dtype=np.int16)
        days, starts = np.unique(work_day, return_index=True)
        for day, start, end in zip(days.tolist(), starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True):
            state, mine = floor.cast.at(day), rows["worker"][start:end]
            site[start:end], team[start:end] = self._site[state.site][mine], self._team[state.team][mine]
        tool = floor.tool[rows["project"]]
        looked = rows["reviewer"] >= 0
        review_day = (rows["ts"] + ZONE_MS - DAY_START * 60_000) // DAY_MS
        columns = {
            "work_date": _column(pa.date32(), work_day.astype(np.int32)),
            "review_date": _column(pa.date32(), review_day.astype(np.int32)),
            "worker_key": _column(pa.int32(), worker),
            "ts": _column(pa.timestamp("ms"), rows["ts"]),
            "review_id": review_ids(rows["review"]),
            "event_id": event_ids(tool, rows["event"]),
            "project_key": _column(pa.int16(), self._project[rows["project"]]),
            "batch_key": _column(pa.int32(), self._lot[rows["batch"]]),
            "item_id": item_ids(floor.trade[rows["project"]], rows["item"]),
            "reviewer_key": _column(pa.int32(), self._worker[np.maximum(rows["reviewer"], 0)].astype(np.int32), looked),
            "stage": _column(pa.uint8(), rows["stage"]),
            "round": _column(pa.uint16(), rows["round"].astype(np.uint16)),
            "verdict": _column(pa.uint8(), rows["verdict"]),
            "inspected_units": _thousandths(rows["units"]),
            "error_units": _thousandths(rows["errors"]),
            "error_type": words(rows["type"], ERROR_TYPES, rows["type"] < 0),
            "sampled_why": words(rows["why"], WHY),
            "work_source_key": _column(pa.int16(), self._tool[tool]),
            "work_action": _column(pa.uint8(), np.where(rows["round"] == 1, ANNOTATE, REWORK).astype(np.uint8)),
            **{name: pa.array(flags[order]) for name, flags in judged.items()},
            "repeat_of": _repeats(item := rows["project"].astype(np.int64) << 32 | rows["item"]),
            "once": _once(item, rows),
            "site_key": _column(pa.int16(), site),
            "team_key": _column(pa.int16(), team),
        }
        with self._store.transaction() as cur:
            cur.register("named", pa.table({"name": [self._source]}))
            reference.add_sources(cur, "SELECT name FROM named")
            cur.unregister("named")
            (key,) = cur.execute("SELECT source_key FROM source WHERE name = ?", [self._source]).fetchall()[0]
            constants = f"""{key} AS source_key, round AS round_given, inspected_units AS work_units,
                true AS event_given, true AS batch_given, true AS linked"""
            return self._append(cur, "review", "reviews", pa.table(columns), constants)

    # Both ------------------------------------------------------------------------------------------------------------
    def _append(self, cur: DuckDBPyConnection, log: str, name: str, rows: pa.Table, constants: str) -> int:
        """Append rows to a log and write the load down."""
        began = datetime.now(UTC).replace(tzinfo=None)
        (load_id,) = cur.execute("SELECT coalesce(max(load_id), 0) + 1 FROM load").fetchall()[0]
        cur.register("arriving", pa.Table.from_batches(rows.combine_chunks().to_batches(max_chunksize=ROW_GROUP), rows.schema))
        kept = ids.columns(rows.column_names)
        cur.execute(f"INSERT INTO {log} BY NAME SELECT {kept}, {constants}, {load_id} AS load_id FROM arriving")
        cur.unregister("arriving")
        count = int(rows.num_rows)
        cur.execute(
            "INSERT INTO load VALUES (?, ?, ?, ?, NULL, ?, ?, ?, 0, 0, 0, 0, NULL, NULL)",
            [load_id, began, datetime.now(UTC).replace(tzinfo=None), self._source, name, count, count],
        )
        return count

    def close(self) -> None:
        """Build the roll-ups from the finished log, and keep how long each person's longest interval is."""
        with self._store.transaction() as cur:
            known = np.flatnonzero(self._longest)
            cur.register("longest", pa.table({"worker_key": known, "s": _column(_SPAN, self._longest[known])}))
            cur.execute("UPDATE worker AS w SET longest_interval_s = l.s FROM longest AS l WHERE l.worker_key = w.worker_key")
            cur.unregister("longest")
            # Nobody takes up an item again but in a later round.
            cur.execute(f"""UPDATE work SET repeat_of = n.number FROM (
                    SELECT {ids.ITEM}, row_number() OVER ()::INTEGER AS number FROM work WHERE round > 1 GROUP BY ALL
                ) AS n WHERE {ids.same("work", "n", ids.ITEM)}""")
            rollup.rebuild(cur)


def _judge(floor: Floor, rows: Rows) -> dict[str, npt.NDArray[np.bool_]]:
    """First and last verdict of each work row, as a whole and by stage, and rejections accepted later (`derive.order_verdicts`)."""
    event = floor.tool[rows["project"]].astype(np.int64) << 32 | rows["event"]
    order = np.lexsort((rows["stage"], rows["ts"], event))  # stable: equal ones stay in the order of their numbers
    new = np.diff(event[order], prepend=-1) != 0
    verdict = rows["verdict"][order]
    rank = np.arange(len(rows))
    last_accept = np.maximum.reduceat(np.where(verdict == ACCEPT, rank, -1), np.flatnonzero(new)) if len(rows) else rank
    overturned = (verdict == REJECT) & (rank < last_accept[np.cumsum(new) - 1])
    by_stage = event << 3 | rows["stage"]
    staged = np.lexsort((rows["ts"], by_stage))
    begins = np.diff(by_stage[staged], prepend=-1) != 0
    return {
        "is_first": _scatter(order, new), "is_last": _scatter(order, _ends(new)), "overturned": _scatter(order, overturned),
        "stage_first": _scatter(staged, begins), "stage_last": _scatter(staged, _ends(begins)),
    }  # fmt: skip


def _repeats(item: npt.NDArray[np.int64]) -> pa.Array:
    """A number for every item that comes up more than once; null for the others (`derive.mark_repeats`)."""
    _, place, count = np.unique(item, return_inverse=True, return_counts=True)
    number = np.cumsum(count > 1)
    return _column(pa.int32(), number[place].astype(np.int32), count[place] > 1)


def _once(item: npt.NDArray[np.int64], rows: Rows) -> pa.Array:
    """What each review adds to the items counted by day (`derive.order_verdicts`): every row of work is an attempt of its own."""
    order = np.lexsort((rows["review"], rows["stage"], rows["ts"], item))
    first = np.diff(item[order], prepend=-1) != 0
    group, event = np.cumsum(first) - 1, rows["event"][order]
    apart = np.bincount(group, event != event[first][group]) > 0
    sent_back = np.bincount(group, rows["verdict"][order] == REJECT) > 0
    once, known = np.empty(len(item), dtype=np.uint8), np.empty(len(item), dtype=np.bool_)
    once[order], known[order] = np.where(first, 1 + sent_back[group], 0), ~apart[group]
    return _column(pa.uint8(), once, known)


def _ends(begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where groups end, from where they begin."""
    return np.append(begins[1:], True)[: len(begins)]


def _scatter(order: npt.NDArray[np.int64], flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    found = np.empty(len(flags), dtype=np.bool_)
    found[order] = flags
    return found


def _column(kind: pa.DataType, values: npt.NDArray[np.generic], known: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """The numbers as they lie in memory, as an Arrow column; null where not known."""
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def _thousandths(units: npt.NDArray[np.integer], known: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return _column(_UNITS, units.astype(np.int32) * 1000, known)
