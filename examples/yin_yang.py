"""Spikes at their own times learn Yin-Yang by their exact derivatives: writes yin_yang.png."""

import rheobase as rb
import torch
from matplotlib.figure import Figure
from torch import nn

WINDOW, TAU = 15.0, 5.0  # ms


def yin_yang(count, seed):
    """Points of a disk, and whether they are yin, yang or eyes, a third each (Kriener et al. 2022)."""
    points = torch.rand(30 * count, 2, generator=torch.Generator().manual_seed(seed))
    right, left, middle = ((points - torch.tensor([x, 0.5])).norm(dim=1) for x in (0.75, 0.25, 0.5))
    yin = (right <= 0.1) | ((left > 0.1) & (left <= 0.25)) | ((points[:, 1] > 0.5) & (right > 0.25))
    label = torch.where((right < 0.1) | (left < 0.1), 2, yin.long()).masked_fill(middle > 0.5, -1)
    some = torch.cat([(label == each).nonzero()[: -(-count // 3), 0] for each in range(3)])[:count]
    return points[some], label[some]


class Net(nn.Module):
    def __init__(self, units=120):
        super().__init__()
        self.w1, self.w2 = nn.Linear(4, units), nn.Linear(units, 3)
        self.hidden = rb.layer("lif", units, dt=WINDOW, gradient="times", integrator="exact", tau_ref=0.0)
        # 1 is the current that just makes a unit fire.
        nn.init.uniform_(self.w1.weight, -1.5, 1.5), nn.init.ones_(self.w1.bias)

    def forward(self, points):
        times = self.hidden(self.w1(torch.cat([points, 1.0 - points], 1))[None])  # [batch, units, spikes]
        return self.w2(torch.exp(-times / TAU).nansum(-1))  # the earlier a spike, the more it counts


def train(net, points, labels, epochs, rate=0.05):
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for some in (part for _ in range(epochs) for part in torch.randperm(len(points)).split(50)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(points[some]), labels[some]).backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] -= rate / (epochs * -(-len(points) // 50))


if __name__ == "__main__":
    torch.manual_seed(0)
    net, (points, labels) = Net(), yin_yang(1000, seed=2)
    train(net, *yin_yang(1500, seed=1), epochs=2)
    told, figure = net(points).argmax(1), Figure(figsize=(4.0, 4.0), layout="constrained")
    figure.subplots().scatter(*points.T, c=told, s=12)
    figure.savefig("yin_yang.png")
    print(f"{(told == labels).float().mean():.1%} are told right: the picture is in yin_yang.png")
