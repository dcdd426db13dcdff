"""Attacks on images by name."""

from typing import Annotated

from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.registry import Named, Registry
from qaml_qiskit.settings import configured

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
    return configured(f"the attack {name}", ATTACKS[name], {"name": name, **parameters}, fixed=("name",))
