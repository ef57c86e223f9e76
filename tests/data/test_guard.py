"""A checkpoint cut short at any page of what it writes over: the store opens with everything in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from data import accounts
from data.errors import StoreBusy, StoreError
from data.guard import HEADERS, Guard, sound
from data.load import load
from data.store import Store
from data.verify import verify
from tests.data.canonical import batch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="on Windows DuckDB lets nobody else read its file")

ROOT = Path(__file__).resolve().parents[2]
PAGE, BLOCK = 4096, 262_144
OPEN = "import sys; from data.store import Store; Store(sys.argv[1], create=False).close()"


def work(store: Store, first: int, count: int) -> None:
    rows = [
        {
            "event_id": f"e{n}", "worker_id": f"w{n % 9}", "project_id": "p1", "item_id": f"i{n}",
            "ts": datetime(2026, 3, 2) + timedelta(minutes=n), "units": 3,
        }
        for n in range(first, first + count)
    ]  # fmt: skip
    load(store, [batch("annotations", rows)])


def said(store: Store) -> tuple[object, ...]:
    return (
        store.version,
        store.rows("SELECT event_id, ts, units FROM work ORDER BY ALL"),
        [check.name for check in verify(store) if not check.ok],
    )


def others_find_it_busy(path: Path) -> bool:
    tried = subprocess.run([sys.executable, "-c", OPEN, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return "is in use by another process" in tried.stderr


class Torn:
    """A store of several metadata blocks as it stood before a checkpoint and after it, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s.duckdb"
        with Store(self.path) as store:
            for name in ("wide", "wider"):
                with store.transaction() as cur:
                    columns = ", ".join(f"range * {n} AS c{n}" for n in range(600))
                    cur.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM range(10)")
            store.checkpoint()
            work(store, 0, 400)
            store.checkpoint()
            work(store, 400, 30)
            with store.transaction() as cur:
                cur.execute("UPDATE wide SET c1 = 7; UPDATE wider SET c2 = 8")
            self.said = said(store)
            self.before, self.log = self.path.read_bytes(), self.path.with_name("s.duckdb.wal").read_bytes()
            blocks = [number for (number,) in store.rows("SELECT DISTINCT block_id FROM pragma_metadata_info() ORDER BY 1")]
            store.checkpoint()
            self.after, self.guard = self.path.read_bytes(), self.path.with_name("s.duckdb.guard").read_bytes()
        self.blocks = [HEADERS + number * BLOCK for number in blocks]

    def pages(self, block: int) -> list[int]:
        """Where a page of a metadata block ends that the checkpoint changed."""
        ends = range(block + PAGE, block + BLOCK + 1, PAGE)
        return [end for end in ends if self.before[end - PAGE : end] != self.after[end - PAGE : end]]

    def lay(self, end: int) -> None:
        """The files as a kill leaves them that cuts the write of a metadata block at this page: the new data is there, the headers are old."""
        torn = bytearray(self.after)
        torn[:HEADERS] = self.before[:HEADERS]
        for block in self.blocks:
            if end < block + BLOCK:
                at = max(block, end)
                torn[at : block + BLOCK] = self.before[at : block + BLOCK]
        self.path.write_bytes(torn)
        self.path.with_name("s.duckdb.wal").write_bytes(self.log)
        self.path.with_name("s.duckdb.guard").write_bytes(self.guard)


@pytest.fixture
def torn(tmp_path: Path) -> Torn:
    return Torn(tmp_path)


# Mending -----------------------------------------------------------------------------------------------------------------
def test_a_checkpoint_cut_short_at_any_page_is_mended(torn: Torn, caplog: pytest.LogCaptureFixture) -> None:
    cuts = [torn.pages(block)[:-1] for block in torn.blocks]  # after the last page a block is whole
    assert len([ends for ends in cuts if len(ends) > 3]) > 1
    for end in (end for ends in cuts for end in ends):
        caplog.clear()
        torn.lay(end)
        with Store(torn.path, create=False) as store:
            assert said(store) == torn.said
        assert [record.name for record in caplog.records] == ["piecework.store"]
        assert "nothing is lost" in caplog.text


