"""The errors a user can meet, each one sentence that says what is wrong, where, and what to do.

PieceworkError
├── StoreError            the file itself: missing, newer than this program, damaged
│   ├── StoreBusy         another process owns it
│   └── TooMuch           a question that does not fit into memory
├── InputError            something handed in cannot be read at all (file, row and column named)
├── NameUnknown           a measure, dimension, table or connection that does not exist ("did you mean …")
└── NotAllowed            the signed-in person may not see this row or field
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class PieceworkError(Exception):
    """Base of all errors shown to a user; `zh` is the same sentence in Chinese (the English one when none was given)."""

    def __init__(self, message: str, zh: str | None = None) -> None:
        super().__init__(message)
        self.zh = zh or message


class StoreError(PieceworkError):
    """The store cannot be opened, migrated, backed up or restored."""


class StoreBusy(StoreError):
    """Another process owns the store file."""


class TooMuch(StoreError):
    """A question whose answer cannot be worked out in the memory there is."""


class InputError(PieceworkError):
    """A file or request body that cannot be taken at all; single bad rows become rejects instead."""


class NotAllowed(PieceworkError):
    """A row or field outside the caller's scope."""


class NameUnknown(PieceworkError):
    """A name that is not in the registry."""

    def __init__(self, kind: str, name: str, known: Iterable[str], kind_zh: str | None = None) -> None:
        near = get_close_matches(name, sorted(known), n=1)
        hint = f" Did you mean “{near[0]}”?" if near else ""
        hint_zh = f"是否指“{near[0]}”？" if near else ""
        super().__init__(f"There is no {kind} “{name}”.{hint}", f"没有名为“{name}”的{kind_zh or kind}。{hint_zh}")
