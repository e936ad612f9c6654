"""What the tables tell of the parts of torchvision's networks, held against these networks."""

from __future__ import annotations

from typing import Any

import pytest

from evalguard.knowledge import Knowledge, load

torch = pytest.importorskip("torch", minversion="2.9")
models = pytest.importorskip("torchvision.models", exc_type=ImportError)

pytestmark = pytest.mark.filterwarnings("ignore")

KNOWN: Knowledge = load()
SENSITIVE = (
    torch.nn.modules.batchnorm._BatchNorm,
    torch.nn.modules.dropout._DropoutNd,
    __import__("torchvision").ops.StochasticDepth,
)
NAMES = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet",
    "inception_v3", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf",
    "resnet18", "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t",
    "swin_v2_t", "vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "wide_resnet50_2",
]  # fmt: skip


def _asks(module: Any) -> str:
    layers = [layer for layer in module.modules() if isinstance(layer, SENSITIVE)]
    return "yes" if any(getattr(layer, "p", 1) for layer in layers) else "no"


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_the_children_in_their_order(name: str) -> None:
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    network = models.get_model(name, weights=None, **more)
    factory = KNOWN.factory(f"torchvision.models.{name}")
    assert factory is not None
    told = [(part, word.value) for part, word in factory.parts.items()]
    assert told == [(part, _asks(child)) for part, child in network.named_children()]
