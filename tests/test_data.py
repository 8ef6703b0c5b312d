"""Datasets against their definitions, IDX files against damage, and the download against a server that misbehaves."""

import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import micrograd_nn.data as data
from micrograd_nn.data import download, idx, images
from micrograd_nn.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileError,
    FileMissingError,
    FormatError,
    ShapeError,
    UnknownNameError,
)


def write_idx(array):
    """The array of unsigned bytes as a gzip IDX file, after the format's description; always the same bytes."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


# ---- the datasets ----


def test_friends_are_shifted_by_round_numbers():
    friends = data.friends()
    assert friends.X.tolist() == [[-2, -1], [25, 6], [17, 4], [-15, -6]]
    assert friends.y.tolist() == [1, 0, 0, 1]
    assert friends.rows == ("Alice", "Bob", "Charlie", "Diana")
    assert data.from_metric(100 / 2.20462, 100 / 0.393701) == pytest.approx([-35, 34])


def test_truth_tables():
    truth = {"a": [0, 0, 1, 1], "not": [1, 1, 0, 0], "and": [0, 0, 0, 1], "or": [0, 1, 1, 1]}
    truth |= {"nand": [1, 1, 1, 0], "nor": [1, 0, 0, 0], "xor": [0, 1, 1, 0]}
    assert {name: data.gate(name).y.tolist() for name in data.GATES} == truth
    assert (data.gate("xor").features, data.gate("xor").classes) == (("A", "B"), ("no", "yes"))
    table = {"111": 1, "110": 1, "101": 0, "100": 1, "011": 0, "010": 1, "001": 0, "000": 1}
    rows = ["".join(map(str, row)) for row in data.boolean().X.astype(int)]
    assert list(zip(rows, data.boolean().y.tolist(), strict=True)) == list(table.items())


def test_the_theme_park_decision():
    park = data.theme_park()
    assert park.y.tolist() == [int(sum(row) >= 2) for row in park.X]
    partner = data.theme_park(weights=(1, 1, 2))
    assert all(partner.y[partner.X[:, 2] == 1])
    rain = data.theme_park(weights=(3, 1, 1), needed=3)
    assert not any(rain.y[rain.X[:, 0] == 0])


def test_theme_park_takes_a_weight_for_each_question():
    for weights in ((1, 1), (1, 1, 1, 1)):
        with pytest.raises(ShapeError, match=f"theme_park takes 3 weights, .* got {len(weights)}"):
            data.theme_park(weights)


@pytest.mark.parametrize(("n", "kind"), [(0, ArgumentError), (-1, ArgumentError), (2.5, ArgumentTypeError)])
@pytest.mark.parametrize("make", [data.line, data.moons, data.circles, data.spiral])
def test_how_many_points_is_a_whole_number(make, n, kind):
    with pytest.raises(kind, match=r"n is a whole number from \d up, got "):
        make(n)


def test_one_is_not_many():
    assert repr(data.line(1)) == "<dataset line: 1 row of 1 feature>"
    assert repr(data.line(2)) == "<dataset line: 2 rows of 1 feature>"


def test_shapes_without_noise_lie_on_their_curves():
    X, y = data.moons(51, noise=0.0)
    assert np.hypot(*X[y == 0].T) == pytest.approx(1.0)
    assert np.hypot(X[y == 1][:, 0] - 1.0, X[y == 1][:, 1] - 0.5) == pytest.approx(1.0)
    X, y = data.circles(50, noise=0.0)
    assert np.hypot(*X.T) == pytest.approx(np.where(y == 1, 0.5, 1.0))
    X, y = data.spiral(90, noise=0.0)
    radius = np.hypot(*X.T)
    angle = 2 * np.pi * y / 3 + 4.0 * radius
    assert pytest.approx(radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)) == X
    X, y = data.line(5, noise=0.0)
    assert y == pytest.approx([-1.0, 0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("make", [data.moons, data.circles, data.spiral])
def test_classes_share_the_points_evenly(make):
    counts = np.bincount(make(101).y)
    assert counts.sum() == 101
    assert max(counts) - min(counts) <= 1
    with pytest.raises(ArgumentError, match="n is a whole number from"):
        make(1)


def test_digits_are_the_ones_of_the_source():
    digits = data.digits()
    assert (digits.X.shape, digits.image, digits.X.min(), digits.X.max()) == ((1797, 64), (8, 8), 0.0, 1.0)
    # Of the pixels and labels in scikit-learn 1.9.1's digits.csv.gz, as bytes, when they were taken over.
    taken = ("8f26b2bd9d135c256808f68f14fdabdd", "8ba4f891220f5e4c9c819638d1602d74")
    arrays = (digits.X * 16.0, digits.y)
    assert tuple(hashlib.sha256(array.astype("u1").tobytes()).hexdigest()[:32] for array in arrays) == taken
    assert (digits.X[0] * 16).astype(int).tolist()[:8] == [0, 0, 5, 13, 9, 1, 0, 0]


def test_the_same_seed_gives_the_same_bytes_in_every_process():
    code = """if True:
        import hashlib, micrograd_nn.data as data
        print(hashlib.sha256(b"".join(make().X.tobytes() for make in data.DATASETS.values())).hexdigest())"""
    seen = set()
    for seed in ("0", "1"):
        out = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True
        )
        seen.add(out.stdout)
    assert len(seen) == 1
    assert len(seen.pop()) == 65


def test_names():
    assert data.dataset("moons").name == "moons"
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'mons'; choose one of: moons, "):
        data.dataset("mons")
    with pytest.raises(UnknownNameError, match=r"unknown gate 'adn'; choose one of: and, "):
        data.gate("adn")


# ---- split and scale ----


@pytest.mark.parametrize("parts", [(0.8, 0.2), (0.5, 0.25, 0.25), (10, 5), (1 / 3, 1 / 3, 1 / 3)])
def test_a_split_shares_no_row(parts):
    whole = data.Dataset("numbered", np.arange(100.0).reshape(-1, 1), np.arange(100))
    pieces = data.split(whole, *parts, seed=3)
    seen = np.concatenate([piece.y for piece in pieces])
    assert len(set(seen.tolist())) == len(seen)
    for piece, part in zip(pieces, parts, strict=True):
        assert len(piece) == part if isinstance(part, int) else abs(len(piece) - part * 100) < 1
    assert len(seen) == (15 if parts == (10, 5) else 100)
    assert all((piece.X[:, 0] == piece.y).all() for piece in pieces)
    again = data.split(whole, *parts, seed=3)
    assert all((a.y == b.y).all() for a, b in zip(pieces, again, strict=True))
    assert any((a.y != b.y).any() for a, b in zip(pieces, data.split(whole, *parts, seed=4), strict=True))


def test_a_split_as_the_rows_stand():
    first, rest = data.split(data.friends(), 1, 3, shuffle=False)
    assert (first.rows, rest.rows) == (("Alice",), ("Bob", "Charlie", "Diana"))


@pytest.mark.parametrize(
    "parts", [(), (0.9, 0.9), (5,), (0.0, 1.0), (-1, 3), (4, 1), (3, 2), (0.5, 0.5, 0.1), (4, 0.1)]
)
def test_a_split_that_can_not_be(parts):
    with pytest.raises(ArgumentError, match="friends has 4 rows, which can't be split into"):
        data.split(data.friends(), *parts)


@pytest.mark.parametrize("part", [float("nan"), float("inf"), -float("inf"), 10**400, -(10**400), 1e308])
def test_a_split_into_what_is_no_size(part):
    for parts in ((part,), (part, 0.5), (0.5, part), (part, -part)):
        with pytest.raises(ArgumentError, match="friends has 4 rows, which can't be split into"):
            data.split(data.friends(), *parts)


@pytest.mark.parametrize("part", ["a", True, np.True_, None, [0.5], 1j], ids=repr)
def test_a_split_into_what_is_no_number(part):
    for parts in ((part,), (0.5, part)):
        with pytest.raises(ArgumentTypeError, match=r"a part is a share such as 0\.8 or a number of rows"):
            data.split(data.friends(), *parts)


def test_numpys_numbers_split_as_pythons_do():
    assert [len(part) for part in data.split(data.friends(), np.int64(1), np.float32(0.5))] == [1, 2]


def test_a_scale_is_taken_from_the_training_rows():
    X = np.array([[1.0, 7.0], [2.0, 7.0], [6.0, 7.0]])
    Z, scale = data.standardise(X)
    assert Z.mean(axis=0) == pytest.approx([0.0, 0.0])
    assert Z.std(axis=0) == pytest.approx([1.0, 0.0])
    assert scale.undo(scale(X + 1.0)) == pytest.approx(X + 1.0)


@pytest.mark.parametrize("number", [0.0, 0.1, 0.7, 1e-300, -1e16])
def test_a_feature_that_never_changes_is_only_shifted_to_0(number):
    for count in range(1, 30):  # the mean of equal numbers is not always that number
        Z, scale = data.standardise([[number, float(i)] for i in range(count)])
        assert Z[:, 0].tolist() == [0.0] * count
        assert scale([[number + 1.0, 0.0]])[0, 0] == (number + 1.0) - number


def test_a_deviation_too_small_for_a_float_divides_nothing():
    assert np.isfinite(data.standardise([[1e-320], [3e-320]])[0]).all()


@pytest.mark.parametrize(
    ("X", "kind", "said"),
    [
        ([], ShapeError, r"X is a list of rows, such as .*; got the shape \(0,\)"),
        ([1.0, 2.0], ShapeError, r"got the shape \(2,\)"),
        ([[1.0, 2.0], [3.0]], ShapeError, "X is ragged: row 1"),
        ([[1.0], [float("nan")]], ArgumentError, "X has nan in row 1, column 0"),
        ([[1.0], ["a"]], ArgumentTypeError, "X has 'a' in row 1, column 0"),
    ],
)
def test_what_is_no_matrix_is_not_standardised(X, kind, said):
    with pytest.raises(kind, match=said):
        data.standardise(X)


# ---- IDX files ----


def test_idx_round_trip(tmp_path):
    array = np.arange(24, dtype="u1").reshape(2, 3, 4)
    for name, content in (("zipped", write_idx(array)), ("raw", gzip.decompress(write_idx(array)))):
        (tmp_path / name).write_bytes(content)
        assert (idx.read_idx(tmp_path / name) == array).all()
    assert write_idx(array) == write_idx(array.copy())


def test_what_is_no_file_is_no_idx_file(tmp_path):
    with pytest.raises(FileMissingError, match="there is no file"):
        idx.read_idx(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it: whoever opens it waits
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(FileError, match="is no file but a folder, a pipe or a device"):
            idx.read_idx(path)


def test_every_shorter_or_longer_idx_file_is_refused(tmp_path):
    whole = write_idx(np.arange(6, dtype="u1").reshape(2, 3))
    raw = gzip.decompress(whole)
    for content in [*(whole[:n] for n in range(len(whole))), *(raw[:n] for n in range(len(raw))), raw + b"\0"]:
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(FormatError):
            idx.read_idx(tmp_path / "file")


HOSTILE = {
    "more sides than an array has": (b"\0\0\x08\x41" + b"\0\0\0\x01" * 65 + b"\0", "of 65 dimensions"),
    "four billion rows": (b"\0\0\x08\x03" + b"\xff" * 12, "promises .* bytes"),
    "floats": (b"\0\0\x0d\x01\0\0\0\0", "it starts with"),
    "a page": (b"<!DOCTYPE html>", "it starts with"),
    "no dimension": (b"\0\0\x08\0", "of 0 dimensions"),
    "255 dimensions": (b"\0\0\x08\xff" + b"\0" * 100, "of 255 dimensions"),
    "a damaged zip": (b"\x1f\x8b" + b"\xff" * 20, "is a damaged gzip file"),
    "a zip bomb": (gzip.compress(bytes(idx.LIMIT + 100), 9), "holds more than"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_idx_files_are_refused(kind, tmp_path):
    content, words = HOSTILE[kind]
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(FormatError, match=f"{tmp_path / 'file'} .*{words}"):
        idx.read_idx(tmp_path / "file")


# ---- MNIST: the folder, the cache, and the server ----

TRAIN = np.arange(2 * 28 * 28, dtype="u1").reshape(2, 28, 28)
FILES = {
    "train-images-idx3-ubyte": write_idx(TRAIN),
    "train-labels-idx1-ubyte": write_idx(np.array([3, 9], dtype="u1")),
    "t10k-images-idx3-ubyte": write_idx(TRAIN[:1]),
    "t10k-labels-idx1-ubyte": write_idx(np.array([7], dtype="u1")),
}


@pytest.fixture
def small_mnist(monkeypatch, tmp_path):
    """MNIST with these small files' checksums, an empty cache, and no proxy between us and the server."""
    sums = {name: hashlib.md5(gzip.decompress(content)).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(images, "MNIST", sums)
    monkeypatch.setenv("MICROGRAD_NN_CACHE", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return tmp_path / "cache" / "mnist"


class Server(http.server.BaseHTTPRequestHandler):
    """What it gives depends on the first folder of the path: right, changed, half, missing, silent, hanging."""

    def do_GET(self):
        _, kind, name = self.path.split("/")
        content = FILES[name.removesuffix(".gz")]
        if kind == "missing":
            return self.send_error(404)
        if kind == "hanging":
            return self.server.closing.wait(5)
        if kind == "silent":
            return None
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if kind == "changed":
            content = FILES["t10k-images-idx3-ubyte"].ljust(len(content))
        return self.wfile.write(content[: len(content) // 2] if kind == "half" else content)

    def log_message(self, *args):
        pass


# As TensorFlow's first tutorial and Scidata's documentation print them.
FASHION_LABELS = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9, 1, 0, 6, 4, 3, 1, 4, 8, 4]
MNIST_LABELS = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1]


def write_images(folder, labels):
    """A folder with MNIST's four files, all black, of these training labels."""
    for kind, those in (("train", labels), ("t10k", labels[:2])):
        (folder / f"{kind}-images-idx3-ubyte").write_bytes(
            gzip.decompress(write_idx(np.zeros((len(those), 28, 28), "u1")))
        )
        (folder / f"{kind}-labels-idx1-ubyte.gz").write_bytes(write_idx(np.array(those, "u1")))


def test_fashion_mnist_is_known_by_its_labels(tmp_path):
    write_images(tmp_path, FASHION_LABELS)
    train, test = data.mnist(tmp_path)
    assert [train.name, test.name] == ["fashion-mnist", "fashion-mnist test"]
    assert [train.classes[label] for label in train.y[:4]] == ["Ankle boot", "T-shirt/top", "T-shirt/top", "Dress"]
    write_images(tmp_path, MNIST_LABELS)
    train, _ = data.mnist(tmp_path)
    assert (train.name, train.classes) == ("mnist", tuple("0123456789"))


def test_a_file_beside_the_images_names_their_classes(tmp_path):
    home = tmp_path / "letters"
    home.mkdir()
    write_images(home, [11, 0, 10])
    with pytest.raises(FormatError, match="row 0 has the label 11; the classes are 0 to 9"):
        data.mnist(home)
    (home / "classes.txt").write_text("\n".join("abcdefghijkl") + "\n")
    train, test = data.mnist(home)
    assert repr(test) == "<dataset letters test: 2 rows of 784 features, 12 classes>"
    assert [train.classes[label] for label in train.y] == ["l", "a", "k"]


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as loopback:
        loopback.closing = threading.Event()
        thread = threading.Thread(target=loopback.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{loopback.server_port}/"
        loopback.closing.set()
        loopback.shutdown()
        thread.join()


def check_small(train, test):
    assert (train.X.shape, train.y.tolist(), test.y.tolist()) == ((2, 784), [3, 9], [7])
    assert (TRAIN.reshape(2, 784).astype("float32") / 255.0 == train.X).all()
    assert train.X.dtype == np.float32


def test_the_right_file_is_fetched_once(small_mnist, server):
    check_small(*data.mnist(mirrors=[server + "right/"]))
    assert sorted(path.name for path in small_mnist.iterdir()) == sorted(f"{name}.gz" for name in FILES)
    check_small(*data.mnist(mirrors=[]))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("changed", "wrong checksum"),
        ("half", "sent [0-9]+ of [0-9]+ bytes"),
        ("missing", "answered 404 Not Found"),
        ("silent", "Remote end closed connection without response"),
        ("hanging", "timed out"),
    ],
)
def test_a_server_that_misbehaves_leaves_nothing_behind(small_mnist, server, kind, reason):
    with pytest.raises(FileError, match=reason) as caught:
        data.mnist(mirrors=[f"{server}{kind}/"], timeout=0.2 if kind == "hanging" else 30)
    assert all(name in str(caught.value) for name in FILES)
    assert str(small_mnist) in str(caught.value)
    assert not small_mnist.exists() or not list(small_mnist.iterdir())


def test_the_next_mirror_is_tried(small_mnist, server):
    check_small(*data.mnist(mirrors=[server + "missing/", server + "changed/", server + "right/"]))


def test_offline_is_one_clear_error(small_mnist):
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(
            FileError, match=r"put the four files .* \(--data DIR, or mnist\(folder\)\)\. .*no connection"
        ):
            data.mnist(mirrors=[f"http://127.0.0.1:{taken.getsockname()[1]}/"])


def test_a_named_folder_is_read_and_never_fetched_into(small_mnist, tmp_path):
    with pytest.raises(FileMissingError, match=f"MNIST is not in {tmp_path}: put the four files train-images"):
        data.mnist(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(gzip.decompress(content))
    check_small(*data.mnist(str(tmp_path)))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(gzip.decompress(write_idx(np.array([10], dtype="u1"))))
    with pytest.raises(FormatError, match="row 0 has the label 10; the classes are 0 to 9"):
        data.mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(gzip.decompress(write_idx(np.array([1, 2], dtype="u1"))))
    with pytest.raises(FormatError, match="do not go with labels"):
        data.mnist(tmp_path)


def test_the_cache_folder_is_the_users(monkeypatch):
    monkeypatch.delenv("MICROGRAD_NN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert data.cache_folder() == Path("/somewhere/micrograd-nn")


def test_a_download_stops_at_its_limit(small_mnist, server, monkeypatch):
    monkeypatch.setattr(download, "LIMIT", 10)
    with pytest.raises(FileError, match="sends more than"):
        data.mnist(mirrors=[server + "right/"])
    assert not small_mnist.exists()
