"""The declaration of the settings → the reference in docs/configuration.md, and the JSON schema.

``python -m tools.configuration`` writes both; ``tests/test_configuration.py`` fails if that would
change anything.
"""

from __future__ import annotations

import re
from pathlib import Path

from evalguard.config.schema import written
from evalguard.config.settings import Key, keys
from evalguard.config.toml import value

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "docs" / "evalguard.schema.json"
_BLOCK = re.compile(r"(<!-- settings:start -->\n)(?:.*\n)*?(<!-- settings:end -->)")


def rewritten(text: str) -> str:
    """The page with its reference written anew."""
    reference = "\n".join(map(_section, keys().values()))
    return _BLOCK.sub(lambda block: f"{block[1]}\n{reference}\n{block[2]}", text)


def _section(key: Key) -> str:
    default = value(key.kind.plain(key.default))
    facts = [f"**Kind**: {key.kind.words}", f"**default**: `{default}`"]
    if key.option:
        adds = ", which adds to the file's" if key.adds else ""
        facts.append(f"**command line**: `--{key.name}`{adds}")
    example = f"```toml\n[tool.evalguard]\n{key.name} = {key.example}\n```"
    return f"### `{key.name}`\n\n{key.help}\n\n{'; '.join(facts)}.\n\n{example}\n"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(written(), encoding="utf-8")
