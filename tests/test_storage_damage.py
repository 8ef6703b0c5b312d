"""Files of networks that are none: damaged, of another kind, hostile; rows 28 to 30 of the reliability table."""

import hashlib
import io
import json
import pickle
import random
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load as deserialise
from safetensors.numpy import save as serialise
from test_storage import bits

from micrograd_nn import MLP
from micrograd_nn.errors import FileError, FileMissingError, FormatError, StateError, UnknownNameError
from micrograd_nn.storage.networks import architecture, load, load_into, save, tensors_of
from micrograd_nn.storage.packing import Tensor, pack, read, unpack

# ---- row 28: damage ----


@pytest.fixture
def whole(tmp_path):
    save(MLP(2, [2, 1], seed=0), tmp_path / "net")
    return (tmp_path / "net").read_bytes()


def refused(path, content):
    path.write_bytes(content)
    net = MLP(2, [2, 1], init="zeros")
    before = bits(net)
    with pytest.raises(FormatError) as caught:
        load_into(net, path)
    assert bits(net) == before
    return str(caught.value)


def refused_in_memory(content):
    with pytest.raises(FormatError):
        unpack(io.BytesIO(content), len(content), "bad")


def test_row_28_every_one_bit_flip_is_refused(whole, tmp_path):
    for i in range(len(whole)):
        for bit in range(8):
            changed = whole[:i] + bytes([whole[i] ^ (1 << bit)]) + whole[i + 1 :]
            refused_in_memory(changed)
        if i % 20 == 0:
            refused(tmp_path / "bad", changed)


def test_row_28_every_cut_and_every_addition_is_refused(whole, tmp_path):
    for n in range(len(whole)):
        refused_in_memory(whole[:n])
    refused(tmp_path / "bad", whole[:-8])
    assert "cut short or added to" in refused(tmp_path / "bad", whole + b"\0")


def mutants(whole, count, seed):
    source = random.Random(seed)
    for _ in range(count):
        content = bytearray(whole)
        for _ in range(source.randint(1, 8)):
            at = source.randrange(len(content) + 1)
            kind = source.randrange(4)
            if kind == 0 and at < len(content):
                content[at] = source.randrange(256)
            elif kind == 1:
                content[at:at] = source.randbytes(source.randint(1, 20))
            elif kind == 2:
                del content[at : at + source.randint(1, 20)]
            else:
                content[at : at + 8] = whole[source.randrange(len(whole)) :][:8]
        if bytes(content) != whole:
            yield bytes(content)


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_mutated_files_raise_only_our_own_error(whole, count):
    for content in mutants(whole, count, seed=count):
        refused_in_memory(content)


# ---- row 29: other kinds of file ----


def other_kinds(folder):
    with zipfile.ZipFile(folder / "zip", "w") as archive:
        archive.writestr("data.pkl", "x" * 100)
    (folder / "pickle").write_bytes(pickle.dumps({"w": [1.0] * 50}))
    (folder / "page").write_text("<!DOCTYPE html><html><body>404: not found</body></html>")
    (folder / "json").write_text(json.dumps({"w": [1.0] * 50}))
    (folder / "empty").write_bytes(b"")
    np.save(folder / "array.npy", np.zeros(10))
    return {
        "zip": "looks like a zip file",
        "pickle": "looks like a pickle, which could run anything",
        "page": "looks like a page of HTML or XML",
        "json": "looks like a JSON text",
        "empty": "is empty",
        "array.npy": "looks like a NumPy file",
    }


def test_row_29_other_kinds_of_file_are_named(tmp_path):
    for name, text in other_kinds(tmp_path).items():
        with pytest.raises(FormatError, match=text):
            load(tmp_path / name)
    with pytest.raises(FileMissingError, match="there is no file"):
        load(tmp_path / "nothing")
    with pytest.raises(FileError, match="no file but a folder, a pipe or a device"):
        load(tmp_path)
    with pytest.raises(FileError, match="could not be read"):
        load("a\0b")


def test_row_29_a_newer_version_says_so(tmp_path):
    (tmp_path / "net").write_bytes(pack({}, {"version": 2}))
    with pytest.raises(FormatError, match=r"written by a newer version \(format 2, this one reads up to 1\): update"):
        load(tmp_path / "net")


@pytest.mark.parametrize("version", [0, -5])
def test_row_50_there_is_no_version_before_the_first(version, tmp_path):
    (tmp_path / "net").write_bytes(pack({}, {"version": version}))
    with pytest.raises(FormatError, match="was not written by this package, or its header is damaged"):
        load(tmp_path / "net")


@pytest.mark.parametrize("loss", ["no such loss", 3, ["mse"]])
def test_row_50_a_loss_that_is_no_name_is_refused(loss, tmp_path):
    net = MLP(1, [1])
    (tmp_path / "net").write_bytes(pack(tensors_of(net), {"architecture": architecture(net), "loss": loss}))
    with pytest.raises(FormatError, match=r"names the loss .*; there is none of that name"):
        load(tmp_path / "net")


