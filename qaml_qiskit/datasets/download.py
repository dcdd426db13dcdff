"""Fetching the files of a data set from their official addresses."""

from pathlib import Path

from qaml_qiskit.datasets.catalogue import dataset_spec
from qaml_qiskit.datasets.spec import DatasetSpec, SourceFile
from qaml_qiskit.datasets.store import cache_dir, files_in, find_folder, missing_data
from qaml_qiskit.errors import ConfigurationError

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 16


def fetch(name: str, *, data_dir: Path | None = None) -> tuple[Path, ...]:
    """Download the files of a data set, unless they are there already with the official checksums.

    A file appears under its own name only when it is complete and its checksum is the official one; until then it
    has a temporary name. A file of the same name with another checksum is replaced.

    Args:
        name: a data set's name.
        data_dir: the data directory to fill; the per-user cache when left out.

    Returns:
        The paths of the files; none for an embedded data set.

    Raises:
        ConfigurationError: an unknown name, a data set that has to be fetched by hand and is not there, no mirror
            that delivers the official file, or a folder that cannot be written to.
    """
    spec = dataset_spec(name)
    if spec.embedded:
        return ()
    if not spec.downloadable:
        folder = find_folder(spec, data_dir)
        if folder is None:
            raise missing_data(spec, data_dir, tried="not possible for this data set")
        return files_in(spec, folder)
    return fetch_files(spec, cache_dir() if data_dir is None else Path(data_dir).expanduser())


def fetch_files(spec: DatasetSpec, root: Path) -> tuple[Path, ...]:
    """Download the files of ``spec`` into its folder below ``root``; see ``fetch``."""
    return tuple(_fetch_file(spec, file, root) for file in spec.files)


def _fetch_file(spec: DatasetSpec, file: SourceFile, root: Path) -> Path:
    failures = []
    for url in file.urls:
        failure = _try_mirror(url, file, root / spec.folder)
        if not failure:
            return root / spec.folder / file.path
        failures.append(f"{url}: {failure}")
    _remove_if_empty(root / spec.folder)
    raise ConfigurationError(
        f"cannot fetch {file.path} of the data set {spec.name!r}",
        got="; ".join(failures),
        expected=f"the official file ({file.checksum})",
        remedy=f"check the network and run `qaml data fetch {spec.name}` again",
    )


def _try_mirror(url: str, file: SourceFile, folder: Path) -> str:
    """Download one file from one address; return why that failed, or an empty text."""
    import pooch
    import requests

    # Some hosts send .gz files as compressed text, which would arrive unpacked: ask for the bytes as they are.
    downloader = pooch.HTTPDownloader(
        chunk_size=_CHUNK_BYTES, timeout=_TIMEOUT_SECONDS, headers={"Accept-Encoding": "identity"}
    )
    try:
        pooch.retrieve(url, known_hash=file.checksum, fname=file.path, path=folder, downloader=downloader)
    except requests.HTTPError as error:
        status = "an error" if error.response is None else error.response.status_code
        return f"the server answered {status}"
    except requests.RequestException as error:
        return f"{type(error).__name__}"
    except ValueError:
        return "what arrived is not the official file (its checksum differs)"
    except OSError as error:
        raise ConfigurationError(
            f"cannot store {file.path}",
            got=f"{type(error).__name__}: {error.strerror or error}",
            expected=f"a folder {folder} that can be written to, with enough room",
            remedy="make room, or choose another folder with --data-dir",
        ) from error
    return ""


def _remove_if_empty(folder: Path) -> None:
    """Take back the folder that a failed download made; one with files in it stays."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
