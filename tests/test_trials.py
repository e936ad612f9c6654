"""What checks of the same files do twice, and what they don't."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalguard.check import DEFAULTS, check_paths
from evalguard.fix.writing import Files
from evalguard.lower import lower
from evalguard.records import replace
from evalguard.source import Source
from evalguard.trials import Trials

BUG = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
net.load_state_dict(torch.load("net.pt"))
with torch.no_grad():
    print(net(torch.load("x.pt")).argmax(1).tolist())
"""
MENDED = BUG.replace("with", "net.eval()\nwith")


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are lowered, in order."""
    names: list[str] = []

    def noted(source: Source) -> object:
        names.append(Path(source.path).name)
        return lower(source)

    monkeypatch.setattr("evalguard.trials.lower", noted)
    return names


def project(folder: Path) -> Path:
    """Two programs, each with a bug."""
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / f"{name}.py").write_text(BUG)
        (folder / name / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    return folder


def test_only_what_a_draft_changes_is_looked_at_again(tmp_path: Path, lowered: list[str]) -> None:
    folder, files = project(tmp_path), Files()
    tried = Trials(files.read, files.draft)

    def found(drafts: dict[str, str]) -> list[str]:
        tried.begin(drafts, comments=False)
        result = check_paths([str(folder)], reader=tried)
        return [Path(finding.place.path).name for finding in result.findings]

    assert found({}) == ["one.py", "two.py"]
    assert sorted(lowered) == ["one.py", "two.py"]
    draft = {str(folder / "one" / "one.py"): MENDED}
    lowered.clear()
    assert found(draft) == ["two.py"]
    assert lowered == ["one.py"]
    lowered.clear()
    assert found({}) == ["one.py", "two.py"]
    assert found(draft) == ["two.py"]
    assert lowered == []


def test_idle_comments_are_told_where_they_count(tmp_path: Path) -> None:
    path = tmp_path / "idle.py"
    path.write_text("import torch\n\nprint(torch)  # evalguard: ignore\n")
    files = Files()
    tried = Trials(files.read, files.draft)
    for comments in (False, True, False):
        tried.begin({}, comments)
        options = replace(DEFAULTS, warn_unused_ignores=comments)
        assert bool(check_paths([str(path)], options, reader=tried).findings) is comments
