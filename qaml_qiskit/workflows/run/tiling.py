"""How many tiles a request is for, and what they would give and cost beside one alone."""

from typing import Any

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Calibration
from qaml_qiskit.execution.splitting import needs_counts
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies import Tiling, TilingForecast, TilingSettings, placed_tile_rows, tiling_row
from qaml_qiskit.workflows.run.request import RunRequest

_TILING = (
    "tiling: every number of tiles that was looked at. qpu_seconds: {seconds}. accuracy: forecast from the error rates "
    "of the device for the first {images} images and the request's shots; loss: against the best line alone, with the "
    "standard error that the choice of images gives it. right_per_second: images named right in a QPU second.",
    "tiles: survival is the probability that no gate, and no measurement, fails; accuracy is that of the tile alone.",
)
_RULE = (
    "auto: of the numbers that lose at most {most:.1%} against the best line alone, the one with the most images "
    "named right in a QPU second by the forecast."
)
_UNKNOWN = "The accuracy of the tiles is not forecast: {why}."


def tiling_for(
    request: RunRequest,
    deployment: Deployment,
    batch: Batch,
    calibration: Calibration | None,
    progress: Progress | None,
) -> Tiling | None:
    """What is known of tiles for a request; None where it asks for one.

    Raises:
        ConfigurationError: a mitigation that does not work with tiles, or a target without lines.
    """
    if request.tiles == 1:
        return None
    mitigation = request.mitigation
    if mitigation == "trex" or mitigation == "zne":
        raise needs_counts(mitigation, request.tiles)
    target = deployment.compiled.target
    costs: dict[str, Any] = {"options": target.entry.primitive_options, "calibration": calibration}
    if target.is_hardware:
        costs["images_per_job"] = request.images_per_job
    settings = TilingSettings(
        len(batch),
        request.shots,
        mitigation,
        request.tile_gap,
        request.tile_images,
        request.recipe,
        request.seed,
        costs,
    )
    return Tiling(deployment, batch, settings, progress)


def number_of_tiles(request: RunRequest, tiling: Tiling | None) -> int:
    """The number that was asked for, or the one that is chosen for ``auto``.

    Raises:
        ConfigurationError: none can be chosen, because the circuit cannot be forecast.
    """
    if request.tiles != "auto" or tiling is None:
        return 1 if request.tiles == "auto" else request.tiles
    return tiling.choice[0].tiles


def tiling_tables(request: RunRequest, tiling: Tiling) -> tuple[dict[str, list[Row]], tuple[str, ...]]:
    """Tables of the numbers of tiles and of the tiles to take, and sentences: what was found, and what they show."""
    simulated = "" if tiling.is_hardware else ", on the device that the simulated target stands for"
    told = [
        _TILING[0].format(seconds=f"estimated QPU time{simulated}", images=tiling.num_images),
        _TILING[1],
    ]
    try:
        tried = tiling.choice if request.tiles == "auto" else tiling.compared(request.tiles)
    except ConfigurationError as error:
        lines = tiling.lines(None if request.tiles == "auto" else request.tiles)
        told[0] = _UNKNOWN.format(why=f"{error.what}: {error.got}")
        return {"tiles": placed_tile_rows(tiling, lines)}, tuple(told)
    chosen = tried[0]
    alone = min(tried, key=lambda each: each.tiles)
    rows = [{**tiling_row(each, alone.seconds), "taken": each is chosen} for each in sorted(tried, key=_number)]
    if request.tiles == "auto":
        told.append(_RULE.format(most=tiling.most_loss))
    lead = (
        f"{chosen.tiles} tile{'s' * (chosen.tiles != 1)}: {chosen.seconds:.0f} s of QPU time instead of "
        f"{alone.seconds:.0f} s, at a forecast accuracy of {chosen.accuracy:.1%} instead of {alone.accuracy:.1%}."
    )
    return {"tiling": rows, "tiles": placed_tile_rows(tiling, chosen.lines, chosen.tile_accuracies)}, (lead, *told)


def _number(forecast: TilingForecast) -> int:
    return forecast.tiles
