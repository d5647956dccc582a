"""A spiking network learns handwritten digits (scikit-learn's): writes digits.png."""

import rheobase as rb
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import nn

pixels, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))  # 1,797 of 8 x 8
pixels = pixels.float() / 16.0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Linear(64, 128), nn.Linear(128, 10)
        spread = {"tau_mem": rb.Uniform(5.0, 30.0), "tau_ref": 0.0}
        self.hidden = rb.layer("lif", 128, dt=1.0, learn=("tau_mem", "volt_thresh"), **spread)
        self.read = rb.layer("leaky-integrator", 10, dt=1.0, output="voltage")

    def forward(self, images):
        still = self.w1(images).expand(25, -1, -1)  # [T, batch, units]: 25 steps of one image
        return self.read(self.w2(self.hidden(still))).sum(0)


def train(net, epochs, seed=0):
    """The share of 360 images, kept apart, that are told right after training."""
    torch.manual_seed(seed)
    train_on, kept = torch.randperm(len(labels)).split(1437)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * 23)
    for _ in range(epochs):
        for batch in train_on[torch.randperm(1437)].split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(pixels[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return (net(pixels[kept]).argmax(1) == labels[kept]).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Net()
    accuracy = train(net, epochs=2)
    spikes = net.hidden(net.w1(pixels[0]).expand(25, -1)).detach()
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    figure.subplots().imshow(spikes.T.numpy(), aspect="auto", cmap="binary", interpolation="nearest")
    figure.savefig("digits.png")
    print(f"{accuracy:.1%} are told right; spikes for one image: the picture is in digits.png")
