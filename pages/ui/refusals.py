"""Why rows are refused, in the reader's words: columns by what people call them, and what to change on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from data.columns import label
from data.tables import REJECT_CODES, TABLES, Reject
from metrics.labels import CODES, CODES_EN
from pages.ui import text, trust
from pages.ui.records import Columns
from pages.ui.text import N_, NONE, _

# Where the sentence of the store speaks to whoever writes mappings by hand, or names columns of the store.
_SAID: dict[str, str] = {
    "date_order": N_("{column} “{value}” can be read as day/month or month/day: say which comes first under “How it is read”."),
    "decimal": N_("{column} “{value}” can be read with a decimal comma or with thousands: say which under “How it is read”."),
    "leave_before_hire": N_("{column} {value} lies before the day of hiring."),
    "leave_without_hire": N_("{column} {value} has no day of hiring: a spell of employment needs its beginning."),
    "interval": N_("{column} lies too far from the end to be one piece of work."),
}
CHOICES: dict[str, dict[str, str]] = {
    "verdict": {"accept": N_("accepted"), "fix": N_("fixed"), "reject": N_("rejected")},
    "decision": {"accept": N_("accepted"), "reject": N_("rejected"), "pending": N_("pending")},
    "pay_on": {"submit": N_("when submitted"), "pass": N_("when it passes review"), "accept": N_("when the client accepts")},
}


def column(table: str, name: str) -> str:
    """What people call a column of a canonical table."""
    english, chinese = label(table, name)
    return chinese if text.lang() == "zh" else english


def choice(name: str, word: str) -> str:
    """What people call one of the values of a closed set; the word itself where it is none."""
    if name in CHOICES:
        return _(CHOICES[name][word]) if word in CHOICES[name] else word
    return (CODES if text.lang() == "zh" else CODES_EN).get(name, {}).get(word, word)


def sentence(table: str, code: str, name: str | None, value: str | None) -> str:
    """Why a row was refused."""
    spec = next((c for c in TABLES[table].columns if c.name == name), None) if table in TABLES else None
    words = {
        "column": column(table, name) if spec and name else _("A column"),
        "value": value or "",
        "allowed": text.listed(choice(spec.name, word) for word in spec.choices) if spec else "",
        "low": "−∞" if spec is None or spec.low is None else f"{spec.low:,}",
        "high": f"{spec.high:,}" if spec else "∞",
    }
    if code in _SAID:
        return _(_SAID[code], **{key: words[key] for key in ("column", "value") if "{" + key + "}" in _SAID[code]})
    english, chinese = REJECT_CODES[code]
    return (chinese if text.lang() == "zh" else english).format_map(words)


def listed(rows: Sequence[tuple[str, Reject]]) -> Columns:
    """Refused rows as a table: line, list, column, value, reason and the row itself."""
    return {
        _("Line"): [one.line for _table, one in rows],
        _("List"): [_(trust.TABLES[table]) for table, _one in rows],
        _("Column"): [column(table, one.column) if one.column else NONE for table, one in rows],
        _("Value"): [one.value or NONE for _table, one in rows],
        _("Reason"): [sentence(table, one.code, one.column, one.value) for table, one in rows],
        _("Row as it was read"): [one.raw for _table, one in rows],
    }
