"""What a notebook shows of a neuron and a recording."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import rheobase as rb
import torch


def cells(text):
    tree = ElementTree.fromstring(text)  # well-formed, so escaped
    return tree.find("caption").text, {row[0].text: row[1].text for row in tree.iter("tr")}


def test_a_neuron_shows_its_parameters_and_states_with_their_units(lif):
    neuron = rb.create(lif, 2, tau_mem=torch.tensor([5.0, 20.0]), identifier="<b>&mine</b>")
    title, found = cells(neuron._repr_html_())
    assert title == "<b>&mine</b>"
    assert found["tau_mem"] == "5 to 20 ms"
    assert found["voltage"] == "-75 mV"
    assert (found["units"], found["time step"], found["event"]) == ("2", "0.1 ms", "crossing")


@pytest.mark.parametrize("batch", [(), (3,)], ids=str)
def test_a_recording_shows_what_it_has(lif, batch):
    current = torch.full((200, *batch, 2), 300.0)
    record = rb.simulate(rb.create(lif, 2), current, record=("spikes", "voltage"))
    title, found = cells(record._repr_html_())
    assert title == "Recording of LIFNeuron"
    assert found["spikes"] == str(len(record.spikes))
    assert found["voltage"].startswith(f"{[200, *batch, 2]}, -75 to -")
    assert found["voltage"].endswith(" mV")
    assert found["duration"] == "20 ms, 200 steps"
    assert ("batch" in found) == bool(batch)
    assert (
        cells(rb.simulate(rb.create(lif), 0.0, 1.0, record="voltage")._repr_html_())[1]["spikes"]
        == "not recorded"
    )


def test_a_table_stays_small_at_a_million_units(lif):
    neuron = rb.create(lif, 1_000_000)
    assert len(neuron._repr_html_()) < 2000
    assert len(rb.simulate(neuron, 0.0, 0.2, record="voltage")._repr_html_()) < 2000
