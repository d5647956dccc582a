"""What the kit needs beside the core, the extra ``testing``: imported first, to be asked for in words."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import ConfigurationError

MISSING = [name for name in ("hypothesis", "pytest") if find_spec(name) is None]
if MISSING:
    raise ConfigurationError(
        f"the conformance kit needs {' and '.join(MISSING)}, which is not installed; "
        "install the extra: pip install 'rheobase[testing]'"
    )
