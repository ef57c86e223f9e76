"""A watched drop folder: whole files put there are read as `import` reads them, then moved to done/ or failed/.

A file is read once it has stopped growing: its size and time are the same in two looks SETTLE_S or more apart. It is moved only after its
rows are committed, so a stop in between reads it again, which changes nothing. Nothing in done/ or failed/ is ever overwritten.
"""

from __future__ import annotations

import csv
import io
import os
import stat
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from data.connectors.client import ToolError
from data.connectors.connector import Clock, Connection, Cursor, Discovery, Page, Read, Whole
from data.errors import InputError, PieceworkError

if TYPE_CHECKING:
    from data.load import LoadReport
    from data.tables import Reject

TOOL = "folder"
DONE, FAILED = "done", "failed"
SETTLE_S = 3.0
COMING = (".part", ".partial", ".tmp", ".crdownload", ".filepart")  # what programs call a file that is still being written
_NAMED = 5  # names in one sentence
_LONGEST = 60  # letters of a name that is kept as it is: with stamp and ending it stays below what file systems allow
Look = tuple[int, int, int]
"""Size, time of the last change in ns, and inode: the same file with the same content."""


@dataclass(slots=True)
class _Trouble:
    """What keeps coming up while a folder is read: sentences for the operator."""

    said: list[tuple[str, str]] = field(default_factory=list)

    def moving(self, name: str, error: OSError) -> None:
        why = error.strerror or type(error).__name__
        self.said.append((
            f"{name} was dealt with but cannot be moved out of the folder ({why}); it is read again, which changes nothing, until it can.",
            f"{name} 已处理，但无法移出文件夹（{why}）；在能移动之前会重复读取，不会改变数据。",
        ))  # fmt: skip


