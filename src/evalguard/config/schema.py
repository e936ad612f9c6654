"""The declaration of the settings → the JSON schema by which editors know the files."""

from __future__ import annotations

import json

from evalguard.config.settings import keys

DIALECT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> dict[str, object]:
    """The schema of ``evalguard.toml``, and of what ``[tool.evalguard]`` holds."""
    properties = {
        name: {
            "description": key.help,
            "default": key.kind.plain(key.default),
            **key.kind.schema(),
        }
        for name, key in keys().items()
    }
    return {
        "$schema": DIALECT,
        "title": "evalguard",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def written() -> str:
    """The schema as text."""
    return json.dumps(json_schema(), indent=2) + "\n"
