"""The hook's and the action's declarations → their parts of docs/integrations.md.

``python -m tools.integrations`` writes them; ``tests/test_integrations.py`` fails if that would
change anything.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "integrations.md"
ACTION = ROOT / "action.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"


def rewritten(text: str) -> str:
    """The page with what is declared written anew."""
    for name, block in (("hooks", _hooks()), ("inputs", _inputs())):
        ends = re.compile(rf"(<!-- {name}:start -->\n)(?:.*\n)*?(<!-- {name}:end -->)")
        text = ends.sub(lambda found, block=block: f"{found[1]}{block}{found[2]}", text)  # type: ignore[misc]
    return text


def _hooks() -> str:
    return f"```yaml\n{HOOKS.read_text(encoding='utf-8')}```\n"


def _inputs() -> str:
    inputs = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]
    rows = [
        f"| `{name}` | {told['description']} | {_value(told)} |" for name, told in inputs.items()
    ]
    return "\n".join(["| input | is | default |", "|---|---|---|", *rows, ""])


def _value(told: dict[str, str]) -> str:
    return f"`{told['default']}`" if told["default"] else ""


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
