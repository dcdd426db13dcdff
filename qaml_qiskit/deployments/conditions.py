"""What a model is put under, and how that is written: ``MODEL``, ``MODEL@NOISE:STRENGTH``, ``MODEL@TARGET``.

Light: requests read these names before torch or Qiskit are there, so that a wrong one is refused at once.
"""

from dataclasses import dataclass

from qaml_qiskit.deployments.references import model_part
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise.names import Placement, check_noise
from qaml_qiskit.text import printable

#: Compiles for a device where nothing else is said.
DEFAULT_RECIPE = "level3"
_BY_LAYER, _ENCODING = "layer", "encoding"


@dataclass(frozen=True)
class Ideal:
    """Nothing disturbs the model."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True)
class UnderNoise:
    """A named noise on a QVC in native gates.

    Attributes:
        noise: a name of :data:`qaml_qiskit.noise.NOISES`.
        strength: 0 is no noise.
        placement: after every gate or after every layer.
        on_encoding: whether the gates that prepare the image have it, too.

    Raises:
        ConfigurationError: an unknown noise or placement, or a strength out of its range.
    """

    noise: str
    strength: float
    placement: Placement = "gate"
    on_encoding: bool = False

    def __post_init__(self) -> None:
        check_noise(self.noise, self.strength, self.placement)

    def __str__(self) -> str:
        short = f"{self.strength:g}"
        words = [self.noise, short if float(short) == self.strength else repr(float(self.strength))]
        words += [_BY_LAYER] if self.placement == "layer" else []
        words += [_ENCODING] if self.on_encoding else []
        return ":".join(words)


@dataclass(frozen=True)
class OnTarget:
    """Compiled for a target, and run there.

    Attributes:
        target: a name of backends.yaml.
        recipe: compiles; it is not part of how the condition is written.
    """

    target: str
    recipe: str = DEFAULT_RECIPE

    def __str__(self) -> str:
        return self.target


Condition = Ideal | UnderNoise | OnTarget


def written(model: str, condition: Condition) -> str:
    """The name that :func:`parse_deployment` reads back."""
    return model if isinstance(condition, Ideal) else f"{model}@{condition}"


def parse_deployment(
    name: str,
    *,
    noise: str | None = None,
    strength: float | None = None,
    target: str | None = None,
    recipe: str = DEFAULT_RECIPE,
) -> tuple[str, Condition]:
    """The model's name and its condition. A path that exists is always a model.

    Args:
        name: ``MODEL``, ``MODEL@NOISE:STRENGTH``, with ``:layer`` and ``:encoding`` behind it for noise by layer and on
            the encoding, or ``MODEL@TARGET``.
        noise: the long form of the condition.
        strength: of the noise.
        target: the long form of a target.
        recipe: compiles for a target.

    Raises:
        ConfigurationError: no number, an unknown noise, a strength out of its range, or two conditions at once.
    """
    model = model_part(name)
    given: list[Condition] = []
    if noise is not None and strength is not None:
        given.append(UnderNoise(noise, strength))
    if target is not None:
        given.append(OnTarget(target, recipe))
    if model != name:
        given.append(parse_condition(name.removeprefix(f"{model}@"), recipe=recipe, name=name))
    if len(given) > 1:
        raise ConfigurationError(
            f"{printable(name)} is put under two conditions",
            got=" and ".join(printable(str(condition)) for condition in given),
            expected="one of MODEL@NOISE:STRENGTH, MODEL@TARGET, and the options for noise or target",
            remedy="leave out all but one",
        )
    return model, given[0] if given else Ideal()


def parse_condition(words: str, *, recipe: str = DEFAULT_RECIPE, name: str | None = None) -> Condition:
    """A condition as it is written behind the ``@`` of a deployment; no words are :class:`Ideal`.

    Args:
        words: ``TARGET`` or ``NOISE:STRENGTH``, with ``:layer`` and ``:encoding`` behind it.
        recipe: compiles for a target.
        name: of the whole deployment, for the message.

    Raises:
        ConfigurationError: no number, an unknown noise, or a strength out of its range.
    """
    if not words:
        return Ideal()
    noise, *rest = words.split(":")
    if not rest:
        return OnTarget(words, recipe)
    strength, *where = rest
    placed = [place in where for place in (_BY_LAYER, _ENCODING)]
    try:
        value = float(strength)
        if where != [place for place, there in zip((_BY_LAYER, _ENCODING), placed, strict=True) if there]:
            raise ValueError(where)
    except ValueError as error:
        raise ConfigurationError(
            f"{printable(words if name is None else name)} cannot be read",
            got=f"the strength {printable(':'.join(rest))!r}",
            expected="MODEL@NOISE:STRENGTH with a number, such as model@depolarizing:0.001",
            remedy="correct the strength",
        ) from error
    return UnderNoise(noise, value, "layer" if placed[0] else "gate", placed[1])
