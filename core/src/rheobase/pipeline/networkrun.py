"""Running a network: what drives each population, and what is recorded of each part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any

from torch import Tensor

from ..engine.network.network import Network
from ..engine.network.outside import Several, prepared
from ..engine.network.stepping import apart_in
from ..engine.neuron.threads import occupied
from ..errors import ArgumentError, InputError, StimulusError, nearest, shown
from .drive import Drive, told_of
from .durations import steps_of
from .eager import block_of, keeping_graph
from .interrupted import SimulationInterrupted
from .networkbackend import Stepping, stepping
from .networkblocks import Blocks
from .networkrecording import NetworkRecording
from .recorder import SPIKES, Recorder, check_every, check_record
from .sources import Sources
from .watched import watched


def simulate_network(
    net: Network,
    stimulus: Mapping[str, Any] | None,
    duration: float | None,
    record: Any,
    backend: str,
    *,
    grad: bool | None,
    progress: bool | None,
    every: int,
) -> NetworkRecording:
    """See :func:`rheobase.simulate`."""
    if not net.populations:
        raise ArgumentError(f"{net.identifier} has no population to run; add one")
    if duration is None:
        raise ArgumentError(f"{net.identifier}: give duration=..., in ms")
    steps, stride = steps_of(duration, net.dt), check_every(every)
    names = _recorded(net, record)
    drives, begun = _drives(net, stimulus, steps), net.simulation_step
    keep = any(each.keeps_graph for each in net.populations.values()) if grad is None else bool(grad)
    apart = {net.views[name].population if name in net.views else name for name in _apart(net, drives)}
    way = stepping(net, backend, grad=keep, steps=steps, batched=lambda: _batched(net, drives), apart=apart)
    recorders = {
        name: Recorder(net[name], chosen, steps, grad=keep, every=stride) for name, chosen in names.items()
    }
    width = max((drive.width for drive in drives.values()), default=1)
    blocks = _blocks(net, way, drives, recorders, names, stride)
    block = block_of(width, steps)

    def finished() -> NetworkRecording:
        parts = {name: recorder.finish() for name, recorder in recorders.items()}
        return NetworkRecording(
            {
                name: replace(part, provenance={**part.provenance, "backend": way.of(net, name)})
                for name, part in parts.items()
            },
            way.told,
        )

    with ExitStack() as stack:
        # Last of all, when each population has its own choice back.
        stack.callback(net.detach_synapses)
        for population in net.populations.values():
            stack.enter_context(occupied(population))
            stack.enter_context(keeping_graph(population, keep))
        # Nobody follows the run of a network yet: a journal is of one neuron.
        watch = stack.enter_context(watched(steps, progress))
        try:
            # Steps in eager look at dt by themselves.
            _heed_dt_max(net, way, _first_inputs(net, drives) if way.steppers else {})
            done = 0
            while done < steps:
                watch.heed()
                count = blocks(done, steps - done) if blocks is not None and done else 0
                if not count:
                    # Those that are taken one by one are few where others are taken at once.
                    count = min(block if blocks is None or blocks.over else 1, steps - done)
                    for data in _rows(net, drives, done, count):
                        # Before the step: an interrupt then finds state and recorders at one and the same
                        # step.
                        watch.heed()
                        received, of_views = data() if callable(data) else data
                        outputs = net.advance_prepared(received, of_views, way.steppers)
                        for name, recorder in recorders.items():
                            view = net.views.get(name)
                            found = outputs[name] if view is None else view.of(outputs[view.population])
                            recorder.take(found)
                done += count
                watch(done)
            _heed_dt_max(net, way, {})
        except InputError as error:
            if told := told_of(drives.values(), net.simulation_step - begun, error):
                raise type(error)(f"{error}{told}") from error
            raise
        except KeyboardInterrupt as interrupt:
            raise SimulationInterrupted(finished(), steps) from interrupt
        return finished()


def _first_inputs(net: Network, drives: Mapping[str, Drive]) -> Mapping[str, Any]:
    """Population -> what it receives in the first step, prepared; what views are given is left out."""
    (data,) = _rows(net, drives, 0, 1)
    received: Mapping[str, Any]
    received, _ = data() if callable(data) else data
    return received


def _batched(net: Network, drives: Mapping[str, Drive]) -> bool:
    """Whether inputs have a batch."""
    found: list[Any] = [row for name, drive in drives.items() for row in _given(net, name, drive, 0, 1)]
    while found:
        each = found.pop()
        if isinstance(each, Tensor) and each.dim() > 1:
            return True
        if isinstance(each, Several):
            found.append(each.data)
        elif isinstance(each, (Mapping, list)):
            found += each.values() if isinstance(each, Mapping) else each
    return False


def _apart(net: Network, drives: Mapping[str, Drive]) -> list[str]:
    """The populations and views of which several sources meet what projections bring, in the aggregator."""
    return [
        name
        for name, drive in drives.items()
        if any(isinstance(drive.parts.get(each), Sources) for each in apart_in(net, name))
    ]


def _given(net: Network, name: str, drive: Drive, first: int, count: int) -> list[Any]:
    """What a population or a view is given in so many steps."""
    if not _apart(net, {name: drive}):
        return list(drive.rows(first, count))
    return [Several(row, drive.identifiers) for row in drive.separate(first, count)]


def _heed_dt_max(net: Network, way: Stepping, received: Mapping[str, Any]) -> None:
    """Warn if dt is too large for a population that a backend steps, as it stands."""
    for name in way.steppers:
        given = received.get(name)
        net.populations[name].heed_dt_max(None if given is None else partial(_same, given))


def _same(value: Any) -> Any:
    return value


def _blocks(
    net: Network,
    way: Stepping,
    drives: Mapping[str, Drive],
    recorders: Mapping[str, Recorder],
    names: Mapping[str, Any],
    every: int,
) -> Blocks | None:
    """What takes many steps at once; None where the backend does not, or inputs change."""
    constant = all(drive.constant and name in net.populations for name, drive in drives.items())
    if way.whole is None or not constant or not Blocks.serve(net, names):
        return None
    ((data, _),) = _rows(net, drives, 0, 1)
    return Blocks(net, way, recorders, names, data, every)


def _recorded(net: Network, record: Any) -> dict[str, Any]:
    """Part -> what is recorded of it."""
    if record == SPIKES or (isinstance(record, Sequence) and tuple(record) == (SPIKES,)):
        record = {name: SPIKES for name, each in net.populations.items() if "spiked" in each.loggable_props}
    if not isinstance(record, Mapping):
        raise ArgumentError(
            f"record={shown(record)} cannot be used; give 'spikes', or a mapping by population and "
            'projection: {"E": ("spikes", "voltage")}'
        )
    for name in record:
        if name not in net:
            known = (*net, *net.views)
            raise ArgumentError(
                f"record: {net.identifier} has no part {name!r}{nearest(str(name), known)}; there are "
                f"{', '.join(known)}"
            )
        if not isinstance(record[name], (str, Sequence, Mapping)):
            raise ArgumentError(
                f"record[{name!r}]={shown(record[name])} cannot be used; give a name, or several: "
                f"{', '.join(net[name].loggable_props) or 'it has none'}"
            )
    return {name: check_record(net[name], chosen) for name, chosen in record.items()}


def _drives(net: Network, stimulus: Any, steps: int) -> dict[str, Drive]:
    """Population -> what drives it; those that nothing drives are left out."""
    given = {} if stimulus is None else stimulus
    if not isinstance(given, Mapping):
        raise InputError(
            f"the stimulus of a network is {shown(stimulus)}; give a mapping by population, such as "
            f"{{{next(iter(net.populations))!r}: 5.0}}"
        )
    drives = {}
    for name, source in given.items():
        if name not in net.populations and name not in net.views:
            known = (*net.populations, *net.views)
            raise InputError(
                f"stimulus: {net.identifier} has no population {name!r}{nearest(str(name), known)}; there "
                f"are {', '.join(known)}"
            )
        try:
            drive = Drive(source, net[name])
        except (InputError, StimulusError) as error:
            raise type(error)(f"stimulus of {name!r}: {error}") from error
        if drive.trains:
            raise StimulusError(
                f"stimulus of {name!r}: its spikes are located, and in a network only what comes by "
                "projections arrives at its own times, Events do not; give the population event='crossing', "
                "or drive it alone"
            )
        drive.check()
        rows, left = drive.rows_given, drive.steps_left
        if rows is not None and rows != steps:
            raise InputError(f"stimulus of {name!r}: it has {rows} rows for {steps} steps; give one for each")
        if left is not None and left < steps:
            raise InputError(f"stimulus of {name!r}: it ends after {left} of {steps} steps")
        drives[name] = drive
    return drives


def _rows(net: Network, drives: Mapping[str, Drive], first: int, count: int) -> Iterable[Any]:
    """What populations receive in so many steps, prepared, and what views are given."""
    apart = {name: apart_in(net, name) for name in drives}
    # Made in the step, where it is not the same in all.
    same: dict[str, Any] = {}
    for name, population in net.populations.items():
        drive = drives.get(name)
        if drive is None:
            same[name] = population.prepare({} if population.schema.inputs else 0.0)
        elif drive.constant:
            (row,) = _given(net, name, drive, first, 1)
            same[name] = prepared(population, row, apart[name])
    changing = {
        name: _given(net, name, drive, first, count) for name, drive in drives.items() if name not in same
    }
    if not changing:
        return repeat((same, {}), count)

    def at(step: int) -> Any:
        # Signals count from the clock, so they are prepared when their step comes.
        rows = {name: each[step] for name, each in changing.items()}
        views = {name: row for name, row in rows.items() if name in net.views}
        others = {name: row for name, row in rows.items() if name not in net.views}
        return lambda: (
            {**same, **{name: prepared(net[name], row, apart[name]) for name, row in others.items()}},
            views,
        )

    return map(at, range(count))
