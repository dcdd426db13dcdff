"""Attacks on images by name."""

from typing import Annotated

from pydantic import ValidationError

from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.errors import ConfigurationError, perhaps
from qaml_qiskit.formats import first_problem
from qaml_qiskit.registry import Named, Registry

_IMAGE = "qaml_qiskit.attacks.image"

#: Every attack's configuration class by its name.
ATTACKS: Registry[type[Attack]] = Registry(
    "attack",
    {
        "fgsm": (f"{_IMAGE}.fgsm:FGSMConfig", "one step along the sign of the gradient"),
        "pgd": (f"{_IMAGE}.pgd:PGDConfig", "projected gradient descent from a random start"),
        "bim": (f"{_IMAGE}.bim:BIMConfig", "FGSM in small steps, without a random start"),
        "mim": (f"{_IMAGE}.mim:MIMConfig", "BIM with momentum, made for transfer"),
        "apgd": (f"{_IMAGE}.apgd:APGDConfig", "PGD that chooses its step size itself"),
        "autoattack": (f"{_IMAGE}.autoattack:AutoAttackConfig", "APGD, FAB and Square one after the other"),
        "square": (f"{_IMAGE}.square:SquareConfig", "random search over squares"),
        "cw": (f"{_IMAGE}.cw:CWConfig", "Carlini and Wagner's search for the smallest change"),
        "deepfool": (f"{_IMAGE}.deepfool:DeepFoolConfig", "linearisation towards the nearest boundary"),
    },
    base="qaml_qiskit.attacks.image.base:Attack",
)

#: The name of a registered attack; for fields of requests.
AttackName = Annotated[str, Named(ATTACKS)]


def make_attack(name: str, **parameters: object) -> Attack:
    """An attack with some parameters changed from their defaults.

    Args:
        name: in the registry.
        parameters: fields of its configuration class.

    Raises:
        ConfigurationError: an unknown name, an unknown parameter or a value out of range.
    """
    kind = ATTACKS[name]
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
