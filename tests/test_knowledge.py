"""The tables of libraries: their form, the lookups, the conditions, and a user's extensions."""

from __future__ import annotations

import importlib
import json
import pickle
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evalguard import knowledge
from evalguard.knowledge import ABSENT, UNKNOWN, Argument, Condition, Knowledge, load
from evalguard.knowledge.schema import SCHEMA, check_tables
from evalguard.modes import Grad, Mode, Sensitivity

FILES = sorted(Path(knowledge.__file__).parent.glob("*.json"))
KNOWN = load()
WORDS = {"names", "values", "module_attributes", "keywords", "decorators"}  # no records


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_has_the_form_that_users_write(file: Path) -> None:
    tables = json.loads(file.read_text(encoding="utf-8"))
    check_tables(tables)
    for entries in tables.values():
        assert all(entry.get("source") for entry in entries.values())


def test_every_file_is_loaded() -> None:
    assert sorted(knowledge._TOPICS) == [file.stem for file in FILES]


def test_no_name_stands_in_two_files_or_twice_in_one() -> None:
    seen: dict[tuple[str, str], str] = {}
    for file in FILES:
        tables = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_unique)
        for table, entries in tables.items():
            for name in entries:
                assert seen.setdefault((table, name), file.stem) == file.stem, (table, name)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def test_every_table_has_entries_and_every_entry_builds() -> None:
    for table in set(SCHEMA) - {"aliases", "hooks", *WORDS}:
        lookups = getattr(KNOWN, "_methods" if table == "module_methods" else f"_{table}")
        assert lookups._entries
        for name in lookups._entries:
            assert lookups._find(name).name == name


def test_no_entry_hides_behind_an_alias() -> None:
    """A key that ``canonical`` rewrites would never be found."""
    for file in FILES:
        for table, entries in json.loads(file.read_text(encoding="utf-8")).items():
            if table not in {"aliases", "names", "module_methods"}:
                rewritten = [name for name in entries if KNOWN.canonical(name) != name]
                assert rewritten == [], (table, rewritten)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("torch.nn.modules.dropout.Dropout", "torch.nn.Dropout"),
        ("torch.nn.modules.Linear", "torch.nn.Linear"),
        ("torch.autograd.no_grad", "torch.no_grad"),
        ("torch.autograd.grad_mode.set_grad_enabled", "torch.set_grad_enabled"),
        ("torch.quantization.prepare_qat", "torch.ao.quantization.prepare_qat"),
        (
            "torch.quantization.quantize_fx.prepare_fx",
            "torch.ao.quantization.quantize_fx.prepare_fx",
        ),
        ("torch.nn.parallel.DataParallel", "torch.nn.DataParallel"),
        ("torchvision.models.resnet.resnet50", "torchvision.models.resnet50"),
        ("torchvision.models.googlenet", "torchvision.models.googlenet"),
        (
            "torchvision.models.detection.faster_rcnn.fasterrcnn_resnet50_fpn",
            "torchvision.models.detection.fasterrcnn_resnet50_fpn",
        ),
        ("timm.models.layers.DropPath", "timm.layers.DropPath"),
        ("timm.models.layers.drop.drop_path", "timm.layers.drop_path"),
        ("timm.layers.drop_path", "timm.layers.drop_path"),
        ("lightning.pytorch.LightningModule", "pytorch_lightning.LightningModule"),
        ("lightning.pytorch.core.module.LightningModule", "pytorch_lightning.LightningModule"),
        ("lightning.LightningModule", "pytorch_lightning.LightningModule"),
        ("lightning_fabric.Fabric.setup", "lightning.fabric.Fabric.setup"),
        (
            "transformers.models.bert.modeling_bert.BertModel.from_pretrained",
            "transformers.BertModel.from_pretrained",
        ),
        ("diffusers.models.UNet2DModel.from_pretrained", "diffusers.UNet2DModel.from_pretrained"),
        ("diffusers.models.unets.unet_2d.UNet2DModel", "diffusers.UNet2DModel"),
        ("torch_geometric.nn.conv.gat_conv.GATConv", "torch_geometric.nn.GATConv"),
        ("fastai.vision.all.Learner", "fastai.Learner"),
        (
            "myproject.torch.nn.modules.dropout.Dropout",
            "myproject.torch.nn.modules.dropout.Dropout",
        ),
        ("model", "model"),
        ("", ""),
    ],
)
def test_canonical(written: str, canonical: str) -> None:
    assert KNOWN.canonical(written) == canonical


