"""The table of commands. What each takes follows from its request and its function; see :mod:`qaml_qiskit.cli.options`.

Nothing that is named here is imported for the table: ``qaml --help`` is made from it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """A command of ``qaml``.

    Attributes:
        name: one word, or a group and a word.
        told: what it does, for the help.
        function: that does it, in :mod:`qaml_qiskit`.
        request: the class of its request there; empty for a function without one.
        instead: by an option that is given, the function that is called instead: with what the option says, if it
            takes anything that must be given, and without the request.
        otherwise: what holds where an option is not given, if that is special about this command.
    """

    name: str
    told: str
    function: str
    request: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)


#: Groups of commands with a word in front.
GROUPS = {"data": "List, fetch and verify data sets.", "runs": "List run folders, and put them side by side."}

#: In the order of the help: make a model, look at what it costs, run it, ask how it holds up.
COMMANDS = {
    command.name: command
    for command in (
        Command(
            "demo",
            "Train, attack and run a QVC on a simulated IBM device, from embedded data; writes a report.",
            "demo",
            "DemoRequest",
        ),
        Command(
            "init",
            "Write a starting workspace: backends.yaml and a recipe. Existing files are kept.",
            "init_workspace",
        ),
        Command(
            "train",
            "Train a classifier; a Ctrl-C keeps a checkpoint and the same command continues.",
            "train",
            "TrainRequest",
        ),
        Command(
            "encode",
            "Turn images into circuits: templates with free angles, each image's angles, and its fidelity.",
            "encode",
            "EncodeRequest",
        ),
        Command(
            "export",
            "Write a trained circuit as OpenQASM 3 or QPY, with the encoding free or bound to an image.",
            "export",
            "ExportRequest",
        ),
        Command(
            "resources",
            "Count gates and depths of a classifier's circuit, before and after compilation.",
            "resources",
            "ResourcesRequest",
            {"check": "check_resources"},
            {"out": "nothing is written"},
        ),
        Command(
            "frontier",
            "Put models side by side: fidelity, gates, clean, robust and predicted accuracy; a table and a picture.",
            "frontier",
            "FrontierRequest",
        ),
        Command(
            "forecast",
            "Predict what models would score on devices, exactly, from the devices' own noise. No QPU time is spent.",
            "forecast",
            "ForecastRequest",
        ),
        Command(
            "backends",
            "List the targets of backends.yaml: size, native gate, median errors, and whether they can be reached.",
            "list_targets",
        ),
        Command(
            "plan",
            "Say what a run would cost: jobs, executions, QPU seconds, gates and survival. Nothing is sent.",
            "plan",
            "RunRequest",
        ),
        Command(
            "run",
            "Score images with a trained QVC on a target: ideally, as sampled, and mitigated.",
            "run",
            "RunRequest",
        ),
        Command(
            "submit",
            "Submit the jobs of a run and leave; `qaml collect` fetches the results later.",
            "submit",
            "RunRequest",
            {"retry": "retry"},
        ),
        Command("status", "Say how the jobs of a run stand.", "status"),
        Command(
            "collect",
            "Fetch what the jobs of a run answered, and score it. Exit code 4: jobs pending; 6: results of some.",
            "collect",
        ),
        Command("cancel", "Cancel the jobs of a run that have not ended.", "cancel"),
        Command(
            "sweep",
            "Score images with QVCs under noise of growing strength, clean and attacked: exactly, or with Aer.",
            "sweep",
            "SweepRequest",
        ),
        Command(
            "attack",
            "Attack a model's images with full knowledge of it, and keep the adversarial images.",
            "attack",
            "AttackRequest",
        ),
        Command(
            "audit",
            "Attack a defended model through all that can be known of it, and say how much of its gain is left.",
            "audit",
            "AuditRequest",
        ),
        Command(
            "transfer",
            "Make adversarial images once on every source, and score them on every victim: exact, noisy, or a device.",
            "transfer",
            "TransferRequest",
        ),
        Command(
            "substitute",
            "Train a network on a model's answers alone, with so many queries, as a source of attacks on it.",
            "substitute",
            "SubstituteRequest",
        ),
        Command(
            "states",
            "Show the states that models make of images, clean and attacked, on the plane of their principal axes.",
            "states",
            "StatesRequest",
        ),
        Command(
            "certify",
            "Certify how far every image is from another label, exactly in l2; with a witness and an attack for each.",
            "certify",
            "CertifyRequest",
        ),
        Command(
            "calibrate",
            "Measure whether a model's probabilities are what they say, and recalibrate them: ideal, noisy, attacked.",
            "calibrate",
            "CalibrateRequest",
        ),
        Command(
            "detect",
            "Watch a classifier with detectors, show them clean, attacked and odd images, and count the alarms.",
            "detect",
            "DetectRequest",
        ),
        Command(
            "uncertainty",
            "Take apart what predictions are unsure about: the label, the model or the shots; and what that gains.",
            "uncertainty",
            "UncertaintyRequest",
        ),
        Command(
            "conformal",
            "Form sets of labels that hold the right one as often as promised, clean and after attacks of some length.",
            "conformal",
            "ConformalRequest",
        ),
        Command(
            "tamper",
            "Tamper with weights, gates, encoding, readout, calibration or neighbours, and score the images again.",
            "tamper",
            "TamperRequest",
        ),
        Command(
            "decide",
            "Abstain, measure again or fall back where shots leave a label in doubt: accuracy, shots and QPU seconds.",
            "decide",
            "DecideRequest",
        ),
        Command(
            "monitor",
            "Watch a stream of scores for a lasting change, with a stated rate of false alarms.",
            "monitor",
            "MonitorRequest",
        ),
        Command(
            "benchmark",
            "Take models through one fixed protocol: a row and a card each; or check the cards of others.",
            "benchmark",
            "BenchmarkRequest",
            {"verify": "verify_cards", "table": "collect_cards"},
        ),
        Command(
            "reproduce",
            "Run a paper's figures, tables and statements again: what is published, what is found, and a verdict.",
            "reproduce",
            "ReproduceRequest",
        ),
        Command("data list", "List the data sets and whether their files are here.", "list_data"),
        Command(
            "data fetch", "Download a data set and check it; a failed download leaves nothing behind.", "fetch_data"
        ),
        Command(
            "data verify", "Compare files with the official checksums; exit code 2 when one is wrong.", "verify_data"
        ),
        Command(
            "runs list", "List the runs below a folder: what was computed, how well it did, and its state.", "list_runs"
        ),
        Command(
            "runs compare",
            "Put runs side by side, with paired differences where they saw the same images.",
            "compare_runs",
            "CompareRequest",
            otherwise={"out": "nothing is written"},
        ),
    )
}