def test_row_29_ten_gigabytes_are_refused_by_the_header(tmp_path):
    size = 10 * 2**30
    text = json.dumps({"version": 1, "sha256": "0" * 64, "architecture": {"kind": "MLP"}})
    entry = {"dtype": "F64", "shape": [size // 8], "data_offsets": [0, size]}
    header = json.dumps({"__metadata__": {"micrograd_nn": text}, "w": entry}).encode()
    for name, start in (("true", len(header).to_bytes(8, "little") + header), ("zeros", b"")):
        with open(tmp_path / name, "wb") as file:
            file.write(start)
            file.truncate(len(start) + size)  # a hole: it takes no room on the disk
        with pytest.raises(FormatError, match=r"more than the 1,073,741,824 that are loaded|no file of save"):
            load(tmp_path / name)


# ---- row 30: hostile content with a right checksum ----

GOOD = {"kind": "MLP", "nin": 1, "nouts": [1], "activations": ["relu"], "bias": True, "pieces": 1}
HOSTILE = [
    None,
    [],
    "MLP",
    {"kind": "__class__"},
    {"kind": "Module"},
    {**GOOD, "nin": 10**12},
    {**GOOD, "nin": -1},
    {**GOOD, "nin": 1.0},
    {**GOOD, "nin": True},
    {**GOOD, "nouts": [10**12]},
    {**GOOD, "nouts": []},
    {**GOOD, "nouts": [[1]]},
    {**GOOD, "nouts": 10**12},
    {**GOOD, "nouts": [1] * 1000},
    {**GOOD, "activations": ["__class__"]},
    {**GOOD, "activations": ["../../x"]},
    {**GOOD, "activations": [None]},
    {**GOOD, "activations": [["relu"]]},
    {**GOOD, "bias": 1},
    {**GOOD, "pieces": 10**12, "activations": ["maxout"]},
    {**GOOD, "pieces": "2"},
    {name: GOOD[name] for name in ("kind", "nin")},
]


@pytest.mark.parametrize("given", HOSTILE, ids=repr)
def test_row_30_a_hostile_architecture_is_refused(given, tmp_path):
    tensors = {"layers.0.neurons.w": Tensor((1, 1), [0.0]), "layers.0.neurons.b": Tensor((1,), [0.0])}
    (tmp_path / "net").write_bytes(pack(tensors, {"architecture": GOOD}))
    assert load(tmp_path / "net").state_dict() == {"layers.0.neurons.0.w.0": 0.0, "layers.0.neurons.0.b": 0.0}
    (tmp_path / "net").write_bytes(pack(tensors, {"architecture": given}))
    with pytest.raises((FormatError, UnknownNameError)):
        load(tmp_path / "net")


@pytest.mark.parametrize("name", ["__class__", "../../x", "/etc/passwd", "layers.0.neurons", "layers.-1.neurons.w", ""])
def test_row_30_hostile_names_are_only_names(name, tmp_path):
    (tmp_path / "net").write_bytes(pack({name: Tensor((2,), [0.0, 0.0])}, {"architecture": GOOD}))
    with pytest.raises(StateError, match="missing layers"):
        load(tmp_path / "net")
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 10_000, "{}", "null", '{"version": "1"}', '{"version": 1}'])
def test_row_30_hostile_metadata_is_refused(text, tmp_path):
    (tmp_path / "net").write_bytes(serialise({"w": np.zeros(1)}, metadata={"micrograd_nn": text}))
    with pytest.raises(FormatError, match="not written by this package"):
        load(tmp_path / "net")


@pytest.mark.parametrize("signature", ["", "0", "\ud800", "\ud800" * 64, "é" * 32], ids=lambda text: ascii(text[:2]))
def test_row_30_a_hostile_signature_takes_no_more_room_than_the_file(signature):
    text = json.dumps({"version": 1, "sha256": signature, "rest": "0" * 2**20})
    content = serialise({"w": np.zeros(1)}, metadata={"micrograd_nn": text})
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="bad is damaged: its checksum is not that of its content"):
            unpack(io.BytesIO(content), len(content), "bad")
        assert tracemalloc.get_traced_memory()[1] < 10 * len(content)
    finally:
        tracemalloc.stop()


def signed(tensors):
    """A file by safetensors' own library, with our checksum in it."""
    text = json.dumps({"version": 1, "sha256": "0" * 64, "architecture": GOOD})
    content = serialise(tensors, metadata={"micrograd_nn": text})
    return content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode())


def test_other_kinds_of_number_are_refused(tmp_path):
    (tmp_path / "net").write_bytes(signed({"w": np.zeros(2, dtype="float32")}))
    with pytest.raises(FormatError, match="not 64-bit floats"):
        read(tmp_path / "net")


LAYOUTS = [[0, 8], [8, 24], [-8, 8], [0, 16, 16], [0.0, 16.0], "01", None]


@pytest.mark.parametrize("place", LAYOUTS, ids=repr)
@pytest.mark.parametrize("shape", [[2], [1], [-2], [2.0], [2, True], 2, [10**12, 0], None], ids=repr)
def test_row_30_hostile_places_are_refused(place, shape):
    """Whatever a header says of where a tensor is, with a right checksum, unless it is so."""
    text = json.dumps({"version": 1, "sha256": "0" * 64, "architecture": GOOD})
    entry = {"dtype": "F64", "shape": shape, "data_offsets": place}
    header = json.dumps({"__metadata__": {"micrograd_nn": text}, "w": entry}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(16)
    refused_in_memory(content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode()))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (1, 2, 1)], ids=repr)
def test_the_form_is_that_of_safetensors_both_ways(shape):
    array = np.random.default_rng(0).normal(size=shape)
    tensor = Tensor(shape, array.reshape(-1).tolist())
    ours = pack({"a": tensor, "é": Tensor((1,), [-0.0])}, {"architecture": GOOD})
    theirs = deserialise(ours)
    assert theirs["a"].shape == shape
    assert theirs["a"].tobytes() == array.tobytes()
    assert str(theirs["é"]) == "[-0.]"
    content = signed({"a": array})
    given, _ = unpack(io.BytesIO(content), len(content), "net")
    assert given == {"a": Tensor(shape, tuple(tensor.numbers))}
