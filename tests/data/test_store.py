"""One file, one owner: opening, transactions, migrations, backup and restore, and what a kill leaves behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from data import store as stores
from data.errors import StoreBusy, StoreError, TooMuch
from data.load import load
from data.store import MIGRATIONS, SCHEMA_VERSION, Store, default_path
from data.verify import verify
from tests.data.canonical import batch

ROOT = Path(__file__).resolve().parents[2]
TS = datetime(2026, 3, 2, 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as made:
        yield made


def add_source(store: Store, key: int) -> None:
    with store.transaction() as cur:
        cur.execute("INSERT INTO source VALUES (?, ?)", [key, f"s{key}"])


def sources(store: Store) -> list[int]:
    return [key for (key,) in store.rows("SELECT source_key FROM source ORDER BY 1")]


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def work(store: Store, *ids: str) -> None:
    rows = [{"event_id": i, "worker_id": "w1", "project_id": "p1", "item_id": i, "ts": TS, "units": 3} for i in ids]
    load(store, [batch("annotations", rows)])


def run(code: str, *args: str) -> subprocess.Popen[str]:
    """Python in a process of its own, its first line of output awaited."""
    started = subprocess.Popen(
        [sys.executable, "-c", code, *args], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert started.stdout is not None
    assert started.stdout.readline().strip() == "ready", started.communicate(timeout=30)[1]
    return started


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=30)


# Opening -----------------------------------------------------------------------------------------------------------------
def test_the_store_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIECEWORK_STORE", str(tmp_path / "mine.duckdb"))
    assert default_path() == tmp_path / "mine.duckdb"
    monkeypatch.delenv("PIECEWORK_STORE")
    assert default_path() == ROOT / "var" / "piecework.duckdb"


def test_a_new_store_makes_its_folder_and_knows_itself(tmp_path: Path) -> None:
    with Store(tmp_path / "deep" / "down" / "s.duckdb") as made:
        facts = dict(made.rows("SELECT key, value FROM meta"))
        assert (facts["schema_version"], facts["zone"], facts["currency"], facts["demo"]) == (str(SCHEMA_VERSION), "UTC", "CNY", "no")
        assert re.fullmatch(r"[0-9a-f]{32}", facts["store_id"])
        assert not made.is_demo
        assert [check.name for check in verify(made) if not check.ok] == []


def test_without_create_a_missing_store_stays_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no store at .*import a file, or build the demo base") as caught:
        Store(tmp_path / "none" / "s.duckdb", create=False)
    assert "没有数据" in caught.value.zh
    assert files(tmp_path) == []


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    with Store(tmp_path / "s.duckdb") as first:
        add_source(first, 1)
        before, identity = first.version, first.meta("store_id")
    with Store(tmp_path / "s.duckdb", create=False) as second:
        assert (sources(second), second.version, second.meta("store_id")) == ([1], before, identity)


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "text.duckdb"
    text.write_text("event_id,worker_id\n" * 1000)
    with pytest.raises(StoreError, match="cannot be opened as a store") as caught:
        Store(text)
    assert "无法作为数据文件打开" in caught.value.zh
    assert text.read_text() == "event_id,worker_id\n" * 1000
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        con.execute("CREATE TABLE sales (amount INTEGER)")
    with pytest.raises(StoreError, match="not a Piecework store"):
        Store(tmp_path / "other.duckdb")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("sales",)]
    assert "other.duckdb.guard" not in files(tmp_path)


def test_a_store_of_another_process_is_busy_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    other = run("import sys; from data.store import Store; s = Store(sys.argv[1]); print('ready', flush=True); input()", str(path))
    try:
        with pytest.raises(StoreBusy, match="is in use by another process") as caught:
            Store(path)
        assert str(caught.value).count("\n") == 0
        assert "占用" in caught.value.zh
    finally:
        end(other)
    Store(path, create=False).close()


@contextmanager
def a_reader(store: Store) -> Iterator[threading.Event]:
    """Another thread amid a statement, which ends when the event is set."""
    begun, enough = threading.Event(), threading.Event()

    def rows() -> Iterator[pa.RecordBatch]:
        begun.set()
        enough.wait(60)
        yield pa.record_batch({"n": [1]})

    def read() -> None:
        with store.cursor() as cur:
            cur.register("slow", pa.RecordBatchReader.from_batches(pa.schema({"n": pa.int64()}), rows()))
            found.append(cur.execute("SELECT n FROM slow").fetchall())

    found: list[list[tuple[int]]] = []
    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(30)
    yield enough
    enough.set()
    thread.join(60)
    assert found == [[(1,)]]


def test_a_store_that_is_read_does_not_close(store: Store) -> None:
    with a_reader(store):
        with pytest.raises(StoreError, match="Somebody is reading") as caught:
            store.close()
        assert "有人正在读取" in caught.value.zh
        add_source(store, 1)
        assert sources(store) == [1]
        assert store.rows("SELECT current_setting('TimeZone')") == [("UTC",)]
        with pytest.raises(StoreError, match="Somebody is reading"):
            store.close()  # and again: the reader is of a connection that is gone
        assert sources(store) == [1]
    store.close()
    with pytest.raises(duckdb.ConnectionException):
        sources(store)


def test_instants_are_utc_whatever_zone_the_machine_is_in(tmp_path: Path) -> None:
    code = "import sys; from data.store import Store\nwith Store(sys.argv[1]) as s: print(s.rows(sys.argv[2])[0][0])"
    asked = "SELECT to_timestamp(0)::TIMESTAMP::VARCHAR"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s.duckdb"), asked],
        cwd=ROOT, env={**os.environ, "TZ": "Asia/Shanghai"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "1970-01-01 00:00:00", ran.stderr


def test_what_merely_lies_under_a_clock_is_not_busy(tmp_path: Path) -> None:
    """DuckDB's sentence about a lock is told from a path or a block that has the word in it."""
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "s.duckdb").write_text("event_id,worker_id\n" * 1000)
    with pytest.raises(StoreError, match="cannot be opened as a store") as caught:
        Store(tmp_path / "clock" / "s.duckdb")
    assert not isinstance(caught.value, StoreBusy)


