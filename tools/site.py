"""The pages of ``docs/``, the rules, and three files beside ``docs/`` → the pages of the site.

A hook of MkDocs, which ``mkdocs.yml`` names. The rules' pages aren't committed, as they would only
repeat the docstrings: each build makes them, as ``evalguard rule`` does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from evalguard.report.markdown import page
from evalguard.rule import SITE, Rule
from evalguard.rules import load
from evalguard.suppress.notices import NOTICES

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
RULES = "rules/"
COMMAND = "evalguard rules"  # the terminal's way to the page that lists them
BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
FAMILIES = {
    "EG0": "Comments",
    "EG1": "Modes",
    "EG2": "Gradients",
    "EG3": "What eval() can't reach",
    "EG4": "Switches",
}
INDEX = """\
# Rules

`error` says that numbers are wrong, `warning` that they may be, `note` that time or memory is
wasted. Each page tells why it matters, with an example, what to write instead, when to ignore it,
and what [`--fix`](../fixes.md) does. `evalguard rule NAME` shows the same page in a terminal.
"""
_CODE = re.compile(r"(?<!\[)`([^`\n]+)`(?!\])")
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_COMMENT = re.compile(r"^<!--.*?-->\n?", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^( *`{3,}).*?^\1 *$\n?", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Tell the site's address, and put the rules where the navigation has room for them."""
    config.site_url = SITE or None
    config.nav = [with_rules(entry) for entry in config.nav or ()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of something else than a file of ``docs/``."""
    from mkdocs.structure.files import File

    for path, text in made():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Turn a page as the repository has it into one of the site."""
    path, repository = page.file.src_uri, config.repo_url or ""
    text = markdown
    if path == "index.md":
        text = f"{moved(_welcome(), '', repository)}\n{moved(f'#{text}', 'docs', repository)}"
    elif not path.startswith(RULES):
        text = moved(text, "" if path in BESIDE.values() else "docs", repository)
    return _outside_code(_COMMENT.sub("", text), lambda part: named(part, path))


def made() -> Iterator[tuple[str, str]]:
    """The pages that aren't in ``docs/``: path and text of each."""
    for name, path in BESIDE.items():
        if path != "index.md":
            yield path, (ROOT / name).read_text(encoding="utf-8")
    yield f"{RULES}index.md", _index()
    for rule in _all():
        yield f"{RULES}{rule.name}.md", page(rule)


def _all() -> tuple[Rule, ...]:
    return (*load(), *NOTICES)


def _families() -> Iterator[tuple[str, list[Rule]]]:
    for code, rules in groupby(_all(), key=lambda rule: rule.code[:3]):
        yield FAMILIES[code], list(rules)


def with_rules(entry: dict[str, object]) -> dict[str, object]:
    """An entry of the navigation; the rules' own with a page for each of them."""
    ((title, target),) = entry.items()
    if target != RULES:
        return entry
    families = [
        {family: [{rule.name: f"{RULES}{rule.name}.md"} for rule in rules]}
        for family, rules in _families()
    ]
    return {title: [f"{RULES}index.md", *families]}


def _index() -> str:
    """The tables of all rules, one for each family."""
    return INDEX + "".join(f"\n## {family}\n\n{_table(rules)}" for family, rules in _families())


def _table(rules: list[Rule]) -> str:
    rows = (
        f"| [`{rule.name}`]({rule.name}.md)<br>{rule.code}, {rule.severity.word} "
        f"| {rule.summary} |\n"
        for rule in rules
    )
    return "| rule | what it finds |\n|---|---|\n" + "".join(rows)


def _welcome() -> str:
    """What the README says before it tells how to install."""
    return (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change all that is no block of code."""
    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


def moved(text: str, folder: str, repository: str) -> str:
    """Let the links of a file in that folder lead to pages, or else to the repository."""
    return _outside_code(
        text, lambda part: _LINK.sub(lambda link: _link(link, folder, repository), part)
    )


def _link(link: re.Match[str], folder: str, repository: str) -> str:
    text, anchor = link[1], link[3] or ""
    target = posixpath.normpath(posixpath.join(folder, link[2]))
    if target in BESIDE:
        return f"[{text}]({BESIDE[target]}{anchor})"
    if target.startswith("docs/"):
        return f"[{text}]({target.removeprefix('docs/')}{anchor})"
    return f"[{text}]({repository}/blob/main/{target}{anchor})" if repository else text


def named(text: str, path: str) -> str:
    """Let a rule's name in backticks lead to its page, but in headings and on that page."""
    targets = _targets()

    def linked(code: re.Match[str]) -> str:
        target = targets.get(code[1])
        if target is None or target == path:
            return code[0]
        return f"[{code[0]}]({posixpath.relpath(target, posixpath.dirname(path) or '.')})"

    return "".join(
        line if line.startswith("#") else _CODE.sub(linked, line)
        for line in text.splitlines(keepends=True)
    )


@lru_cache(maxsize=1)
def _targets() -> dict[str, str]:
    """What is a link where it stands in backticks: rules, and the command that lists them."""
    return {COMMAND: f"{RULES}index.md"} | {rule.name: f"{RULES}{rule.name}.md" for rule in _all()}
