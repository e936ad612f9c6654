"""Findings → what each is known by from one run to the next, wherever its lines move."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from evalguard.finding import Finding


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """Tell findings apart by what they say, and like ones by their order in the file.

    Args:
        findings: In the order of their places.

    Returns:
        A fingerprint for each; no two are the same.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for finding in findings:
        key = (finding.place.path, finding.rule, finding.message)
        seen[key] += 1
        found.append(hashed(*key, str(seen[key])))
    return found


def hashed(*parts: str) -> str:
    """Put parts together in a fingerprint."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
