"""A circuit and parameter values onto a target: compile, plan, submit, collect, mitigate. No torch, no images."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.execution.catalogue import Catalogue as Catalogue
    from qaml_qiskit.execution.catalogue import load_catalogue as load_catalogue
    from qaml_qiskit.execution.circuits import active_qubits as active_qubits
    from qaml_qiskit.execution.circuits import compact as compact
    from qaml_qiskit.execution.collection import Elsewhere as Elsewhere
    from qaml_qiskit.execution.collection import cancel as cancel
    from qaml_qiskit.execution.collection import check_timeout as check_timeout
    from qaml_qiskit.execution.collection import collect as collect
    from qaml_qiskit.execution.compilation.lines import PlacedLine as PlacedLine
    from qaml_qiskit.execution.compilation.recipes import Recipe as Recipe
    from qaml_qiskit.execution.compilation.recipes import load_recipe as load_recipe
    from qaml_qiskit.execution.compilation.recipes import to_isa as to_isa
    from qaml_qiskit.execution.compilation.tiles import compile_tiles as compile_tiles
    from qaml_qiskit.execution.compilation.tiles import join_tiles as join_tiles
    from qaml_qiskit.execution.compilation.tiles import split_tiles as split_tiles
    from qaml_qiskit.execution.compilation.tiles import tile_lines as tile_lines
    from qaml_qiskit.execution.costs import Plan as Plan
    from qaml_qiskit.execution.costs import circuit_seconds as circuit_seconds
    from qaml_qiskit.execution.costs import device_seconds as device_seconds
    from qaml_qiskit.execution.costs import limited as limited
    from qaml_qiskit.execution.costs import plan as plan
    from qaml_qiskit.execution.costs import sampling_seconds as sampling_seconds
    from qaml_qiskit.execution.costs import survival as survival
    from qaml_qiskit.execution.dealing import TileImages as TileImages
    from qaml_qiskit.execution.engines import check_simulated as check_simulated
    from qaml_qiskit.execution.engines import choose_engine as choose_engine
    from qaml_qiskit.execution.engines import told_engine as told_engine
    from qaml_qiskit.execution.engines import with_engine as with_engine
    from qaml_qiskit.execution.ledger import LEDGER_FILE as LEDGER_FILE
    from qaml_qiskit.execution.ledger import JobRecord as JobRecord
    from qaml_qiskit.execution.ledger import Ledger as Ledger
    from qaml_qiskit.execution.local import JobWork as JobWork
    from qaml_qiskit.execution.local import PrimitiveRunner as PrimitiveRunner
    from qaml_qiskit.execution.names import recipe_names as recipe_names
    from qaml_qiskit.execution.options import DEFAULT_MITIGATION as DEFAULT_MITIGATION
    from qaml_qiskit.execution.options import CountsMitigation as CountsMitigation
    from qaml_qiskit.execution.options import Engine as Engine
    from qaml_qiskit.execution.options import Mitigation as Mitigation
    from qaml_qiskit.execution.options import Mode as Mode
    from qaml_qiskit.execution.options import PrimitiveOptions as PrimitiveOptions
    from qaml_qiskit.execution.overview import Collection as Collection
    from qaml_qiskit.execution.overview import job_rows as job_rows
    from qaml_qiskit.execution.overview import standing as standing
    from qaml_qiskit.execution.overview import told_by as told_by
    from qaml_qiskit.execution.readings.calibration import Calibration as Calibration
    from qaml_qiskit.execution.readings.calibration import check_calibration as check_calibration
    from qaml_qiskit.execution.readings.calibration import load_calibration as load_calibration
    from qaml_qiskit.execution.readings.mitigation import ReadoutCorrection as ReadoutCorrection
    from qaml_qiskit.execution.readings.outcomes import read_outcomes as read_outcomes
    from qaml_qiskit.execution.readings.outcomes import read_shots as read_shots
    from qaml_qiskit.execution.readings.sampled import Sampled as Sampled
    from qaml_qiskit.execution.readings.sampled import TileSampled as TileSampled
    from qaml_qiskit.execution.runner import Answer as Answer
    from qaml_qiskit.execution.runner import BrokenResultError as BrokenResultError
    from qaml_qiskit.execution.runner import JobState as JobState
    from qaml_qiskit.execution.runner import Runner as Runner
    from qaml_qiskit.execution.runner import SentJob as SentJob
    from qaml_qiskit.execution.sampling import compile_for as compile_for
    from qaml_qiskit.execution.sampling import sample as sample
    from qaml_qiskit.execution.sampling import workload_for as workload_for
    from qaml_qiskit.execution.splitting import LOCAL_IMAGES_PER_JOB as LOCAL_IMAGES_PER_JOB
    from qaml_qiskit.execution.splitting import build_workload as build_workload
    from qaml_qiskit.execution.submission import outstanding as outstanding
    from qaml_qiskit.execution.submission import runner_for as runner_for
    from qaml_qiskit.execution.submission import stored_workload as stored_workload
    from qaml_qiskit.execution.submission import submit as submit
    from qaml_qiskit.execution.submission import with_begun_engine as with_begun_engine
    from qaml_qiskit.execution.targets import Target as Target
    from qaml_qiskit.execution.targets import open_target as open_target
    from qaml_qiskit.execution.workload import CALIBRATION as CALIBRATION
    from qaml_qiskit.execution.workload import Workload as Workload
    from qaml_qiskit.simulation.measurements import measured_qubits as measured_qubits

load_lazily(__name__)
