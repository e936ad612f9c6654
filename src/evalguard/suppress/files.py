"""Patterns of files, with the rules that don't count there → whether a finding does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from evalguard.finding import Finding
from evalguard.globs import Globs
from evalguard.select import deciding


def ignored_in(files: Mapping[str, Sequence[str]]) -> Callable[[Finding], bool]:
    """Tell findings that don't count in their files.

    Args:
        files: Pattern → rules' codes, beginnings of codes, or names.

    Returns:
        Whether a finding is ignored.
    """
    known = [(Globs([pattern]), words) for pattern, words in files.items()]

    def is_ignored(finding: Finding) -> bool:
        return any(
            deciding(words, finding.code, finding.rule) and globs.match(finding.place.path)
            for globs, words in known
        )

    return is_ignored
