"""One DuckDB file and the one process that owns it: opening, cursors, transactions, migrations, backup."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa

from data.errors import StoreBusy, StoreError, TooMuch
from data.guard import Guard

# A relation would spare the answer one copy but plan the question twice, which takes longer: answers are small.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)

log = logging.getLogger("piecework.store")

ROOT = Path(__file__).resolve().parent
MIGRATIONS = ROOT / "migrations"
SCHEMA_VERSION = 8
PATIENCE_S = 20.0  # a restore waits so long for a moment in which nobody reads


def default_path() -> Path:
    """The store file: PIECEWORK_STORE, else var/piecework.duckdb beside the program."""
    named = os.environ.get("PIECEWORK_STORE")
    return Path(named) if named else ROOT.parent / "var" / "piecework.duckdb"


class Store:
    """The facts of one base. Many threads may read (a cursor each); one transaction writes at a time.

    Raises StoreBusy when another process owns the file, StoreError when it is not a store of ours or is newer than
    this program.
    """

    def __init__(
        self, path: Path | str | None = None, *, create: bool = True, memory: str | None = None, threads: int | None = None
    ) -> None:
        self.path = Path(path) if path is not None else default_path()
        self._memory, self._threads = memory, threads
        self._config: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": False}
        if memory:
            self._config["memory_limit"] = memory
        if threads:
            self._config["threads"] = threads
        self._write, self._folding = threading.RLock(), threading.RLock()
        self._wide, self._width = 0, threading.Lock()
        self._read = False  # by another thread, when it was last to be closed
        self._version, self._facts = -1, (-2, dict[str, str]())
        self._whole, self._days, self._touched = -1, dict[date, int](), cast(frozenset[date] | None, None)
        if not self.path.exists():
            if not create:
                raise StoreError(
                    f"There is no store at {self.path}: import a file, or build the demo base with “python -m data demo”.",
                    f"{self.path} 处没有数据：请先导入文件，或用 “python -m data demo” 生成演示基地。",
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._connect()

    # Opening ---------------------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        try:
            self._guard = Guard(self.path)
            self._con = self._connection()
        except duckdb.IOException as error:
            if any(sign in str(error) for sign in ("Could not set lock", "File is already open in", "used by another process")):
                raise StoreBusy(
                    f"{self.path} is in use by another process: stop it, or let this command reach the running server.",
                    f"{self.path} 正被另一个进程占用：请先停止它，或通过运行中的服务操作。",
                ) from None
            raise StoreError(*_unreadable(self.path, error)) from None
        except (duckdb.Error, OSError) as error:
            raise StoreError(*_unreadable(self.path, error)) from None
        self._facts = (-2, {})  # another file may stand where a backup was restored
        try:
            self._migrate(MIGRATIONS)
            self._version, self._facts = int(self.meta("version") or 0), (-2, {})
            self._whole, self._days = self._version, {}
        except BaseException:
            self._con.close()
            self._guard.close()
            raise

    def _connection(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(str(self.path), config=self._config)
        con.execute("SET GLOBAL TimeZone = 'UTC'")  # global: of every cursor, whatever zone the machine is in
        con.execute("SET GLOBAL preserve_insertion_order = true")
        return con

    def _migrate(self, folder: Path) -> None:
        """Bring an older store up to this program, one numbered file at a time, each in its own transaction."""
        tables = {name for (name,) in self._con.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()}
        if not tables:
            with self.transaction() as cur:
                cur.execute((ROOT / "schema.sql").read_text(encoding="utf-8"))
                for key, value in (
                    ("schema_version", str(SCHEMA_VERSION)), ("version", "0"), ("store_id", uuid.uuid4().hex),
                    ("created_at", datetime.now(UTC).isoformat(timespec="seconds")), ("zone", "UTC"), ("currency", "CNY"), ("demo", "no"),
                ):  # fmt: skip
                    cur.execute("INSERT INTO meta VALUES (?, ?)", [key, value])
                cur.execute("INSERT INTO site (site_key, site_id, zone, stub) VALUES (0, '', 'UTC', true)")
                cur.execute("INSERT INTO team (team_key, team_id, stub) VALUES (0, '', true)")
            return
        if "meta" not in tables:
            raise StoreError(f"{self.path} is a DuckDB file but not a Piecework store.", f"{self.path} 不是计件的数据文件。")
        self._guard.keep(self._con)  # closing folds in what a kill left in the log
        found = int(self.meta("schema_version") or 0)
        newest = max([SCHEMA_VERSION, *(number for number, _ in _numbered(folder))])
        if found > newest:
            raise StoreError(
                f"{self.path} was written by a newer Piecework (format {found}, this one knows {newest}): upgrade the program.",
                f"{self.path} 由更新版本的计件写成（格式 {found}，本程序只到 {newest}）：请升级程序。",
            )
        for number, file in _numbered(folder):
            if number > found:
                log.warning("Bringing %s to format %d, which may take minutes. / 正在升级数据文件，可能需要几分钟。", self.path, number)
                with self.transaction() as cur:
                    cur.execute(file.read_text(encoding="utf-8"))
                    cur.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(number)])

    def close(self) -> None:
        """Give the file back. Raises StoreError, and keeps it, while another thread reads."""
        with self._write, self._folding:
            with suppress(duckdb.Error):  # closed before, or past use since the disk failed
                self._guard.keep(self._con)
            try:
                self._con.close()
                self._read = self._read and self._is_open()
            except duckdb.ResourceInUseException:
                self._read = True
            if self._read:  # the connection is gone all the same; a new one joins what the reader keeps open, and is not told of him
                self._con = self._connection()
                raise StoreError("Somebody is reading the store: try again in a moment.", "有人正在读取数据：请稍后再试。")
            self._guard.close()

    def _is_open(self) -> bool:
        try:
            duckdb.connect(str(self.path), read_only=True).close()
        except duckdb.ConnectionException:  # the same file, opened otherwise
            return True
        return False

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading ---------------------------------------------------------------------------------------------------------
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A fresh cursor; close it, or let it fall out of scope. One cursor belongs to one thread."""
        return self._con.cursor()

    def query(self, sql: str, params: Sequence[object] | dict[str, object] | None = None) -> pa.Table:
        """The whole answer as an Arrow table. Raises TooMuch when it does not fit into memory."""
        with self.cursor() as cur, _fitting():
            return cur.execute(sql, params if params is not None else []).to_arrow_table()

    def rows(self, sql: str, params: Sequence[object] | dict[str, object] | None = None) -> list[tuple]:  # type: ignore[type-arg]
        """The whole answer as tuples. Raises TooMuch when it does not fit into memory."""
        with self.cursor() as cur, _fitting():
            return cur.execute(sql, params if params is not None else []).fetchall()

    @contextmanager
    def wide(self) -> Iterator[None]:
        """Meanwhile a statement may take every core, also of a store opened with fewer threads: for what reads the log or writes much of it."""
        if self._threads is None:
            yield
            return
        self._widen(1)
        try:
            yield
        finally:
            self._widen(-1)

    def _widen(self, step: int) -> None:
        with self._width, self.cursor() as cur:  # the setting is that of all cursors
            self._wide += step
            cur.execute(f"SET threads = {max(self._threads or 1, os.cpu_count() or 1) if self._wide else self._threads}")

    def meta(self, key: str) -> str | None:
        """A fact about the store itself: schema_version, version, store_id, created_at, zone, currency, demo."""
        version, known = self._facts
        if version != self._version:
            version = self._version  # before reading: what comes meanwhile is read again
            known = dict(self.rows("SELECT key, value FROM meta"))
            self._facts = version, known
        return known.get(key)

    @property
    def version(self) -> int:
        """Grows by one with every committed change: the key of every cache."""
        return self._version

    def version_of(self, start: date | None, end: date | None, *, facts: bool = True) -> int:
        """The version of the newest change that an answer about these business dates can show (an open end is every date).

        Without `facts`, of the newest change to anything but work and reviews: to people, prices, projects.
        """
        days = list(self._days.items()) if facts else []
        return max([self._whole, *(v for day, v in days if (start is None or day >= start) and (end is None or day <= end))])

    def changed_since(self, version: int) -> frozenset[date] | None:
        """The business dates of the work and reviews that changed after this version; None when anything else may have changed too."""
        return frozenset(day for day, changed in list(self._days.items()) if changed > version) if self._whole <= version else None

    @property
    def is_demo(self) -> bool:
        """True for the invented base, which alone opens without sign-in."""
        return self.meta("demo") == "yes"

    # Writing ---------------------------------------------------------------------------------------------------------
    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor inside BEGIN … COMMIT; any exception rolls everything back. One at a time per store."""
        with self._write, self.cursor() as cur:
            self._touched = None
            cur.execute("BEGIN")
            try:
                yield cur
                cur.execute("UPDATE meta SET value = (value::BIGINT + 1)::VARCHAR WHERE key = 'version'")
                self.commit(cur)
            except BaseException as error:
                # After a failed statement a COMMIT would silently roll back; say it instead.
                self.roll_back(cur)
                if isinstance(error, duckdb.OutOfMemoryException):
                    raise TooMuch(
                        f"This change needs more memory than it may take ({self._memory or 'most of the machine’s'}), and nothing of it was "
                        "kept: split it, or run the command while no server runs and with more of PIECEWORK_MEMORY.",
                        f"此操作所需内存超出允许的上限（{self._memory or '本机大部分内存'}），未作任何改动：请分批进行，或停止服务后调高 PIECEWORK_MEMORY 再执行该命令。",
                    ) from None
                if isinstance(error, duckdb.IOException):
                    raise StoreError(*_unwritten(error)) from None
                raise
            self._version += 1
            if self._touched is None:
                self._whole, self._days = self._version, {}
            else:
                self._days |= dict.fromkeys(self._touched, self._version)

    def commit(self, cur: duckdb.DuckDBPyConnection) -> None:
        """End a cursor's transaction, which may fold the write-ahead log into the file. For whoever began one without `transaction`.

        Raises StoreError when the disk does not take it, duckdb.TransactionException when another change came first.
        """
        with self._folding:
            self._guard.keep(self._con)
            try:
                cur.execute("COMMIT")
            except duckdb.TransactionException as error:
                if "Could not write" in str(error):
                    raise StoreError(*_unwritten(error)) from None
                raise

    def roll_back(self, cur: duckdb.DuckDBPyConnection) -> None:
        """Keep nothing of a cursor's transaction, also when it was its COMMIT that failed and rolled back."""
        with suppress(duckdb.TransactionException):
            cur.execute("ROLLBACK")

    def touch(self, days: Iterable[date]) -> None:
        """Say that the transaction under way changes work and reviews of these business dates and nothing else."""
        self._touched = frozenset(days)

    def set_meta(self, key: str, value: str) -> None:
        """Keep a fact about the store itself."""
        with self.transaction() as cur:
            cur.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])

    def checkpoint(self) -> bool:
        """Fold the write-ahead log into the file; False when a read in progress prevented it."""
        try:
            with self._write, self._folding, self.cursor() as cur:
                self._guard.keep(self._con)
                cur.execute("CHECKPOINT")
        except duckdb.TransactionException:
            return False
        return True

    # Keeping safe ----------------------------------------------------------------------------------------------------
    def backup(self, target: Path | str) -> Path:
        """Write a whole, consistent copy while others read; the target appears only when it is complete."""
        target = Path(target)
        if target.exists():
            raise StoreError(f"{target} already exists: name a new file for the backup.", f"{target} 已存在：请为备份另取文件名。")
        if not target.parent.is_dir():
            raise StoreError(f"There is no folder {target.parent} to write the backup to.", f"没有文件夹 {target.parent}，无法写入备份。")
        part = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
        name = f"backup_{uuid.uuid4().hex[:8]}"
        try:
            with self._write, self.cursor() as cur:
                here = cur.execute("SELECT current_database()").fetchall()[0][0]
                cur.execute(f"ATTACH '{_quoted(part)}' AS {name}")
                try:
                    cur.execute(f'COPY FROM DATABASE "{here}" TO {name}')
                finally:
                    cur.execute(f"DETACH {name}")
            os.replace(part, target)
        except duckdb.Error as error:
            raise StoreError(
                f"The backup to {target} failed: {_first_line(error)}", f"备份到 {target} 失败：{_first_line(error)}"
            ) from None
        finally:
            discard(part)
        return target

    def restore(self, source: Path | str) -> None:
        """Replace this store by a backup, after the backup has been opened, migrated and verified on a copy.

        The old file stays beside it as NAME.before-restore. Raises StoreError and changes nothing when the copy is no good, or
        when somebody reads for longer than PATIENCE_S.
        """
        from data.verify import verify

        source = Path(source)
        if not source.is_file():
            raise StoreError(f"There is no backup {source}.", f"没有备份文件 {source}。")
        trial = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex[:8]}.restore")
        kept = self.path.with_name(self.path.name + ".before-restore")
        try:
            _copy(source, trial, self._memory)
            with Store(trial, create=False) as copy:
                wrong = [check for check in verify(copy) if not check.ok]
                if wrong:
                    raise StoreError(
                        f"{source} is damaged ({wrong[0].name}: {wrong[0].detail}); nothing was replaced.",
                        f"{source} 已损坏（{wrong[0].zh}：{wrong[0].wrong} 行不符），未作任何替换。",
                    )
                with self._write, self._folding:
                    copy.set_meta("version", str(max(copy.version, self.version)))  # never a version that a cache has seen
                    copy.checkpoint()
                    copy.close()
                    self._close_between_reads()
                    try:
                        os.replace(self.path, kept)
                        self.path.with_name(self.path.name + ".wal").unlink(missing_ok=True)
                        os.replace(trial, self.path)
                    except OSError as error:
                        if not self.path.exists():
                            os.replace(kept, self.path)
                        raise StoreError(
                            f"{self.path} could not be replaced: {error.strerror}.", f"无法替换 {self.path}：{error.strerror}。"
                        ) from None
                    finally:
                        self._connect()
        finally:
            discard(trial)

    def _close_between_reads(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.close()
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def discard(path: Path) -> None:
    """Remove a store file that nobody has open, with its write-ahead log and its guard."""
    for end in ("", ".wal", ".guard"):
        path.with_name(path.name + end).unlink(missing_ok=True)


@contextmanager
def _fitting() -> Iterator[None]:
    """A statement that needs more memory than the store may take says so in a sentence."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise TooMuch(
            "This question needs more memory than this machine gives it: ask for a shorter period or fewer projects, or for percentiles "
            "without --exact.",
            "此查询所需内存超出本机允许：请缩短时间范围、减少项目，或不使用 --exact 计算分位数。",
        ) from None


def _copy(source: Path, target: Path, memory: str | None) -> None:
    """Write a store anew from a file, every row of it read. Raises StoreError when one cannot be."""
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": False, **({"memory_limit": memory} if memory else {})}) as con:
            con.execute(f"ATTACH '{_quoted(source)}' AS backup (READ_ONLY)")
            con.execute(f"ATTACH '{_quoted(target)}' AS trial")
            con.execute("COPY FROM DATABASE backup TO trial")
    except duckdb.Error as error:
        raise StoreError(
            f"{source} cannot be read as a backup ({_first_line(error)}); nothing was replaced.",
            f"{source} 无法作为备份读取（{_first_line(error)}），未作任何替换。",
        ) from None


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    """The migration files, 0002_what.sql and up, in order."""
    found = [(int(match[1]), file) for file in folder.glob("*.sql") if (match := re.match(r"(\d{4})_", file.name))]
    return sorted(found)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _unreadable(path: Path, error: BaseException) -> tuple[str, str]:
    return f"{path} cannot be opened as a store: {_first_line(error)}", f"{path} 无法作为数据文件打开：{_first_line(error)}"


def _unwritten(error: BaseException) -> tuple[str, str]:
    said = _first_line(error)
    return f"This change could not be written, and nothing of it was kept: {said}", f"无法写入，未作任何改动：{said}"


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]