@pytest.mark.parametrize("name", ["", "x", "torch", "torch.", "mymodel.Net", "torch.nn.Nothing"])
def test_unknown_names_are_unknown_in_every_table(name: str) -> None:
    assert KNOWN.layer(name) is None
    assert KNOWN.factory(name) is None
    assert KNOWN.wrapper(name) is None
    assert KNOWN.context(name) is None
    assert KNOWN.switch(name) is None
    assert KNOWN.functional(name) is None
    assert KNOWN.export(name) is None
    assert KNOWN.module_method(name) is None
    assert KNOWN.is_module_base(name) is None
    assert KNOWN.caller(name) is None
    assert KNOWN.hooks_of(name) == {}
    assert KNOWN.effect(name) == "none"


@pytest.mark.parametrize(
    ("name", "positional", "keywords", "expected"),
    [
        ("torch.nn.Dropout", (), {}, "yes"),
        ("torch.nn.Dropout", (0,), {}, "no"),
        ("torch.nn.Dropout", (0.0,), {}, "no"),
        ("torch.nn.Dropout", (), {"p": 0.1}, "yes"),
        ("torch.nn.Dropout", (UNKNOWN,), {}, "unknown"),
        ("torch.nn.Dropout", (), {"**": UNKNOWN}, "unknown"),
        ("torch.nn.BatchNorm2d", (64,), {"track_running_stats": False}, "no"),
        ("torch.nn.BatchNorm2d", (UNKNOWN,), {}, "yes"),
        ("torch.nn.InstanceNorm2d", (64,), {}, "no"),
        ("torch.nn.InstanceNorm2d", (64,), {"track_running_stats": True}, "yes"),
        ("torch.nn.LazyInstanceNorm2d", (), {}, "yes"),
        ("torch.nn.LSTM", (8, 8), {"dropout": 0.5}, "no"),
        ("torch.nn.LSTM", (8, 8), {"dropout": 0.5, "num_layers": 2}, "yes"),
        ("torch.nn.LSTM", (8, 8, 2, True, False, 0.5), {}, "yes"),
        ("torch.nn.LSTM", (8, 8, UNKNOWN), {"dropout": 0.5}, "unknown"),
        ("torch.nn.LSTM", (8, 8, 1), {"dropout": UNKNOWN}, "no"),
        ("torch.nn.MultiheadAttention", (8, 2), {}, "no"),
        ("torch.nn.MultiheadAttention", (8, 2, 0.1), {}, "yes"),
        ("torch.nn.TransformerEncoderLayer", (8, 2), {}, "yes"),
        ("torch.nn.TransformerEncoderLayer", (8, 2), {"dropout": 0}, "no"),
        ("torch.nn.LayerNorm", (8,), {}, "no"),
        ("timm.models.layers.DropPath", (), {}, "no"),
        ("timm.models.layers.DropPath", (0.1,), {}, "yes"),
        ("torch_geometric.nn.GATConv", (8, 8), {"dropout": 0.6}, "yes"),
    ],
)
def test_sensitivity_of_layers(
    name: str, positional: tuple[object, ...], keywords: dict[str, object], expected: str
) -> None:
    layer = KNOWN.layer(name)
    assert layer is not None
    assert layer.sensitivity(positional, keywords) is Sensitivity(expected)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("torchvision.models.resnet50", Mode.TRAIN),
        ("torchvision.models.segmentation.fcn_resnet50", Mode.TRAIN),
        ("timm.create_model", Mode.TRAIN),
        ("transformers.AutoModel.from_pretrained", Mode.EVAL),
        ("transformers.models.bert.BertModel.from_pretrained", Mode.EVAL),
        ("transformers.AutoModel.from_config", Mode.TRAIN),
        ("transformers.BertForSequenceClassification", Mode.TRAIN),
        ("diffusers.UNet2DModel.from_pretrained", Mode.EVAL),
        ("diffusers.UNet2DModel", Mode.TRAIN),
        ("open_clip.create_model", Mode.TRAIN),
        ("clip.load", Mode.EVAL),
        ("torch.hub.load", Mode.UNSEEN),
        ("torch.load", Mode.UNSEEN),
        ("segmentation_models_pytorch.Unet", Mode.TRAIN),
        ("sentence_transformers.SentenceTransformer", Mode.UNSEEN),
        ("pytorch_lightning.LightningModule.load_from_checkpoint", Mode.TRAIN),
    ],
)
def test_mode_on_return(name: str, mode: Mode) -> None:
    factory = KNOWN.factory(name)
    assert factory is not None
    assert factory.module
    assert factory.mode_of(("name",)) == mode


