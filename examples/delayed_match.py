"""A recurrent network tells whether two noisy cues, some time apart, are alike: writes delayed_match.png."""

import rheobase as rb
import torch
from matplotlib.figure import Figure
from torch import nn

CUE, DELAY = 8, 15  # steps of 2 ms


def trials(count, seed):
    """Spikes [steps, count, 10], in which five channels tell of each cue; and whether both are alike."""
    random = torch.Generator().manual_seed(seed)
    first, match = torch.randint(2, (2, count), generator=random).bool()
    chance = torch.full((2 * CUE + DELAY, count, 10), 0.02)
    for part, cue in ((slice(CUE), first), (slice(-CUE, None), first == match)):
        chance[part] += 0.5 * torch.stack([cue, ~cue], 1).repeat_interleave(5, dim=1)
    return (torch.rand(chance.shape, generator=random) < chance).float(), match.long()


class Net(nn.Module):
    def __init__(self, units=64):
        super().__init__()
        self.w1, self.w2 = nn.Linear(10, units), nn.Linear(units, 2)
        back = nn.Linear(units, units, bias=False)
        self.hidden = rb.layer("lif", units, dt=2.0, recurrent=back, tau_mem=10.0, tau_ref=0.0)
        self.read = rb.layer("leaky-integrator", 2, dt=2.0, output="voltage", tau_mem=10.0)

    def forward(self, cues):
        self.spikes = self.hidden(self.w1(cues))
        return self.read(self.w2(self.spikes))[-CUE:].sum(0)


def train(net, batches):
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for batch in range(batches):
        cues, match = trials(64, seed=100 + batch)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(cues), match).backward()
        optimizer.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    net, (cues, match) = Net(), trials(200, seed=1)
    train(net, batches=50)
    right, axes = (net(cues).argmax(1) == match).float().mean(), Figure(figsize=(6.0, 4.0)).subplots()
    axes.imshow(net.spikes[:, 0].detach().T.numpy(), aspect="auto", cmap="binary", interpolation="nearest")
    axes.figure.savefig("delayed_match.png")
    print(f"{right:.1%} are told right; spikes of one trial: the picture is in delayed_match.png")