BUSY = {
    "posix": 'IO Error: Could not set lock on file "s.duckdb": Conflicting lock is held in python (PID 7).',
    "windows": 'IO Error: Cannot open file "s.duckdb": The process cannot access the file because it is being used by another process.',
    "windows zh": 'IO Error: Cannot open file "s.duckdb": 另一个程序正在使用此文件，进程无法访问。\n\nFile is already open in \npython.exe (PID 7)',
}


@pytest.mark.parametrize("system", BUSY)
def test_a_busy_store_is_told_on_every_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    def connect(*_: object, **__: object) -> None:
        raise duckdb.IOException(BUSY[system])

    monkeypatch.setattr(duckdb, "connect", connect)
    with pytest.raises(StoreBusy, match="is in use by another process"):
        Store(tmp_path / "s.duckdb")


# Migrations --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The next two changes, as a later program would bring them."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    first, second = SCHEMA_VERSION + 1, SCHEMA_VERSION + 2
    (folder / f"{first:04}_shelf.sql").write_text("CREATE TABLE shelf (shelf_id INTEGER);\nINSERT INTO shelf VALUES (1);")
    (folder / f"{second:04}_label.sql").write_text("ALTER TABLE shelf ADD COLUMN label VARCHAR;\nUPDATE shelf SET label = 'old';")
    (folder / "README.md").write_text("not a migration")
    monkeypatch.setattr(stores, "MIGRATIONS", folder)
    return folder


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A store as this program writes it, with work in it: older than the migrations above."""
    with Store(tmp_path / "s.duckdb") as made:
        work(made, "e1", "e2")
    return tmp_path / "s.duckdb"


def test_the_schema_knows_every_migration() -> None:
    """A new store is made from schema.sql alone, so that file and the number must be those of the newest migration."""
    numbers = sorted(int(file.name[:4]) for file in MIGRATIONS.glob("*.sql"))
    assert numbers == list(range(2, SCHEMA_VERSION + 1))


TOLD = (
    "pace_day",
    "presence",
    "earn_day",
    "work_day",
    "work_hour",
    "review_day",
    "judged_day",
    "judged_item",
    "review",
    "work",
)  # tables that a migration changed


def test_a_store_of_the_first_format_is_brought_forward(tmp_path: Path) -> None:
    """Taken back to what format 1 was, it becomes what a store made today is, with its items counted once and its people as before."""
    path = tmp_path / "s.duckdb"
    rows = [{"event_id": f"e{n}", "worker_id": f"w{n % 2}", "project_id": "p", "item_id": f"i{n % 3}", "duration_s": 2, "units": 1, "ts": datetime(2026, 3, 5, n)}
            for n in range(5)]  # fmt: skip
    checks = [{"review_id": f"r{n}", "worker_id": "w0", "project_id": "p", "item_id": f"i{n % 2}", "verdict": "accept"} for n in range(3)]
    people = [
        {"worker_id": "w0", "hire_date": date(2026, 1, 1), "leave_date": date(2026, 3, 7)},
        {"worker_id": "w0", "hire_date": date(2026, 3, 7)},
    ]
    with Store(path) as store:
        load(store, [batch("workers", people), batch("annotations", rows), batch("reviews", checks)])
        made = described(store)
        told = [store.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in TOLD]
        with store.transaction() as cur:
            for log in ("work", "review"):
                cur.execute(f"CREATE TABLE older AS SELECT * EXCLUDE ({', '.join(id_parts(store, log))}) FROM {log}")
                cur.execute(f"DROP TABLE {log}")
                cur.execute(f"ALTER TABLE older RENAME TO {log}")
            cur.execute("ALTER TABLE work DROP COLUMN repeat_of")
            cur.execute("ALTER TABLE review DROP COLUMN repeat_of")
            cur.execute("ALTER TABLE presence DROP COLUMN counts_until")
            cur.execute("DROP TABLE pace_day")
            cur.execute("DROP TABLE connection")
            for log in ("work", "review"):
                cur.execute(f"ALTER TABLE {log} DROP COLUMN given_key")
                cur.execute(f"DROP TABLE {log}_version")
            cur.execute("ALTER TABLE review DROP COLUMN given_reviewer_key")
            cur.execute("ALTER TABLE review DROP COLUMN once")
            cur.execute("DROP TABLE judged_day")
            cur.execute("DROP TABLE judged_item")
            cur.execute("ALTER TABLE worker DROP COLUMN same_as")
            cur.execute("ALTER TABLE load DROP COLUMN undone_at")
            cur.execute("ALTER TABLE load DROP COLUMN undone_by")
            cur.execute("DROP TABLE reference_said")
            cur.execute("DROP TABLE identity")
            for table in ("work_day", "work_hour", "review_day"):
                cur.execute(f"ALTER TABLE {table} DROP COLUMN lone_rows")
            cur.execute("ALTER TABLE review_day DROP COLUMN lone_rejected_rows")
            cur.execute("INSERT INTO earn_day VALUES ('2026-03-05', 'pass', 1, 0, 0, 1, 0, 0, 1, 5, 0, 0, 0, 0)")
            cur.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    with Store(path) as store:
        assert described(store) == made
        assert [store.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in TOLD] == told
        assert store.rows("SELECT item_id, repeat_of IS NULL FROM work GROUP BY ALL ORDER BY 1") == [
            ("i0", False),
            ("i1", False),
            ("i2", True),
        ]
        assert store.rows("SELECT item_id, repeat_of IS NULL FROM review GROUP BY ALL ORDER BY 1") == [("i0", False), ("i1", True)]
        assert [check.name for check in verify(store) if not check.ok] == []


def id_parts(store: Store, log: str) -> list[str]:
    """The columns of a log that hold ids in two parts."""
    return [name for table, name, *_ in described(store) if table == log and name.endswith(("_head", "_no"))]


def described(store: Store) -> list[tuple]:
    """Every column of every table with its kind and comment."""
    return store.rows(
        "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
    )


def test_an_older_store_is_brought_forward_once(older: Path, migrations: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with Store(older) as store:
            assert store.meta("schema_version") == str(SCHEMA_VERSION + 2)
            assert len(caplog.records) == 2  # a sentence for each format, the first time
            assert store.rows("SELECT * FROM shelf") == [(1, "old")]
            assert store.rows("SELECT event_id FROM work ORDER BY 1") == [("e1",), ("e2",)]
            assert [check.name for check in verify(store) if not check.ok] == []


def test_only_what_is_missing_is_done(older: Path, migrations: Path) -> None:
    second = next(migrations.glob("*_label.sql"))
    hidden = second.rename(second.with_suffix(".later"))
    with Store(older) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION + 1)
        with store.transaction() as cur:
            cur.execute("INSERT INTO shelf VALUES (7)")
    hidden.rename(second)
    with Store(older) as store:
        assert store.rows("SELECT * FROM shelf ORDER BY 1") == [(1, "old"), (7, "old")]


def test_a_migration_that_fails_changes_nothing(older: Path, migrations: Path) -> None:
    broken = next(migrations.glob("*_label.sql"))
    good = broken.read_text()
    broken.write_text("INSERT INTO shelf VALUES (2);\nSELECT nothing FROM nowhere;")
    with pytest.raises(duckdb.CatalogException):
        Store(older)
    broken.write_text(good)
    with Store(older) as store:
        assert store.rows("SELECT * FROM shelf") == [(1, "old")]


def test_a_newer_store_is_refused_and_left_alone(older: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(older).close()
    monkeypatch.setattr(stores, "MIGRATIONS", MIGRATIONS)
    before = older.read_bytes()
    with pytest.raises(StoreError, match=rf"written by a newer Piecework \(format {SCHEMA_VERSION + 2}, this one knows {SCHEMA_VERSION}\)"):
        Store(older)
    assert older.read_bytes() == before


def test_an_older_backup_is_brought_forward_on_restore(older: Path, tmp_path: Path, migrations: Path) -> None:
    backup = tmp_path / "old-backup.duckdb"
    shutil.copyfile(older, backup)
    with Store(older) as store:
        store.restore(backup)
        assert (store.meta("schema_version"), store.rows("SELECT label FROM shelf")) == (str(SCHEMA_VERSION + 2), [("old",)])


# Transactions ------------------------------------------------------------------------------------------------------------
def test_a_commit_grows_the_version_by_one(store: Store) -> None:
    before = store.version
    add_source(store, 1)
    store.set_meta("zone", "Asia/Shanghai")
    assert (store.version, store.meta("version"), store.meta("zone")) == (before + 2, str(before + 2), "Asia/Shanghai")


def test_an_exception_rolls_everything_back(store: Store) -> None:
    add_source(store, 1)
    before = store.version

    def fail() -> None:
        with store.transaction() as cur:
            cur.execute("INSERT INTO source VALUES (2, 's2')")
            cur.execute("CREATE TABLE half (done BOOLEAN)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (sources(store), store.version, store.meta("version")) == ([1], before, str(before))
    assert store.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'half'") == []
    add_source(store, 3)
    assert sources(store) == [1, 3]


def test_a_failed_statement_cannot_be_committed_over(store: Store) -> None:
    """DuckDB's COMMIT after a failure would silently roll back; here that is an error."""
    before = store.version

    def careless() -> None:
        with store.transaction() as cur:
            cur.execute("INSERT INTO source VALUES (1, 's1')")
            with pytest.raises(duckdb.ConstraintException):
                cur.execute("INSERT INTO source VALUES (1, 'again')")

    with pytest.raises(duckdb.TransactionException):
        careless()
    assert (sources(store), store.version) == ([], before)


