"""What a rule is: a page, a declaration and a stateless question about facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evalguard.facts import Fact
from evalguard.finding import Confidence, Evidence, Severity
from evalguard.places import Place
from evalguard.records import dataclass
from evalguard.repair import Repair

# Where the documentation is on the web, without a slash at the end; empty while it is nowhere.
SITE = ""


def page_url(name: str) -> str:
    """Where a rule's page is on the web, or nothing.

    Args:
        name: The rule's name.
    """
    return f"{SITE}/rules/{name}/" if SITE else ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of one fact; code, name and severity come from its rule."""

    place: Place
    message: str
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    help: str = ""
    fix: Repair | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as declared in its file.

    ``asks`` is the kind of fact it is asked about, ``check`` the question, ``page`` the
    docstring of its file (Markdown, sections in a fixed order).
    """

    code: str
    name: str
    severity: Severity
    since: str
    page: str
    asks: type[Fact]
    check: Callable[[Fact], Iterator[Verdict]]

    @property
    def summary(self) -> str:
        """The page's first sentence."""
        return self.page.strip().splitlines()[0]
