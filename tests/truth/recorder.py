"""A program's files → what really happens at each call of a module from its own lines."""

from __future__ import annotations

import contextlib
import io
import os
import random
import runpy
import sys
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch

from truth.coins import Coins, throws
from truth.sensitive import Trials
from truth.sites import Chain, Happened, Site, Via

Module: Any = torch.nn.Module
TRIALS = Trials()
MERGED = frozenset(("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"))


class Recorder:
    """Notes the calls of modules while a program in ``root`` runs."""

    def __init__(self, root: str) -> None:
        self._root = root + os.sep
        self._depth = 0
        self._trying = False
        self.calls: list[Happened] = []

    def watch(self, original: Any) -> Any:
        """What takes the place of ``nn.Module.__call__``."""

        def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if self._trying:
                return original(module, *args, **kwargs)
            self._try(module, (args, kwargs))
            call = self._met(module, sys._getframe(1))
            self._depth += 1
            try:
                result = original(module, *args, **kwargs)
            finally:
                self._depth -= 1
            if call is not None:
                _returned(call, module, result)
            return result

        return __call__

    def _try(self, module: Any, given: Any) -> None:
        self._trying = True
        try:
            TRIALS.meet(module, given)
        finally:
            self._trying = False

    def _outcome(self, layer: Any) -> bool | None:
        self._trying = True
        try:
            return TRIALS.outcome(layer)
        finally:
            self._trying = False

    def _met(self, module: Any, caller: FrameType) -> Happened | None:
        if self._depth and not self._owns(caller):
            return None
        frames = list(self._own_frames(caller))
        if not frames:
            return None
        layers = [(layer.training, self._outcome(layer)) for layer in module.modules()]
        telling = {training for training, outcome in layers if outcome} or {module.training}
        outcomes = {outcome for _, outcome in layers}
        call = Happened(
            self._site(frames[0]),
            self._chain(frames),
            type(module).__name__,
            frozenset("train" if training else "eval" for training in telling),
            True if True in outcomes else None if None in outcomes else False,
            torch.is_grad_enabled() and not torch.is_inference_mode_enabled(),
            within=bool(self._depth),
        )
        self.calls.append(call)
        return call

    def _owns(self, frame: FrameType) -> bool:
        return frame.f_code.co_filename.startswith(self._root)

    def _own_frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The program's own frames, innermost first, up to what runs when a file is imported."""
        while frame is not None:
            if self._owns(frame):
                yield frame
                if frame.f_code.co_name == "<module>":
                    return
            frame = frame.f_back

    def _site(self, frame: FrameType) -> Site:
        path = frame.f_code.co_filename.removeprefix(self._root)
        return Site(path, *_span(frame.f_code, frame.f_lasti, frame.f_code.co_filename))

    def _chain(self, frames: list[FrameType]) -> Chain:
        """The calls that led here, outermost first; comprehensions are part of what holds them."""
        out: list[Via] = []
        for inner, outer in pairwise(frames):
            if inner.f_code.co_name not in MERGED:
                site = self._site(outer)
                name = inner.f_code.co_qualname.replace("<locals>.", "")
                out.append(Via(site.path, site.line, name))
        return tuple(reversed(out))


@lru_cache(maxsize=1000)
def _span(code: CodeType, offset: int, file: str) -> tuple[int, int, int, int]:
    line, end_line, column, end_column = next(islice(code.co_positions(), offset // 2, None))
    assert line
    assert end_line
    assert column is not None
    assert end_column is not None
    lines = Path(file).read_bytes().splitlines()
    return (
        line,
        _characters(lines, line, column),
        end_line,
        _characters(lines, end_line, end_column),
    )


def _characters(lines: list[bytes], line: int, column: int) -> int:
    """A column in bytes from 0 as one in characters from 1."""
    return len(lines[line - 1][:column].decode()) + 1


def _returned(call: Happened, module: Any, result: Any) -> None:
    """Note whether a call's result was recorded, and later whether gradients reach it."""
    floats = [each for each in _tensors(result) if each.is_floating_point()]
    if any(each.requires_grad for each in module.parameters()):
        call.recording &= not floats or any(each.requires_grad for each in floats)

    call.graph = any(each.requires_grad for each in floats)

    def reached(_: Any) -> None:
        call.trained = True

    for each in floats:
        if each.requires_grad:
            each.register_hook(reached)


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)


def run(texts: Mapping[str, str], root: Path, script: str) -> list[Happened]:
    """Run a program in all the ways that its coins can fall.

    Args:
        texts: Its files: path → source.
        root: An empty folder for them.
        script: The file to run.

    Returns:
        The calls of modules from its own lines, of all runs.
    """
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    torch.set_num_threads(1)  # more only cost, with tensors as small as here
    recorder = Recorder(str(root))
    for coins in throws():
        with _stage(recorder, coins, root, script):
            runpy.run_path(str(root / script), run_name="__main__")
    return recorder.calls


@contextlib.contextmanager
def _stage(recorder: Recorder, coins: Coins, root: Path, script: str) -> Iterator[None]:
    """Everything that a run may change is as before afterwards."""
    saved = list(sys.path), list(sys.argv), set(sys.modules), os.getcwd(), random.random
    original = Module.__call__
    Module.__call__ = recorder.watch(original)
    random.random = coins.random
    sys.path[:0] = [str((root / script).parent), str(root)]
    sys.argv[:] = [script]
    os.chdir(root)
    torch.manual_seed(0)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(SystemExit):
                yield
    finally:
        Module.__call__ = original
        sys.path[:], sys.argv[:], before, folder, random.random = saved
        os.chdir(folder)
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(root)):
                del sys.modules[name]
        torch.set_grad_enabled(True)