def test_readers_see_the_last_commit_while_one_writes(store: Store) -> None:
    add_source(store, 1)
    seen: list[list[int]] = []

    def read() -> None:
        seen.append(sources(store))

    with store.transaction() as cur:
        cur.execute("INSERT INTO source VALUES (2, 's2')")
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(30)
    assert seen == [[1]]
    assert sources(store) == [1, 2]


def test_writers_take_turns(store: Store) -> None:
    def count(n: int) -> None:
        for _ in range(n):
            with store.transaction() as cur:
                known = cur.execute("SELECT coalesce(max(source_key), 0) FROM source").fetchall()[0][0]
                cur.execute("INSERT INTO source VALUES (?, ?)", [known + 1, f"s{known + 1}"])

    before = store.version
    threads = [threading.Thread(target=count, args=(20,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sources(store) == list(range(1, 81))
    assert store.version == before + 80


def test_a_checkpoint_empties_the_write_ahead_log(store: Store) -> None:
    add_source(store, 1)
    assert store.checkpoint()
    log = store.path.with_name(store.path.name + ".wal")
    assert not log.exists() or log.stat().st_size == 0


# Kill -9 -----------------------------------------------------------------------------------------------------------------
MIDWAY = """
import sys
from datetime import date, datetime
from data.load import load_into
from data.store import Store
from tests.data.canonical import batch

store = Store(sys.argv[1])
rows = [{"event_id": f"k{n}", "worker_id": f"w{n % 9}", "project_id": "p1", "item_id": f"i{n}", "ts": datetime(2026, 3, 2, n % 24)} for n in range(20_000)]
with store.transaction() as cur:
    load_into(store, cur, [batch("annotations", rows)])
    assert cur.execute("SELECT count(*) FROM work").fetchall() == [(20_002,)]
    print("ready", flush=True)
    input()
"""


def test_a_kill_inside_a_transaction_leaves_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    with Store(path) as store:
        work(store, "e1", "e2")
        before = store.version
    end(run(MIDWAY, str(path)))
    with Store(path, create=False) as store:
        assert store.rows("SELECT event_id FROM work ORDER BY 1") == [("e1",), ("e2",)]
        assert store.version == before
        assert [check.name for check in verify(store) if not check.ok] == []
        work(store, "e3")
        assert store.rows("SELECT count(*) FROM work") == [(3,)]


AFTER = """
import sys
from data.store import Store

store = Store(sys.argv[1])
with store.transaction() as cur:
    cur.execute("INSERT INTO source SELECT n, 's' || n FROM range(1, 5001) AS r(n)")
print("ready", flush=True)
input()
"""


def test_a_kill_after_a_commit_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    end(run(AFTER, str(path)))
    with Store(path, create=False) as store:
        assert sources(store) == list(range(1, 5001))


# Backup and restore ------------------------------------------------------------------------------------------------------
def test_backups_made_while_writing_are_whole(store: Store, tmp_path: Path) -> None:
    """Each transaction adds a pair; a backup holds whole pairs and the version that goes with them."""
    begun, enough = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def write() -> None:
        pair = 0
        try:
            while not enough.is_set() and pair < 5000:
                with store.transaction() as cur:
                    cur.execute("INSERT INTO source VALUES (?, ?)", [2 * pair, f"a{pair}"])
                    cur.execute("INSERT INTO source VALUES (?, ?)", [2 * pair + 1, f"b{pair}"])
                pair += 1
                begun.set()
        except BaseException as error:
            failed.append(error)

    start = store.version
    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(30)
    backups = [store.backup(tmp_path / f"b{n}.duckdb") for n in range(3)]
    enough.set()
    thread.join(60)
    assert failed == []
    assert files(tmp_path) == ["b0.duckdb", "b1.duckdb", "b2.duckdb", "s.duckdb", "s.duckdb.guard", "s.duckdb.wal"]
    found = []
    for backup in backups:
        with Store(backup, create=False) as copy:
            assert sources(copy) == list(range(2 * (copy.version - start)))
            assert copy.meta("store_id") == store.meta("store_id")
            found.append(copy.version)
    assert found == sorted(found)
    assert start < found[0]
    assert found[-1] <= store.version


def test_a_backup_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(StoreError, match="already exists"):
        store.backup(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
    with pytest.raises(StoreError, match="There is no folder"):
        store.backup(tmp_path / "none" / "b.duckdb")
    assert not (tmp_path / "none").exists()


def test_a_restore_waits_for_who_reads(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_source(store, 1)
    backup = store.backup(tmp_path / "b.duckdb")
    add_source(store, 2)
    with a_reader(store) as enough:
        with monkeypatch.context() as patched:
            patched.setattr(stores, "PATIENCE_S", 0.0)
            with pytest.raises(StoreError, match="Somebody is reading"):
                store.restore(backup)
        assert sources(store) == [1, 2]
        assert files(tmp_path) == ["b.duckdb", "s.duckdb", "s.duckdb.guard", "s.duckdb.wal"]
        threading.Timer(0.3, enough.set).start()
        store.restore(backup)
    assert sources(store) == [1]


def test_a_restore_brings_the_backup_and_keeps_what_was(store: Store, tmp_path: Path) -> None:
    work(store, "e1")
    backup = store.backup(tmp_path / "b.duckdb")
    work(store, "e2")
    add_source(store, 9)
    seen = store.version
    store.restore(backup)
    assert store.rows("SELECT event_id FROM work") == [("e1",)]
    assert store.version > seen, "a cache keyed by the version must not find what it kept before"
    work(store, "e3")
    with Store(tmp_path / "s.duckdb.before-restore", create=False) as kept:
        assert kept.rows("SELECT event_id FROM work ORDER BY 1") == [("e1",), ("e2",)]
    store.close()
    with Store(tmp_path / "s.duckdb", create=False) as again:
        assert again.rows("SELECT event_id FROM work ORDER BY 1") == [("e1",), ("e3",)]
        assert [check.name for check in verify(again) if not check.ok] == []
    with Store(backup, create=False) as untouched:
        assert untouched.rows("SELECT event_id FROM work") == [("e1",)]


def test_a_restore_closes_what_readers_hold(store: Store, tmp_path: Path) -> None:
    add_source(store, 1)
    backup = store.backup(tmp_path / "b.duckdb")
    add_source(store, 2)
    held = store.cursor()
    held.execute("SELECT source_key FROM source")
    store.restore(backup)
    with pytest.raises(duckdb.Error):
        held.execute("SELECT 1")
    assert sources(store) == [1]


def damage(kind: str, backup: Path) -> None:
    """Make a good backup a bad one."""
    whole = backup.read_bytes()
    if kind == "missing":
        backup.unlink()
    elif kind == "text":
        backup.write_text("not a database at all\n" * 1000)
    elif kind == "empty":
        backup.write_bytes(b"")
    elif kind == "half":
        backup.write_bytes(whole[: len(whole) // 2])
    elif kind == "flipped":
        wrong = bytearray(whole)
        for block in range(12_288, len(whole), 262_144):  # after the three headers, blocks of 256 KiB with a checksum each
            wrong[block + 4096] ^= 0xFF
        backup.write_bytes(wrong)
    else:
        with duckdb.connect(str(backup)) as con:
            con.execute({
                "foreign": "DROP TABLE meta", "newer": "UPDATE meta SET value = '999' WHERE key = 'schema_version'",
                "tampered": "UPDATE work_day SET unit_count = unit_count + 1", "lost": "DELETE FROM worker",
            }[kind])  # fmt: skip


REFUSALS = {
    "missing": "There is no backup", "text": "cannot be read as a backup", "empty": "not a Piecework store|cannot be read", "half": "cannot be read as a backup",
    "flipped": "cannot be read as a backup", "foreign": "not a Piecework store", "newer": "written by a newer Piecework",
    "tampered": r"is damaged \(work_day = log", "lost": r"is damaged \(.*worker_key known",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_a_bad_backup_changes_nothing(store: Store, tmp_path: Path, kind: str) -> None:
    work(store, *(f"e{n}" for n in range(500)))
    store.checkpoint()
    backup = store.backup(tmp_path / "b.duckdb")
    work(store, "last")
    damage(kind, backup)
    before = (store.version, store.rows("SELECT * FROM work ORDER BY ALL"), store.rows("SELECT * FROM meta ORDER BY ALL"), files(tmp_path))
    with pytest.raises(StoreError, match=REFUSALS[kind]) as caught:
        store.restore(backup)
    assert caught.value.zh != str(caught.value)
    after = (store.version, store.rows("SELECT * FROM work ORDER BY ALL"), store.rows("SELECT * FROM meta ORDER BY ALL"), files(tmp_path))
    assert after == before
    work(store, "still")
    assert [check.name for check in verify(store) if not check.ok] == []


HEAVY = "SELECT quantile_cont(hash(range), 0.5), count(DISTINCT range) FROM range(20000000)"


def test_what_does_not_fit_into_memory_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    def change(store: Store) -> None:
        with store.transaction() as cur:
            cur.execute("CREATE TABLE large AS SELECT 1")
            cur.execute(HEAVY).fetchall()

    with Store(tmp_path / "s.duckdb", memory="60MB") as store:
        with store.cursor() as cur:
            cur.execute("SET temp_directory = ''")
            cur.execute("SET max_temp_directory_size = '0B'")
        with pytest.raises(TooMuch, match="shorter period"):
            store.rows(HEAVY)
        with pytest.raises(TooMuch, match="nothing of it was kept"):
            change(store)
        assert store.rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'large'") == [(0,)]


def test_a_large_statement_may_take_every_core_and_a_small_one_only_its_own(tmp_path: Path) -> None:
    with Store(tmp_path / "s.duckdb", threads=1) as store:

        def threads() -> int:
            return int(store.rows("SELECT current_setting('threads')")[0][0])

        assert threads() == 1
        with store.wide():
            every = threads()
            with pytest.raises(ZeroDivisionError), store.wide():
                raise ZeroDivisionError
            assert threads() == every == max(1, os.cpu_count() or 1)
        assert threads() == 1
        verify(store)
        assert threads() == 1
    with Store(tmp_path / "s.duckdb") as store:
        given = threads()
        with store.wide():
            assert threads() == given
