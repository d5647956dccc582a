"""What the kit needs beside the core, the extra ``testing``: imported first, to be asked for in words."""

from __future__ import annotations

from importlib.util import find_spec

from rheobase.errors import ConfigurationError


def _is_missing(name: str) -> bool:
    try:
        return find_spec(name) is None
    except (ImportError, ValueError):  # something stands in its way
        return True


MISSING = [name for name in ("hypothesis", "pytest") if _is_missing(name)]
if MISSING:
    raise ConfigurationError(
        f"the conformance kit needs {' and '.join(MISSING)}, which "
        f"{'is' if len(MISSING) == 1 else 'are'} not installed; "
        "install the extra: pip install 'rheobase[testing]'"
    )
