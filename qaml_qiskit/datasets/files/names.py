"""The formats of own files by name, in the order in which they are asked whether a path is theirs."""

from qaml_qiskit.datasets.files.format import FileFormat
from qaml_qiskit.registry import Registry

_HERE = "qaml_qiskit.datasets.files"
FILE_FORMATS: "Registry[FileFormat]" = Registry(
    "file format",
    {
        "npz": (f"{_HERE}.npz:NPZ", "arrays as MedMNIST and numpy.savez write them"),
        "table": (f"{_HERE}.table:TABLE", "rows of a .csv, .tsv or .txt, zipped or not, or of a .parquet"),
        "idx": (f"{_HERE}.idx_pair:IDX", "IDX files under the names of MNIST's"),
        "folder": (f"{_HERE}.folder:FOLDER", "a folder of images, a sub-folder a class"),
    },
    base="qaml_qiskit.datasets.files.format:FileFormat",
)