class Folder:
    """The connector for folders on the machine of the server."""

    tool = TOOL
    title = "Folder 文件夹"
    clock = Clock(
        "reported", False, "as each file says; a duration without a clock counts as reported",
        "以各文件所写为准；未注明计时方式的时长按上报计",
    )  # fmt: skip

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time) -> None:
        self._sleep, self._now = sleep, clock

    def place(self, connection: Connection, store: Path) -> str:
        """The folder's real path. Raises InputError for settings that folders do not have, a relative path, and a folder that
        holds the store's own or lies in it: the store's file must not be taken for a dropped one."""
        if (
            connection.credential or connection.hook_secret or connection.projects or connection.people or connection.only
            or connection.keep_deleted
        ):  # fmt: skip
            raise InputError(
                "A folder takes an address, a source, a mapping and a schedule only.", "文件夹连接只接受地址、来源、映射和间隔。"
            )
        given = Path(connection.address.strip())
        if not given.is_absolute():
            raise InputError("The address of a folder is its absolute path.", "文件夹的地址应为绝对路径。")
        path, own = given.resolve(), store.resolve().parent
        if path == own or own in path.parents or path in own.parents:
            raise InputError(
                f"{path} and the folder of the store, {own}, must not hold one another.", f"{path} 与数据文件所在的 {own} 不可互相包含。"
            )
        return str(path)

    def discover(self, connection: Connection) -> Discovery:
        """Nothing but that the folder is there. Raises ToolError when it is not, or files cannot be moved in it."""
        folder = Path(connection.address)
        _listed(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ToolError(
                f"{folder} is read-only for this server: files could not be moved to {DONE}/.",
                f"本服务对 {folder} 没有写权限：无法将文件移到 {DONE}/。",
            )
        return Discovery(None, (), ())

    def pull(self, connection: Connection, cursor: Cursor, *, sweep: bool, read: Read) -> Generator[Page, None, None]:
        """One page a file that is whole, the oldest first; then one with what was seen of those still coming.

        Raises ToolError when the folder is not there, and at the end for files that could not be moved.
        """
        folder, trouble = Path(connection.address), _Trouble()
        looks, odd = _listed(folder)
        known = _known(cursor, self._now() - SETTLE_S)
        if any(known.get(name) != look for name, look in looks.items()):
            self._sleep(SETTLE_S)
            known, (looks, odd) = looks, _listed(folder)
        whole = sorted((name for name, look in looks.items() if known.get(name) == look), key=lambda name: (looks[name][1], name))
        for name in whole:
            path, look = folder / name, looks[name]
            if _look(path) != look:
                continue  # gone, or written to again, while another one was read
            yield Page(
                cursor, newest=datetime.fromtimestamp(look[1] / 1e9, UTC).replace(tzinfo=None), remark=None,
                file=Whole(path, *_ends(path, look, trouble)),
            )  # fmt: skip
        coming = {name: list(look) for name, look in looks.items() if name not in whole}
        remark = _remark(odd)
        if coming != cursor.get("coming", {}) or remark:
            yield Page({"coming": coming, "at": self._now()} if coming else {}, remark=remark)
        if trouble.said:
            first, more = trouble.said[0], len(trouble.said) - 1
            raise ToolError(first[0] + (f" (and {more} more)" if more else ""), first[1] + (f"（另有 {more} 个）" if more else ""))

    def hinted_sweep(self, action: str) -> bool:
        """Folders send no webhooks."""
        return False


# Looking --------------------------------------------------------------------------------------------------------------------
def _look(path: Path) -> Look | None:
    """The file as it stands; None when it is gone or no plain file (a link is none)."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _listed(folder: Path) -> tuple[dict[str, Look], list[str]]:
    """The files of a folder that are not marked as unfinished, and the names of what is no plain file. Raises ToolError."""
    looks: dict[str, Look] = {}
    odd: list[str] = []
    try:
        names = os.listdir(folder)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ToolError(f"The folder {folder} cannot be read ({why}).", f"无法读取文件夹 {folder}（{why}）。") from None
    for name in sorted(names):
        if name.startswith((".", "~$")) or name.lower().endswith(COMING) or name in (DONE, FAILED):
            continue
        look = _look(folder / name) if name == _printable(name) else None
        if look is not None:
            looks[name] = look
        elif os.path.lexists(folder / name):
            odd.append(_printable(name))
    return looks, odd


def _known(cursor: Cursor, until: float) -> dict[str, Look]:
    """What an earlier pull saw; nothing when that was after `until`, too short a time ago."""
    given, at = cursor.get("coming"), cursor.get("at")
    found = given if isinstance(given, Mapping) and isinstance(at, (int, float)) and at <= until else {}
    return {name: (look[0], look[1], look[2]) for name, look in found.items() if isinstance(look, list) and len(look) == 3}


def _remark(odd: Sequence[str]) -> tuple[str, str] | None:
    if not odd:
        return None
    names = ", ".join(odd[:_NAMED]) + (" …" if len(odd) > _NAMED else "")
    return (
        f"Left alone, since only plain files with a readable name are read, no links and no sub-folders: {names}.",
        f"只读取名称可读的普通文件，以下链接、子文件夹等未处理：{names}。",
    )


def _printable(name: str) -> str:
    """A file name as text that can be kept, whatever bytes it was made of."""
    return name.encode("utf-8", "backslashreplace").decode()


# Moving ---------------------------------------------------------------------------------------------------------------------
def _ends(path: Path, look: Look, trouble: _Trouble) -> tuple[Callable[[Sequence[LoadReport]], None], Callable[[PieceworkError], None]]:
    """What becomes of a file after its commit, and when it was refused. One that was written to meanwhile stays for the next pull."""

    def taken(reports: Sequence[LoadReport]) -> None:
        refused = [reject for report in reports for reject in report.rejects]
        if _look(path) == look:
            more = sum(report.rejected for report in reports) - len(refused)
            _put_away(path, DONE, trouble, ".rejected.csv", _refused_rows(refused, more) if refused else None)

    def refused(error: PieceworkError) -> None:
        if _look(path) == look:
            _put_away(path, FAILED, trouble, ".why.txt", f"{error}\n{error.zh}\n".encode())

    return taken, refused


def _put_away(path: Path, place: str, trouble: _Trouble, ending: str, note: bytes | None) -> None:
    """Move a file under a name that is free, with a note beside it; the note first, so that no moved file lacks it."""
    name = _printable(path.name)
    to, beside = None, None
    try:
        (path.parent / place).mkdir(exist_ok=True)
        to, beside = _reserved(path.parent / place, path.name, ending)
        if note is not None:
            beside.write_bytes(note)
        os.replace(path, to)
        to = None
    except OSError as error:
        trouble.moving(name, error)
    finally:
        if to is not None:
            for made in (to, beside):
                if made is not None:
                    _forget(made)


def _reserved(folder: Path, name: str, ending: str) -> tuple[Path, Path]:
    """A name that neither the file nor its note would take from another one: it is taken by an empty file, which is moved over."""
    stem, dot, rest = name.partition(".")
    if len(name) > _LONGEST:
        stem, rest = stem[: _LONGEST // 2], rest[-_LONGEST // 4 :]
        name = f"{stem}{dot}{rest}"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    number = 0
    while True:
        free = name if number == 0 else f"{stem}-{stamp}{'' if number == 1 else f'-{number}'}{dot}{rest}"
        number += 1
        if os.path.lexists(folder / f"{free}{ending}"):
            continue
        try:
            (folder / free).open("xb").close()
        except FileExistsError:
            continue
        return folder / free, folder / f"{free}{ending}"


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # the folder itself is in trouble, which has been said


def _refused_rows(rejects: Sequence[Reject], more: int) -> bytes:
    """Refused rows as CSV that a spreadsheet opens as text: with a byte-order mark, and nothing it would run as a formula. A last line
    says how many more there are."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("line", "code", "column", "value", "reason", "raw"))
    for one in rejects:
        writer.writerow([defused(cell) for cell in (one.line, one.code, one.column, one.value, one.reason, one.raw)])
    if more:
        writer.writerow(("", "", "", "", f"{more:,} more: python -m data rejects · 另有 {more:,} 行：python -m data rejects", ""))
    return out.getvalue().encode("utf-8-sig", "backslashreplace")


def defused(cell: object) -> object:
    """Text that a spreadsheet would run as a formula, made plain text.

    >>> defused("=1+1"), defused("a=1"), defused(None), defused(-3)
    ("'=1+1", 'a=1', '', -3)
    """
    if not isinstance(cell, str):
        return "" if cell is None else cell
    return f"'{cell}" if cell.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠") or cell[:1] in ("\t", "\r") else cell
