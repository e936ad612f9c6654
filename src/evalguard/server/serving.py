"""What an editor says → what is checked when, and what it is told.

Checks run beside the conversation, one at a time, and none of them ends it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcContentModified, JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from evalguard._version import __version__
from evalguard.places import Place
from evalguard.server import acting, telling
from evalguard.server.bench import Bench, NotMended, Wishes
from evalguard.server.measure import Measure
from evalguard.server.telling import Look
from evalguard.source import lines

PAUSE = 0.3
STALE = "the text has changed since"
WATCHED = ("**/*.py", "**/pyproject.toml", "**/evalguard.toml")

_T = TypeVar("_T")


def serve(config: str | None, isolated: bool) -> None:
    """Talk to an editor over standard input and output until it says goodbye.

    Args:
        config: The configuration file to use; None for the one nearest to each file.
        isolated: Whether to use none.
    """
    Server(Wishes({}, config, isolated)).start_io()


class Server(LanguageServer):
    """Knows what is open, and what was found in it.

    Texts come whole: what a line is differs between pygls and the protocol, and edits in a text
    with a form feed would be made in the wrong line.
    """

    def __init__(self, wishes: Wishes) -> None:
        super().__init__(
            "evalguard", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full
        )
        self._wishes = wishes
        self._looks: dict[str, Look] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._register()

    def _register(self) -> None:
        options = lsp.CodeActionOptions(code_action_kinds=acting.KINDS, resolve_provider=True)
        handlers: tuple[tuple[str, Callable[[Any], object], object], ...] = (
            (lsp.INITIALIZE, self._begin, None),
            (lsp.INITIALIZED, self._watch, None),
            (lsp.SHUTDOWN, self._end, None),
            (lsp.TEXT_DOCUMENT_DID_OPEN, self._opened, None),
            (lsp.TEXT_DOCUMENT_DID_CHANGE, self._changed, None),
            (lsp.TEXT_DOCUMENT_DID_SAVE, self._saved, None),
            (lsp.TEXT_DOCUMENT_DID_CLOSE, self._closed, None),
            (lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, self._changed_around, None),
            (lsp.TEXT_DOCUMENT_HOVER, self._hover, None),
            (lsp.TEXT_DOCUMENT_CODE_ACTION, self._actions, options),
            (lsp.CODE_ACTION_RESOLVE, self._resolve, None),
        )
        for name, handler, about in handlers:
            self.feature(name, about)(partial(handler))  # pygls notes things on what it is given

    def _begin(self, params: lsp.InitializeParams) -> None:
        """See paths from the project, as the command does when it is run there."""
        given = params.initialization_options
        if isinstance(given, dict):
            self._wishes = self._wishes._replace(given=given)
        folders = [folder.uri for folder in params.workspace_folders or ()]
        root = to_fs_path(folders[0]) if folders else self.workspace.root_path
        with suppress(OSError):
            os.chdir(root or os.curdir)

    def _watch(self, _: lsp.InitializedParams) -> None:
        """Ask to be told of changes on disk."""
        workspace = self.client_capabilities.workspace
        watching = workspace and workspace.did_change_watched_files
        if not (watching and watching.dynamic_registration):
            return
        watchers = [lsp.FileSystemWatcher(pattern) for pattern in WATCHED]
        method = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
        options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers)
        wanted = lsp.Registration("evalguard-watch", method, options)
        self.client_register_capability(lsp.RegistrationParams([wanted]))

    def _end(self, _: None) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _opened(self, params: lsp.DidOpenTextDocumentParams) -> None:
        self._check_soon(params.text_document.uri, 0)

    def _changed(self, params: lsp.DidChangeTextDocumentParams) -> None:
        self._check_soon(params.text_document.uri, PAUSE)

    def _saved(self, params: lsp.DidSaveTextDocumentParams) -> None:
        """Check what was saved, then all else that is open: it may lead there."""
        saved = params.text_document.uri
        self._check_soon(saved, 0)
        self._check_all_but(saved)

    def _changed_around(self, _: lsp.DidChangeWatchedFilesParams) -> None:
        self._check_all_but("")

    def _closed(self, params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        task = self._tasks.pop(uri, None)
        if task:
            task.cancel()
        self._looks.pop(uri, None)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    async def _hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        look = await self._look_at(params.text_document.uri)
        told = look and telling.pages(look, lsp.Range(params.position, params.position))
        if not told:
            return None
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, told))

    async def _actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        look = await self._look_at(params.text_document.uri)
        if look is None:
            return []
        only = params.context.only
        found = await self._beside(lambda: acting.actions(look, params.range, only))
        return found if self._can_resolve() else await self._beside(lambda: self._made(look, found))

    async def _resolve(self, action: lsp.CodeAction) -> lsp.CodeAction:
        about: Any = action.data
        look = self._looks.get(about["uri"])
        if look is None or look.version != about["version"]:
            raise JsonRpcContentModified(STALE)
        try:
            action.edit = await self._beside(lambda: self._edit(look, action))
        except NotMended as error:
            raise JsonRpcException(str(error), lsp.LSPErrorCodes.RequestFailed) from None
        return action

    def _made(self, look: Look, actions: list[lsp.CodeAction]) -> list[lsp.CodeAction]:
        """The actions that can be made, with their edits."""
        found = []
        for action in actions:
            with suppress(NotMended):
                action.edit = self._edit(look, action)
                found.append(action)
        return found

    def _edit(self, look: Look, action: lsp.CodeAction) -> lsp.WorkspaceEdit:
        about: Any = action.data
        workspace = self.client_capabilities.workspace
        edit = workspace and workspace.workspace_edit
        return acting.change(look, about, bool(edit and edit.document_changes))

    def _can_resolve(self) -> bool:
        document = self.client_capabilities.text_document
        action = document and document.code_action
        resolving = action and action.resolve_support
        return bool(resolving and "edit" in resolving.properties)

    def _check_all_but(self, uri: str) -> None:
        for document in self._documents():
            if document.uri != uri:
                self._check_soon(document.uri, PAUSE)

    def _check_soon(self, uri: str, pause: float) -> None:
        """Check a document unless it changes before."""
        earlier = self._tasks.get(uri)
        if earlier:
            earlier.cancel()
        self._tasks[uri] = asyncio.get_running_loop().create_task(self._check(uri, pause))

    async def _check(self, uri: str, pause: float) -> None:
        await asyncio.sleep(pause)
        document = next((each for each in self._documents() if each.uri == uri), None)
        if document is None:
            return
        look = self._prepared(document)
        try:
            found = await self._beside(lambda: telling.diagnostics(look))
            self._looks[uri] = look
        except Exception as error:  # noqa: BLE001 (a fault of evalguard must not end the session)
            found = [self._crashed(look, error)]
        told = lsp.PublishDiagnosticsParams(uri, found, look.version)
        self.text_document_publish_diagnostics(told)

    def _crashed(self, look: Look, error: Exception) -> lsp.Diagnostic:
        import traceback

        told = "".join(traceback.format_exception(error))
        message = f"evalguard: internal error, please report it\n{told}"
        self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, message))
        return telling.fault("internal error, told in the log", look.measure.line(1))

    async def _look_at(self, uri: str) -> Look | None:
        """What is found in a document as it is now; None if that can't be told."""
        task = self._tasks.get(uri)
        if task:
            await asyncio.wait({task})
        look = self._looks.get(uri)
        now = (each.version for each in self._documents() if each.uri == uri)
        return look if look and look.version in now else None

    async def _beside(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def _documents(self) -> Iterator[TextDocument]:
        """What is open of files and of texts that have no file yet."""
        for document in self.workspace.text_documents.values():
            if document.uri.startswith(("file:", "untitled:")):
                yield document

    def _prepared(self, document: TextDocument) -> Look:
        """A look at the text that a document has now."""
        documents = [*self._documents()]
        texts = {_path(each.uri): each.source for each in documents}
        uris = {_path(each.uri): each.uri for each in documents}
        units: Callable[[str], int] = document.position_codec.client_num_units

        @cache
        def measure(path: str) -> Measure:
            text = texts.get(path)
            return Measure("\n".join(lines(path)) if text is None else text, units)

        def locate(place: Place) -> lsp.Location:
            uri = uris.get(place.path) or from_fs_path(place.path) or ""
            return lsp.Location(uri, measure(place.path).range(place))

        path = _path(document.uri)
        bench = Bench(path, texts, self._wishes)
        return Look(document.uri, document.version, bench, measure(path), locate)


def _path(uri: str) -> str:
    return to_fs_path(uri) or uri
