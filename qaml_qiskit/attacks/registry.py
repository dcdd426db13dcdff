"""Attacks by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, ValidationError

from qaml_qiskit.attacks.configs import (
    APGDConfig,
    Attack,
    AutoAttackConfig,
    BIMConfig,
    CWConfig,
    DeepFoolConfig,
    FGSMConfig,
    MIMConfig,
    PGDConfig,
    SquareConfig,
)
from qaml_qiskit.errors import ConfigurationError, perhaps, unknown_name
from qaml_qiskit.formats import first_problem

#: A configuration of any registered attack, told apart by its name; for fields of other pydantic models.
AnyAttack = Annotated[
    FGSMConfig
    | PGDConfig
    | BIMConfig
    | MIMConfig
    | CWConfig
    | DeepFoolConfig
    | SquareConfig
    | APGDConfig
    | AutoAttackConfig,
    Field(discriminator="name"),
]

#: Every attack's configuration class by its name.
ATTACKS: Mapping[str, type[Attack]] = MappingProxyType(
    {
        "fgsm": FGSMConfig,
        "pgd": PGDConfig,
        "bim": BIMConfig,
        "mim": MIMConfig,
        "cw": CWConfig,
        "deepfool": DeepFoolConfig,
        "square": SquareConfig,
        "apgd": APGDConfig,
        "autoattack": AutoAttackConfig,
    }
)


def attack_class(name: str) -> type[Attack]:
    """The configuration class of an attack.

    Raises:
        ConfigurationError: an unknown name; the message offers the nearest ones.
    """
    if name in ATTACKS:
        return ATTACKS[name]
    raise unknown_name("there is no such attack", name, ATTACKS)


def make_attack(name: str, **parameters: object) -> Attack:
    """An attack with some parameters changed from their defaults.

    Args:
        name: in the registry.
        parameters: fields of its configuration class.

    Raises:
        ConfigurationError: an unknown name, an unknown parameter or a value out of range.
    """
    kind = attack_class(name)
    try:
        return kind.model_validate({"name": name, **parameters})
    except ValidationError as error:
        first, _ = first_problem(error)
        field = ".".join(map(str, first["loc"]))
        known = [known for known in kind.model_fields if known != "name"]
        otherwise = f"correct or leave out {field}"
        raise ConfigurationError(
            f"the attack {name} cannot have these parameters",
            got=f"{field}={first['input']!r} ({first['msg']})",
            expected=f"values for {', '.join(known)}",
            remedy=otherwise if field in known else perhaps(field, known, otherwise, count=1),
        ) from error
