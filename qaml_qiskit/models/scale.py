"""What logits are multiplied by."""

from typing import Annotated

from pydantic import Field

#: Scale of logits as a field of a configuration: beyond a million, the softmax of float32 knows 0 and 1 only.
LogitScale = Annotated[float, Field(gt=0, le=1e6)]
