"""A circuit and parameter values onto a target: recipes, targets, sampling, readout mitigation. No torch, no images."""

from qaml_qiskit.execution.catalogue import Catalogue as Catalogue
from qaml_qiskit.execution.catalogue import load_catalogue as load_catalogue
from qaml_qiskit.execution.inference import Mitigation as Mitigation
from qaml_qiskit.execution.inference import Sampled as Sampled
from qaml_qiskit.execution.inference import compile_for as compile_for
from qaml_qiskit.execution.inference import sample as sample
from qaml_qiskit.execution.ledger import Ledger as Ledger
from qaml_qiskit.execution.mitigation import Calibration as Calibration
from qaml_qiskit.execution.mitigation import ReadoutCorrection as ReadoutCorrection
from qaml_qiskit.execution.recipes import Recipe as Recipe
from qaml_qiskit.execution.recipes import load_recipe as load_recipe
from qaml_qiskit.execution.recipes import recipe_names as recipe_names
from qaml_qiskit.execution.recipes import to_isa as to_isa
from qaml_qiskit.execution.targets import Target as Target
from qaml_qiskit.execution.targets import open_target as open_target
