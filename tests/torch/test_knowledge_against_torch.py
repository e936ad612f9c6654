"""The tables for torch, held against the torch that is installed."""

from __future__ import annotations

import copy
import dis
import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType
from typing import Any

import pytest

from evalguard.knowledge import UNKNOWN, Argument, Condition, load
from evalguard.modes import Grad, Mode, Sensitivity

torch = pytest.importorskip("torch", minversion="2.9")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own deprecations

KNOWN = load()
CLASSES: dict[str, Any] = {
    name: value
    for name, value in vars(nn).items()
    if inspect.isclass(value) and issubclass(value, nn.Module)
}
# What torch.nn classes need to be built; the others take none of these.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("AdaptiveLogSoftmaxWithLoss",), (8, 10, [4])),
    **dict.fromkeys(("LinearCrossEntropyLoss",), (8, 10)),
    **dict.fromkeys(("Bilinear",), (4, 4, 2)),
    **dict.fromkeys(("GroupNorm",), (2, 4)),
    **dict.fromkeys(("Embedding", "EmbeddingBag", "Linear", "LSTMCell", "GRUCell"), (4, 4)),
    **dict.fromkeys(("RNNCell", "LSTM", "GRU", "RNN"), (4, 4)),
    **dict.fromkeys(("MultiheadAttention",), (4, 2)),
    **dict.fromkeys(("TransformerEncoderLayer", "TransformerDecoderLayer"), (4, 2, 4)),
    **dict.fromkeys(("Transformer",), (4, 2, 1, 1, 4)),
    **dict.fromkeys(("Threshold",), (0.1, 20)),
    **dict.fromkeys(("Unflatten",), (1, (2, 2))),
    **dict.fromkeys(("RNNBase",), ("LSTM", 4, 4)),
    **dict.fromkeys(("FractionalMaxPool2d", "FractionalMaxPool3d"), (2, 2)),
}
NEEDS_LAYERS = {"TransformerEncoder", "TransformerDecoder", "DataParallel"}
EMPTY = {"ParameterList", "ParameterDict", "RNNCellBase"}  # until something is put in


def _built(name: str, **keywords: Any) -> Any:
    """An instance of a torch.nn class, by ARGUMENTS or with small numbers for what it requires."""
    if name in ARGUMENTS:
        return CLASSES[name](*ARGUMENTS[name], **keywords)
    parameters = list(inspect.signature(CLASSES[name]).parameters.values())
    required = [
        each
        for each in parameters
        if each.default is each.empty
        and each.kind is each.POSITIONAL_OR_KEYWORD
        and each.name not in keywords
    ]
    return CLASSES[name](*(2 for _ in required), **keywords)


def _reads_training(code: CodeType) -> bool:
    """Whether code (or code nested in it) loads an attribute named ``training``."""
    if any(
        each.argval == "training" and "LOAD" in each.opname for each in dis.get_instructions(code)
    ):
        return True
    return any(_reads_training(each) for each in code.co_consts if isinstance(each, CodeType))


def _own_functions(cls: type) -> Iterator[Callable[..., Any]]:
    for base in cls.__mro__:
        if base not in {nn.Module, object}:
            yield from (each for each in vars(base).values() if inspect.isfunction(each))


def test_every_class_of_torch_nn_is_covered() -> None:
    missing = [name for name in CLASSES if KNOWN.layer(f"torch.nn.{name}") is None]
    assert missing == []


def test_no_class_was_invented() -> None:
    names = [name for name in KNOWN._layers._entries if name.startswith("torch.")]
    unknown = [name for name in names if not inspect.isclass(_found(name))]
    bases = {"torch.nn._Loss": "loss", "torch.nn._WeightedLoss": "loss", "torch.nn._ConvNd": "conv"}
    assert set(unknown) == set(bases)
    for name, home in bases.items():
        longer = name.replace("torch.nn.", f"torch.nn.modules.{home}.")
        assert inspect.isclass(_found(longer))
        assert KNOWN.canonical(longer) == name


