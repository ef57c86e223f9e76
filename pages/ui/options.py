"""Streamlit's options, looked up without its lock.

Streamlit takes one lock for every option that it looks up, a hundred times a run, and reads all of them several times when a run begins.
With many runs at once most of their time went into handing that lock on. Here options are set by file and command line before the server
starts, so reading needs no lock.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from streamlit import config
from streamlit.config_option import ConfigOption

_locked, _locked_section = config.get_option, config.get_options_for_section
Options = dict[str, ConfigOption]
_parsed: tuple[Options | None, dict[str, list[ConfigOption]]] = (None, {})  # the options parsed last, and they by section


def unlock() -> None:
    """Have every lookup from now on do without the lock."""
    config.get_option, config.get_options_for_section = option, of_section


def option(key: str) -> Any:
    """The value of an option. Raises RuntimeError, as Streamlit does, for one that does not exist."""
    known = config._config_options
    return known[key].value if known and key in known else _locked(key)


def of_section(section: str) -> dict[str, Any]:
    """The values of a section's options by name."""
    global _parsed
    known, sections = _parsed
    if known is None or known is not config._config_options:
        if (known := config._config_options) is None:
            return _locked_section(section)
        sections = defaultdict(list)
        for one in known.values():
            sections[one.section].append(one)
        _parsed = known, sections
    return {one.name: one.value for one in sections.get(section, ())}
