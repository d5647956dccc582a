"""Contract and metadata: the plugin that offers a model."""

from __future__ import annotations

import os
import subprocess
import sys

from rheobase import create
from rheobase.spi import imported

from ..property import Need, prop
from ..violation import require, violated
from .needs import INSTALLED
from .subject import NeuronSubject

SPEC = Need(lambda s: s.spec is not None, "no spec offers it: it was given as an object")

_PROBE = """
import importlib, os, sys, traceback
import rheobase

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            own = (os.path.dirname(rheobase.__file__), os.path.dirname(importlib.__file__), "<")
            frames = traceback.extract_stack()[:-1]
            at = [frame for frame in frames if not frame.filename.startswith(own)]
            if at:
                print(f"{at[-1].filename}, line {at[-1].lineno}: {at[-1].line}", flush=True)
            os._exit(3)
        return None

sys.meta_path.insert(0, Watch())
importlib.import_module(sys.argv[1])
"""


@prop(
    "neuron",
    "hook-module-imports-no-torch",
    "contract",
    needs=(INSTALLED,),
    why="every listing of components imports it: one plugin that imports torch slows them all",
)
def the_hook_module_imports_no_torch(subject: NeuronSubject) -> None:
    """The module with the hooks, and its parent packages, import no torch."""
    path = os.pathsep.join(filter(None, (subject.folder, *sys.path)))
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, subject.hook_module],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode == 3:
        last = (done.stdout.strip().splitlines() or ["a place that is not known"])[-1]
        violated(f"importing {subject.hook_module} imports torch, at {last}; import it in the model's module")
    require(
        done.returncode == 0,
        f"{subject.hook_module} cannot be imported by itself: {done.stderr.strip()[-300:]}",
    )


@prop(
    "neuron",
    "spec-and-object-agree",
    "contract",
    needs=(SPEC,),
    why="the name in the listing must stand for the model that is judged",
)
def the_spec_and_the_object_agree(subject: NeuronSubject) -> None:
    """The spec is one of a neuron, has a summary, and its target is the class; its name makes one."""
    spec = subject.spec
    if spec is None:
        return
    require(
        spec.kind == "neuron", f"the spec of {spec.name!r} is one of a {spec.kind}, the object is a neuron"
    )
    require(bool(spec.summary.strip()), f"the spec of {spec.name!r} has no summary; listings show it")
    if subject.provenance is None:
        return
    found = imported(spec)
    require(
        found is subject.model,
        f"the target {spec.target!r} is {found!r}, and what is judged is {subject.model!r}",
    )
    made = create(subject.target)
    require(
        isinstance(made, subject.model),
        f"create({subject.target!r}) makes a {type(made).__name__}, not a {subject.model.__name__}",
    )
