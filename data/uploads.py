"""Files that a browser sent: each kept in a private folder beside the store until it is imported or its session ends."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import BinaryIO

from data.errors import InputError

LIMIT_MB = 100  # of one file; .streamlit/config.toml says the same to the browser
_STEP = 1 << 20
_LONGEST = 200  # bytes of a name: file systems take 255
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_UNFIT_WINDOWS = re.compile(r'[<>:"|?*]')


class Upload:
    """One file as it came: `path` (readable by this process's user only), its `name` without folders, `size` in bytes.

    It is gone once `discard` is called, nothing refers to it any more, or the process ends.
    """

    def __init__(self, folder: Path, name: str, content: BinaryIO) -> None:
        self.name = plain_name(name)
        self.folder = Path(tempfile.mkdtemp(dir=folder))  # mode 0700
        self.discard = weakref.finalize(self, shutil.rmtree, self.folder, True)
        self.path = self.folder / self.name
        self.size = 0
        with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while block := content.read(_STEP):
                self.size += len(block)
                if self.size > LIMIT_MB << 20:
                    self.discard()
                    raise InputError(f"{self.name} is larger than {LIMIT_MB} MB.", f"{self.name} 超过 {LIMIT_MB} MB。")
                file.write(block)


def keep(store: Path, name: str, content: BinaryIO) -> Upload:
    """Write what a browser sent for the store at that path to disk, a block at a time. Raises InputError above LIMIT_MB."""
    folder = folder_of(store)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Upload(folder, name, content)


def clear(store: Path) -> None:
    """Remove what an earlier process left when it was killed. Only the process that owns the store may do this, before it serves."""
    shutil.rmtree(folder_of(store), ignore_errors=True)


def folder_of(store: Path) -> Path:
    """Where uploads are kept: NAME.uploads beside the store."""
    return store.with_name(store.name + ".uploads")


def plain_name(name: str) -> str:
    r"""The name of a file as it may be kept: no folders, no control characters, short enough for a file system.

    >>> plain_name("C:\\Users\\me\\月报.csv"), plain_name("../../etc/passwd"), plain_name("..")
    ('月报.csv', 'passwd', 'file')
    """
    last = _UNFIT.sub("", name.replace("\\", "/")).rsplit("/", 1)[-1].strip(" ")
    if os.name == "nt":
        last = _UNFIT_WINDOWS.sub("_", last)
    stem, dot, ending = last.rpartition(".")
    room = _LONGEST - len((dot + ending).encode())
    if len(last.encode()) > _LONGEST:
        last = (
            stem.encode()[:room].decode(errors="ignore") + dot + ending
            if stem and room > 0
            else last.encode()[:_LONGEST].decode(errors="ignore")
        )
    return last if last.strip(".") else "file"
