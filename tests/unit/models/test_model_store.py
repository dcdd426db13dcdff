import copy
import json
import resource
from pathlib import Path

import pytest
import torch

from qaml_qiskit.defences import DEFENCES, NoiseAware
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import (
    CNN,
    FNN,
    QVC,
    WEIGHTS_FILE,
    Clean,
    CNNConfig,
    ConvNet,
    ConvNetConfig,
    DataCard,
    FNNConfig,
    Model,
    ModelCard,
    ModelConfig,
    QuadraticClassifier,
    QuadraticConfig,
    QVCConfig,
    ResNet18,
    ResNet18Config,
    build_model,
    load_model,
    model_files,
    parse_config,
    save_model,
)
from qaml_qiskit.models.store import CARD_FILE

QVC_CONFIG = QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=2, logit_scale=7.0)
RESNET_CONFIG = ResNet18Config(image_shape=(1, 8, 8), num_classes=3, width=4)
QUADRATIC_CONFIG = QuadraticConfig(image_shape=(1, 4, 4), num_classes=3)
CONVNET_CONFIG = ConvNetConfig(image_shape=(1, 8, 8), num_classes=3, hidden=16)
FNN_CONFIG = FNNConfig(image_shape=(1, 8, 8), num_classes=3, hidden=(6, 5))
CNN_CONFIG = CNNConfig(image_shape=(3, 8, 10), num_classes=3)


def stored(folder: Path, model: Model) -> Path:
    card = ModelCard(model=model.config, data=DataCard(dataset="digits", classes=(0, 1, 2)))
    for name, content in model_files(model, card).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    "model",
    [
        QVC(QVC_CONFIG, 4),
        ConvNet(CONVNET_CONFIG, 4),
        ResNet18(RESNET_CONFIG, 4),
        FNN(FNN_CONFIG, 4),
        CNN(CNN_CONFIG, 4),
    ],
    ids=["qvc", "convnet", "resnet18", "fnn", "cnn"],
)
@pytest.mark.parametrize("by_file", [False, True])
def test_round_trip(tmp_path: Path, model: Model, by_file: bool) -> None:
    folder = stored(tmp_path, model)
    loaded = load_model(folder / WEIGHTS_FILE if by_file else folder)
    images = torch.rand(3, *model.config.image_shape)
    assert torch.equal(model.eval()(images), loaded.model(images))
    assert loaded.card.model == model.config
    assert loaded.card.data.classes == (0, 1, 2)


def test_files_are_the_same_bytes_for_the_same_model() -> None:
    card = ModelCard(model=QVC_CONFIG, data=DataCard(dataset="digits", classes=(0, 1)))
    assert model_files(QVC(QVC_CONFIG, 1), card) == model_files(QVC(QVC_CONFIG, 1), card)


def test_a_card_says_no_more_than_it_must() -> None:
    """Cards of the version before are read, and cards that need nothing new are as they were."""
    data = DataCard(dataset="digits", classes=(0, 1, 2))
    plain = ModelCard(model=QVC_CONFIG, data=data, objective=Clean().card)
    fields = json.loads(model_files(QVC(QVC_CONFIG), plain)[CARD_FILE])
    assert fields.keys() == {"format", "model", "data"}
    assert "readout" not in fields["model"]
    assert ModelCard.model_validate(fields) == ModelCard(model=QVC_CONFIG, data=data)
    noisy = ModelCard(model=QVC_CONFIG, data=data, objective=NoiseAware(shots=500).card)
    again = ModelCard.model_validate_json(noisy.model_dump_json())
    assert again.objective == noisy.objective
    assert again.objective is not None
    assert DEFENCES[again.objective.name].model_validate(again.objective.settings) == NoiseAware(shots=500)


def damage(folder: Path, how: str) -> None:
    weights, card = folder / WEIGHTS_FILE, folder / CARD_FILE
    match how:
        case "no weights":
            weights.unlink()
        case "no card":
            card.unlink()
        case "truncated weights":
            weights.write_bytes(weights.read_bytes()[:-5])
        case "garbage weights":
            weights.write_bytes(b"\x80\x04not a model")
        case "garbage card":
            card.write_text("{")
        case "unknown field":
            card.write_text(json.dumps({**json.loads(card.read_text()), "surprise": 1}))
        case "newer format":
            card.write_text(json.dumps({**json.loads(card.read_text()), "format": 2}))
        case "other architecture":
            values = json.loads(card.read_text())
            values["model"]["num_layers"] = 5
            card.write_text(json.dumps(values))