@pytest.mark.parametrize(
    "name",
    [
        "transformers.AutoTokenizer.from_pretrained",
        "transformers.BertTokenizerFast.from_pretrained",
        "transformers.AutoProcessor.from_pretrained",
        "transformers.CLIPProcessor.from_pretrained",
        "transformers.CLIPImageProcessor.from_pretrained",
        "transformers.AutoFeatureExtractor.from_pretrained",
        "transformers.AutoConfig.from_pretrained",
        "transformers.CLIPTextConfig.from_pretrained",
        "transformers.GenerationConfig.from_pretrained",
        "transformers.TFBertModel.from_pretrained",
        "transformers.DataCollatorForLanguageModeling",
        "transformers.pipeline",
        "diffusers.StableDiffusionPipeline.from_pretrained",
        "diffusers.DDIMScheduler.from_pretrained",
        "diffusers.DDIMScheduler.from_config",
        "torchvision.models.ResNet50_Weights.DEFAULT.transforms",
        "torchvision.models.get_weight",
        "torchvision.models.detection.FasterRCNN_ResNet50_FPN_Weights.DEFAULT",
    ],
)
def test_factories_that_return_no_module(name: str) -> None:
    factory = KNOWN.factory(name)
    assert factory is not None
    assert not factory.module


def test_factories_whose_arguments_decide() -> None:
    timm = KNOWN.factory("timm.create_model")
    assert timm is not None
    assert timm.sensitivity(("resnet50",)) is Sensitivity.YES
    assert timm.sensitivity(("vit_base_patch16_224.augreg_in21k",)) is Sensitivity.NO
    assert timm.sensitivity(("vit_base_patch16_224",), {"drop_rate": 0.1}) is Sensitivity.YES
    assert timm.sensitivity(("vit_base_patch16_224",), {"**": UNKNOWN}) is Sensitivity.UNKNOWN
    assert timm.sensitivity((UNKNOWN,)) is Sensitivity.UNKNOWN
    quantized = KNOWN.factory("torchvision.models.quantization.resnet18")
    assert quantized is not None
    assert quantized.mode_of() == Mode.TRAIN
    assert quantized.mode_of((), {"quantize": True}) == Mode.EVAL
    assert quantized.mode_of((), {"quantize": UNKNOWN}) == Mode.UNSEEN


def test_items_and_detectors() -> None:
    clip = KNOWN.factory("open_clip.create_model_and_transforms")
    assert clip is not None
    assert clip.item == 0
    detector = KNOWN.factory("torchvision.models.detection.maskrcnn_resnet50_fpn")
    assert detector is not None
    assert detector.detector


def test_wrappers() -> None:
    for name in (
        "torch.nn.DataParallel",
        "torch.compile",
        "torch.jit.script",
        "peft.get_peft_model",
    ):
        wrapper = KNOWN.wrapper(name)
        assert wrapper is not None
        assert wrapper.argument.find(("net",), {}) == "net"
        assert not wrapper.copy
        assert wrapper.mode_of() is None
    prepare = KNOWN.wrapper("accelerate.Accelerator.prepare")
    assert prepare is not None
    assert prepare.spread
    engine = KNOWN.wrapper("deepspeed.initialize")
    assert engine is not None
    assert engine.item == 0
    assert engine.argument.find((), {"model": "net"}) == "net"
    peft = KNOWN.wrapper("peft.PeftModel.from_pretrained")
    assert peft is not None
    assert peft.mode_of(("net", "path")) == Mode.EVAL
    assert peft.mode_of(("net", "path"), {"is_trainable": True}) is None
    assert peft.mode_of(("net", "path"), {"is_trainable": UNKNOWN}) == Mode.UNSEEN


