"""A folder full of installed distributions, as an installer leaves them; some are plugins."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

HOOKS = """import time
{burn}time.sleep({sleep})
from rheobase import NeuronSpec, hookimpl


@hookimpl
def rheobase_neurons():
    return [NeuronSpec("{name}", "{package}.model:Model", "does nothing, as number {number}")]
"""

BURN = """end = time.process_time() + {cpu}
while time.process_time() < end:
    pass
"""

MODEL = '''from rheobase import AnalogNeuron


class Model(AnalogNeuron):
    """Follows its input."""
'''

README = "A distribution with a description of the usual length. " * 40


def fill(folder: Path, distributions: int, plugins: int, *, sleep: float, cpu: float = 0.0) -> list[str]:
    """Write distributions into a folder.

    Args:
        folder: The folder; made if it is not there.
        distributions: How many in all.
        plugins: How many of them are plugins, spread evenly among the others.
        sleep: How long the import of each plugin's hook module sleeps, s.
        cpu: How much CPU time it burns besides, s.

    Returns:
        The import names of the plugins' packages.
    """
    every = distributions // plugins
    packages = []
    for number in range(distributions):
        is_plugin = number % every == 0 and len(packages) < plugins
        package = f"{'plugin' if is_plugin else 'other'}_{number:03d}"
        files = {f"{package}/__init__.py": "", f"{package}/model.py": MODEL}
        points = f"[console_scripts]\n{package} = {package}:main\n"
        if is_plugin:
            burn = BURN.format(cpu=cpu) if cpu else ""
            name = package.replace("_", "-")
            files[f"{package}/plugin.py"] = HOOKS.format(
                burn=burn, sleep=sleep, name=name, package=package, number=number
            )
            points = f"[rheobase]\n{name} = {package}.plugin\n"
            packages.append(package)
        info = f"{package}-1.0.{number}.dist-info"
        files[f"{info}/METADATA"] = (
            f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.0.{number}\n"
            f"Summary: number {number}\nRequires-Dist: rheobase>=0.1\n\n{README}\n"
        )
        files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        # Two thirds of what is installed has entry points of some kind.
        if is_plugin or number % 3:
            files[f"{info}/entry_points.txt"] = points
        lines = [f"{path},sha256={_hash(text)},{len(text)}" for path, text in files.items()]
        files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""])
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    return packages


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