@pytest.mark.parametrize(
    "how",
    [
        "no weights",
        "no card",
        "truncated weights",
        "garbage weights",
        "garbage card",
        "unknown field",
        "newer format",
        "other architecture",
    ],
)
def test_damaged_models_are_refused(tmp_path: Path, how: str) -> None:
    damage(stored(tmp_path, QVC(QVC_CONFIG)), how)
    with pytest.raises(InputError, match="cannot load the model"):
        load_model(tmp_path)


def test_configuration_is_typed_by_kind() -> None:
    assert isinstance(parse_config({"kind": "qvc", **QVC_CONFIG.model_dump(exclude={"kind"})}), QVCConfig)
    assert isinstance(parse_config(CONVNET_CONFIG.model_dump()), ConvNetConfig)


def test_too_many_classes_for_the_qubits() -> None:
    with pytest.raises(ConfigurationError, match="7 classes on 6 qubits"):
        QVCConfig(image_shape=(1, 8, 8), num_classes=7, num_layers=1)


def test_convnet_needs_eight_pixels() -> None:
    with pytest.raises(ConfigurationError, match="8×8"):
        ConvNetConfig(image_shape=(1, 7, 8), num_classes=2)


def test_convnet_has_a_million_parameters_for_mnist() -> None:
    model = ConvNet(ConvNetConfig(image_shape=(1, 28, 28), num_classes=10))
    assert sum(parameter.numel() for parameter in model.parameters()) == 962_314


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_resnet18_is_the_published_network(shape: tuple[int, int, int]) -> None:
    """11,689,512 parameters for 1,000 classes and three channels in the paper's network."""
    model = ResNet18(ResNet18Config(image_shape=shape, num_classes=10)).eval()
    published, classes, channels = 11_689_512, 990 * (512 + 1), (3 - shape[0]) * 64 * 49
    assert sum(parameter.numel() for parameter in model.parameters()) == published - classes - channels
    assert model(torch.rand(2, *shape)).shape == (2, 10)


def test_the_fnn_is_the_network_of_the_papers() -> None:
    model = FNN(FNNConfig(image_shape=(1, 16, 16), num_classes=2))
    kinds = [type(layer) for layer in model.layers]
    block = [torch.nn.Linear, torch.nn.ReLU, torch.nn.Dropout]
    assert kinds == [*block, *block, torch.nn.Linear]
    shapes = [tuple(layer.weight.shape) for layer in model.layers if isinstance(layer, torch.nn.Linear)]
    assert shapes == [(512, 256), (53, 512), (2, 53)]
    images = torch.rand(4, 1, 16, 16)
    assert not torch.equal(model(images), model(images))
    assert torch.equal(model.eval()(images), model(images))


@pytest.mark.parametrize(("shape", "side"), [((1, 8, 8), 1), ((1, 16, 16), 3), ((1, 28, 28), 6), ((3, 32, 32), 7)])
def test_the_cnn_is_the_network_of_the_papers(shape: tuple[int, int, int], side: int) -> None:
    """Filters as published; the first two convolutions halve the image, the last takes a pixel off."""
    model = CNN(CNNConfig(image_shape=shape, num_classes=2)).eval()
    filters = [tuple(layer.weight.shape) for layer in model.features if isinstance(layer, torch.nn.Conv2d)]
    assert filters == [(64, shape[0], 8, 8), (128, 64, 4, 4), (64, 128, 2, 2)]
    images = torch.rand(2, *shape)
    assert model.features(images).shape == (2, 64, side, side)
    assert model(images).shape == (2, 2)


def test_images_too_small_for_a_cnn() -> None:
    with pytest.raises(ConfigurationError, match="at least 8×8 pixels"):
        CNNConfig(image_shape=(1, 1, 16), num_classes=2)


