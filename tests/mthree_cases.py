"""M3 in the tests of what must work without it, too."""

from importlib.util import find_spec

import pytest

#: Marks a test that needs mthree.
needs_mthree = pytest.mark.skipif(find_spec("mthree") is None, reason="mthree is not installed: no mitigation m3")
#: M3 among the values of a parameter.
M3 = pytest.param("m3", marks=needs_mthree)
