"""What a model or deployment cannot do, said once, in the same words by every command."""

from qaml_qiskit.errors import ConfigurationError

_TRAIN_QVC = "choose a qvc, or train one with `qaml train --model qvc`"


def needs_circuit(name: str, kind: str) -> ConfigurationError:
    """Noise, a target or a change of its parts, for a model that is no circuit.

    Args:
        name: the model's.
        kind: of the model.
    """
    return ConfigurationError(
        f"{name} has no quantum circuit",
        got=f"a {kind}, which neither noise nor a device acts on",
        expected="a qvc",
        remedy=_TRAIN_QVC,
    )


def needs_quadratic_logits(name: str, got: str) -> ConfigurationError:
    """Certificates, for logits of another kind.

    Args:
        name: the deployment's.
        got: what makes its logits something else.
    """
    return ConfigurationError(
        f"the logits of {name} are no quadratic forms of the image",
        got=got,
        expected="a qvc with the multiplexed encoding and no noise on it, or a quadratic model",
        remedy="train one with --model qvc --encoding multiplexed, or choose another model",
    )


def needs_whole_circuit(name: str) -> ConfigurationError:
    """Frequencies of bitstrings, where the image's state is taken as given.

    Args:
        name: the deployment's.
    """
    return ConfigurationError(
        f"{name} has no circuit that prepares the image",
        got="an encoding without noise",
        expected="a model on a target, or under a noise that acts on the encoding, too",
        remedy="put it on a target",
    )


def needs_single_z(name: str, noise: str, readout: str) -> ConfigurationError:
    """A noise of which only what it does to Z of single qubits is put in, for a readout of products.

    Args:
        name: the model's.
        noise: its name.
        readout: the readout's.
    """
    return ConfigurationError(
        f"the noise {noise} cannot act on {name}",
        got=f"the readout {readout}, which reads products of Z",
        expected=f"Z of single qubits, the only ones for which {noise} is known gate by gate",
        remedy="choose another noise, such as depolarizing, or a model with the readout qubits or linear",
    )


def needs_temperature(name: str) -> ConfigurationError:
    """Probabilities, of a model whose temperature nobody fitted.

    Args:
        name: the deployment's.
    """
    return ConfigurationError(
        f"there are no probabilities of {name}",
        got="a model without a temperature, whose logits have a scale of their own",
        expected="a model that `qaml train` made, or one that was calibrated",
        remedy="in Python: deployment.calibrated(fit_temperature(logits, labels)), with images it did not learn from",
    )


def needs_validation(name: str, got: str) -> ConfigurationError:
    """What is fitted to images that were set aside, of a model of which nobody knows them.

    Args:
        name: the deployment's.
        got: what is known.
    """
    return ConfigurationError(
        f"nobody knows which images {name} did not learn from",
        got=got,
        expected="a model that `qaml train` made, or validation images in a file",
        remedy="give images with labels that are neither in training nor in the test: --validation FILE, or "
        "validation=(images, labels) in Python",
    )


def needs_images_for_layout(name: str, got: str) -> ConfigurationError:
    """A layout by the margins of images, where there are none.

    Args:
        name: the deployment's.
        got: what there is.
    """
    return ConfigurationError(
        f"the recipe cannot weigh the qubits of {name} by its margins",
        got=got,
        expected="a model that `qaml train` made, with its data set in the usual folder or $QAML_DATA_DIR",
        remedy="use the recipe line, or put the data set there with `qaml data`",
    )


def needs_noise_to_blame(name: str) -> ConfigurationError:
    """Which gate costs what, where no gate has an error.

    Args:
        name: the deployment's.
    """
    return ConfigurationError(
        f"no gate of {name} can be blamed",
        got="a circuit without noise",
        expected="a target whose gates have errors",
        remedy="choose another --target, such as fake-torino, or leave out --blame",
    )


def needs_noise_layers(name: str, kind: str, rule: str) -> ConfigurationError:
    """A rule for noise layers, for a model without any.

    Args:
        name: the model's.
        kind: of the model.
        rule: as it was written.
    """
    return ConfigurationError(
        f"{name} has no noise layers",
        got=f"the inference rule {rule} for a {kind} that was trained without them",
        expected="a qvc that was trained with --noise-layers",
        remedy="leave out the rule, or train one with `qaml train --noise-layers 0.25`",
    )


def needs_no_noise_layers(name: str, parts: str, without: str) -> ConfigurationError:
    """Tampering with gates between which noise layers act.

    Args:
        name: the deployment's.
        parts: that were asked for.
        without: the name of the one without noise layers.
    """
    return ConfigurationError(
        f"{parts} of {name} cannot be tampered with",
        got="noise layers that act by their average between its gates",
        expected=f"encoding, readout or calibration; or a circuit without noise layers, as {without} has",
        remedy=f"choose another --part, or name {without}",
    )


def needs_exact_rule(name: str, rule: str, exact: str) -> ConfigurationError:
    """What is computed exactly, for a deployment whose answers are drawn.

    Args:
        name: the deployment's.
        rule: by which it draws.
        exact: the name of the one that does not.
    """
    return ConfigurationError(
        f"{name} answers at random, and this is computed exactly",
        got=f"the inference rule {rule}",
        expected=f"a rule that draws nothing, as {exact} has",
        remedy=f"name {exact}",
    )


