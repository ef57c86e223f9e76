"""A copy of what a checkpoint rewrites in place, kept beside the store, so that a kill in the middle of one can be mended.

A checkpoint of DuckDB folds the write-ahead log into the file: new data goes to free blocks, then the blocks that list them
(the metadata blocks) are written over the old ones, and last a header names the new state. A process killed within the
second step leaves a metadata block half new and half old, and the file no longer opens. So before anything that may begin a
checkpoint, the headers and the metadata blocks are copied to NAME.guard. A store that is opened with the headers of that
copy has seen no checkpoint end since: when one of its metadata blocks is torn (its checksum is wrong) all are put back, and
with the write-ahead log they are the whole store. SQLite's rollback journal and InnoDB's doublewrite buffer work the same way.

A process loses its POSIX locks on a file when it closes *any* descriptor of that file, DuckDB's lock among them. So the
descriptor by which the store is read here stays open until the store is closed, one for all who open the same file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

HEADERS = 3 * 4096  # the file's own, and the two that take turns in naming its state; the blocks follow

_MAGIC = b"Piecework guard 1\n"
_NUMBER = struct.Struct("<q")  # the size of every block after the headers; which one it is before each block

log = logging.getLogger("piecework.store")


@dataclass(slots=True)
class _Held:
    """The descriptor of a store file that this process has open, and how many read by it."""

    descriptor: int
    users: int = 0


_held: dict[tuple[int, int], _Held] = {}  # by device and inode, which no other file has while this one is open
_holding = threading.Lock()


class Guard:
    """The guard of one store: made before DuckDB opens the file, which mends it; `keep` before each checkpoint; `close` after DuckDB.

    Does nothing on Windows, where DuckDB lets nobody else read its file and a process that is killed ends the write it is in.
    Raises OSError where the file cannot be read or mended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".guard")
        self._store, self._key, self._descriptor, self._closed = path, (0, 0), -1, False
        self._kept, self._warned = b"", False  # the headers in the copy; that there could be none
        self._mend()

    def keep(self, con: duckdb.DuckDBPyConnection) -> None:
        """Copy the headers and metadata blocks, when they changed since the last time. The caller sees to it that no checkpoint runs.

        A copy that cannot be written (a full disk) is logged once and tried again the next time; the older one does not fit this
        state of the file and is not used.
        """
        if sys.platform == "win32" or self._closed:
            return
        try:
            if self._descriptor < 0:
                self._hold()
            headers = os.pread(self._descriptor, HEADERS, 0)
            if headers != self._kept:
                self._copy(con, headers)
                self._kept = headers
                self._warned = False
        except OSError as error:
            if not self._warned:
                log.warning(
                    "%s cannot be written (%s): a kill in the middle of a checkpoint could leave the store unreadable. / "
                    "无法写入：若在整理数据文件时被强行结束，文件可能无法打开。",
                    self.path,
                    error.strerror,
                )
            self._warned = True

    def close(self) -> None:
        """Let go of the file, which DuckDB must have closed."""
        held, self._closed = self._descriptor >= 0 and not self._closed, True
        if not held:
            return
        with _holding:
            _held[self._key].users -= 1
            if not _held[self._key].users:
                os.close(_held.pop(self._key).descriptor)

    def _hold(self) -> None:
        with _holding:
            self._key = _identity(self._store)
            if self._key not in _held:
                _held[self._key] = _Held(os.open(self._store, os.O_RDONLY))
            _held[self._key].users += 1
            self._descriptor = _held[self._key].descriptor

    def _copy(self, con: duckdb.DuckDBPyConnection, headers: bytes) -> None:
        with con.cursor() as cur:
            ((size,),) = cur.execute("SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()").fetchall()
            numbers = cur.execute("SELECT DISTINCT block_id FROM pragma_metadata_info() ORDER BY 1").fetchall()
        blocks = {number: os.pread(self._descriptor, size, HEADERS + number * size) for (number,) in numbers}
        body = headers + _NUMBER.pack(size) + b"".join(_NUMBER.pack(number) + block for number, block in blocks.items())
        part = self.path.with_name(self.path.name + ".part")
        try:
            with open(part, "wb", opener=self._as_the_store) as file:
                file.write(_MAGIC + hashlib.sha256(body).digest() + body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        except OSError:
            with suppress(OSError):
                part.unlink()  # the last room on a disk is the commit's
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _as_the_store(self, path: str, flags: int) -> int:
        """Open for whom the store is: its blocks hold the least and greatest names of a column, and its owner must be able to mend it."""
        store, opened = os.fstat(self._descriptor), os.open(path, flags, 0o600)
        with suppress(OSError):  # only root may give it to another
            os.fchown(opened, store.st_uid, store.st_gid)
        with suppress(OSError):  # a disk may know no such rights
            os.fchmod(opened, store.st_mode & 0o777)
        return opened

    def _mend(self) -> None:
        """Put back what a checkpoint that was cut short wrote over. Not where the file is open, here or in another process."""
        if sys.platform == "win32":
            return
        import fcntl

        if not self._store.exists() or (body := self._read()) is None:
            return
        (size,) = _NUMBER.unpack_from(body, HEADERS)
        kept = {
            HEADERS + _NUMBER.unpack_from(body, at)[0] * size: body[at + _NUMBER.size : at + _NUMBER.size + size]
            for at in range(HEADERS + _NUMBER.size, len(body), _NUMBER.size + size)
        }
        with _holding:
            if _identity(self._store) in _held:
                return
            with self._store.open("r+b") as file:
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return  # DuckDB will say who has it
                if os.pread(file.fileno(), HEADERS, 0) != body[:HEADERS]:
                    return
                found = {at: os.pread(file.fileno(), size, at) for at in kept}
                if found != kept and all(map(sound, found.values())):
                    return  # a copy of the store that went its own way since can have the same headers: its guard is yet to be made
                self._kept = body[:HEADERS]
                if found == kept:
                    return
                for at, block in kept.items():
                    file.seek(at)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        log.warning(
            "%s was left in the middle of a checkpoint; what it had begun to write over was put back, nothing is lost. / "
            "上次在整理数据文件时中断，已自动复原，没有数据丢失。",
            self._store,
        )

    def _read(self) -> bytes | None:
        """What the guard holds, None without one or with one that is damaged or somebody else's."""
        try:
            whole = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read (%s). / 无法读取。", self.path, error.strerror)
            return None
        digest, body = whole[len(_MAGIC) : len(_MAGIC) + 32], whole[len(_MAGIC) + 32 :]
        return body if whole.startswith(_MAGIC) and hashlib.sha256(body).digest() == digest else None


def sound(block: bytes) -> bool:
    """Whether a block of DuckDB's is whole: its first eight bytes are the checksum of the rest (src/common/checksum.cpp)."""
    if not block or len(block) % 8:
        return False
    words = np.frombuffer(block, "<u8")
    return int(np.bitwise_xor.reduce(words[1:] * np.uint64(0xBF58476D1CE4E5B9))) ^ 5381 == int(words[0])


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
