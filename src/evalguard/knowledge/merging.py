"""Tables over tables: a user's over those that come with evalguard."""

from __future__ import annotations

from collections.abc import Mapping

from evalguard.knowledge.schema import Tables


def merged(under: Tables, over: Tables) -> Tables:
    """The tables of ``under`` with what ``over`` tells, too, which has the last word.

    Args:
        under: Tables.
        over: Tables that add to these, or replace some of their fields.
    """
    out = {table: dict(entries) for table, entries in under.items()}
    for table, entries in over.items():
        known = out.setdefault(table, {})
        for name, fields in entries.items():
            known[name] = _merged_fields(known.get(name, {}), fields)
    return out


def _merged_fields(under: Mapping[str, object], over: Mapping[str, object]) -> Mapping[str, object]:
    """Fields of ``over`` replace those of ``under``; lists of words and methods are added to."""
    merged = {**under, **over}
    for field, value in over.items():
        known = under.get(field)
        if field == "words" and isinstance(known, list) and isinstance(value, list):
            merged[field] = known + value
        elif field == "methods" and isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[field] = {**known, **value}
    return merged
