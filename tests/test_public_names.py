"""The public names, and what each is: a list made before the house was rebuilt. A name may be added, none may go."""

import importlib

import pytest

CLASSES = """
    micrograd_nn: Adam AdamW AnomalyError Checkpoint CosineAnnealingLR Domain EarlyStopping Embedding ExponentialLR
        History LambdaLR Layer MLP Maxout MicrogradError Module Neuron Operation Optimizer
        Parameter RMSprop SGD Slip StepLR Value Wider
        detect_anomaly no_grad
    micrograd_nn.derive: Explanation Finding Path Paths Quiz Reply Report Slip Step Symbol Tutor
    micrograd_nn.draw: Drawing Walk
    micrograd_nn.training: EarlyStopping History Training
    micrograd_nn.data: Dataset Scale
"""
FUNCTIONS = """
    micrograd_nn: absolute_error accuracy binary_cross_entropy binary_cross_entropy_with_logits
        categorical_cross_entropy check_partials compile confusion_matrix count_paths decisions draw_dot draw_network
        evaluate explain fit formula from_torch grad gradcheck hessian hinge l1 l2 least_squares load load_checkpoint
        load_into log_softmax logsumexp maxout mean mse paths performance predict quiz replay save save_checkpoint
        signed_error softmax softmax_cross_entropy squared_error steps to_sympy to_torch total trace tutor
        value_and_grad walk wrong_order
    micrograd_nn.derive: check_partials complex_step count_paths explain gradcheck paths quiz simplify step_errors
        steps to_sympy tutor wrong_order
    micrograd_nn.draw: draw_dot draw_network trace walk
    micrograd_nn.training: accuracy confusion_matrix correct decisions evaluate fit predict
    micrograd_nn.data: boolean cache_folder circles dataset digits friends from_metric gate line mnist moons spiral
        split standardise theme_park xor
    micrograd_nn.cli: main
"""
ROWS = """
    micrograd_nn: cos elu exp leaky_relu log logaddexp maximum minimum relu sigmoid sin softplus sqrt step
        stop_gradient tanh
"""
TABLES = """
    micrograd_nn: TABLE
    micrograd_nn.data: DATASETS GATES
    micrograd_nn.cli: COMMANDS
"""
OTHERS = {"losses", "optim", "explore", "UNREACHED"}
ROOMS = """
    micrograd_nn: cli compiler data derive draw engine errors nn notation storage training
    micrograd_nn.engine: TABLE Operation Value detect_anomaly grad hessian no_grad replay topological_order
        value_and_grad
    micrograd_nn.nn: Embedding MLP Layer Maxout Module Neuron
"""


def listed(text: str) -> list[tuple[str, str]]:
    """(module, name) of each name in such a list."""
    pairs, module = [], ""
    for word in text.split():
        if word.endswith(":"):
            module = word[:-1]
        else:
            pairs.append((module, word))
    return pairs


def find(module: str, name: str) -> object:
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), listed(CLASSES))
def test_a_class(module: str, name: str) -> None:
    assert isinstance(thing := find(module, name), type)
    assert thing.__name__ == name


@pytest.mark.parametrize(("module", "name"), listed(FUNCTIONS))
def test_a_function(module: str, name: str) -> None:
    thing = find(module, name)
    assert callable(thing)
    assert thing.__name__ == name  # type: ignore[attr-defined]
    assert thing.__doc__


@pytest.mark.parametrize(("module", "name"), listed(ROWS))
def test_a_row_of_the_table(module: str, name: str) -> None:
    assert find("micrograd_nn", "TABLE")[name] is find(module, name)  # type: ignore[index]


@pytest.mark.parametrize(("module", "name"), [*listed(TABLES), *listed(ROOMS)])
def test_a_table_or_a_room(module: str, name: str) -> None:
    assert find(module, name)


WITHOUT_EXAMPLE = {"from_torch", "to_torch", "mnist", "cache_folder", "main"}  # PyTorch, a download, a shell


@pytest.mark.parametrize(("module", "name"), [*listed(CLASSES), *listed(FUNCTIONS)])
def test_a_docstring_has_an_example(module: str, name: str) -> None:
    """pytest runs them all."""
    assert name in WITHOUT_EXAMPLE or ">>>" in (find(module, name).__doc__ or "")


def test_the_front_door_has_no_other_names() -> None:
    """What ``from micrograd_nn import *`` brings, and ``help(micrograd_nn)`` shows."""
    package = importlib.import_module("micrograd_nn")
    listed_here = {name for table in (CLASSES, FUNCTIONS, ROWS, TABLES) for where, name in listed(table)
                   if where == "micrograd_nn"}  # fmt: skip
    assert {*package.__all__} == listed_here - {"compile"} | OTHERS  # Python has a compile
