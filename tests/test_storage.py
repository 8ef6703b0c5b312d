"""Files of networks: exact, and whole or not at all."""

import random
import re
import signal
import subprocess
import sys
import time

import pytest

from micrograd_nn import MLP, Module, Value, data, fit
from micrograd_nn.data.idx import read_idx
from micrograd_nn.errors import (
    ArgumentTypeError,
    FileError,
    FileMissingError,
    FormatError,
    StateError,
    UnknownNameError,
)
from micrograd_nn.storage.checkpoints import save_checkpoint
from micrograd_nn.storage.networks import load, load_into, save, tensors_of
from micrograd_nn.storage.packing import read

NETS = {
    "two-input": lambda: MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=1),
    "softmax": lambda: MLP(3, [4, 4, 5], activation="relu", output="softmax", seed=2),
    "without biases": lambda: MLP(3, [3, 1], activation=["tanh", "elu"], bias=False, seed=3),
    "some maxout": lambda: MLP(2, [3, 2], activation="maxout", pieces=3, seed=4),
    "maxout": lambda: MLP(2, [3, 2], activation="maxout", output="maxout", pieces=3, seed=4),
    "maxout below": lambda: MLP(2, [3, 2], activation="maxout", output="identity", seed=5),
    "wide": lambda: MLP(1, [1, 1, 1], seed=6),
}
EDGES = [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), float("nan"), 1 / 3]


class Shared(Module):
    """A network of one's own: nested lists, a number that two places share, and a parameter on its own."""

    def __init__(self):
        self.scale = Value(2.0)
        tied = Value(0.5)
        self.grid = [[Value(1.0), Value(2.0)], [Value(3.0), tied]]
        self.ragged = [[Value(4.0)], [tied, Value(6.0)], Value(7.0)]
        self.parts = [MLP(1, [2]), MLP(1, [1])]


def bits(net):
    return [p.data.hex() for p in net.parameters()]


@pytest.mark.parametrize("kind", NETS)
def test_a_saved_network_comes_back_exactly(kind, tmp_path):
    net = NETS[kind]()
    for parameter, number in zip(net.parameters(), EDGES * 20, strict=False):
        parameter.data = number
    save(net, tmp_path / "net")
    again = load(tmp_path / "net")
    assert bits(again) == bits(net)
    assert repr(again) == repr(net)
    assert [p.label for p in again.parameters()] == [p.label for p in net.parameters()]
    assert list(again.state_dict()) == list(net.state_dict())
    first = (tmp_path / "net").read_bytes()
    save(again, str(tmp_path / "net"))
    assert (tmp_path / "net").read_bytes() == first


def test_a_network_of_ones_own_is_loaded_into(tmp_path):
    net = Shared()
    save(net, tmp_path / "net")
    with pytest.raises(
        FormatError, match=r"parameters of a network of your own: build it, then load_into\(net, path\)"
    ):
        load(tmp_path / "net")
    other = Shared()
    for i, parameter in enumerate(other.parameters()):
        parameter.data = i
    assert load_into(other, tmp_path / "net") is other
    assert other.state_dict() == net.state_dict()
    assert {name: tensor.shape for name, tensor in tensors_of(net).items()}["parts.0.layers.neurons.w"] == (1, 2, 1)


class Numbered(Module):
    """Keys that mean the same number."""

    def __init__(self):
        self.d = {key: Value(i) for i, key in enumerate(("1", "01", "0", "2"), start=1)}


def test_keys_that_mean_the_same_number_are_told_apart(tmp_path):
    net, other = Numbered(), Numbered()
    save(net, tmp_path / "net")
    for parameter in other.parameters():
        parameter.data = 0
    assert load_into(other, tmp_path / "net").state_dict() == {"d.1": 1, "d.01": 2, "d.0": 3, "d.2": 4}


def test_an_mlp_changed_by_hand_is_not_taken_for_a_plain_one(tmp_path):
    net = MLP(2, [2, 1], seed=0)
    net.layers[0].neurons[1].b = None
    save(net, tmp_path / "net")
    with pytest.raises(FormatError, match="of your own"):
        load(tmp_path / "net")
    assert load_into(net, tmp_path / "net") is net


