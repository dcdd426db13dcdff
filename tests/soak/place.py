"""A workspace with a device of its own at the loopback service, and commands that run there."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests import child
from tests.child import Ended
from tests.integration.hardware import CHUNKS
from tests.integration.loopback.server import Loopback
from tests.soak.kills import COUNT_FILE, Kill, qaml


@dataclass
class Place:
    """A workspace, the service that its device belongs to, and the commands run there; ``run`` is the run folder."""

    folder: Path
    server: Loopback

    def qaml(self, arguments: list[str], kill: Kill | None = None) -> Ended:
        """Run a command in a child."""
        environment = self.server.environment() | {"HOME": str(self.folder / "home")}
        return child.run(qaml, arguments, kill or Kill(), self.folder, folder=self.folder, environment=environment)

    @property
    def run(self) -> Path:
        """The run folder of every command here."""
        return self.folder / "run"

    @property
    def points(self) -> int:
        """How many points the last command passed that was not killed."""
        return int(self.folder.with_name(COUNT_FILE).read_text())

    def executions(self) -> Counter[str]:
        """How often each chunk ran once the queue is empty, by the jobs' tags ``qaml-RUN-CHUNK-ATTEMPT``."""
        self.server.finish()
        counts: Counter[str] = Counter()
        for job in self.server.jobs:
            for chunk in CHUNKS:
                if any(f"-{chunk}-" in str(tag) for tag in job.tags):
                    counts[chunk] += job.executions
        return counts

    def files(self, names: tuple[str, ...]) -> dict[str, bytes]:
        """The content of files of the run."""
        return {name: (self.run / name).read_bytes() for name in names}

    def results(self) -> object:
        """The results of the finished run."""
        return json.loads((self.run / "metrics.json").read_text())["results"]
