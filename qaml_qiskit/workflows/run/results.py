"""From submitted jobs to results: the work behind ``qaml collect``.

Everything here works from the run folder alone, so any later process can do it, on any machine that has the folder.
"""

from collections.abc import Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from qaml_qiskit.artifacts.codecs import ARRAYS, JSON
from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments.compiled import circuit_rows, circuit_to_run
from qaml_qiskit.deployments.references import model_part, model_path
from qaml_qiskit.deployments.rules import parse_rule
from qaml_qiskit.deployments.sampling import check_computed, computed_on
from qaml_qiskit.errors import PartialResultError, QamlError
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.execution import (
    Runner,
    Sampled,
    Workload,
    job_rows,
    plan,
    read_outcomes,
    told_by,
    told_engine,
)
from qaml_qiskit.execution import collect as collect_jobs
from qaml_qiskit.execution.catalogue import IBMEntry, IdealEntry
from qaml_qiskit.execution.ibm.question import within
from qaml_qiskit.execution.workload import CALIBRATION
from qaml_qiskit.formats import Arrays, arrays_of, damaged, npz, short
from qaml_qiskit.models import QVC, ModelConfig, build_model, load_model, parse_config
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, brief_figures
from qaml_qiskit.studies import Measured, score_sampled
from qaml_qiskit.workflows.run.jobs import entry_of, outcome_of, runner_of, target_of
from qaml_qiskit.workflows.run.promise import check_run, promise_of
from qaml_qiskit.workflows.run.report import write_run_page

#: What the run folder keeps of the images, and of the plan.
INPUTS, PLAN = "inputs", "plan"
_MADE_AGAIN = "give the command that made the run once more: it writes this file again and sends no job twice"
_TEXTS, _RULE = TypeAdapter(tuple[str, ...]), TypeAdapter(str | None)


