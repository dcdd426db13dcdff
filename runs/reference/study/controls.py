"""What classical classifiers make of the same images and columns as the QVCs on data of other fields.

Run it as ``QAML_DATA_DIR=… python controls.py > controls.csv``, on one core; the folder holds the data as the commands
in ``../README.md`` name them. Every control is fitted on the images that the QVC is trained on; its penalty or epoch is
chosen on the QVC's validation images; the test part is used once. CPU seconds include the choice.

    logistic regression   of the features as they are
    quadratic kernel      support vectors with (x·x')²/(|x|²|x'|²): the form of a QVC's logits, without a circuit
    ConvNet               the package's, about a million weights
    one hidden layer      of 64, in place of the ConvNet where there are columns and no image
"""

import csv
import sys
import time

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.models import ConvNet, ConvNetConfig, Trainer, TrainingConfig, predict
from qaml_qiskit.workflows.train.request import TrainRequest
from qaml_qiskit.workflows.training import load_data

#: What is read, and how many epochs a ConvNet gets. That of the ships and trucks is a reference of its own.
DATA = {
    "digits": ({"dataset": "digits", "classes": tuple(range(10))}, 30),
    "pneumonia": ({"dataset": "medmnist/pneumoniamnist-balanced.npz"}, 10),
    "nsl-kdd": (
        {
            "dataset": "nsl-kdd/KDDTrain+_20Percent.txt.gz",
            "test_data": "nsl-kdd/KDDTest+.txt.gz",
            "columns": "nsl-kdd/field-names.csv",
            "label_column": "column_42",
            "ignore_columns": ("column_43",),
            "binarise": ("normal", "attack=*"),
        },
        None,
    ),
    "cifar2": ({"dataset": "cifar2-jpeg/cifar2-jpeg.npz"}, 0),
}


def flat(part):
    """Features as they are, shape (N, D)."""
    return part.images.reshape(len(part), -1).astype(np.float64)


def squares(part, train):
    """The quadratic kernel against the training images, shape (N, training images)."""
    left, right = (flat(each) / np.linalg.norm(flat(each), axis=1, keepdims=True) for each in (part, train))
    return (left @ right.T) ** 2


def penalised(make, penalties, features, data):
    """The choice, its accuracy on validation images, and the labels of the test images."""
    found = {c: make(c).fit(features(data.train), data.train.labels) for c in penalties}
    scores = {c: model.score(features(data.validation), data.validation.labels) for c, model in found.items()}
    best = max(scores, key=scores.get)
    return f"C = {best:g}", scores[best], found[best].predict(features(data.test))


def linear(data):
    """Logistic regression."""
    return penalised(lambda c: LogisticRegression(C=c, max_iter=2000), (0.001, 0.01, 0.1, 1, 10), flat, data)


def quadratic(data):
    """Support vectors with the kernel of the QVC's form."""
    parts = {id(part): squares(part, data.train) for part in (data.train, data.validation, data.test)}
    return penalised(
        lambda c: SVC(kernel="precomputed", C=c, cache_size=1000),
        (1, 10, 100, 1000),
        lambda part: parts[id(part)],
        data,
    )


def hidden(data):
    """One hidden layer, no choice."""
    model = MLPClassifier((64,), max_iter=50, random_state=0).fit(flat(data.train), data.train.labels)
    return "50 epochs", model.score(flat(data.validation), data.validation.labels), model.predict(flat(data.test))


def convolutional(data, epochs):
    """The package's ConvNet at its best epoch."""
    train, held = ((torch.from_numpy(p.images), torch.from_numpy(p.labels)) for p in (data.train, data.validation))
    model = ConvNet(ConvNetConfig(image_shape=data.train.image_shape, num_classes=data.train.num_classes))
    trainer = Trainer(model, train, held, TrainingConfig(epochs=epochs, learning_rate=0.001))
    trainer.run()
    best = min(trainer.state.history, key=lambda record: record.validation_loss)
    labels = predict(model, torch.from_numpy(data.test.images)).argmax(1).numpy()
    return f"epoch {best.epoch} of {epochs}", best.validation_accuracy, labels


def main():
    """Print the table."""
    torch.set_num_threads(1)
    writer = csv.writer(sys.stdout)
    columns = "data,control,choice,validation_accuracy,test_accuracy,low,high,test_images,cpu_seconds"
    writer.writerow(columns.split(","))
    for name in sys.argv[1:] or DATA:
        fields, epochs = DATA[name]
        data = load_data(TrainRequest(**fields).resolved(), None)
        controls = {"logistic regression": linear, "quadratic kernel": quadratic}
        if epochs is None:
            controls["one hidden layer"] = hidden
        elif epochs:
            controls["ConvNet"] = lambda data, epochs=epochs: convolutional(data, epochs)
        for control, fit in controls.items():
            start = time.process_time()
            choice, validated, labels = fit(data)
            seconds = time.process_time() - start
            tested = Proportion(int((labels == data.test.labels).sum()), len(labels))
            shares = (validated, tested.value, *tested.interval)
            writer.writerow([name, control, choice, *(f"{x:.4f}" for x in shares), tested.trials, f"{seconds:.1f}"])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