def share(net):
    first, second, *_ = net.layers[0].neurons
    first.w = second.w


CHANGES = {
    "a shared weight": share,
    "a shared bias": lambda net: setattr(net.layers[0].neurons[0], "b", net.layers[0].neurons[1].b),
    "a neuron more": lambda net: net.layers[0].neurons.append(MLP(2, [1]).layers[0].neurons[0]),
    "a parameter more": lambda net: setattr(net, "scale", Value(1.0)),
    "a weight that is computed": lambda net: net.layers[0].neurons[0].w.__setitem__(0, Value(1.0) + 1.0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_mlp_that_was_changed_by_hand_comes_back_into_its_like(change, tmp_path):
    net, like = MLP(2, [3, 1], activation="tanh", seed=0), MLP(2, [3, 1], activation="tanh", seed=1)
    CHANGES[change](net)
    CHANGES[change](like)
    save(net, tmp_path / "net")
    with pytest.raises(FormatError, match=r"of your own: build it, then load_into\(net, path\)"):
        load(tmp_path / "net")
    assert bits(load_into(like, tmp_path / "net")) == bits(net)


def test_a_checkpoint_is_not_taken_for_a_network(tmp_path):
    net = MLP(2, [2, 1], seed=0)
    save_checkpoint(tmp_path / "run", net, fit(net, *data.xor(), epochs=1))
    before = bits(net)
    for read_it in (load, lambda path: load_into(net, path)):
        with pytest.raises(FormatError, match=r"run is a checkpoint of a training: .*load_checkpoint\(path, net, opt"):
            read_it(tmp_path / "run")
    assert bits(net) == before


def test_the_loss_of_a_training_is_kept_by_name(tmp_path):
    net = MLP(2, [1], seed=0)
    save(net, tmp_path / "net", loss="hinge")
    assert read(tmp_path / "net")[1]["loss"] == "hinge"
    before = (tmp_path / "net").read_bytes()
    with pytest.raises(UnknownNameError, match="unknown loss 'hing'; choose one of: hinge"):
        save(net, tmp_path / "net", loss="hing")
    assert (tmp_path / "net").read_bytes() == before


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (lambda net: save(net, 3), "int 3"),
        (lambda net: load(3), "int 3"),
        (lambda net: load(None), "NoneType None"),
        (lambda net: load_into(net, 0), "int 0"),
        (lambda net: save_checkpoint(b"run", net, fit(net, *data.xor(), epochs=1)), "bytes b'run'"),
        (lambda net: read_idx(0), "int 0"),
    ],
)
def test_a_path_is_a_path(call, given):
    with pytest.raises(ArgumentTypeError, match=f"a file's path is a str or a Path, got the {given}"):
        call(MLP(2, [1], seed=0))


def test_the_network_comes_before_the_path(tmp_path):
    with pytest.raises(ArgumentTypeError, match=r"takes first a network, a Module, then the path; got \w*Path first"):
        load_into(tmp_path / "net", MLP(2, [1]))


def test_row_31_all_that_does_not_fit_is_listed_and_nothing_overwritten(tmp_path):
    save(MLP(2, [3, 1], seed=0), tmp_path / "net")
    other = MLP(2, [2, 1, 1], seed=1)
    before = bits(other)
    with pytest.raises(StateError) as caught:
        load_into(other, tmp_path / "net")
    assert bits(other) == before
    for text in (
        "missing layers.2.neurons.w of shape (1, 1)",
        "layers.0.neurons.w has the shape (3, 2), the network needs (2, 2)",
        "nothing was loaded",
    ):
        assert text in str(caught.value)
    with pytest.raises(StateError, match=r"extra layers\.1\.neurons\.b of shape \(1,\)"):
        load_into(MLP(2, [3]), tmp_path / "net")


def test_save_takes_a_network(tmp_path):
    with pytest.raises(ArgumentTypeError, match="save takes a network, a Module, got list"):
        save([1.0], tmp_path / "net")
    assert not list(tmp_path.iterdir())


# ---- rows 26 and 27: the file is old or new, whole ----

SAVER = """
import sys
from micrograd_nn import MLP, storage
net = MLP(2, [16, 16, 1], init="zeros")
parameters = net.parameters()
print("ready", flush=True)
for number in range(1, 10**9):
    for parameter in parameters:
        parameter.data = number
    storage.save(net, sys.argv[1])
"""