def test_contexts() -> None:
    def grad(name: str, *positional: object, **keywords: object) -> Grad | None:
        context = KNOWN.context(name)
        assert context is not None
        return context.grad_of(positional, keywords)

    assert grad("torch.no_grad") == Grad.OFF
    assert grad("torch.autograd.enable_grad") == Grad.ON
    assert grad("torch.inference_mode") == Grad.OFF
    assert grad("torch.inference_mode", False) == Grad.ON
    assert grad("torch.inference_mode", mode=UNKNOWN) == Grad.UNSEEN
    assert grad("torch.set_grad_enabled", False) == Grad.OFF
    assert grad("torch.set_grad_enabled", mode=True) == Grad.ON
    assert grad("torch.set_grad_enabled", UNKNOWN) == Grad.UNSEEN
    assert grad("torch.cuda.amp.autocast") is None
    evaluating = KNOWN.context("monai.networks.eval_mode")
    assert evaluating is not None
    assert evaluating.mode_of() == Mode.EVAL
    assert evaluating.restores
    switching = KNOWN.context("tianshou.utils.torch_utils.torch_train_mode")
    assert switching is not None
    assert switching.mode_of(("net",)) == Mode.TRAIN
    assert switching.mode_of(("net", False)) == Mode.EVAL
    assert switching.target == Argument("module", 0)


def test_switches() -> None:
    evaluate = KNOWN.switch("transformers.Trainer.evaluate")
    assert evaluate is not None
    assert evaluate.held
    assert evaluate.mode == Mode.EVAL
    summary = KNOWN.switch("torchinfo.summary")
    assert summary is not None
    assert summary.restores
    assert summary.mode is None
    quantize = KNOWN.switch("torch.quantization.quantize_dynamic")
    assert quantize is not None
    assert quantize.applies(("net",)) is False
    assert quantize.applies(("net",), {"inplace": True}) is True
    update = KNOWN.switch("torch.optim.swa_utils.update_bn")
    assert update is not None
    assert update.statistics
    assert update.argument.find(("loader", "net"), {}) == "net"


def test_what_objects_keep_of_their_constructors_arguments() -> None:
    assert KNOWN.kept("transformers.Seq2SeqTrainer") == (Argument("model", 0),)
    assert KNOWN.kept("ignite.engine.Engine") == (Argument("process_function", 0),)
    assert KNOWN.kept("ignite.engine.create_supervised_evaluator") == (Argument("model", 0),)
    assert KNOWN.kept("torch.optim.SGD") == ()


def test_methods_that_do_something() -> None:
    for name in ("transformers.Trainer.evaluate", "accelerate.Accelerator.prepare", "load_adapter"):
        assert KNOWN.acts(name)
        assert name.rpartition(".")[2] in KNOWN.method_names()
    for name in ("torch.nn.Module.eval", "typing.Generic.eval", "transformers.Trainer.log", "eval"):
        assert not KNOWN.acts(name)


def test_callers() -> None:
    thread = KNOWN.caller("threading.Thread")
    assert thread is not None
    assert (thread.inputs, thread.grad, thread.returns) == (Argument("args", 3), Grad.ON, False)
    spawn = KNOWN.caller("torch.multiprocessing.spawn")
    assert spawn is not None
    assert spawn.before == 1
    wraps = KNOWN.caller("functools.wraps")
    assert wraps is not None
    assert not wraps.calls
    assert KNOWN.caller("mylib.apply") is None