def test_a_model_trained_elsewhere_is_stored_whole(tmp_path: Path) -> None:
    model = QVC(QVC_CONFIG, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    images = torch.rand(3, *QVC_CONFIG.image_shape)
    model(images).square().sum().backward()
    optimizer.step()
    folder = save_model(str(tmp_path / "own"), model, DataCard(dataset="mine", classes=(0, 1, 2)))
    loaded = load_model(str(folder))
    assert torch.equal(model.eval()(images), loaded.model(images))
    assert loaded.card.model == QVC_CONFIG
    assert loaded.card.data.dataset == "mine"
    assert sorted(path.name for path in folder.iterdir()) == [CARD_FILE, WEIGHTS_FILE]


def test_what_is_no_model_of_ours_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a Linear; expected one of QVC"):
        save_model(tmp_path / "own", torch.nn.Linear(2, 2), DataCard(dataset="mine", classes=(0, 1)))  # type: ignore[arg-type]
    assert not (tmp_path / "own").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot store the model"):
        save_model(tmp_path / "file", QVC(QVC_CONFIG), DataCard(dataset="mine", classes=(0, 1, 2)))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("model", [QVC(QVC_CONFIG, 4), ResNet18(RESNET_CONFIG, 4)], ids=["qvc", "resnet18"])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, model: Model, value: float) -> None:
    broken = copy.deepcopy(model)
    with torch.no_grad():
        next(broken.parameters()).flatten()[1] = value
    with pytest.raises(InputError, match="NaN or infinite"):
        load_model(stored(tmp_path, broken))


@pytest.mark.parametrize(
    "change",
    [
        {"image_shape": [1, -2, 4]},
        {"image_shape": [0, 2, 4]},
        {"num_layers": -1},
        {"logit_scale": float("inf")},
        {"logit_scale": float("nan")},
        {"init_std": float("inf")},
    ],
    ids=str,
)
def test_cards_of_impossible_models_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    card = stored(tmp_path, QVC(QVC_CONFIG)) / CARD_FILE
    values = json.loads(card.read_text())
    values["model"] |= change
    card.write_text(json.dumps(values))
    with pytest.raises(InputError, match="cannot load the model"):
        load_model(tmp_path)


HUGE = [
    QVC_CONFIG.model_copy(update={"num_layers": 10**9}),
    QVC_CONFIG.model_copy(update={"image_shape": (1, 10**6, 10**6)}),
    CONVNET_CONFIG.model_copy(update={"hidden": 10**12}),
    CONVNET_CONFIG.model_copy(update={"num_classes": 10**30}),
    RESNET_CONFIG.model_copy(update={"width": 10**7}),
    FNN_CONFIG.model_copy(update={"hidden": (10**7, 10**7)}),
    CNN_CONFIG.model_copy(update={"num_classes": 10**12}),
    QuadraticConfig(image_shape=(1, 1000, 1000), num_classes=100),
]


@pytest.mark.parametrize("config", HUGE, ids=lambda config: config.kind)
def test_models_too_large_for_the_memory_are_refused_with_the_figure(config: ModelConfig) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigurationError, match=r"cannot build the model: got [\d,.]+ GiB needed, [\d,.]+ GiB free"):
        build_model(config)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**16  # in kB


@pytest.mark.parametrize(
    "model",
    [
        ConvNet(CONVNET_CONFIG),
        ResNet18(RESNET_CONFIG),
        FNN(FNN_CONFIG),
        CNN(CNN_CONFIG),
        QuadraticClassifier(QUADRATIC_CONFIG),
    ],
    ids=["convnet", "resnet18", "fnn", "cnn", "quadratic"],
)
def test_the_stated_memory_is_that_of_the_weights(model: ConvNet | ResNet18 | FNN | CNN | QuadraticClassifier) -> None:
    real = sum(parameter.nbytes for parameter in model.parameters() if parameter.dim() > 1)
    assert model.config.memory == real


def test_a_card_of_72_gigabytes_is_refused_before_its_weights_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qaml_qiskit.memory.free_memory", lambda device="cpu": 16 * 2**30)
    card = stored(tmp_path, QVC(QVC_CONFIG)) / CARD_FILE
    values = json.loads(card.read_text())
    values["model"]["num_layers"] = 72 * 2**30 // (9 * 4000)
    card.write_text(json.dumps(values))
    with pytest.raises(ConfigurationError, match=r"72\.0 GiB needed, 16\.0 GiB free"):
        load_model(tmp_path)
