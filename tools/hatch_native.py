"""A build of the package goes in, the compiled log reader goes with it where there is a C compiler; where there is none, it goes without.

With it a wheel is for this platform and any Python, since the library knows nothing of Python; without it the wheel is for all.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging import tags


def _native() -> Any:
    """tools/native.py, which no build environment has on its path."""
    spec = importlib.util.spec_from_file_location("native", Path(__file__).with_name("native.py"))
    if spec is None or spec.loader is None:
        raise ImportError("tools/native.py is missing beside this file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class NativeBuildHook(BuildHookInterface[Any]):
    """Called by hatchling before it collects the wheel's files, and at an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See hatchling. `version` is "editable" where the checkout itself is installed: the library then lies beside its sources."""
        native = _native()
        try:
            library = native.build()
        except native.NoCompilerError as missing:
            print(f"makewhole: logs are read by Python alone, which is slower: {missing}", file=sys.stderr)
            return
        if version == "editable":
            return
        build_data["artifacts"].append(str(library.relative_to(self.root)))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{next(tags.platform_tags())}"
