"""What a run may be told: the options of a check, with no configuration behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalguard.discover import EXCLUDED
from evalguard.finding import Confidence, Severity
from evalguard.records import dataclass, field

if TYPE_CHECKING:
    from evalguard.knowledge.schema import Tables


@dataclass(frozen=True, slots=True)
class Options:
    """What to check, and what to report.

    ``select`` and ``ignore`` hold rules' codes, beginnings of codes, or names; so do the keys of
    ``severity`` and the values of ``per_file_ignores``, whose keys are patterns. ``exclude`` holds
    patterns of what isn't searched, by ``force_exclude`` even if it is given. ``src`` names
    folders that imports start from, ``knowledge`` holds tables over those of evalguard.
    ``warn_unused_ignores`` asks for comments against findings that aren't there.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_confidence: Confidence = Confidence.LIKELY
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    exclude: tuple[str, ...] = EXCLUDED
    force_exclude: bool = False
    src: tuple[str, ...] = ()
    knowledge: Tables = field(default_factory=dict)
    warn_unused_ignores: bool = False


DEFAULTS = Options()
