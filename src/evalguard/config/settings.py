"""The one declaration of the settings: name, kind, default and help of each.

From it come what a configuration file may hold, the JSON schema, the options of the command line
and the reference in the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from evalguard.config import kinds
from evalguard.config.kinds import Kind
from evalguard.discover import EXCLUDED
from evalguard.finding import Confidence, Severity
from evalguard.records import NamedTuple
from evalguard.report.formats import FORMATS

if TYPE_CHECKING:
    from evalguard.knowledge.schema import Tables


class Key(NamedTuple):
    """A setting as declared.

    ``option`` tells that the command line has it, ``adds`` that the values of several places are
    put together, ``example`` is its value in TOML.
    """

    name: str
    kind: Kind
    help: str
    example: str
    option: bool
    adds: bool
    default: Any


def _key(
    kind: Kind,
    default: object,
    help: str,  # noqa: A002 (as click names it)
    example: str,
    option: bool = True,
    adds: bool = False,
) -> Any:
    told = {"kind": kind, "help": help, "example": example, "option": option, "adds": adds}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=told)
    return field(default=default, metadata=told)


@dataclass(frozen=True)
class Settings:
    """What is in force."""

    select: tuple[str, ...] = _key(
        kinds.rules(),
        (),
        "Run these rules only: codes, beginnings of codes (EG1) or names. Without it, all run.",
        '["EG1", "functional-dropout"]',
    )
    extend_select: tuple[str, ...] = _key(
        kinds.rules(), (), "Run these rules, too.", '["EG203"]', adds=True
    )
    ignore: tuple[str, ...] = _key(
        kinds.rules(),
        (),
        "Don't run these rules. Of what selects and what ignores a rule, the longest word decides.",
        '["EG2"]',
        adds=True,
    )
    per_file_ignores: Mapping[str, tuple[str, ...]] = _key(
        kinds.by_glob(kinds.rules()),
        {},
        "Rules that don't count in files that match a pattern.",
        '{ "tests/**" = ["EG2"], "demo_*.py" = ["functional-dropout"] }',
        option=False,
    )
    severity: Mapping[str, Severity] = _key(
        kinds.by_rule(kinds.level(Severity)),
        {},
        "How severe the findings of rules are, in place of what the rules say.",
        '{ eval-without-no-grad = "warning", EG3 = "note" }',
        option=False,
    )
    min_confidence: Confidence = _key(
        kinds.level(Confidence),
        Confidence.LIKELY,
        "Show findings that are at least this sure.",
        '"certain"',
    )
    exclude: tuple[str, ...] = _key(
        kinds.globs(),
        EXCLUDED,
        "Don't search these files and folders, in place of those that are left out by default.",
        '["build", "third_party/**"]',
    )
    extend_exclude: tuple[str, ...] = _key(
        kinds.globs(),
        (),
        "Don't search these files and folders either.",
        '["third_party", "*_pb2.py"]',
        adds=True,
    )
    force_exclude: bool = _key(
        kinds.flag(),
        False,
        "Leave out what is excluded even if it is given, as pre-commit does.",
        "true",
    )
    warn_unused_ignores: bool = _key(
        kinds.flag(),
        False,
        "Report comments that ignore nothing that is found.",
        "true",
    )
    src: tuple[str, ...] = _key(
        kinds.folders(),
        (),
        "Folders that imports start from, besides those that are found.",
        '["src", "lib/python"]',
        option=False,
    )
    baseline: str = _key(
        kinds.file(),
        "",
        "A file of findings that are known, which `evalguard baseline` writes.",
        '"evalguard-baseline.json"',
    )
    output_format: str = _key(kinds.choice(*FORMATS), "full", "Form of the report.", '"concise"')
    jobs: int = _key(
        kinds.count(),
        0,
        "How many processes may share the work; 0 stands for as many as there are processors.",
        "1",
    )
    fail_on: Severity = _key(
        kinds.level(Severity),
        Severity.WARNING,
        "Exit with 1 if there are findings at least this severe.",
        '"error"',
    )
    knowledge: Tables = _key(
        kinds.knowledge(),
        {},
        "What classes and functions do to modes and gradients, over what evalguard knows.",
        '{ layers = { "mylib.Noise" = { sensitive = "yes" } } }',
        option=False,
    )


@lru_cache(maxsize=1)
def keys() -> Mapping[str, Key]:
    """The settings by name, as written in files, in their order."""
    declared = [_declared(each) for each in fields(Settings)]
    return {key.name: key for key in declared}


def _declared(each: Field[Any]) -> Key:
    default = getattr(Settings(), each.name)
    return Key(name=each.name.replace("_", "-"), default=default, **each.metadata)
