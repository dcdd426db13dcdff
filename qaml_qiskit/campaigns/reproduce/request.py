"""What ``qaml reproduce`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from qaml_qiskit.errors import ConfigurationError, QamlError
from qaml_qiskit.papers.catalogue import find_items, load_paper
from qaml_qiskit.papers.schema import Tier
from qaml_qiskit.workflows.fields import each_once
from qaml_qiskit.workflows.request import Request

#: Stands for the list of what there is.
LIST = "list"
#: Every seed is planned before anything is run, and costs a training of every model that depends on it.
MOST_SEEDS = 100


class ReproduceRequest(Request):
    """Figures, tables and statements of papers."""

    command: ClassVar[str] = "reproduce"

    items: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(each_once)]
    """PAPER for all that a paper shows, or PAPER/ITEM, where PAPER may be a folder of yours with a claims.yaml and a
    plan.yaml; or the word list, alone or in front of papers, for what there is."""
    tier: Tier = "quick"
    """How much is run: the whole path on few images, the paper's own sizes, or whole test sets."""
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] = 1
    """Trainings of every model that the paper's plan lets depend on a seed, from seed 0 on."""

    @model_validator(mode="after")
    def _are_there(self) -> "ReproduceRequest":
        if self.only_list:
            asked = self.items[1:]
        elif LIST in self.items:
            raise ConfigurationError(
                "the list stands alone",
                got=", ".join(self.items),
                expected=f"{LIST}, and papers behind it",
                remedy=f"put {LIST} in front, or leave it out",
            )
        else:
            asked = self.items
        try:
            for words in asked:
                if self.only_list:
                    load_paper(words)
                else:
                    find_items(words)
        except QamlError as error:
            # What does not fit is in a file of the paper, and none of these fields.
            raise error from None
        return self

    @property
    def only_list(self) -> bool:
        """Whether nothing is run."""
        return self.items[0] == LIST