def test_functional() -> None:
    dropout = KNOWN.functional("torch.nn.functional.dropout")
    assert dropout is not None
    assert (dropout.flag, dropout.default) == (Argument("training", 2), True)
    attention = KNOWN.functional("torch.nn.functional.scaled_dot_product_attention")
    assert attention is not None
    assert attention.always
    assert attention.flag == Argument("dropout_p", 4)
    drop_path = KNOWN.functional("timm.models.layers.drop_path")
    assert drop_path is not None
    assert drop_path.default is False
    block = KNOWN.functional("timm.layers.drop.drop_block_2d")
    assert block is not None
    assert block.always
    assert block.flag is None


def test_exports() -> None:
    onnx = KNOWN.export("torch.onnx.export")
    assert onnx is not None
    assert onnx.applies(("net", "x")) is True
    assert onnx.applies(("net", "x"), {"dynamo": False}) is False
    assert onnx.applies(("net", "x"), {"dynamo": UNKNOWN}) is None
    freeze = KNOWN.export("torch.jit.freeze")
    assert freeze is not None
    assert freeze.raises
    assert freeze.needs == Mode.EVAL


def test_hooks() -> None:
    hooks = KNOWN.hooks_of("lightning.pytorch.LightningModule")
    assert (hooks["validation_step"].mode, hooks["validation_step"].grad) == (Mode.EVAL, Grad.OFF)
    assert (hooks["training_step"].mode, hooks["training_step"].grad) == (Mode.UNSEEN, Grad.ON)
    assert [name for name, hook in hooks.items() if hook.trains] == ["training_step"]
    callback = KNOWN.hooks_of("transformers.TrainerCallback")["on_evaluate"]
    assert (callback.mode, callback.module) == (Mode.EVAL, Argument("model"))
    assert KNOWN.hooks_of("transformers.Seq2SeqTrainer")["compute_loss"].trains
    assert "forward" not in hooks
    assert hooks == KNOWN.hooks_of("pytorch_lightning.core.lightning.LightningModule")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("torch.nn.Module", True),
        ("torch.nn.Linear", True),
        ("lightning.LightningModule", True),
        ("transformers.PreTrainedModel", True),
        ("transformers.BertPreTrainedModel", True),
        ("transformers.models.bert.modeling_bert.BertForMaskedLM", True),
        ("transformers.Trainer", False),
        ("transformers.Seq2SeqTrainer", False),
        ("transformers.PretrainedConfig", False),
        ("transformers.TFBertModel", False),
        ("diffusers.ModelMixin", True),
        ("diffusers.StableDiffusionPipeline", False),
        ("torch_geometric.nn.MessagePassing", True),
        ("torch_geometric.data.Dataset", False),
        ("torch.optim.Optimizer", False),
        ("torch.optim.swa_utils.AveragedModel", True),
        ("torch.utils.data.Dataset", False),
        ("torch.autograd.Function", False),
        ("pytorch_lightning.Trainer", False),
        ("sklearn.base.BaseEstimator", False),
        ("ultralytics.YOLO", False),
        ("torchmetrics.Metric", True),
        ("myproject.Net", None),
    ],
)
def test_module_bases(name: str, expected: bool | None) -> None:
    assert KNOWN.is_module_base(name) is expected


def test_mode_has_another_meaning_in_gaussian_processes() -> None:
    base = KNOWN.base("gpytorch.models.ExactGP")
    assert base is not None
    assert base.semantic_mode


def test_words() -> None:
    assert KNOWN.is_unwrapping("module")
    assert KNOWN.is_unwrapping("_orig_mod")
    assert not KNOWN.is_unwrapping("model")
    assert KNOWN.keyword("requires_grad") == "input_gradient"
    assert KNOWN.keyword("volatile") == "no_gradient"
    assert KNOWN.keyword("dim") == "none"
    assert KNOWN.decorator("cached_property") == "cached"
    assert KNOWN.decorator("contextmanager") == "manager"
    assert KNOWN.decorator("wraps") == "none"
    assert KNOWN.is_sequence("typing.List")
    assert not KNOWN.is_sequence("typing.Dict")
    assert KNOWN.exits("sys.exit")
    assert KNOWN.steps("step")


