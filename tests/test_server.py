"""The language server, talked to over a real stdio session by pygls' own client."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls.lsp.client")

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from evalguard.places import Place, Span
from evalguard.server.measure import Measure

PATIENCE = 60
NET = """\
from torch import nn

net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5))
net.train()
"""
USE = """\
import torch

from nets import net

with torch.no_grad():
    print("\U0001f600", net(torch.randn(8, 4)).argmax(dim=1).tolist())
"""
SAFE = """\
from torch import nn

net = nn.Dropout(0.5)
net.eval
"""
RESOLVING = lsp.ClientCapabilities(
    workspace=lsp.WorkspaceClientCapabilities(
        workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True)
    ),
    text_document=lsp.TextDocumentClientCapabilities(
        code_action=lsp.CodeActionClientCapabilities(
            resolve_support=lsp.ClientCodeActionResolveOptions(["edit"])
        )
    ),
)


class Editor(LanguageClient):
    """Opens texts, and waits for what the server tells of them."""

    def __init__(self, root: Path) -> None:
        super().__init__("an editor", "1")
        self.root = root
        self.logged: list[str] = []
        self._told: dict[str, asyncio.Queue[lsp.PublishDiagnosticsParams]] = {}
        self._versions: dict[str, int] = {}
        self.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(partial(self._note))
        self.feature(lsp.WINDOW_LOG_MESSAGE)(partial(self._log))

    def _note(self, params: lsp.PublishDiagnosticsParams) -> None:
        self._queue(params.uri).put_nowait(params)

    def _log(self, params: lsp.LogMessageParams) -> None:
        self.logged.append(params.message)

    def _queue(self, uri: str) -> asyncio.Queue[lsp.PublishDiagnosticsParams]:
        return self._told.setdefault(uri, asyncio.Queue())

    def uri(self, name: str) -> str:
        return name if ":" in name else (self.root / name).as_uri()

    async def told(self, name: str) -> list[lsp.Diagnostic]:
        """What is told next of the version that is open."""
        uri = self.uri(name)
        while True:
            params = await asyncio.wait_for(self._queue(uri).get(), PATIENCE)
            if params.version in {None, self._versions[uri]}:
                return [*params.diagnostics]

    async def open(self, name: str, text: str) -> list[lsp.Diagnostic]:
        uri = self.uri(name)
        self._versions[uri] = 1
        item = lsp.TextDocumentItem(uri, "python", 1, text)
        self.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return await self.told(name)

    def change(self, name: str, text: str) -> None:
        uri = self.uri(name)
        self._versions[uri] += 1
        document = lsp.VersionedTextDocumentIdentifier(self._versions[uri], uri)
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [whole]))

    def save(self, name: str) -> None:
        self.text_document_did_save(lsp.DidSaveTextDocumentParams(self._id(name)))

    async def close(self, name: str) -> list[lsp.Diagnostic]:
        self.text_document_did_close(lsp.DidCloseTextDocumentParams(self._id(name)))
        return await self.told(name)

    async def hover(self, name: str, line: int, character: int) -> str:
        where = lsp.Position(line, character)
        found = await self.text_document_hover_async(lsp.HoverParams(self._id(name), where))
        if found is None:
            return ""
        assert isinstance(found.contents, lsp.MarkupContent)
        assert found.contents.kind == lsp.MarkupKind.Markdown
        return found.contents.value

    async def actions(
        self, name: str, where: lsp.Range, only: Sequence[str] | None = None
    ) -> list[lsp.CodeAction]:
        context = lsp.CodeActionContext([], only=only)
        params = lsp.CodeActionParams(self._id(name), where, context)
        found = await self.text_document_code_action_async(params)
        return [each for each in found or () if isinstance(each, lsp.CodeAction)]

    def _id(self, name: str) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri(name))


Session = Callable[[Editor], Awaitable[None]]


def talk(
    root: Path,
    session: Session,
    capabilities: lsp.ClientCapabilities = RESOLVING,
    options: object = None,
    program: Sequence[str] = ("-m", "evalguard", "server", "--stdio"),
) -> None:
    """Have a session with a server of its own, which must end well."""

    async def whole() -> None:
        async with editor(root, capabilities, options, program) as client:
            await session(client)

    asyncio.run(whole())


@asynccontextmanager
async def editor(
    root: Path, capabilities: lsp.ClientCapabilities, options: object, program: Sequence[str]
) -> AsyncIterator[Editor]:
    client = Editor(root)
    await client.start_io(sys.executable, *program, env=os.environ | {"PYTHONUTF8": "1"})
    process: Any = client._server
    try:
        begin = lsp.InitializeParams(
            capabilities, root_uri=root.as_uri(), initialization_options=options
        )
        await asyncio.wait_for(client.initialize_async(begin), PATIENCE)
        client.initialized(lsp.InitializedParams())
        yield client
        await asyncio.wait_for(client.shutdown_async(None), PATIENCE)
        client.exit(None)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        if process.returncode is None:
            process.kill()
        stop: Any = client.stop
        await stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "nets.py").write_text(NET, encoding="utf-8")
    (tmp_path / "use.py").write_text(USE, encoding="utf-8")
    return tmp_path


def codes(found: Sequence[lsp.Diagnostic]) -> list[object]:
    return [each.code for each in found]


def changed(text: str, edit: lsp.WorkspaceEdit | None) -> str:
    """A text with an edit made in it, as an editor that counts UTF-16 makes it."""
    assert edit is not None
    if edit.changes:
        (edits,) = edit.changes.values()
    else:
        (document,) = edit.document_changes or ()
        assert isinstance(document, lsp.TextDocumentEdit)
        edits = [each for each in document.edits if isinstance(each, lsp.TextEdit)]
    lines = text.split("\n")
    for each in sorted(edits, key=lambda each: each.range.start.line, reverse=True):
        start, end = each.range.start, each.range.end
        before, after = _upto(lines, start), _upto(lines, end)
        whole = "\n".join(lines)
        lines = (whole[:before] + each.new_text + whole[after:]).split("\n")
    return "\n".join(lines)


def _upto(lines: Sequence[str], where: lsp.Position) -> int:
    """How many characters come before a place."""
    units = lines[where.line].encode("utf-16-le")[: 2 * where.character]
    return sum(len(line) + 1 for line in lines[: where.line]) + len(units.decode("utf-16-le"))


def test_what_is_open_is_checked_in_its_project(root: Path) -> None:
    async def session(client: Editor) -> None:
        (found,) = await client.open("use.py", USE)
        assert (found.code, found.source) == ("EG102", "evalguard")
        assert found.severity == lsp.DiagnosticSeverity.Error
        assert found.range == lsp.Range(lsp.Position(5, 16), lsp.Position(5, 38))
        story = {each.location.uri for each in found.related_information or ()}
        assert client.uri("nets.py") in story
        client.change("use.py", USE.replace("with torch", "net.eval()\nwith torch"))
        assert await client.told("use.py") == []
        client.change("use.py", USE)
        assert codes(await client.told("use.py")) == ["EG102"]
        assert await client.close("use.py") == []

    talk(root, session)


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 18), ("utf-16", 16), ("utf-32", 15)])
def test_columns_count_what_the_client_counts(root: Path, encoding: str, column: int) -> None:
    kind = lsp.PositionEncodingKind(encoding)
    capabilities = lsp.ClientCapabilities(
        general=lsp.GeneralClientCapabilities(position_encodings=[kind])
    )

    async def session(client: Editor) -> None:
        (found,) = await client.open("use.py", USE)
        assert found.range.start == lsp.Position(5, column)

    talk(root, session, capabilities)


def test_other_open_texts_count_as_they_are_open(root: Path) -> None:
    async def session(client: Editor) -> None:
        assert codes(await client.open("use.py", USE)) == ["EG102"]
        await client.open("nets.py", NET)
        client.change("nets.py", f"{NET}net.eval()\n")
        client.save("nets.py")
        assert await client.told("use.py") == []

    talk(root, session)


def test_only_the_last_of_quick_changes_is_told(root: Path) -> None:
    async def session(client: Editor) -> None:
        await client.open("use.py", USE)
        for number in range(20):
            client.change("use.py", f"{USE}# {number}\n")
        assert codes(await client.told("use.py")) == ["EG102"]
        assert client._told[client.uri("use.py")].empty()

    talk(root, session)


def test_configuration_comments_and_baseline_count(root: Path) -> None:
    config = root / "pyproject.toml"
    config.write_text('[tool.evalguard]\nseverity = { EG1 = "note" }\n', encoding="utf-8")

    async def session(client: Editor) -> None:
        (found,) = await client.open("use.py", USE)
        assert found.severity == lsp.DiagnosticSeverity.Information
        client.change("use.py", USE.replace("tolist())", "tolist())  # evalguard: ignore[EG102]"))
        assert await client.told("use.py") == []
        config.write_text("[tool.evalguard]\nignor = []\n", encoding="utf-8")
        client.save("use.py")
        (fault,) = await client.told("use.py")
        assert "pyproject.toml:2: unknown key `ignor`; did you mean ignore?" in fault.message
        config.write_text('[tool.evalguard]\nbaseline = "known.json"\n', encoding="utf-8")
        known = '{"path": "use.py", "rule": "no-grad-instead-of-eval", "scope": "", '
        known += '"code": "net(torch.randn(8,4))", "count": 1}'
        (root / "known.json").write_text(f'{{"version": 1, "findings": [{known}]}}')
        client.change("use.py", USE)
        assert await client.told("use.py") == []

    talk(root, session)


def test_what_is_excluded_is_not_checked(root: Path) -> None:
    (root / "build").mkdir()
    (root / "build" / "use.py").write_text(SAFE, encoding="utf-8")

    async def session(client: Editor) -> None:
        assert await client.open("build/use.py", SAFE) == []

    talk(root, session)


def test_the_editor_has_settings_of_its_own(root: Path) -> None:
    async def session(client: Editor) -> None:
        assert await client.open("use.py", USE) == []

    async def misspelt(client: Editor) -> None:
        (fault,) = await client.open("use.py", USE)
        assert "unknown setting `ignor` from the editor; did you mean ignore?" in fault.message

    talk(root, session, options={"ignore": ["EG102"]})
    talk(root, misspelt, options={"ignor": ["EG102"]})


def test_texts_without_a_file_are_checked(root: Path) -> None:
    async def session(client: Editor) -> None:
        assert codes(await client.open("untitled:Untitled-1", SAFE)) == ["EG401"]
        assert codes(await client.open("new.py", SAFE)) == ["EG401"]
        (action, *_) = await client.actions("new.py", lsp.Range(WHERE, WHERE))
        made = await client.code_action_resolve_async(action)
        assert changed(SAFE, made.edit) == SAFE.replace("net.eval", "net.eval()")

    talk(root, session)


WHERE = lsp.Position(3, 2)


def test_the_page_of_a_rule_is_shown_at_its_finding(root: Path) -> None:
    async def session(client: Editor) -> None:
        await client.open("use.py", USE)
        shown = await client.hover("use.py", 5, 17)
        assert shown.startswith("# no-grad-instead-of-eval (EG102)")
        assert "## Why is this bad?" in shown
        assert await client.hover("use.py", 5, 3) == ""
        client.change("use.py", f"\n{USE}")
        assert await client.hover("use.py", 6, 17) == shown

    talk(root, session)


def test_findings_can_be_fixed_and_ignored(root: Path) -> None:
    async def session(client: Editor) -> None:
        (found,) = await client.open("use.py", USE)
        fix, ignore = await client.actions("use.py", found.range)
        assert fix.title == "Fix no-grad-instead-of-eval (may change behaviour)"
        assert (fix.kind, fix.is_preferred, fix.edit) == ("quickfix", None, None)
        assert [each.code for each in fix.diagnostics or ()] == ["EG102"]
        made = await client.code_action_resolve_async(fix)
        text = changed(USE, made.edit)
        assert text == USE.replace("with torch", "net.eval()\nwith torch")
        made = await client.code_action_resolve_async(ignore)
        comment = "  # evalguard: ignore[no-grad-instead-of-eval]\n"
        ignored = changed(USE, made.edit)
        assert ignored == USE.replace("tolist())\n", f"tolist()){comment}")
        for cured in (text, ignored):
            client.change("use.py", cured)
            assert await client.told("use.py") == []
        with pytest.raises(JsonRpcException, match="has changed since"):
            await client.code_action_resolve_async(fix)
        assert await client.actions("use.py", found.range) == []

    talk(root, session)


def test_a_client_that_cannot_resolve_gets_edits_at_once(root: Path) -> None:
    async def session(client: Editor) -> None:
        await client.open("safe.py", SAFE)
        fix, ignore, *_ = await client.actions("safe.py", lsp.Range(WHERE, WHERE))
        assert (fix.title, fix.is_preferred) == ("Fix attr-without-call", True)
        assert changed(SAFE, fix.edit) == SAFE.replace("net.eval", "net.eval()")
        assert "ignore[attr-without-call]" in changed(SAFE, ignore.edit)

    (root / "safe.py").write_text(SAFE, encoding="utf-8")
    talk(root, session, lsp.ClientCapabilities())


def test_all_safe_fixes_are_made_at_once(root: Path) -> None:
    text = f"{SAFE}net.train\nprint(net)  # evalguard: ignore[EG101]\n".replace("\n", "\r\n")
    cured = text.replace(".eval", ".eval()").replace(".train", ".train()")

    async def session(client: Editor) -> None:
        found = await client.open("safe.py", text)
        assert codes(found) == ["EG401", "EG401", "EG001"]
        assert list(found[-1].tags or ()) == [lsp.DiagnosticTag.Unnecessary]
        (all_at_once,) = await client.actions("safe.py", found[0].range, ["source.fixAll"])
        assert all_at_once.kind == "source.fixAll.evalguard"
        made = await client.code_action_resolve_async(all_at_once)
        assert changed(text, made.edit) == cured.replace("  # evalguard: ignore[EG101]", "")
        (tidy,) = await client.actions("safe.py", found[-1].range, ["quickfix"])
        made = await client.code_action_resolve_async(tidy)
        assert changed(text, made.edit) == text.replace("  # evalguard: ignore[EG101]", "")

    (root / "safe.py").write_text(text, encoding="utf-8", newline="")
    talk(root, session, options={"warn-unused-ignores": True})


def test_a_broken_text_is_told_and_cured(root: Path) -> None:
    async def session(client: Editor) -> None:
        (fault,) = await client.open("use.py", f"{USE}def")
        assert fault.message.startswith("could not be checked: syntax error")
        assert fault.range.start.line == 6
        client.change("use.py", USE)
        assert codes(await client.told("use.py")) == ["EG102"]

    talk(root, session)


CRASHING = """\
import sys
from evalguard.server import bench

