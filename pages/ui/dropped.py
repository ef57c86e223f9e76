"""A file that was dropped and is not imported yet, and how what files say is shown."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from data.errors import PieceworkError
from data.imports import Choice
from data.preview import Preview
from data.trial import Trial
from data.uploads import Upload
from pages.ui import text

DOUBTFUL = 0.2  # of the rows refused: rather a column read wrongly than bad rows


@dataclass(slots=True, eq=False)
class Dropped:
    """A file of this session that is not imported yet: how it is to be read, what it is, what loading it would do, or why it cannot be."""

    upload: Upload
    key: str = field(default_factory=lambda: secrets.token_hex(4))
    choice: Choice = field(default_factory=Choice)
    layout: str | None = None  # the saved mapping chosen
    automatic: bool = True  # nobody has corrected anything yet
    look: Preview | None = None
    tried: Trial | None = None
    error: PieceworkError | None = None

    def read_so(self, choice: Choice, layout: str | None = None) -> None:
        """Read it in another way: what was found out before is forgotten."""
        self.choice, self.layout, self.automatic = choice, layout, False
        self.look = self.tried = self.error = None


def said(error: PieceworkError) -> str:
    """The error's sentence in the reader's language."""
    return error.zh if text.lang() == "zh" else str(error)