def _found(name: str) -> Any:
    """The object of a dotted name, or None."""
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:size]))
        except ImportError:
            continue
        for part in parts[size:]:
            found = getattr(found, part, None)
        return found
    return None


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class_that_reads_training_can_be_sensitive(name: str) -> None:
    layer = KNOWN.layer(f"torch.nn.{name}")
    assert layer is not None
    reads = any(_reads_training(each.__code__) for each in _own_functions(CLASSES[name]))
    contains = name in {"Transformer", "TransformerDecoder", "TransformerDecoderLayer", "RNNBase"}
    can_be = layer.sensitive is not Sensitivity.NO or bool(layer.when)
    assert can_be == (reads or contains)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - NEEDS_LAYERS))
def test_learnable_parameters(name: str) -> None:
    layer = KNOWN.layer(f"torch.nn.{name}")
    assert layer is not None
    expected = name in EMPTY or next(_built(name).parameters(), None) is not None
    assert layer.learns() == expected


BARE = [name for name in CLASSES if (known := KNOWN.layer(f"torch.nn.{name}")) and known.bare]


@pytest.mark.parametrize("name", sorted(BARE))
def test_layers_without_parameters(name: str) -> None:
    layer = KNOWN.layer(f"torch.nn.{name}")
    assert layer is not None
    (condition,) = layer.bare
    for flag in (True, False):
        given = {condition.argument.name: flag}
        made = _built(name, **given)
        assert layer.learns((), given) == (next(made.parameters(), None) is not None)


def _conditions() -> list[tuple[str, Condition]]:
    return [
        (name, condition)
        for name in CLASSES
        if name not in {"LSTM", "GRU", "RNN"}  # these take *args; see the next test
        if (layer := KNOWN.layer(f"torch.nn.{name}")) is not None
        for condition in (*layer.unless, *layer.when, *layer.bare)
    ]


@pytest.mark.parametrize(
    ("name", "condition"),
    _conditions(),
    ids=lambda value: value if isinstance(value, str) else value.argument.name,
)
def test_conditions_name_real_parameters_at_their_position(name: str, condition: Condition) -> None:
    order = list(inspect.signature(CLASSES[name]).parameters)
    assert order[condition.argument.position or 0] == condition.argument.name


def test_positions_of_recurrent_layers_by_running() -> None:
    for name, positional in (
        ("LSTM", (4, 4, 2, True, False, 0.25)),
        ("GRU", (4, 4, 2, True, False, 0.25)),
        ("RNN", (4, 4, 2, "tanh", True, False, 0.25)),
    ):
        built = CLASSES[name](*positional)
        layer = KNOWN.layer(f"torch.nn.{name}")
        assert layer is not None
        for condition in layer.when:
            found = condition.argument.find(positional, {})
            assert found == getattr(built, condition.argument.name)


DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
SHAPES = {"1d": (2, 3, 8), "2d": (2, 3, 8, 8), "3d": (2, 3, 4, 4, 4)}


def _behaves_differently(layer: Any, *inputs: Any) -> bool:
    """Whether a layer's output in train mode differs from eval, or changes its buffers."""
    before = {name: value.clone() for name, value in layer.named_buffers()}
    layer.train()
    torch.manual_seed(0)
    trained = _tensor(layer(*inputs))
    changed = any(not torch.equal(value, before[name]) for name, value in layer.named_buffers())
    layer.eval()
    torch.manual_seed(0)
    return changed or not torch.allclose(trained, _tensor(layer(*inputs)), atol=1e-5)


