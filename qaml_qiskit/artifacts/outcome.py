"""A row of what a command found."""

from typing import Any

#: Values by the names of their columns, which the documentation of the command promises.
Row = dict[str, Any]