def test_only_inference_mode_locks() -> None:
    locking = [name for name in KNOWN._contexts._entries if KNOWN._contexts._find(name).locks]  # type: ignore[union-attr]
    assert locking == ["torch.inference_mode"]


def test_methods_that_other_objects_have_too() -> None:
    shared = {name for name in ("train", "eval", "forward", "to", "cuda", "add_module")
              if (known := KNOWN.module_method(name)) is not None and known.shared}  # fmt: skip
    assert shared == {"train", "forward", "to", "add_module"}


def test_values() -> None:
    assert KNOWN.measures("item")
    assert KNOWN.measures("torch.argmax")
    assert KNOWN.measures("builtins.float")
    assert not KNOWN.measures("float")
    assert KNOWN.detaches("detach")
    assert KNOWN.effect("torch.randn") == "dummy"
    assert KNOWN.effect("torch.randn_like") != "dummy"
    assert KNOWN.is_shape("numel")
    assert KNOWN.effect("backward") == "backward"
    assert KNOWN.effect("torch.autograd.backward") == "backward"
    assert KNOWN.effect("torch.autograd.grad") == "gradient"
    for name in ("generate", "predict_proba", "encode_image", "forward_features"):
        assert KNOWN.is_inference_method(name)
    for name in ("forward", "forward_train", "training_step", "samples", "net.predict"):
        assert not KNOWN.is_inference_method(name)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("evaluation", "evaluate", True),
        ("evaluation", "val_epoch", True),
        ("evaluation", "runInference", True),
        ("evaluation", "_testModel", True),
        ("evaluation", "latest", False),
        ("evaluation", "interval", False),
        ("stochastic", "mc_dropout_predict", True),
        ("stochastic", "enable_dropout", True),
        ("stochastic", "MonteCarloPass", True),
        ("stochastic", "dropout", False),
        ("statistics", "update_bn", True),
        ("statistics", "update", False),
        ("training", "train_one_epoch", True),
        ("training", "fit", True),
        ("training", "constrain", False),
    ],
)
def test_names(kind: str, name: str, expected: bool) -> None:
    assert KNOWN.speaks_of(kind, name) is expected


