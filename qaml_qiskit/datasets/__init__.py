"""Images in [0, 1] with their labels; nothing quantum.

Looking for files, checking and fetching them is in ``store`` and ``download``; every data set has a module that knows
its official file format; ``names`` knows them all by name.
"""

from qaml_qiskit.datasets.again import load_foreign, load_rows, load_split, load_test
from qaml_qiskit.datasets.base import Dataset, Split
from qaml_qiskit.datasets.catalogue import dataset_names, dataset_spec
from qaml_qiskit.datasets.download import fetch
from qaml_qiskit.datasets.given import keep_given, same_part
from qaml_qiskit.datasets.images import check_images
from qaml_qiskit.datasets.loading import load_dataset
from qaml_qiskit.datasets.names import DATASETS
from qaml_qiskit.datasets.preparation import DataPreparation
from qaml_qiskit.datasets.references import DatasetName, is_path
from qaml_qiskit.datasets.sources import DataFile, DataSource, told_data
from qaml_qiskit.datasets.spec import DatasetSpec, SourceFile
from qaml_qiskit.datasets.store import (
    DATA_DIR_VARIABLE,
    DatasetStatus,
    FileRow,
    cache_dir,
    data_directories,
    data_status,
    is_here,
    verify,
)
from qaml_qiskit.datasets.validation import HeldOut, validation_split

__all__ = [
    "DATASETS",
    "DATA_DIR_VARIABLE",
    "DataFile",
    "DataPreparation",
    "DataSource",
    "Dataset",
    "DatasetName",
    "DatasetSpec",
    "DatasetStatus",
    "FileRow",
    "HeldOut",
    "SourceFile",
    "Split",
    "cache_dir",
    "check_images",
    "data_directories",
    "data_status",
    "dataset_names",
    "dataset_spec",
    "fetch",
    "is_here",
    "is_path",
    "keep_given",
    "load_dataset",
    "load_foreign",
    "load_rows",
    "load_split",
    "load_test",
    "same_part",
    "told_data",
    "validation_split",
    "verify",
]
