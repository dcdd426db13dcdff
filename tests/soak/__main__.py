"""One damaged file alone: ``python -m tests.soak FORMAT NUMBER`` shows the damage and what reading it comes to."""

import os
import sys
import tempfile
from pathlib import Path

from tests.soak.formats import FORMATS
from tests.soak.mutate import mutate
from tests.soak.samples import make_samples
from tests.soak.seeds import generator


def main(name: str, number: int) -> None:
    """Damage the sample of a format as the soak does, leave it on disk, and read it without any guard."""
    chosen, folder = FORMATS[name], Path(tempfile.mkdtemp(prefix="soak-")) / "files"
    folder.mkdir()
    make_samples(folder)
    os.chdir(folder)
    (file,) = sorted(Path().glob(chosen.file))[:1]
    damage = mutate(file.read_bytes(), chosen.kind, generator(2, list(FORMATS).index(name), number))
    file.write_bytes(damage.content)
    print(f"{folder / file}: {damage.told}", flush=True)
    print(chosen.read())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
