import json
from pathlib import Path

import pytest
import torch

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import (
    QVC,
    WEIGHTS_FILE,
    ConvNet,
    ConvNetConfig,
    DataCard,
    Model,
    ModelCard,
    QVCConfig,
    ResNet18,
    ResNet18Config,
    load_model,
    model_files,
    parse_config,
    save_model,
)
from qaml_qiskit.models.store import CARD_FILE

QVC_CONFIG = QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=2, logit_scale=7.0)
RESNET_CONFIG = ResNet18Config(image_shape=(1, 8, 8), num_classes=3, width=4)
CONVNET_CONFIG = ConvNetConfig(image_shape=(1, 8, 8), num_classes=3, hidden=16)


def stored(folder: Path, model: Model) -> Path:
    card = ModelCard(model=model.config, data=DataCard(dataset="digits", classes=(0, 1, 2)))
    for name, content in model_files(model, card).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    "model",
    [QVC(QVC_CONFIG, 4), ConvNet(CONVNET_CONFIG, 4), ResNet18(RESNET_CONFIG, 4)],
    ids=["qvc", "convnet", "resnet18"],
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
