"""A layer in a module of Lightning, whose trainer takes it as any other: writes lightning_module.png."""

import rheobase as rb
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

try:
    import lightning
except ModuleNotFoundError:
    raise SystemExit("Lightning is not installed, and no part of Rheobase: pip install lightning") from None


def patterns(count, seed):
    """Rates [count, 20] of one of two noisy patterns, and which it is."""
    which = torch.randint(2, (count,), generator=(random := torch.Generator().manual_seed(seed)))
    clean = torch.outer(2.0 * which - 1.0, torch.linspace(-0.5, 0.5, 20))
    return clean + torch.rand(count, 20, generator=random), which


class Teller(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.w1, self.w2, self.losses = nn.Linear(20, 32), nn.Linear(32, 2), []
        self.hidden = rb.layer("lif", 32, dt=1.0, tau_ref=0.0, learn="tau_mem")

    def forward(self, rates):
        spikes = self.hidden(self.w1(rates).expand(25, -1, -1))  # [T, batch, units]: 25 steps of one pattern
        return self.w2(spikes.mean(0))

    def training_step(self, batch, index):
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


if __name__ == "__main__":
    lightning.seed_everything(0)
    net, (rates, which) = Teller(), patterns(500, seed=2)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(max_epochs=3, accelerator="cpu", **quiet)
    trainer.fit(net, DataLoader(TensorDataset(*patterns(1000, seed=1)), batch_size=20, shuffle=True))
    right, axes = (net(rates).argmax(1) == which).float().mean(), Figure(figsize=(5.0, 3.0)).subplots()
    axes.plot(net.losses)
    axes.figure.savefig("lightning_module.png")
    print(f"{right:.1%} are told right; the loss of each batch: the picture is in lightning_module.png")
