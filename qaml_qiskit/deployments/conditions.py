"""What a model is put under, and how that is written: ``MODEL``, ``MODEL@NOISE:STRENGTH``, ``MODEL@TARGET``.

How it answers there, an inference rule, is written the same way, before noise or target:
``MODEL@layers:mean:10@TARGET``.

Light: requests read these names before torch or Qiskit are there, so that a wrong one is refused at once.
"""

from dataclasses import dataclass, field, replace
from typing import Self

from qaml_qiskit.deployments.references import name_parts
from qaml_qiskit.deployments.rules import InferenceRule, names_rule, parse_rule
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise.names import Placement, check_noise
from qaml_qiskit.text import printable

#: Compiles for a device where nothing else is said.
DEFAULT_RECIPE = "level3"
#: Validation images where a model is on a target and nobody says how many: each is a circuit.
VALIDATION_ON_TARGET = 200
_BY_LAYER, _ENCODING = "layer", "encoding"


@dataclass(frozen=True)
class _Answering:
    """A condition under which a model answers by a rule.

    Attributes:
        rule: how it answers; None for the rule that the model has by itself. It is not part of ``str``.
    """

    rule: InferenceRule | None = field(default=None, kw_only=True)

    def by(self, rule: InferenceRule | None) -> Self:
        """The same condition with another rule."""
        return replace(self, rule=rule)


@dataclass(frozen=True)
class Ideal(_Answering):
    """Nothing disturbs the model."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True)
class UnderNoise(_Answering):
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
class OnTarget(_Answering):
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


def words_of(condition: Condition) -> str:
    """A condition and its rule as :func:`parse_condition` reads them; empty for nothing."""
    return "@".join(word for word in (str(condition.rule or ""), str(condition)) if word)


def written(model: str, condition: Condition) -> str:
    """The name that :func:`parse_deployment` reads back."""
    words = words_of(condition)
    return f"{model}@{words}" if words else model


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
            the encoding, or ``MODEL@TARGET``. An inference rule such as ``@layers:mean:10`` may stand beside each.
        noise: the long form of the condition.
        strength: of the noise.
        target: the long form of a target.
        recipe: compiles for a target.

    Raises:
        ConfigurationError: no number, an unknown noise, a strength out of its range, or two conditions or rules at
            once.
    """
    model, parts = name_parts(name)
    given: list[Condition] = []
    if noise is not None and strength is not None:
        given.append(UnderNoise(noise, strength))
    if target is not None:
        given.append(OnTarget(target, recipe))
    rules = [parse_rule(part) for part in parts if names_rule(part)]
    given += [_condition(part, recipe, name) for part in parts if not names_rule(part)]
    if len(given) > 1 or len(rules) > 1:
        raise ConfigurationError(
            f"{printable(name)} is put under two conditions",
            got=" and ".join(printable(str(each)) for each in (given if len(given) > 1 else rules)),
            expected="one of MODEL@NOISE:STRENGTH, MODEL@TARGET, and the options for noise or target; and one rule",
            remedy="leave out all but one",
        )
    condition = given[0] if given else Ideal()
    return model, condition.by(rules[0]) if rules else condition


def parse_condition(words: str, *, recipe: str = DEFAULT_RECIPE, name: str | None = None) -> Condition:
    """A condition as it is written behind the ``@`` of a deployment; no words are :class:`Ideal`.

    Args:
        words: ``TARGET`` or ``NOISE:STRENGTH``, with ``:layer`` and ``:encoding`` behind it; an inference rule, or a
            rule and one of these with an ``@`` between them.
        recipe: compiles for a target.
        name: of the whole deployment, for the message.

    Raises:
        ConfigurationError: no number, an unknown noise, or a strength out of its range.
    """
    name = name or words
    first, at, second = words.partition("@")
    if at and names_rule(first) != names_rule(second):
        rule, condition = (first, second) if names_rule(first) else (second, first)
        return _condition(condition, recipe, name).by(parse_rule(rule))
    return Ideal(rule=parse_rule(words)) if names_rule(words) else _condition(words, recipe, name)


def _condition(words: str, recipe: str, name: str) -> Condition:
    """A condition without a rule; ``name`` is what it is part of, for the message."""
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
            f"{printable(name)} cannot be read",
            got=f"the strength {printable(':'.join(rest))!r}",
            expected="MODEL@NOISE:STRENGTH with a number, such as model@depolarizing:0.001, or an inference rule "
            "such as model@layers:off",
            remedy="correct the strength",
        ) from error
    return UnderNoise(noise, value, "layer" if placed[0] else "gate", placed[1])