def test_without_its_guard_such_a_store_is_unreadable(torn: Torn) -> None:
    torn.lay(torn.pages(torn.blocks[0])[0])
    torn.path.with_name("s.duckdb.guard").unlink()
    with pytest.raises(StoreError, match="cannot be opened as a store"):
        Store(torn.path, create=False)


def test_a_mended_store_goes_on(torn: Torn) -> None:
    torn.lay(torn.pages(torn.blocks[0])[0])
    with Store(torn.path, create=False) as store:
        work(store, 430, 10)
        assert store.checkpoint()
    with Store(torn.path, create=False) as store:
        assert store.rows("SELECT count(*) FROM work") == [(440,)]
        assert [check.name for check in verify(store) if not check.ok] == []


HARM: dict[str, Callable[[bytes], bytes]] = {
    "short": lambda guard: guard[:-1],
    "flipped": lambda guard: guard[:-BLOCK] + bytes([guard[-BLOCK] ^ 1]) + guard[1 - BLOCK :],
    "empty": lambda guard: b"",
    "foreign": lambda guard: b"x" + guard[1:],
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_guard_is_not_believed(torn: Torn, harm: str) -> None:
    torn.lay(torn.pages(torn.blocks[0])[0])
    left = torn.path.read_bytes()
    torn.path.with_name("s.duckdb.guard").write_bytes(HARM[harm](torn.guard))
    Guard(torn.path)
    assert torn.path.read_bytes() == left


def test_a_guard_of_another_state_is_not_believed(torn: Torn) -> None:
    torn.lay(torn.pages(torn.blocks[0])[0])
    left = torn.path.read_bytes()[HEADERS:]
    torn.path.write_bytes(torn.after[:HEADERS] + left)
    Guard(torn.path)
    assert torn.path.read_bytes()[HEADERS:] == left


def test_a_copy_that_went_its_own_way_is_left_alone(torn: Torn) -> None:
    """Two copies of a store may have headers alike and other blocks: the guard of the one must not go into the other."""
    torn.lay(torn.blocks[-1] + BLOCK)
    left = torn.path.read_bytes()
    Guard(torn.path)
    assert torn.path.read_bytes() == left
    with Store(torn.path, create=False) as store:
        assert torn.path.with_name("s.duckdb.guard").read_bytes() != torn.guard
        assert said(store) == torn.said


def test_a_file_that_is_open_here_is_left_alone(torn: Torn) -> None:
    with Store(torn.path, create=False):
        torn.lay(torn.pages(torn.blocks[0])[0])  # as it looks amid a checkpoint
        left = torn.path.read_bytes()
        Guard(torn.path)
        assert torn.path.read_bytes() == left


def test_a_file_that_is_open_elsewhere_is_left_alone(torn: Torn) -> None:
    opened = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('ready', flush=True); input()"
    owner = subprocess.Popen([sys.executable, "-c", opened, str(torn.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    try:
        assert owner.stdout.readline().strip() == "ready"
        torn.lay(torn.pages(torn.blocks[0])[0])
        left = torn.path.read_bytes()
        with pytest.raises(StoreBusy):
            Store(torn.path)
        assert torn.path.read_bytes() == left
    finally:
        owner.kill()
        owner.communicate(timeout=30)


def test_the_checksum_is_that_of_duckdb(torn: Torn) -> None:
    for block in torn.blocks:
        whole = torn.after[block : block + BLOCK]
        assert sound(whole)
        for at in (0, 8, BLOCK // 2, BLOCK - 1):
            assert not sound(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not sound(whole[: BLOCK // 2])
        assert not sound(whole[: BLOCK // 2 + 1])
    assert not sound(b"")


# Keeping -----------------------------------------------------------------------------------------------------------------
ACTS: dict[str, Callable[[Store], object]] = {
    "transaction": lambda store: store.set_meta("currency", "USD"),
    "load": lambda store: work(store, 0, 50),
    "account": lambda store: accounts.add(store, "anna", accounts.hash_password("long enough a word"), "admin"),
    "checkpoint": lambda store: store.checkpoint(),
    "close": lambda store: store.close(),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
def test_whatever_folds_the_log_has_a_guard_of_the_state_before(tmp_path: Path, act: str) -> None:
    path = tmp_path / "s.duckdb"
    with Store(path) as store:
        store.set_meta("zone", "Asia/Shanghai")
        store.checkpoint()
        with store.cursor() as cur:
            cur.execute("UPDATE meta SET value = 'UTC' WHERE key = 'zone'")  # past the store: its guard is of the state before
            cur.execute("SET checkpoint_threshold = '1 byte'")  # any commit folds the log
        before = path.read_bytes()
        ACTS[act](store)
        kept = path.with_name("s.duckdb.guard").read_bytes()
        assert before[:HEADERS] != path.read_bytes()[:HEADERS]
        assert before[:HEADERS] in kept
        assert before[HEADERS : HEADERS + BLOCK] in kept


def test_the_file_stays_ours_while_its_blocks_are_copied(tmp_path: Path) -> None:
    """A process that closes a descriptor of a file loses its locks on it, DuckDB's among them."""
    path = tmp_path / "s.duckdb"
    with Store(path) as store:
        store.checkpoint()
        store.set_meta("zone", "Asia/Shanghai")
        assert others_find_it_busy(path)
        with Store(path) as again:
            again.set_meta("zone", "UTC")
        assert others_find_it_busy(path)
    assert not others_find_it_busy(path)


FULL = """
import os, resource, sys
from data.errors import StoreError
from data.store import Store

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

with Store(sys.argv[1]) as store:
    store.set_meta("zone", "Asia/Shanghai")
    store.checkpoint()
    room(100_000)  # no file may grow beyond this, as on a full disk
    store.set_meta("zone", "UTC")
    store.set_meta("currency", "USD")
    assert not os.path.exists(sys.argv[1] + ".guard.part")  # the last room is the commit's
    try:
        store.set_meta("zone", "x" * 200_000)
    except StoreError as error:
        print(error.zh)
    room(resource.RLIM_INFINITY)
    store.set_meta("demo", "yes")
"""


def test_a_full_disk_keeps_nothing_of_a_change_and_the_next_has_a_guard(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    ran = subprocess.run([sys.executable, "-c", FULL, str(path)], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("无法写入，未作任何改动：")
    assert ran.stderr.count("s.duckdb.guard cannot be written (File too large)") == 1
    with Store(path) as store:
        assert [store.meta(key) for key in ("zone", "currency", "demo")] == ["UTC", "USD", "yes"]


def test_a_guard_that_failed_is_made_by_the_next_commit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "s.duckdb"
    with Store(path) as store:
        store.set_meta("zone", "Asia/Shanghai")
        store.checkpoint()
        path.with_name("s.duckdb.guard.part").mkdir()
        store.set_meta("zone", "UTC")
        store.set_meta("zone", "Asia/Tokyo")
        assert caplog.text.count("s.duckdb.guard cannot be written") == 1
        path.with_name("s.duckdb.guard.part").rmdir()
        store.set_meta("zone", "UTC")
        assert path.read_bytes()[:HEADERS] in path.with_name("s.duckdb.guard").read_bytes()


def test_a_guard_that_cannot_be_read_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "s.duckdb"
    path.with_name("s.duckdb.guard").mkdir()
    with Store(path) as store:
        store.set_meta("zone", "Asia/Shanghai")
    with Store(path) as store:
        assert store.meta("zone") == "Asia/Shanghai"
    assert "s.duckdb.guard cannot be read" in caplog.text


def test_the_guard_is_for_whom_the_store_is(tmp_path: Path) -> None:
    """Its blocks hold the least and greatest name of a column, and a command of root's must not leave one that the service cannot read."""
    path, guard = tmp_path / "s.duckdb", tmp_path / "s.duckdb.guard"
    Store(path).close()
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    guard.unlink()
    Store(path).close()
    assert (guard.stat().st_mode & 0o777, guard.stat().st_uid, guard.stat().st_gid) == (0o640, path.stat().st_uid, path.stat().st_gid)


def test_a_guard_without_its_store_is_of_no_use_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    with Store(path) as store:
        store.set_meta("zone", "Asia/Shanghai")
        store.checkpoint()
    path.unlink()
    with Store(path) as store:
        assert store.meta("zone") == "UTC"
