"""Secrets by reference: `env:NAME` or `file:/path`. The store keeps the reference; the secret is read when it is used."""

from __future__ import annotations

import os
from pathlib import Path

from data.errors import InputError

LONGEST = 16_384


def check(reference: str) -> str:
    """The reference itself. Raises InputError for what is not one, without repeating it: it may be the secret."""
    kind, colon, place = reference.partition(":")
    if not colon or kind not in ("env", "file") or not place.strip() or (kind == "file" and not Path(place).is_absolute()):
        raise InputError(
            "A credential is given as env:NAME (an environment variable) or file:/path (a file with nothing else in it), never itself.",
            "凭据只能写成 env:变量名 或 file:/绝对路径（文件内只有凭据），不可直接写出。",
        )
    return reference


def secret(reference: str) -> str:
    """What the reference stands for, without surrounding blanks. Raises InputError when it is not there or empty."""
    kind, _, place = check(reference).partition(":")
    if kind == "env":
        found = os.environ.get(place, "").strip()
        if not found:
            raise InputError(
                f"The environment variable {place} is not set where the pull runs (the server's own environment while one runs).",
                f"执行拉取的进程没有环境变量 {place}（服务运行时指服务进程的环境）。",
            )
        return found
    try:
        with open(place, encoding="utf-8") as file:
            found = file.read(LONGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise InputError(f"The credential file {place} cannot be read: {why}.", f"无法读取凭据文件 {place}：{why}。") from None
    if not found:
        raise InputError(f"The credential file {place} is empty.", f"凭据文件 {place} 是空的。")
    return found


def offered(store: Path) -> list[str]:
    """The references that a screen may choose from: variables PIECEWORK_…_TOKEN or …_SECRET, and files in the folder `secrets` beside the
    store. Any other is named on the command line only: whoever administers the screens need not be whoever administers the machine.
    """
    names = [f"env:{name}" for name in sorted(os.environ) if name.startswith("PIECEWORK_") and name.endswith(("_TOKEN", "_SECRET"))]
    folder = store.absolute().parent / "secrets"
    files = (
        [f"file:{file}" for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")] if folder.is_dir() else []
    )
    return names + files
