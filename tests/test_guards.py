"""Behaviour that one change could break while every other test stays green: each held here by a test of its own."""

import pickle
import re
import signal
import struct
import threading
from math import inf

import pytest

from micrograd_nn import (
    MLP,
    Adam,
    Checkpoint,
    Neuron,
    Value,
    explain,
    fit,
    load,
    load_checkpoint,
    load_into,
    mse,
    quiz,
    relu,
    save,
    save_checkpoint,
)
from micrograd_nn.data import friends
from micrograd_nn.data.idx import read_idx
from micrograd_nn.errors import FormatError, MicrogradError
from micrograd_nn.storage.packing import pack, read


def test_a_network_changed_by_hand_is_not_saved_as_a_plain_one(tmp_path):
    net, again = (MLP(2, [2, 1], activation="tanh", seed=seed) for seed in (0, 1))
    for changed in (net, again):
        changed.layers[0].neurons[1].activation = relu
    save(net, tmp_path / "net.safetensors")
    with pytest.raises(FormatError, match="load_into"):
        load(tmp_path / "net.safetensors")
    load_into(again, tmp_path / "net.safetensors")
    assert again([1.0, -2.0]).data == net([1.0, -2.0]).data


def test_fit_in_a_thread_leaves_the_users_own_handler_alone():
    mine = signal.signal(signal.SIGINT, handler := lambda *_: None)
    done = []
    try:
        people, net = friends(), MLP(2, [2, 1], seed=0)
        work = threading.Thread(
            target=lambda: done.append(fit(net, people.X, people.y, loss=mse, epochs=3, progress=False))
        )
        work.start()
        work.join()
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, mine)
    assert len(done[0]) == 3


@pytest.mark.parametrize(("c", "written"), [(inf, "0"), (-inf, "0"), (1e-320, "∞")])
def test_a_constant_without_a_finite_inverse_is_written_and_worked_out(c, written):
    x = Value(2.0, "x")
    loss = x / c
    loss.label = "L"
    assert str(explain(loss, "x")).strip().endswith(f"= {written}")


def test_a_pickle_grows_with_its_graph_and_no_faster():
    def size(operations):
        x = Value(1.0)
        for _ in range(operations):
            x = x * 1.0001
        return len(pickle.dumps(x))

    first, second, third = map(size, (1000, 2000, 4000))
    assert third - second == pytest.approx(2 * (second - first), rel=0.02)


def test_a_neuron_that_stands_alone_has_the_textbooks_names():
    assert [p.label for p in Neuron(3).parameters()] == ["w1", "w2", "w3", "b1"]
    assert [p.label for p in Neuron(1, bias=False).parameters()] == ["w1"]


def test_a_quiz_is_that_of_seed_0_and_asks_in_the_order_of_the_network():
    net = MLP(2, [2, 1], activation="sigmoid", seed=0)
    loss = mse(net([1.0, 2.0]), Value(1.0, "y"))
    assert str(quiz(loss)) == str(quiz(loss, seed=0)) != str(quiz(loss, seed=1))
    given, formulas, asked = (
        [line.split()[0] for line in part.splitlines() if line.startswith("  ")]
        for part in re.split("^and$|^work out$", str(quiz(loss)), flags=re.MULTILINE)
    )
    leaves = ["b1", "b2", "b3", "w1", "w2", "w3", "w4", "w5", "w6", "x1", "x2", "y"]
    assert given == leaves
    assert formulas == ["h1", "h2", "o1", "L"]
    assert asked == [*formulas, *(f"∂L/∂{leaf}" for leaf in leaves)]
    net = MLP(2, [6, 1], activation="sigmoid", seed=0)  # w10 stands behind w9
    assert [name for name, _ in quiz(mse(net([1.0, 2.0]), 0.5)).given if name[0] == "w"][8:11] == ["w9", "w10", "w11"]


def test_a_checkpoint_is_written_every_epoch_and_can_be_one_of_the_beginning(tmp_path):
    people, net, path = friends(), MLP(2, [2, 1], activation="tanh", seed=0), tmp_path / "run.safetensors"
    written = []
    history = fit(
        net, people.X, people.y, loss=mse, optimizer="adam", epochs=3, progress=False,
        callbacks=[Checkpoint(path), lambda running: written.append(path.stat().st_mtime_ns)],
    )  # fmt: skip
    assert len(set(written)) == 3
    save_checkpoint(path, net, history)
    again = MLP(2, [2, 1], activation="tanh", seed=1)
    assert len(load_checkpoint(path, again, Adam(again.parameters()))) == 3
    assert [p.data for p in again.parameters()] == [p.data for p in net.parameters()]


def test_a_checkpoint_that_lacks_an_entry_is_refused_in_words(tmp_path):
    people, net, path = friends(), MLP(2, [1], seed=0), tmp_path / "run.safetensors"
    fit(net, people.X, people.y, loss=mse, optimizer="adam", epochs=1, progress=False, callbacks=[Checkpoint(path)])
    before = [p.data for p in net.parameters()]
    tensors, about = read(path)
    about = {name: value for name, value in about.items() if name not in ("version", "sha256")}  # pack signs anew
    needed = [name for name in about["optimizer"] if name != "initial_lr"]  # older files have none
    for entry in (*needed, *(name for name in tensors if name.startswith("memory."))):
        optimizer = {name: value for name, value in about["optimizer"].items() if name != entry}
        kept = {name: tensor for name, tensor in tensors.items() if name != entry}
        path.write_bytes(pack(kept, about | {"optimizer": optimizer}))
        with pytest.raises(MicrogradError):
            load_checkpoint(path, net, Adam(net.parameters()))
        assert [p.data for p in net.parameters()] == before


def test_an_idx_file_without_items_is_an_empty_list(tmp_path):
    (tmp_path / "none").write_bytes(b"\0\0\x08\x01" + struct.pack(">I", 0))
    assert len(read_idx(tmp_path / "none")) == 0