checked = bench.check_paths

def crash(*arguments, reader, **rest):
    if "crash" in reader(arguments[0][0]).text:
        raise ZeroDivisionError("a fault of evalguard's own")
    return checked(*arguments, reader=reader, **rest)

bench.check_paths = crash
from evalguard.cli import main
sys.exit(main(["server"]))
"""


def test_a_crash_does_not_end_the_session(root: Path) -> None:
    async def session(client: Editor) -> None:
        (fault,) = await client.open("use.py", "crash = 1\n")
        assert "internal error" in fault.message
        assert any("ZeroDivisionError" in message for message in client.logged)
        client.change("use.py", USE)
        assert codes(await client.told("use.py")) == ["EG102"]

    talk(root, session, program=("-c", CRASHING))


def test_notebooks_that_are_open_as_text_are_told_by_line(root: Path) -> None:
    cell = '{"cell_type": "code", "metadata": {}, "outputs": [], "source": [\n%s\n]}'
    source = ",\n".join(f'"{line}\\n"' for line in SAFE.splitlines())
    text = f'{{"cells": [{cell % source}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}\n'
    (root / "safe.ipynb").write_text(text, encoding="utf-8")

    async def session(client: Editor) -> None:
        (found,) = await client.open("safe.ipynb", text)
        assert found.message.startswith("cell 1, line 4: ")
        assert found.range.start == lsp.Position(4, 0)
        fix, *_ = await client.actions("safe.ipynb", found.range)
        made = await client.code_action_resolve_async(fix)
        assert changed(text, made.edit) == text.replace("net.eval", "net.eval()")

    talk(root, session)


@pytest.mark.parametrize("missing", ["pygls", "lsprotocol"])
def test_without_pygls_it_says_what_to_install(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None\n"
    program += "from evalguard.cli import main; sys.exit(main(['server']))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'evalguard[server]'" in done.stderr


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("old", "new"), [("", "a|b"), ("a|b", "a|b|"), ("a|b|", ""), ("a|b|c", "b|c|d"), ("a", "a|\fb")]
)
def test_edits_make_the_new_text(old: str, new: str, end: str) -> None:
    before, after = old.replace("|", end), new.replace("|", end)
    lines = before.split(end)
    for edit in reversed(Measure(before, len).edits(after)):
        start, stop = (
            sum(len(line) + len(end) for line in lines[: at.line]) + at.character
            for at in (edit.range.start, edit.range.end)
        )
        before = before[:start] + edit.new_text + before[stop:]
    assert before == after


def test_a_place_that_a_text_no_longer_has_is_told_as_near_as_may_be() -> None:
    found = Measure("a\nbc", len).range(Place("x.py", Span(2, 2, 9, 9)))
    assert found == lsp.Range(lsp.Position(1, 1), lsp.Position(1, 2))