def collect(
    path: Path | PathLike[str],
    *,
    timeout: float | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Fetch what a run's jobs answered, score it, and write results; calling it again changes nothing.

    Args:
        path: the run folder.
        timeout: seconds to wait for unfinished jobs; None waits for as long as it takes.
        workers: compute the jobs of a simulated target on so many processes; the counts are the same.
        scheduler: compute them on the workers of this Dask scheduler.
        progress: told about images as they arrive.

    Returns:
        The results so far. When jobs are missing, ``problem`` says which: JobsPendingError (exit code 4) when nothing
        can be scored yet, PartialResultError (exit code 6) when the results are those of some images.
    """
    opening, path = open_pool(workers, scheduler), Path(path)
    with load_run(path, "run") as run:
        if run.complete:
            return outcome_of(run)
        workload = Workload.load(path)
        check_computed(workload.settings.target, entry_of(run), workers, scheduler)
        with opening as pool, within(timeout):
            return finish(run, workload, runner_of(run, workload), timeout, progress or Silent(), pool)


def finish(
    run: Run, workload: Workload, runner: Runner, timeout: float | None, progress: Progress, pool: Pool = HERE
) -> Outcome:
    """Collect, score and write; complete the run when nothing is missing."""
    missing = workload.num_images
    verb = "waiting for" if runner.place else "sampling on"
    with progress.task(f"{verb} {workload.settings.target}", missing) as advance:
        collection = collect_jobs(
            run.path,
            workload,
            runner,
            timeout=timeout,
            progress=lambda images: advance(images),
            elsewhere=None if pool is HERE else computed_on(pool, target_of(run, workload), workload),
        )
    sampled = read_outcomes(run.path, workload)
    if sampled is None:
        return Outcome("collect", run, job_rows(run.path, workload), problem=collection.problem(run.path, scored=False))
    scored, images = _score(run, workload, sampled)
    check, told = check_run(run, workload, sampled, progress, pool) if collection.complete else (None, [])
    if isinstance(entry_of(run), IdealEntry):
        # It promises nothing, which is no news.
        told = []
    jobs = job_rows(run.path, workload)
    costs, resources = _plan(run, workload)
    metrics: dict[str, Any] = {
        "command": "run",
        "results": scored.rows,
        **({"tiles": scored.tiles} if scored.tiles else {}),
        "resources": resources,
        "plan": costs,
        "jobs": jobs,
        "notes": [*told, *scored.notes, *_notes(run, workload, sampled)],
        **({} if check is None else {"promise": check.document()}),
    }
    metrics["lead"] = write_run_page(run, metrics, scored, **images, check=check)
    if collection.complete and not sampled.barred:
        run.finish(metrics)
        return outcome_of(run)
    return Outcome(
        "run",
        run,
        scored.rows,
        {**({"tiles": scored.tiles} if scored.tiles else {}), "jobs": jobs},
        notes=tuple(metrics["notes"]),
        lead=metrics["lead"],
        more=promise_of(metrics),
        problem=_barred(run, workload, sampled) if collection.complete else collection.problem(run.path, scored=True),
    ).briefly(brief_figures)


def _inputs(run: Run, workload: Workload) -> Arrays:
    """``labels``, ``indices`` and ideal ⟨P_s⟩ as ``z_ideal`` of all images, as they were when the run was made.

    And ``matrix`` and ``offset`` of the head, or, where class k is ⟨Z⟩ of a qubit of its own, the ``scale`` of the
    logits; and ``temperature``, where it was known.
    """
    source = str(run.path / f"{INPUTS}.npz")
    if (arrays := run.kept(INPUTS, ARRAYS)) is None:
        arrays = arrays_of(run.read(f"{INPUTS}.npz") or b"", source, _MADE_AGAIN)
        # The version before wrote no mark.
        if "mark" in arrays:
            raise damaged(source, "arrays that are not those of this run", "what its command wrote", _MADE_AGAIN)
    images, size = workload.num_images, len(workload.products.strings)
    shapes: dict[str, tuple[int, ...]] = {"labels": (images,), "indices": (images,), "z_ideal": (images, size)}
    if "matrix" in arrays or "offset" in arrays:
        classes = _num_classes(run)
        shapes |= {"matrix": (classes, size), "offset": (classes,)}
    elif "temperature" in arrays:
        shapes["scale"] = ()
    found = {name: arrays[name].shape for name in shapes if name in arrays}
    kinds = {"labels": "iu", "indices": "iu", "z_ideal": "f", "matrix": "f", "offset": "f", "scale": "f"}
    fits = found == shapes and all(arrays[name].dtype.kind in kinds[name] for name in shapes)
    if not fits:
        raise damaged(source, f"arrays {short(found)}", f"arrays {short(shapes)}", _MADE_AGAIN)
    # float32 rounds.
    if not (np.abs(arrays["z_ideal"]) <= 1 + 1e-3).all():
        raise damaged(source, "values of ⟨Z⟩ beyond 1", "values from −1 to 1", _MADE_AGAIN)
    return arrays


def _num_classes(run: Run) -> int:
    def count_of(model: Mapping[str, Any]) -> int:
        # The rest need not be there: a circuit of the user's own lies beside the model, not in its runs.
        if not isinstance(count := model.get("num_classes"), int) or count < 1:
            raise ValueError("no number of classes")
        return count

    return run.resolved("model", count_of)


def _plan(run: Run, workload: Workload) -> tuple[Row, list[Row]]:
    """The plan and the gate counts; counted again when the file with them is missing, damaged or something else."""
    if (saved := run.kept(PLAN, JSON)) is not None:
        return saved["plan"], saved["resources"]
    model = build_model(run.resolved("model", partial(_model_config, str(run.config["model"]))))
    assert isinstance(model, QVC)
    target = target_of(run, workload)
    return plan(workload, target).as_dict(), circuit_rows(
        circuit_to_run(model), workload.isa, target.name, workload.settings.tiles
    )


def _model_config(name: str, described: dict[str, Any]) -> ModelConfig:
    """A model's configuration. A circuit of the user's own lies beside the model, not in its runs."""
    if "circuit" not in described:
        return parse_config(described)
    config = load_model(model_path(model_part(name))).card.model
    if config.model_dump(mode="json")["circuit"] != described["circuit"]:
        raise ValueError("another model")
    return config


def _temperature(run: Run, inputs: Arrays) -> Temperature | None:
    """What was known when the run was made; None for nothing, as in runs of earlier versions."""
    if "temperature" not in inputs:
        return None
    try:
        return Temperature.model_validate_json(str(inputs["temperature"]))
    except ValidationError as error:
        source = str(run.path / f"{INPUTS}.npz")
        raise damaged(source, "a temperature that is none", "a number above 0", _MADE_AGAIN) from error


def _score(run: Run, workload: Workload, sampled: Sampled) -> tuple[Measured, Arrays]:
    """Score, and write the predictions; returns the ``labels`` and ``indices`` of what was scored, too."""
    inputs = _inputs(run, workload)
    images, ideal = (
        {name: inputs[name][sampled.rows] for name in ("labels", "indices")},
        inputs["z_ideal"][sampled.rows],
    )
    head = LinearHead(inputs["matrix"], inputs["offset"]) if "matrix" in inputs else None
    temperature = _temperature(run, inputs)
    if sampled.calibration is not None:
        run.write("calibration.json", sampled.calibration.model_dump_json(indent=2) + "\n")
    rule = run.resolved("inference", _RULE.validate_python, None)
    scored = score_sampled(
        workload,
        sampled,
        images["labels"],
        ideal,
        head,
        votes=bool(rule and parse_rule(rule).votes),
        temperature=temperature,
        scale=float(inputs.get("scale", 1.0)),
    )
    run.write("predictions.npz", npz(**images, **scored.arrays))
    return scored, images


def _notes(run: Run, workload: Workload, sampled: Sampled) -> list[str]:
    """What a reader of the results should know about how they came about."""
    notes = [
        f"{name} of backends.yaml was not applied: the target is simulated."
        for name in run.resolved("options_not_applied", _TEXTS.validate_python)
    ]
    notes += [f"{note}." for note in run.resolved("noise_notes", _TEXTS.validate_python, [])]
    notes += run.resolved("inference_notes", _TEXTS.validate_python, [])
    settings, entry = workload.settings, entry_of(run)
    if not isinstance(entry, IBMEntry):
        told = told_engine(target_of(run, workload), workload.isa, settings.engine, settings.mitigation)
        notes += [f"{each}." for each in told]
    if sampled.barred:
        notes.append(f"The readout was not corrected: {sampled.barred}.")
    return [*notes, *told_by(run.path)]


def _barred(run: Run, workload: Workload, sampled: Sampled) -> QamlError:
    """Why a run of which every job is collected is not complete."""
    remedy = "run again in another folder without --calibration, which measures one, or with --mitigation none"
    if any(job.chunk == CALIBRATION for job in workload.settings.jobs):
        remedy = f"calibrate again with `qaml submit --retry {run.path} --recalibrate`, then collect"
    return PartialResultError(
        f"the readout of {run.path} could not be corrected; the raw counts are scored",
        got=sampled.barred,
        expected="a calibration that can be inverted",
        remedy=remedy,
    )