def test_a_user_extends_and_corrects_the_tables() -> None:
    mine = KNOWN.extended(
        {
            "layers": {"mylib.Noise": {"sensitive": "yes", "kind": "dropout"}},
            "factories": {"mylib.load_*": {"mode": "eval"}, "timm.create_model": {"mode": "eval"}},
            "names": {"evaluation": {"words": ["probe"]}},
            "hooks": {"torch.nn.Module": {"methods": {"on_probe": {"mode": "eval"}}}},
            "aliases": {"mine.": {"to": "mylib."}},
        }
    )
    noise = mine.layer("mine.Noise")
    assert noise is not None
    assert noise.sensitivity() is Sensitivity.YES
    loaded = mine.factory("mylib.load_net")
    assert loaded is not None
    assert loaded.mode == Mode.EVAL
    timm = mine.factory("timm.create_model")
    assert timm is not None
    assert (timm.mode, timm.sensitive) == (Mode.EVAL, Sensitivity.YES)
    assert mine.speaks_of("evaluation", "probe_net")
    assert mine.speaks_of("evaluation", "evaluate")
    assert mine.hooks_of("torch.nn.Module")["on_probe"].mode == Mode.EVAL
    assert KNOWN.layer("mine.Noise") is None
    assert not KNOWN.speaks_of("evaluation", "probe_net")


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"layer": {}}, "unknown knowledge table: 'layer'; did you mean 'layers'?"),
        (
            {"layers": {"a.B": {"sensitiv": "yes"}}},
            "unknown field of knowledge.layers.'a.B': 'sensitiv'; did you mean 'sensitive'?",
        ),
        (
            {"layers": {"a.B": {"sensitive": "maybe"}}},
            "knowledge.layers.'a.B': 'sensitive' must be one of yes, no, unknown, not 'maybe'",
        ),
        ({"layers": {"a.B": "yes"}}, "knowledge.layers.'a.B' must be a table, not 'yes'"),
        ({"layers": []}, "knowledge.layers must be a table, not []"),
        ({"layers": {"a.B": {"unless": [{"arg": "p"}]}}}, "'unless' must be a list of tables"),
        ({"layers": {"a.B": {"parameters": 1}}}, "'parameters' must be true or false, not 1"),
        ({"factories": {"a.b": {"item": "0"}}}, "'item' must be a whole number, not '0'"),
        ({"factories": {"a.b": {"cases": [{"mode": "eval"}]}}}, "'cases' must be a list"),
        ({"factories": {"a.b": {"parts": {"head": True}}}}, "'parts' must be a table of names"),
        ({"factories": {"a.b": {"parts": ["head"]}}}, "'parts' must be a table of names"),
        ({"hooks": {"a.B": {"methods": {"f": {"mood": "eval"}}}}}, "'methods' must be a table"),
        ({"names": {"evaluation": {"words": "probe"}}}, "'words' must be a list of strings"),
    ],
)
def test_wrong_tables_are_refused(
    tables: dict[str, dict[str, dict[str, object]]], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        KNOWN.extended(tables)


def test_exact_names_beat_patterns_and_long_patterns_beat_short() -> None:
    mine = KNOWN.extended(
        {
            "factories": {
                "lib.*": {"mode": "train"},
                "lib.*.load": {"mode": "eval"},
                "lib.Net.load": {"mode": "unknown"},
            }
        }
    )
    modes = {
        name: found.mode
        for name in ("lib.make", "lib.deep.inside.make", "lib.Other.load", "lib.Net.load", "lib")
        if (found := mine.factory(name)) is not None
    }
    assert modes == {
        "lib.make": Mode.TRAIN,
        "lib.deep.inside.make": Mode.TRAIN,
        "lib.Other.load": Mode.EVAL,
        "lib.Net.load": Mode.UNSEEN,
    }


def test_conditions() -> None:
    p = Argument("p", 0)
    assert Condition(p, "equals", 0).holds((), {}) is False
    assert Condition(p, "equals", 0, default=0).holds((), {}) is True
    assert Condition(p, "above", 1).holds((2,), {}) is True
    assert Condition(p, "above", 1).holds(("two",), {}) is None
    assert Condition(p, "nonzero", True).holds((None,), {}) is False
    assert Condition(p, "given", False).holds((), {}) is True
    assert Condition(p, "given", False).holds((), {"*": UNKNOWN}) is None
    assert Condition(p, "matches", ["vit_*"]).holds(("vit_b",), {}) is True
    assert Condition(p, "matches", ["vit_*"]).holds((3,), {}) is False
    assert p.find((), {}) is ABSENT
    assert Argument("q").find((1, 2), {}) is ABSENT


def test_pickles() -> None:
    again = pickle.loads(pickle.dumps(KNOWN))  # noqa: S301 - our own
    assert isinstance(again, Knowledge)
    assert again.layer("torch.nn.Dropout") == KNOWN.layer("torch.nn.Dropout")


def test_loading_and_misses_are_cheap() -> None:
    fastest = min(_seconds(load.__wrapped__) for _ in range(5))
    assert fastest < 0.05, "10 ms on an idle machine"
    names = [f"project.module.name{number}" for number in range(1000)]
    assert _seconds(lambda: [KNOWN.layer(name) for name in names]) < 0.05


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


PAGE = Path(__file__).parent.parent / "docs" / "knowledge.md"


def _examples() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is new in Python 3.11")
def test_the_examples_of_the_page_are_accepted() -> None:
    tomllib = importlib.import_module("tomllib")
    mentioned: set[str] = set()
    for example in _examples():
        tables = tomllib.loads(example)["tool"]["evalguard"]["knowledge"]
        assert isinstance(KNOWN.extended(tables), Knowledge)
        mentioned |= set(tables)
    assert mentioned == set(SCHEMA)


def test_the_page_names_every_field() -> None:
    page = PAGE.read_text(encoding="utf-8")
    fields = {field for fields in SCHEMA.values() for field in fields} - {"to"}
    assert {
        field for field in fields if f"`{field}`" not in page and f"`{field} " not in page
    } == set()