def needs_mean(name: str, rule: str) -> ConfigurationError:
    """Averages over draws, for a deployment whose draws vote."""
    return ConfigurationError(
        f"{name} cannot be averaged over its draws",
        got=f"the inference rule {rule}",
        expected="layers:mean:DRAWS, or no rule",
        remedy="name one of these; `qaml run` counts votes",
    )


def cannot_average(name: str) -> ConfigurationError:
    """The exact average of noise layers, where circuits are run."""
    return ConfigurationError(
        f"{name} cannot be run by the exact average of its noise layers",
        got="layers:exact, which no circuit does",
        expected="draws: layers:mean:DRAWS or layers:majority:DRAWS, or layers:off",
        remedy="write for example MODEL@layers:mean:10, or look at `qaml forecast`, which computes the average",
    )


def needs_as_many_qubits(name: str, encoding: str, needed: int, qubits: int) -> ConfigurationError:
    """Another encoding in front of trained layers, on other qubits than they have."""
    return ConfigurationError(
        f"the layers of {name} cannot be run behind another encoding",
        got=f"the {encoding} encoding on {needed} qubits, for layers on {qubits}",
        expected="its own encoding, or one on as many qubits",
        remedy="leave out --encoding",
    )


def needs_target(name: str) -> ConfigurationError:
    """Compiling and sampling, for a model that is on no target."""
    return ConfigurationError(
        f"{name} is on no target",
        got="a classifier that is computed exactly",
        expected="MODEL@TARGET, a model compiled for a target of backends.yaml",
        remedy="name a target",
    )


def needs_gradients(name: str, got: str) -> ConfigurationError:
    """Attacks by gradients, for a classifier whose encoding is noisy, too.

    Args:
        name: the deployment's.
        got: why there are none.
    """
    return ConfigurationError(
        f"{name} cannot be attacked by its gradients",
        got=got,
        expected="MODEL or MODEL@NOISE:STRENGTH, whose gradients are exact",
        remedy="choose one of these, and make this one a victim of `qaml transfer`",
    )


def needs_shots(name: str, kind: str) -> ConfigurationError:
    """What shots say, of a model that no circuit computes.

    Args:
        name: the deployment's.
        kind: of the model.
    """
    return ConfigurationError(
        f"{name} is not measured in shots",
        got=f"a {kind}",
        expected="a QVC, whose logits are averages over shots of its circuit",
        remedy="leave out --shots",
    )


def needs_draws(name: str) -> ConfigurationError:
    """Randomised smoothing of what takes seconds an image.

    Args:
        name: the deployment's.
    """
    return ConfigurationError(
        f"{name} cannot be smoothed",
        got="a classifier whose encoding is noisy, too, so that each of a thousand copies of an image is simulated",
        expected="MODEL or MODEL@NOISE:STRENGTH, whose layers are carried back once",
        remedy="choose one of these",
    )


def network_without_gradients(name: str, got: str, attack: str) -> ConfigurationError:
    """Attacks by gradients, for a network that gives none.

    Args:
        name: the network's.
        got: why there are none.
        attack: that would read them.
    """
    return ConfigurationError(
        f"{name} cannot be attacked by {attack}, which reads gradients",
        got=got,
        expected="logits that torch differentiates with respect to the image",
        remedy="let the network compute in torch throughout, choose the attack square, or make it a victim of transfer",
    )


def needs_data(name: str) -> ConfigurationError:
    """A network of the user's, where nothing says what it is for."""
    return ConfigurationError(
        f"nobody says which images {name} is for",
        got="a network without a card",
        expected="the data set whose images and classes it takes",
        remedy="give --dataset, or in Python data=, or name a model beside it that was trained for the same data",
    )


def needs_no_data(got: str) -> ConfigurationError:
    """Data that networks are for, where there is no network.

    Args:
        got: the options.
    """
    return ConfigurationError(
        "every model here says itself what it is for",
        got=got,
        expected="such options beside a .pt2 or package.module:factory only",
        remedy="leave them out",
    )


def needs_no_noise(name: str) -> ConfigurationError:
    """A command that reads a model by itself or on a target, for one under a named noise."""
    return ConfigurationError(
        f"{name} is under a noise, which this command does not take",
        got=name,
        expected="MODEL or MODEL@TARGET",
        remedy="leave out the noise",
    )


def needs_device_noise(target: str, kind: str) -> ConfigurationError:
    """A sweep over the noise of a device, for a target without one."""
    return ConfigurationError(
        f"the target {target} has no device noise to sweep",
        got=f"kind {kind}",
        expected="kind fake or snapshot",
        remedy="choose another --target, or a named noise such as --noise depolarizing",
    )


def differ(first: str, second: str, what: str, got: str) -> ConfigurationError:
    """Models side by side that were trained for different data."""
    return ConfigurationError(
        f"{first} and {second} differ in {what}",
        got=got,
        expected="models trained for the same images and classes",
        remedy="choose models that were trained for the same data",
    )
