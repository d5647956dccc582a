"""The pipeline that most simulations need: one model, one stimulus, one recording."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import ConfigurationError, OutputError, RheobaseError, RheobaseWarning, shown
from ..files import check_writable
from .interrupted import SimulationInterrupted
from .journal import Journal, journaling, save_journaled
from .modelsettings import neuron_from
from .networksettings import OF_A_POPULATION, network_from, network_stimuli, repeatable
from .pipeline import Pipeline, check_keys
from .recorder import main_state
from .recording import Recording
from .simulate import simulate
from .stimulussettings import seeds_from, stimuli_from
from .yamlfile import read_yaml

if TYPE_CHECKING:
    from ..engine.network.network import Network
    from ..engine.neuron.base import Neuron
    from .networkrecording import NetworkRecording


class SimpleSimulator(Pipeline):
    """Creates a model, drives it with a stimulus, records, and writes what was asked for.

    Its settings, as a mapping or as the keys of a YAML file::

        model: izhikevich              # an installed model, cell.py:Class (from Python also a class)
        units: 10                      # default 1
        preset: RS
        params:                        # numbers, choices, a list with one number for each unit, or a sweep
          d: 8.0
          c: {random: [-65, -55]}
        dt: 0.1                        # ms
        dtype: float64                 # default float32
        device: cpu
        integrator: rk4                # or {type: rk45, rtol: 1e-8}
        aggregator: sum
        event: crossing
        stimulus:                      # or a number, or a file
          type: ornstein_uhlenbeck
          mean: 10.0
          std: 5.0
          tau: 5.0
        duration: 1000.0               # ms; default: the stimulus's, or the preset's
        record: [spikes, voltage]      # or {spikes: true, voltage: [0, 7]}; default the spikes; with
                                       # plot, the voltage, or the first state, as well
        every: 10                      # traces keep one row of so many steps; default 1, all of them
        backend: auto
        out: run.npz                   # the recording
        plot: run.png                  # needs the `plot` extra
        seed: 1                        # of the neuron's draws, noise and random sweeps, and of torch

    Without a stimulus, the preset's is used. Paths in a file are relative to its folder.

    Several stimuli, in a list or by identifier, are sources that the aggregator makes one, as
    :func:`rheobase.simulate` has them; a model with several inputs has any of this by input::

        stimulus: {soma: 400.0, "shunt:axon": {type: step, amplitude: 0.5, start: 10.0}}

    A network stands in place of the model's name. Its populations have the settings of a model; those that
    stand outside are for all of them::

        model:
          populations:
            E: {model: lif, units: 80, params: {voltage: {uniform: [-75, -55]}}}
            I: {model: lif, units: 20}
          projections:
            E->I:
              rule: {type: bernoulli, p: 0.1}  # or {source: [0, 1], target: [5, 5]}
              synapse: {type: exponential, tau: 5.0}
              weight: 16.2                     # or a list, or {normal: [16.2, 2.0]}
              delay: 1.5                       # ms; default: one step
        dt: 0.1
        stimulus: {E: 300.0}                   # by population, each as of a model; default: none
        duration: 100.0
        record: {E: [spikes, voltage], I: spikes}  # default: the spikes of all populations

    Args:
        configuration: Setting -> value.
        folder: What relative paths are relative to. Default: the working directory.

    Raises:
        ConfigurationError: If a setting is unknown or cannot be used.

    Example:
        >>> from rheobase import SimpleSimulator
        >>> simulator = SimpleSimulator({"model": "analog", "dt": 0.5, "duration": 1.0, "record": "voltage"})
        >>> simulator.configure({"stimulus": {"type": "ramp", "slope": 4.0}})
        >>> simulator.run().traces["voltage"].flatten()
        tensor([0., 2.])
    """

    settings = (
        "model",
        "units",
        "params",
        "preset",
        "dt",
        "dtype",
        "device",
        "integrator",
        "aggregator",
        "event",
        "stimulus",
        "duration",
        "record",
        "every",
        "backend",
        "out",
        "plot",
        "seed",
    )

    def __init__(
        self, configuration: Mapping[str, Any] | None = None, *, folder: str | os.PathLike[str] = "."
    ) -> None:
        self._folder = Path(folder)
        self._source = type(self).__name__
        super().__init__(configuration)

    @classmethod
    def _known(cls, configuration: Mapping[str, Any]) -> tuple[str, ...]:
        """See :meth:`Pipeline._known`: of a network without those that its populations have."""
        if not isinstance(configuration.get("model"), Mapping):
            return cls.settings
        # One that was given all the same is refused later, with the place where it belongs.
        return tuple(key for key in cls.settings if key not in OF_A_POPULATION or key in configuration)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> SimpleSimulator:
        """A simulator from a YAML file, read by a safe loader.

        Args:
            path: The file.

        Raises:
            ConfigurationError: If it cannot be read or has an unknown key; the message names the file, and
                the nearest known key.
        """
        file = Path(path)
        settings = read_yaml(file)
        check_keys(settings, cls._known(settings), str(file))
        simulator = cls(settings, folder=file.parent)
        simulator._source = str(file)
        return simulator

    def create(self) -> Neuron | Network:
        """The neuron or the network of the settings, new.

        Raises:
            RheobaseError: If a setting cannot be used; the message names the file.
        """
        settings = self.configuration
        with self._named():
            if "model" not in settings:
                raise ConfigurationError(
                    "the key 'model' is missing; give the name of an installed model, or file.py:Class"
                )
            if self._is_network:
                return network_from(settings, self._folder, self._seed())
            return neuron_from(settings, self._folder, self._seed(), self._seed())

    def run(self) -> Any:
        """Run the simulation, from a new neuron each time, and write the files that were asked for.

        Returns:
            The :class:`~rheobase.Recording`, or, of a network, its :class:`~rheobase.NetworkRecording`.

        Raises:
            RheobaseError: If a setting cannot be used, or the run fails. Paths are checked before the run.
            OutputError: If a file cannot be written then; it carries the recording, as ``.recording``.
            SimulationInterrupted: On Ctrl-C; what was recorded so far is in ``out``, marked incomplete.
        """
        settings, seed = self.configuration, self._seed()
        with self._named(), _seeded(seed):
            # Paths first: one that cannot be written is told before anything is run.
            out, plot = (self._output(key) for key in ("out", "plot"))
            if self._is_network:
                return self._run_network(out, plot, seed)
            neuron: Any = self.create()
            stimulus, duration = settings.get("stimulus"), settings.get("duration")
            if stimulus is not None:
                stimulus = stimuli_from(stimulus, self._folder, seeds_from(seed), neuron.schema.inputs)
            elif neuron.preset is not None and neuron.preset.stimulus is not None:
                stimulus = neuron.preset.stimulus
                duration = neuron.preset.duration if duration is None else duration
            else:
                raise ConfigurationError("the key 'stimulus' is missing, and there is no preset that has one")
            record = self._record(neuron)
            how = {"backend": settings.get("backend", "auto"), "every": settings.get("every", 1)}
            with journaling(out, neuron, record, how["every"]) as journal:
                try:
                    recording = simulate(neuron, stimulus, duration, record=record, **how)
                except SimulationInterrupted as interrupted:
                    with _warning_only():
                        _save(interrupted.recording, journal, out)
                    raise
                _save(recording, journal, out)
                _draw(recording, plot)
        return recording

    @property
    def _is_network(self) -> bool:
        return isinstance(self.configuration.get("model"), Mapping)

    def _run_network(self, out: Path | None, plot: Path | None, seed: int | None) -> NetworkRecording:
        settings = self.configuration
        net = network_from(settings, self._folder, seed)
        stimulus = network_stimuli(settings.get("stimulus"), self._folder, seed, net)
        how = {key: settings[key] for key in ("duration", "record", "backend", "every") if key in settings}
        kept = repeatable(settings, self._folder)
        try:
            recording: NetworkRecording = simulate(net, stimulus, **{"duration": None, **how})
        except SimulationInterrupted as interrupted:
            interrupted.recording = replace(interrupted.recording, settings=kept)
            if out is not None:
                with _warning_only():
                    interrupted.recording.save(out)
            raise
        recording = replace(recording, settings=kept)
        with _carrying(recording):
            if out is not None:
                recording.save(out)
            if plot is not None:
                recording.plot(plot)
        return recording

    def _record(self, neuron: Neuron) -> tuple[str, ...] | Mapping[str, Any]:
        record = self.configuration.get("record")
        if isinstance(record, Mapping):
            return record
        if record is not None:
            if isinstance(record, str):
                return (record,)
            if not isinstance(record, (list, tuple)) or not all(isinstance(name, str) for name in record):
                raise ConfigurationError(
                    f"record: {shown(record)} cannot be used; give a list of names, or a mapping to units"
                )
            return tuple(record)
        spiking, state = "spiked" in neuron.loggable_props, main_state(neuron)
        traced = state is not None and (not spiking or "plot" in self.configuration)
        return (*(["spikes"] if spiking else []), *([str(state)] if traced else []))

    def _output(self, key: str) -> Path | None:
        given = self.configuration.get(key)
        if given is None:
            return None
        if not isinstance(given, (str, os.PathLike)):
            raise ConfigurationError(f"{key}: {shown(given)} cannot be used; give the path of a file")
        if key == "plot":
            from .drawing import check_plot

            return check_plot(self._folder / given)
        return check_writable(self._folder / given)

    def _seed(self) -> int | None:
        seed = self.configuration.get("seed")
        if seed is None:
            return None
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise ConfigurationError(
                f"{self._source}: seed: {shown(seed)} cannot be used; give an integer from 0 up"
            )
        return seed

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Put the file's name in front of errors, once."""
        try:
            yield
        except RheobaseError as error:
            if str(error).startswith(self._source):
                raise
            named = type(error)(f"{self._source}: {error}")
            # With what the error carries, such as a recording.
            named.__dict__.update(error.__dict__)
            raise named from error


@contextlib.contextmanager
def _warning_only() -> Iterator[None]:
    """Let a file that cannot be written be no more than a warning: an interrupt carries what was recorded."""
    try:
        yield
    except OutputError as error:
        warnings.warn(str(error), RheobaseWarning, stacklevel=3)


@contextlib.contextmanager
def _carrying(recording: Recording | NetworkRecording) -> Iterator[None]:
    """Let an error carry what would be lost."""
    try:
        yield
    except OutputError as error:
        error.recording = recording
        raise


def _save(recording: Recording, journal: Journal | None, out: Path | None) -> None:
    if out is not None:
        with _carrying(recording):
            save_journaled(recording, journal, out)


def _draw(recording: Recording, plot: Path | None) -> None:
    if plot is not None:
        from .drawing import plot_recording

        with _carrying(recording):
            plot_recording(recording, plot)


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Seed torch's generator for models that draw from it, and put it back."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
