"""How sure a prediction is: probabilities, what makes them honest, and what follows from them; numpy only."""

from qaml_qiskit.confidence.measured import Probabilities as Probabilities
from qaml_qiskit.confidence.probabilities import probability_errors as probability_errors
from qaml_qiskit.confidence.probabilities import softmax as softmax
from qaml_qiskit.confidence.temperature import Temperature as Temperature
from qaml_qiskit.confidence.temperature import fit_temperature as fit_temperature