def _tensor(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.parametrize("name", DROPOUTS)
@pytest.mark.parametrize("p", [0.0, 0.5])
def test_dropouts_by_running(name: str, p: float) -> None:
    layer = KNOWN.layer(f"torch.nn.{name}")
    assert layer is not None
    differs = _behaves_differently(CLASSES[name](p), torch.ones(SHAPES.get(name[-2:], (4, 64))))
    assert differs == (layer.sensitivity((p,)) is Sensitivity.YES)


NORMS = [f"{kind}{size}" for kind in ("BatchNorm", "InstanceNorm") for size in SHAPES]


@pytest.mark.parametrize("name", NORMS + [f"Lazy{name}" for name in NORMS])
@pytest.mark.parametrize(
    "keywords", [{}, {"track_running_stats": True}, {"track_running_stats": False}]
)
def test_norms_by_running(name: str, keywords: dict[str, object]) -> None:
    layer = KNOWN.layer(f"torch.nn.{name}")
    assert layer is not None
    positional = () if name.startswith("Lazy") else (3,)
    built = CLASSES[name](*positional, **keywords)
    inputs = torch.randn(SHAPES[name[-2:]])
    built.train()(inputs)
    sensitive = layer.sensitivity(positional, keywords) is Sensitivity.YES
    assert _behaves_differently(built, inputs) == sensitive


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("keywords", [{}, {"num_layers": 2}, {"num_layers": 2, "dropout": 0.5}])
def test_recurrent_layers_by_running(name: str, keywords: dict[str, Any]) -> None:
    layer = KNOWN.layer(f"torch.nn.{name}")
    assert layer is not None
    differs = _behaves_differently(CLASSES[name](4, 4, **keywords), torch.randn(5, 2, 4))
    assert differs == (layer.sensitivity((4, 4), keywords) is Sensitivity.YES)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("name", ["TransformerEncoderLayer", "TransformerDecoderLayer"])
def test_transformer_layers_by_running(name: str, dropout: float) -> None:
    layer = KNOWN.layer(f"torch.nn.{name}")
    assert layer is not None
    inputs = [torch.randn(5, 2, 4)] * (2 if "Decoder" in name else 1)
    differs = _behaves_differently(CLASSES[name](4, 2, dropout=dropout), *inputs)
    assert differs == (layer.sensitivity((4, 2), {"dropout": dropout}) is Sensitivity.YES)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_attention_by_running(dropout: float) -> None:
    layer = KNOWN.layer("torch.nn.MultiheadAttention")
    assert layer is not None
    differs = _behaves_differently(
        nn.MultiheadAttention(4, 2, dropout), *[torch.randn(5, 2, 4)] * 3
    )
    assert differs == (layer.sensitivity((4, 2, dropout)) is Sensitivity.YES)


def _torch_functional() -> list[str]:
    return [name for name in KNOWN._functional._entries if name.startswith("torch.")]


@pytest.mark.parametrize("name", _torch_functional())
def test_flags_of_functions(name: str) -> None:
    known = KNOWN.functional(name)
    assert known is not None
    assert known.flag is not None
    function = _found(name)
    if name == "torch.nn.functional.scaled_dot_product_attention":
        assert f"dropout_p={known.probability_default}" in (function.__doc__ or "")
        return
    if "functional" in name and not name.endswith("_"):
        parameters = inspect.signature(function).parameters
        names, flag = list(parameters), parameters[known.flag.name].default
        default = None if flag is inspect.Parameter.empty else flag
        found = parameters[known.probability.name].default if known.probability else None
        p_default = None if found is inspect.Parameter.empty else found
    else:
        names, default, p_default = _schema_of(name.rpartition(".")[2], known.flag.name)
    assert names[known.flag.position or 0] == known.flag.name
    assert default == known.default
    if known.probability is not None:
        assert names[known.probability.position or 0] == known.probability.name
        assert p_default == known.probability_default


def _schema_of(operator: str, flag: str) -> tuple[list[str], object, object]:
    schema = torch._C._jit_get_schemas_for_operator(f"aten::{operator}")[0]
    found = next(each for each in schema.arguments if each.name == flag)
    default = found.default_value if found.has_default_value() else None
    return [each.name for each in schema.arguments], default, None


def test_every_function_with_a_training_flag_is_known() -> None:
    missing = []
    for name, value in vars(nn.functional).items():
        if inspect.isfunction(value) and not name.startswith("_") and name != "feature_dropout":
            flags = {"training", "use_input_stats"} & set(inspect.signature(value).parameters)
            if flags and KNOWN.functional(f"torch.nn.functional.{name}") is None:
                missing.append(name)
    assert missing == []


METHODS = sorted(name for name in dir(nn.Module) if not name.startswith("_"))
NOT_METHODS = {"T_destination", "call_super_init", "dump_patches"}


def test_every_method_of_modules_is_covered() -> None:
    unknown = [name for name in METHODS if KNOWN.module_method(name) is None]
    assert set(unknown) <= NOT_METHODS


CALLS: dict[str, tuple[Any, ...]] = {
    "to": ("cpu",),
    "type": (torch.float32,),
    "to_empty": (),
    "apply": (lambda _module: None,),
    "add_module": ("extra", nn.ReLU()),
    "register_module": ("extra", nn.ReLU()),
    "register_parameter": ("weights", None),
    "register_buffer": ("numbers", torch.ones(1)),
    "get_submodule": ("0",),
    "get_parameter": ("0.weight",),
    "get_buffer": ("1.running_mean",),
    "set_submodule": ("0", nn.Linear(2, 2)),
    "load_state_dict": ({},),
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "to_empty": {"device": "cpu"},
    "load_state_dict": {"strict": False},
}
NOT_CALLED = {"cuda", "ipu", "xpu", "mtia", "forward", "set_extra_state", "get_extra_state"}


@pytest.mark.parametrize("name", sorted(set(METHODS) - NOT_METHODS - NOT_CALLED))
def test_what_methods_return(name: str) -> None:
    known = KNOWN.module_method(name)
    assert known is not None
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    arguments = CALLS.get(name, (lambda *_: None,) if "hook" in name else ())
    keywords = KEYWORDS.get(name, {})
    returned = getattr(net, name)(*arguments, **keywords)
    assert known.returns == _kind(returned, net)


def _kind(returned: Any, net: Any) -> str:
    if returned is net or returned is None:
        return "none" if returned is None else "self"
    if isinstance(returned, torch.Tensor | nn.Module):
        return "child" if isinstance(returned, nn.Module) else "parameters"
    if isinstance(returned, Iterator):
        first, *others = returned
        if [first, *others] == [*net]:
            return "row"
        value = first[1] if isinstance(first, tuple) else first
        return "children" if isinstance(value, nn.Module) else "parameters"
    return "other"


@pytest.mark.parametrize("name", ["train", "eval"])
def test_the_two_switches(name: str) -> None:
    known = KNOWN.module_method(name)
    assert known is not None
    net = nn.Sequential(nn.Dropout())
    getattr(net.train(name != "train"), name)()
    assert known.effect == ("train" if net[0].training else "eval")


@pytest.mark.parametrize(
    ("name", "positional"),
    [
        ("torch.no_grad", ()),
        ("torch.enable_grad", ()),
        ("torch.inference_mode", ()),
        ("torch.inference_mode", (False,)),
        ("torch.set_grad_enabled", (True,)),
        ("torch.set_grad_enabled", (False,)),
    ],
)
@pytest.mark.parametrize("outside", [True, False])
def test_contexts_by_entering(name: str, positional: tuple[Any, ...], outside: bool) -> None:
    known = KNOWN.context(name)
    assert known is not None
    with torch.set_grad_enabled(outside):
        with _found(name)(*positional):
            assert known.grad_of(positional) == Grad.of(torch.is_grad_enabled())
        assert torch.is_grad_enabled() == outside


def test_the_context_that_acts_at_once() -> None:
    for name, positional in (("torch.no_grad", ()), ("torch.set_grad_enabled", (False,))):
        known = KNOWN.context(name)
        assert known is not None
        before = torch.is_grad_enabled()
        context = _found(name)(*positional)
        assert known.immediate == (torch.is_grad_enabled() != before)
        del context
        torch.set_grad_enabled(before)


@pytest.mark.parametrize("table", ["_wrappers", "_contexts", "_exports", "_switches", "_factories"])
def test_names_of_torch_exist(table: str) -> None:
    gone = {"torch.onnx.dynamo_export"}  # until torch 2.8
    names = [
        name
        for name in getattr(KNOWN, table)._entries
        if name.startswith("torch.") and "*" not in name and "tensorboard" not in name
    ]
    assert [name for name in names if name not in gone and _found(name) is None] == []


@pytest.mark.parametrize("table", ["_wrappers", "_exports", "_switches"])
def test_arguments_of_torch_calls_stand_where_the_tables_say(table: str) -> None:
    wrong = []
    for name, entry in getattr(KNOWN, table)._entries.items():
        function = _found(name) if name.startswith("torch.") else None
        if function is None or "tensorboard" in name:
            continue
        names = [each for each in _parameter_names(function) if each != "self"]
        argument = Argument(str(entry["argument"]), entry.get("position", 0))
        if argument.name not in names or names.index(argument.name) != argument.position:
            wrong.append((name, argument, names[:4]))
    assert wrong == []


def _parameter_names(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("torch.nn.DataParallel", nn.DataParallel),
        ("torch.compile", lambda net: torch.compile(net, backend="eager")),
        ("torch.optim.swa_utils.AveragedModel", torch.optim.swa_utils.AveragedModel),
        ("copy.deepcopy", copy.deepcopy),
        ("copy.copy", copy.copy),
        ("torch.nn.SyncBatchNorm.convert_sync_batchnorm", nn.SyncBatchNorm.convert_sync_batchnorm),
        ("torch.fx.symbolic_trace", torch.fx.symbolic_trace),
    ],
)
def test_wrappers_reach_the_same_layers_unless_they_copy(
    name: str, make: Callable[..., Any]
) -> None:
    known = KNOWN.wrapper(name)
    assert known is not None
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).eval()
    wrapped = make(net)
    layers = [each for each in wrapped.modules() if isinstance(each, nn.Dropout)]
    assert (layers[0] is net[1]) != known.copy
    assert layers[0].training is False


