"""Angles of a compiled circuit: sums of weights and constants, or expressions that torch evaluates."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import sympy  # type: ignore[import-untyped]
import torch
from qiskit.circuit import Parameter, ParameterExpression

from qaml_qiskit.errors import ConfigurationError

_TORCH_NAMES = {"conjugate": lambda value: value}


@dataclass(frozen=True)
class Angle:
    """An affine function of the features (weights first, values of non-linear expressions after them).

    Attributes:
        constant: the constant part, in radians.
        terms: pairs (feature index, coefficient), each index at most once.
    """

    constant: float = 0.0
    terms: tuple[tuple[int, float], ...] = ()

    def __add__(self, other: Angle | float) -> Angle:
        if isinstance(other, Angle):
            merged = dict(self.terms)
            for index, coefficient in other.terms:
                merged[index] = merged.get(index, 0.0) + coefficient
            return Angle(self.constant + other.constant, tuple(merged.items()))
        return Angle(self.constant + other, self.terms)

    def __mul__(self, factor: float) -> Angle:
        return Angle(self.constant * factor, tuple((index, value * factor) for index, value in self.terms))

    def __neg__(self) -> Angle:
        return self * -1.0

    @property
    def is_constant(self) -> bool:
        """Whether no weight can change this angle."""
        return not self.terms


@dataclass(frozen=True)
class Expression:
    """A non-linear angle of some weights, evaluated by torch so that autograd differentiates it.

    Attributes:
        formula: the expression in sympy's form.
        symbols: its free symbols, in the order of ``indices``.
        indices: the weights that the symbols stand for.
    """

    formula: sympy.Expr
    symbols: tuple[sympy.Symbol, ...]
    indices: tuple[int, ...]

    @cached_property
    def function(self) -> Callable[..., torch.Tensor]:
        """The expression as a torch function of scalar tensors, one for each symbol."""
        return cast(
            "Callable[..., torch.Tensor]",
            sympy.lambdify(list(self.symbols), self.formula, modules=[_TORCH_NAMES, "torch"]),
        )

    def __call__(self, weights: torch.Tensor) -> torch.Tensor:
        """Evaluate at ``weights`` of shape (P,); the value is a scalar tensor of their dtype and device."""
        return torch.as_tensor(self.function(*(weights[index] for index in self.indices))).to(weights)

    def __getstate__(self) -> dict[str, Any]:
        # The generated function cannot be pickled; it is made again on first use.
        return {key: value for key, value in self.__dict__.items() if key != "function"}


class AngleReader:
    """Turns the parameters of Qiskit gates into angles and collects the non-linear ones.

    Args:
        parameters: the order of the weight vector.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._index = {parameter: index for index, parameter in enumerate(parameters)}
        self._known: dict[ParameterExpression, int] = {}
        self.expressions: list[Expression] = []

    def read(self, value: object, where: str) -> Angle:
        """The angle that ``value`` stands for.

        Args:
            value: a real number or a parameter expression.
            where: the instruction it belongs to, for the error message.

        Raises:
            ConfigurationError: if the value is complex, not finite or not a number, or if torch cannot evaluate it.
        """
        if isinstance(value, Parameter):
            return Angle(0.0, ((self._index[value], 1.0),))
        if isinstance(value, ParameterExpression):
            if not value.parameters:
                return Angle(_real(value.numeric(), where))
            return self._affine(value, where) or self._general(value, where)
        return Angle(_real(value, where))

    def _affine(self, value: ParameterExpression, where: str) -> Angle | None:
        """The angle, or None where the expression is not affine."""
        try:
            slopes = {parameter: value.gradient(parameter) for parameter in value.parameters}
            if any(isinstance(slope, ParameterExpression) for slope in slopes.values()):
                return None
            origin = value.bind(dict.fromkeys(value.parameters, 0.0)).numeric()
        except (RuntimeError, ZeroDivisionError, TypeError):
            return None  # qiskit knows no derivative (sign) or no value at the origin (x·x/x)
        terms = ((self._index[parameter], _real(slope, where)) for parameter, slope in slopes.items())
        return Angle(_real(origin, where), tuple(sorted(term for term in terms if term[1] != 0.0)))

    def _general(self, value: ParameterExpression, where: str) -> Angle:
        if value not in self._known:
            formula = value.sympify()
            if not isinstance(formula, sympy.Expr):
                raise ConfigurationError(
                    f"cannot evaluate an angle of {where}",
                    got=f"the expression {value}",
                    expected="an expression that Qiskit can hand to sympy",
                    remedy="rewrite it, for example a power with a numeric base as exp(x·log(base))",
                )
            by_name = {parameter.name: parameter for parameter in value.parameters}
            symbols = tuple(sorted(formula.free_symbols, key=str))
            indices = tuple(self._index[by_name[str(symbol)]] for symbol in symbols)
            self._known[value] = len(self.expressions)
            self.expressions.append(Expression(formula, symbols, indices))
        return Angle(0.0, ((len(self._index) + self._known[value], 1.0),))


def _real(value: object, where: str) -> float:
    """``value`` as a finite real number."""
    try:
        number = complex(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        number = complex("nan")
    if not cmath.isfinite(number) or abs(number.imag) > 1e-12:
        raise ConfigurationError(
            f"cannot use an angle of {where}",
            got=repr(value),
            expected="a finite real number or a real parameter expression",
            remedy="bind or rewrite this angle",
        )
    return number.real
