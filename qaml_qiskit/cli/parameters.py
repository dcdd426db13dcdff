"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
Out = Annotated[Path | None, typer.Option(help="Run folder. Default: a new folder under runs/.")]
Config = Annotated[Path | None, typer.Option(help="YAML file of options; the command line wins.")]
Backends = Annotated[Path | None, typer.Option(help="The backends.yaml to use.")]
DataDir = Annotated[Path | None, typer.Option(help="Where data sets are. Default: $QAML_DATA_DIR, then a cache.")]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same run. Default: 0.")]
Target = Annotated[str | None, typer.Option(help="Entry of backends.yaml. Default: fake-torino.")]
Recipe = Annotated[str | None, typer.Option(help="Recipe of transpile/, or a YAML file. Default: level3.")]
Shots = Annotated[int | None, typer.Option(help="Shots an image. Default: 1000.")]
Model = Annotated[str | None, typer.Argument(help="Run folder, model file or the name of a reference.")]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run that was submitted.")]
Images = Annotated[str | None, typer.Option(help="Number of test images, or an .npz. Default: 100.")]
Mitigation = Annotated[str | None, typer.Option(help="none, readout, m3, trex or zne. Default: readout.")]
CalibrationFile = Annotated[str | None, typer.Option(help="Use the readout calibration of an earlier run again.")]
CalibrationAge = Annotated[float | None, typer.Option(help="Hours that such a calibration may be old. Default: 24.")]
JobMode = Annotated[str | None, typer.Option(help="job, batch or session, on a device. Default: batch.")]
ImagesPerJob = Annotated[int | None, typer.Option(help="Default: as many as a job may hold; 50 when simulated.")]
MaxSeconds = Annotated[float | None, typer.Option(help="Refuse (exit code 5) what would cost more QPU seconds.")]
Submit = Annotated[bool, typer.Option("--submit", help="Spend QPU time without asking.")]
Moved = Annotated[bool, typer.Option("--moved", help="This folder is no copy: the original is not used any more.")]
Timeout = Annotated[
    float | None, typer.Option(min=0, help="Seconds to wait for jobs; 0 looks once. Default: until they are done.")
]
