"""The first Python of the executable, in place of PyInstaller's: it makes the packed modules importable, and no more.

PyInstaller's own also wraps ctypes, which takes longer than all of this, so that libraries are found beside the program
by their bare names: the loader looks there anyway (LD_LIBRARY_PATH). It looks for eggs, too.
"""

import sys

import pyimod02_importers  # type: ignore[import-not-found]

pyimod02_importers.install()
sys.frozen = True  # type: ignore[attr-defined]
