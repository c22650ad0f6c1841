"""What ``pyproject.toml`` cannot say: the command's dependencies stand, pinned, in the requirement files.

They are read from there so that each pin is written once; setuptools itself refuses files that name others
(``-c``, ``-r``). The command is built outside the tree: a ``build/`` folder that stays behind would put
modules that were deleted since into the next installation, and a policy is on as soon as its module is found.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from setuptools import setup

_REQUIREMENTS = ("requirements.txt", "requirements-cli.txt")
_EXTRAS = {"roles": ("requirements-roles.txt",)}


def pinned(names: Iterable[str]) -> list[str]:
    """The requirements of these files, with their markers."""
    here = Path(__file__).resolve().parent
    lines = (line.strip() for name in names for line in (here / name).read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


with tempfile.TemporaryDirectory() as folder:
    setup(
        install_requires=pinned(_REQUIREMENTS),
        extras_require={extra: pinned(names) for extra, names in _EXTRAS.items()},
        options={"build": {"build_base": folder}},
    )
