"""What calls what it is given, with which arguments and gradients: the tables against torch."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from evalguard.knowledge import Argument, Caller, load
from evalguard.modes import Grad

torch = pytest.importorskip("torch", minversion="2.9")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own deprecations

KNOWN = load()
Module: Any = nn.Module
X = torch.ones(2, 2)


class Recorder(Module):  # type: ignore[misc]
    """Remembers what it was called with, and whether autograd recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[tuple[Any, ...], Grad]] = []

    def forward(self, *args: Any) -> Any:
        self.calls.append((args, Grad.of(torch.is_grad_enabled())))
        return X


def _thread(function: Callable[..., Any]) -> None:
    thread = threading.Thread(target=function, args=(X,))
    thread.start()
    thread.join()


def _submit(function: Callable[..., Any]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function, X).result()


async def _in_executor(function: Callable[..., Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, function, X)


CALLS: dict[str, Callable[[Any], Any]] = {
    "torch.utils.checkpoint.checkpoint": lambda net: torch.utils.checkpoint.checkpoint(
        net, X, use_reentrant=False
    ),
    "torch.utils.checkpoint.checkpoint_sequential": lambda net: (
        torch.utils.checkpoint.checkpoint_sequential(nn.Sequential(net), 1, X, use_reentrant=False)
    ),
    "torch.func.functional_call": lambda net: torch.func.functional_call(net, {}, (X,)),
    "torch.nn.utils.stateless.functional_call": lambda net: nn.utils.stateless.functional_call(
        net, {}, X
    ),
    "threading.Thread": _thread,
    "submit": _submit,
    "asyncio.to_thread": lambda net: asyncio.run(asyncio.to_thread(net, X)),
    "run_in_executor": lambda net: asyncio.run(_in_executor(net)),
}


def _known(name: str) -> Caller:
    caller = KNOWN.caller(name)
    assert caller is not None
    return caller


@pytest.mark.parametrize("name", sorted(CALLS))
def test_callers_call_with_what_they_are_given(name: str) -> None:
    net = Recorder()
    with torch.no_grad():
        result = CALLS[name](net)
    ((args, grad),) = net.calls
    assert all(each is X for each in args)
    assert len(args) == 1
    assert grad == (_known(name).grad or Grad.OFF)
    assert (result is not None) == _known(name).returns


@pytest.mark.parametrize(
    "keep", [functools.wraps, functools.lru_cache, functools.cache, functools.singledispatch]
)
def test_functools_only_keeps(keep: Callable[..., Any]) -> None:
    net = Recorder()
    keep(net.forward)
    assert net.calls == []
    assert not _known(f"functools.{keep.__name__}").calls


def test_reduce_calls() -> None:
    net = Recorder()
    functools.reduce(net, [1, 2])
    assert len(net.calls) == 1
    assert _known("functools.reduce").calls


def test_arguments_stand_where_the_tables_say() -> None:
    wrong = []
    for name in KNOWN._callers._entries:
        known = _known(name)
        if not name.startswith(("torch.", "threading.", "asyncio.")):
            continue
        package, _, last = name.rpartition(".")
        names = list(inspect.signature(getattr(importlib.import_module(package), last)).parameters)
        places = [known.argument, *([known.inputs] if known.inputs else [])]
        wrong += [place for place in places if not _stands(place, names)]
    assert wrong == []


def _stands(place: Argument, names: list[str]) -> bool:
    return place.name in names and names.index(place.name) == place.position


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("module", nn.DataParallel),
        ("_orig_mod", lambda net: torch.compile(net, backend="eager")),
    ],
)
def test_wrappers_give_back_what_is_inside(name: str, wrap: Callable[..., Any]) -> None:
    net = nn.Linear(2, 2)
    assert getattr(wrap(net), name) is net
    assert KNOWN.is_unwrapping(name)


def test_vmap_calls_what_it_wraps() -> None:
    net = Recorder()
    torch.vmap(net)(X)
    assert len(net.calls) == 1
    assert KNOWN.wrapper("torch.vmap") is not None


def test_update_bn_puts_back_the_mode_of_the_root_alone() -> None:
    known = KNOWN.switch("torch.optim.swa_utils.update_bn")
    assert known is not None
    net = nn.Sequential(nn.BatchNorm1d(2)).train()
    net[0].eval()
    torch.optim.swa_utils.update_bn([X], net)
    assert net[0].training == known.flattens


def test_only_inference_mode_locks_gradients() -> None:
    for name in ("no_grad", "inference_mode"):
        known = KNOWN.context(f"torch.{name}")
        assert known is not None
        with getattr(torch, name)(), torch.enable_grad():
            y = nn.Linear(2, 2)(torch.ones(1, 2))
        assert y.requires_grad != known.locks
