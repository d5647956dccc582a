"""A backend that takes eager's steps in blocks, and leaves the neuron what it reached at the end of a run."""

import copy

import rheobase as rb
import torch

BLOCK = 16


class Blocks:
    """Steps a copy, by the pure step; the neuron takes over what the last step left."""

    def pays(self, neuron, drive, steps, *, record, grad):
        return steps >= 50 and not grad

    def __call__(self, neuron, drive, steps, *, record, grad=False, progress=None, every=1):
        if grad or drive.timed:
            raise NotImplementedError("it keeps no graph, and takes no signals")
        drive.check()
        first, rows = neuron.simulation_step, {name: [] for name in record if name != "spikes"}
        other, spikes = copy.deepcopy(neuron), ([], [], [])
        with rb.watched(steps, progress) as watch:
            for start in range(0, steps, BLOCK):
                block = drive.rows(start, min(BLOCK, steps - start))
                for step, row in enumerate(block, start):
                    out = other.advance(other.prepare(row))
                    self._note(out, step, first, neuron, spikes, rows, every)
                watch(start + len(block))
        saved = {name: value.clone() for name, value in other.named_buffers()}
        neuron.take_over({name: value for name, value in saved.items() if not name.startswith("carry_")})
        return self._recording(neuron, spikes, rows, steps, first, every)

    def prepare(self, neuron, *, record, grad, every):
        if grad:
            raise NotImplementedError("it keeps no graph")

        def take(drive, steps):
            found = self(neuron, drive, steps, record=record, every=every)
            spikes = found.spikes
            return rb.Taken(lambda: (spikes.times, spikes.units, spikes.batch), found.traces)

        return take

    @staticmethod
    def _note(out, step, first, neuron, spikes, rows, every):
        for place in out["spiked"].nonzero().tolist():
            spikes[0].append((first + step + 1) * neuron.dt)
            spikes[1].append(place[-1])
            spikes[2].append(place[0] if len(place) > 1 else 0)
        if (step + 1) % every == 0:
            for name, kept in rows.items():
                kept.append(out[name].clone())

    @staticmethod
    def _recording(neuron, spikes, rows, steps, first, every):
        times = torch.tensor(spikes[0], dtype=torch.float64)
        units, batch = (torch.tensor(each, dtype=torch.int64) for each in spikes[1:])
        return rb.Recording.of(
            neuron,
            spikes=(times, units, batch),
            traces={name: torch.stack(kept) for name, kept in rows.items()},
            steps=steps,
            first_step=first,
            batch_shape=tuple(neuron.batch),
            every=every,
        )


run = Blocks()