def kill_in_saves(path, times, source):
    """kill -9 a process that saves without end; the file must hold one number in all its places."""
    for _ in range(times):
        process = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(source.uniform(0.0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert len(set(bits(load(path)))) == 1


def test_row_26_who_reads_the_old_file_during_a_save_has_it_whole(tmp_path):
    save(MLP(2, [1], seed=1), tmp_path / "net")
    before = (tmp_path / "net").read_bytes()
    with open(tmp_path / "net", "rb") as reader:
        save(MLP(2, [3, 1], seed=2), tmp_path / "net")
        assert reader.read() == before


def test_row_26_kill_9_in_a_save_loses_nothing(tmp_path):
    save(MLP(2, [16, 16, 1], init="zeros"), tmp_path / "net")
    kill_in_saves(tmp_path / "net", 5, random.Random(0))


@pytest.mark.slow
def test_row_26_kill_9_in_two_hundred_saves(tmp_path):
    save(MLP(2, [16, 16, 1], init="zeros"), tmp_path / "net")
    kill_in_saves(tmp_path / "net", 200, random.Random(1))


LIMITED = """
import resource, signal, sys
from micrograd_nn import MLP, storage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
try:
    storage.save(MLP(2, [16, 16, 1], seed=0), sys.argv[1])
except OSError as error:
    print(type(error).__name__, error)
"""


def test_row_27_a_full_disk_leaves_the_old_file_and_no_other(tmp_path):
    old = MLP(2, [1], seed=9)
    save(old, tmp_path / "net")
    out = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "net")], capture_output=True, text=True)
    assert out.stdout.startswith(
        f"FileError {tmp_path / 'net'} could not be written: File too large; what was there before"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["net"]
    assert bits(load(tmp_path / "net")) == bits(old)


def test_row_27_a_folder_that_is_gone_or_no_folder(tmp_path):
    net = MLP(2, [1])
    with pytest.raises(FileMissingError, match="could not be written: No such file or directory"):
        save(net, tmp_path / "gone" / "net")
    with pytest.raises(FileMissingError, match="could not be written: No such file or directory"):
        save_checkpoint(tmp_path / "gone" / "run", net, fit(net, *data.xor(), epochs=1))
    (tmp_path / "file").write_text("text")
    with pytest.raises(FileError, match="Not a directory"):
        save(net, tmp_path / "file" / "net")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="Is a directory"):
        save(net, tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "net")
    save(MLP(2, [1], seed=1), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert bits(load(tmp_path / "net")) == bits(MLP(2, [1], seed=1))
    with pytest.raises(FileError, match=r"could not be written: .*embedded null"):
        save(MLP(2, [1]), "a\0b")


SOMEBODY = """
import os, sys, tempfile
from micrograd_nn.errors import FileError
from micrograd_nn.files import write_whole
with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # pytest's own lets nobody else in
    if os.geteuid() == 0:  # root may do everything: go on as somebody else
        os.chown(folder, 65534, 65534), os.setgid(65534), os.setuid(65534)
    write_whole(folder + "/net", b"old")
    os.chmod(folder, int(sys.argv[1], 8))
    try:
        write_whole(folder + "/net", b"new")
    except FileError as error:
        print(error)
    os.chmod(folder, 0o700)
    print(os.listdir(folder), open(folder + "/net").read())
"""


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("500", r".*/net could not be written: Permission denied; .*\n\['net'\] old\n"),  # nothing may be added to it
        ("300", r"\['net'\] new\n"),  # nobody may look into it, and so it can't be flushed
    ],
)
def test_row_27_a_folder_without_permission(mode, said):
    out = subprocess.run([sys.executable, "-c", SOMEBODY, mode], capture_output=True, text=True)
    assert re.fullmatch(said, out.stdout), out.stdout + out.stderr


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its(tmp_path):
    (tmp_path / "plain").write_text("")
    save(MLP(2, [1]), tmp_path / "net")
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "net").chmod(0o640)
    save(MLP(2, [1]), tmp_path / "net")
    assert (tmp_path / "net").stat().st_mode & 0o777 == 0o640