@pytest.mark.parametrize("mode", [Mode.TRAIN, Mode.EVAL])
def test_calls_that_raise_in_the_wrong_mode(mode: Mode) -> None:
    quantization = importlib.import_module("torch.ao.quantization")
    net = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)).train(mode == Mode.TRAIN)
    calls: dict[str, Callable[[], object]] = {
        "torch.ao.quantization.fuse_modules": lambda: quantization.fuse_modules(net, ["0", "1"]),
        "torch.jit.freeze": lambda: torch.jit.freeze(torch.jit.script(net)),
        "torch.nn.utils.fusion.fuse_conv_bn_eval": lambda: nn.utils.fusion.fuse_conv_bn_eval(
            net[0], net[1]
        ),
        "torch.jit.trace": lambda: torch.jit.trace(net, torch.ones(1, 2, 3, 3)),
        "torch.export.export": lambda: torch.export.export(net, (torch.ones(1, 2, 3, 3),)),
    }
    for name, call in calls.items():
        known = KNOWN.export(name)
        assert known is not None
        raised = _raises(call)
        assert raised == (known.raises and known.needs != mode), name


def _raises(call: Callable[[], object]) -> bool:
    try:
        call()
    except (AssertionError, RuntimeError):
        return True
    return False


def test_update_bn_restores_the_mode_and_trains_inside() -> None:
    known = KNOWN.switch("torch.optim.swa_utils.update_bn")
    assert known is not None
    seen: list[tuple[Mode, Grad]] = []
    net = nn.Sequential(nn.BatchNorm1d(2)).eval()
    net.register_forward_hook(
        lambda module, *_: seen.append((Mode.of(module.training), Grad.of(torch.is_grad_enabled())))
    )
    torch.optim.swa_utils.update_bn([torch.ones(2, 2)], net)
    assert seen == [(known.inside, known.grad)]
    assert known.restores
    assert not net.training


def test_the_tables_say_which_results_can_carry_a_gradient() -> None:
    x = torch.ones(3, requires_grad=True)
    names = [name for name in KNOWN._values._entries if KNOWN.measures(name) and "." not in name]
    for name in names:
        method = getattr(x, name, None)
        if method is None or name in {
            "item",
            "tolist",
            "numpy",
            "__bool__",
            "__int__",
            "__float__",
        }:
            continue
        result = _result_of(method)
        assert not getattr(_tensor(result), "requires_grad", False), name


def _result_of(method: Callable[..., Any]) -> Any:
    for arguments in ((), (1.0,), (torch.ones(3),), (1,)):
        with suppress(TypeError, RuntimeError):
            return method(*arguments)
    return UNKNOWN


def test_dummies_need_no_other_tensor() -> None:
    names = [name for name in KNOWN._values._entries if KNOWN.effect(name) == "dummy"]
    assert [name for name in names if name.startswith("torch.") and _found(name) is None] == []
