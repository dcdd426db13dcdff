"""How sure a prediction is: probabilities, what makes them honest, and what follows from them; numpy only."""

from qaml_qiskit.confidence.measured import Probabilities as Probabilities
from qaml_qiskit.confidence.pooling import fit_pooled_temperature as fit_pooled_temperature
from qaml_qiskit.confidence.probabilities import probability_errors as probability_errors
from qaml_qiskit.confidence.probabilities import softmax as softmax
from qaml_qiskit.confidence.temperature import Temperature as Temperature
from qaml_qiskit.confidence.temperature import fit_temperature as fit_temperature
from qaml_qiskit.confidence.uncertainty import ShotMoments as ShotMoments
from qaml_qiskit.confidence.uncertainty import Uncertainty as Uncertainty
from qaml_qiskit.confidence.uncertainty import entropy as entropy
