"""Makes the models of this folder with PyTorch's own exporters; needs torch and onnx, and onnxscript for the newer one.

python make_with_torch.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

FOLDER = Path(__file__).parent


class Cnn(nn.Module):
    """Convolutions with batch normalization, a skip, grouped channels and a resized branch."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Hardswish())
        self.deep = nn.Sequential(
            nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4),
            nn.BatchNorm2d(8),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
        )
        self.side = nn.Sequential(
            nn.MaxPool2d(2), nn.ConvTranspose2d(8, 8, 2, stride=2), nn.InstanceNorm2d(8, affine=True)
        )
        self.last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(x + self.deep(x) + self.side(x))


class Block(nn.Module):
    """Attention over two heads and two dense layers, with layer normalization before each."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        self.wide, self.narrow = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(batch, time, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        hidden = torch.ones(time, time, dtype=torch.bool, device=x.device).triu(1)
        weights = (q @ k.transpose(-2, -1) / 2).masked_fill(hidden, -1e9).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, time, 8))
        return x + self.narrow(nn.functional.gelu(self.wide(self.norm2(x))))


class Transformer(nn.Module):
    """Embeddings of tokens and places, two causal blocks, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(20, 8), nn.Embedding(12, 8)
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(8, 20)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        return torch.log_softmax(self.head(self.blocks(self.tokens(ids) + self.places(places))), -1)


class Recurrent(nn.Module):
    """Two bidirectional LSTM layers, a GRU and a plain recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(12, 5, batch_first=True)
        self.rnn = nn.RNN(5, 3, batch_first=True, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, (h, _) = self.lstm(x)
        y, _ = self.rnn(self.gru(x)[0])
        return y[:, -1], h.transpose(0, 1)


class Mixer(nn.Module):
    """Two inputs; einsum, group normalization, softplus, where, a cumulative sum and a top-k."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(2, 6)
        self.weight = nn.Parameter(torch.randn(6, 4))
        self.act = nn.PReLU(6)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        z = self.act(self.norm(x))
        z = torch.einsum("bct,cd->btd", z, self.weight)
        z = torch.where(z > 0, nn.functional.softplus(z), z) + torch.cumsum(y, 1).unsqueeze(-1)
        return torch.topk(z, 2, dim=-1).values


def save(
    model: nn.Module, name: str, inputs: dict[str, torch.Tensor], outputs: list[str], **axes: dict[int, str]
) -> None:
    model.eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.rand_like(parameter), alpha=0.1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
    torch.onnx.export(
        model,
        tuple(inputs.values()),
        str(FOLDER / f"{name}.onnx"),
        input_names=list(inputs),
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=17,
        training=torch.onnx.TrainingMode.PRESERVE,  # normalizations stay apart from convolutions
        dynamo=False,
    )


def main() -> None:
    torch.manual_seed(0)
    save(Cnn(), "cnn", {"image": torch.randn(2, 3, 16, 16)}, ["scores"], image={0: "batch"})
    ids = torch.randint(0, 20, (2, 7))
    save(Transformer(), "transformer", {"ids": ids}, ["logits"], ids={0: "batch", 1: "time"})
    save(Recurrent(), "recurrent", {"x": torch.randn(2, 7, 4)}, ["last", "states"], x={0: "batch", 1: "time"})
    pair = {"x": torch.randn(2, 6, 5), "y": torch.randn(2, 5)}
    save(Mixer(), "mixer", pair, ["best"], x={0: "batch"}, y={0: "batch"})


if __name__ == "__main__":
    sys.exit(main())
