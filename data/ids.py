"""Ids of facts and items as the log keeps them: what stands before the number at their end, and that number.

Most tools count their ids up. In two parts an id takes half the room of its text, and much of the log is passed over when a few
are looked for; the log gives the text as a column that is worked out when it is read (schema.sql).
"""

from __future__ import annotations

from collections.abc import Iterable

ITEM = "project_key, item_no, item_head"  # what names an item in the log


def split(name: str) -> str:
    """SQL for the columns `name`_head and `name`_no, of the id in the column `name`_id: its text is the head and then the number, which
    has no zeros before it and 18 digits at most, and is 0 where the id ends in none. Both are null of null.
    """
    text = f"{name}_id"
    digits = f"regexp_extract({text}, '[1-9][0-9]{{0,17}}$')"  # twice the same is done once, but not within a CASE
    return f"""left({text}, length({text}) - length({digits})) AS {name}_head,
        coalesce(try_cast({digits} AS BIGINT), CASE WHEN {text} IS NOT NULL THEN 0 END) AS {name}_no"""


def columns(names: Iterable[str]) -> str:
    """SQL for all columns of rows with these, their ids of facts and items split: what the log has instead."""
    ids = [name for name in names if name in ("event_id", "item_id", "review_id")]
    return ", ".join([f"* EXCLUDE ({', '.join(ids)})", *(split(name.removesuffix("_id")) for name in ids)]) if ids else "*"


def whole(name: str, given: str = "true") -> str:
    """SQL for the column `name`_id of these two; null where the condition `given` is not true."""
    return f"CASE WHEN {given} THEN {name}_head || coalesce(nullif({name}_no, 0)::VARCHAR, '') END AS {name}_id"


def same(one: str, other: str, columns: str) -> str:
    """SQL for rows of two tables being the same in these columns (names and commas)."""
    return " AND ".join(f"{one}.{column} = {other}.{column}" for column in columns.split(", "))
