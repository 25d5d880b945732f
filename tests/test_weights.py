"""Weights: published ones through import, fetch and load; every way in which that can go wrong."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.errors import OptionError, WeightsError
from impasto.features import sources, weights
from impasto.features.backbones import BACKBONES
from impasto.features.checkpoint import shapes, torchvision_names
from impasto.features.extractor import Extractor
from impasto.features.sources import EMBEDDED, SOURCES, Source

pytestmark = pytest.mark.usefixtures("cache")  # never the user's own

# torchvision's own configurations, "E", "D" and AlexNet's: (width, kernel, stride, padding) or a
# pooling's (kernel, stride).
_VGG = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
_ALEXNET = [(64, 11, 4, 2), (3, 2), (192, 5, 1, 2), (3, 2), (384, 3, 1, 1), (256, 3, 1, 1)]
_ALEXNET += [(256, 3, 1, 1), (3, 2)]

# The convolutions' places in the published files.
PLACES = {
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
    "vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    "alexnet": [0, 3, 6, 8, 10],
}
# Our layer → the place in torchvision's `features` that computes it.
LAYERS = {
    "vgg19": {"conv1_1": 0, "relu2_2": 8, "pool2": 9, "relu3_1": 11, "relu4_2": 22, "relu5_4": 35},
    "vgg16": {"relu1_1": 1, "pool1": 4, "conv3_3": 14, "relu4_1": 18, "relu5_3": 29},
    "alexnet": {"conv1": 0, "relu1": 1, "pool1": 2, "relu2": 4, "pool2": 5, "relu5": 11},
}


def published(name: str) -> nn.Sequential:
    """torchvision's `features` with random weights, built without anything of Impasto's."""
    if name == "alexnet":
        plan = list(_ALEXNET)
    else:
        widths = (64, 128, 256, 512, 512)
        plan = []
        for width, depth in zip(widths, _VGG[name], strict=True):
            plan += [(width, 3, 1, 1)] * depth + [(2, 2)]
    found: list[nn.Module] = []
    inputs = 3
    for numbers in plan:
        if len(numbers) == 2:
            found.append(nn.MaxPool2d(*numbers))
            continue
        width, kernel, stride, padding = numbers
        conv = nn.Conv2d(inputs, width, kernel, stride, padding)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        found += [conv, nn.ReLU()]
        inputs = width
    return nn.Sequential(*found).requires_grad_(False)


def state_of(features: nn.Sequential) -> dict[str, Tensor]:
    """The published keys; of the classifier something small."""
    state = {f"features.{key}": value for key, value in features.state_dict().items()}
    return state | {"classifier.0.weight": torch.ones(4, 9), "classifier.0.bias": torch.ones(4)}


def activations(features: nn.Sequential, image: Tensor) -> list[Tensor]:
    """What each module gives, after ImageNet's normalisation.

    torchvision fills the first convolution's border with zeros, which in a picture is a dark frame;
    Impasto repeats the border's pixels there and departs from torchvision in nothing else.
    """
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x = (image - mean) / deviation
    found = []
    for place, module in enumerate(features):
        if place == 0:
            assert isinstance(module, nn.Conv2d)
            padded = nn.ReplicationPad2d(int(module.padding[0]))(x)
            x = F.conv2d(padded, module.weight, module.bias, module.stride)
        else:
            x = module(x)
        found.append(x.clone())  # the next ReLU may write in place
    return found


@pytest.fixture(scope="module")
def alexnet() -> nn.Sequential:
    torch.manual_seed(0)
    return published("alexnet")


@pytest.fixture(scope="module")
def alexnet_file(alexnet: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "alexnet.pth"
    torch.save(state_of(alexnet), path)
    return path


def files_in(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file()]


@pytest.mark.parametrize("name", ["vgg19", "vgg16", "alexnet"])
def test_published_weights_give_torchvisions_activations(
    name: str, cache: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    features = published(name)
    assert [i for i, m in enumerate(features) if isinstance(m, nn.Conv2d)] == PLACES[name]
    # vgg19's file is in the older of PyTorch's two formats.
    torch.save(
        state_of(features), tmp_path / "w.pth", _use_new_zipfile_serialization=name != "vgg19"
    )
    kept = weights.import_file(name, tmp_path / "w.pth")
    (tmp_path / "w.pth").unlink()
    net = weights.load(name)

    image = torch.rand(1, 3, 67, 64)
    reference = activations(features, image)
    ours = net(image, LAYERS[name])
    for layer, place in LAYERS[name].items():
        torch.testing.assert_close(ours[layer], reference[place], rtol=1e-3, atol=1e-4)
    assert kept == sources.locate(name) == cache / "weights" / f"{name}.safetensors"
    assert len(load_file(kept)) == 2 * len(PLACES[name])  # no classifier
    kept.unlink()


def test_average_pooling_is_twice_the_average(alexnet: nn.Sequential, alexnet_file: Path) -> None:
    image = torch.rand(1, 3, 67, 67)
    net = weights.load("alexnet", weights=alexnet_file, pooling="average")
    averaged = 2 * F.avg_pool2d(activations(alexnet, image)[1], 3, 2)
    torch.testing.assert_close(net(image, ["pool1"])["pool1"], averaged, rtol=1e-4, atol=1e-5)


def test_a_file_is_read_without_being_kept(cache: Path, alexnet_file: Path, tmp_path: Path) -> None:
    ours = weights.load("alexnet", weights=alexnet_file)
    assert not cache.exists()
    state = {key: value.contiguous() for key, value in ours.state_dict().items()}
    save_file(state, tmp_path / "ours.safetensors")
    again = weights.load("alexnet", weights=tmp_path / "ours.safetensors").state_dict()
    assert all(torch.equal(again[key], value) for key, value in ours.state_dict().items())


def test_loaded_networks_are_frozen_and_leave_the_global_generator(alexnet_file: Path) -> None:
    before = torch.get_rng_state()
    net = weights.load("alexnet", weights=alexnet_file, precision=torch.bfloat16)
    assert torch.equal(before, torch.get_rng_state())
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())
    assert {p.dtype for p in net.parameters()} == {torch.bfloat16}
    assert net.mean.dtype == torch.float32
    assert net.get_parameter("convs.conv2.weight").is_contiguous(memory_format=torch.channels_last)


def test_the_same_weights_give_the_same_digest(
    alexnet_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = weights.import_file("alexnet", alexnet_file)
    first = sources.digest("alexnet")
    assert first == "sha256:" + hashlib.sha256(kept.read_bytes()).hexdigest()
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "another"))
    weights.import_file("alexnet", kept)  # from ours this time
    assert sources.digest("alexnet") == first
    assert sources.digest("alexnet", kept) == first


def test_nothing_is_overwritten_without_force(cache: Path, alexnet_file: Path) -> None:
    kept = weights.import_file("alexnet", alexnet_file)
    kept.write_bytes(b"mine")
    with pytest.raises(WeightsError, match="force"):
        weights.import_file("alexnet", alexnet_file)
    assert kept.read_bytes() == b"mine"
    weights.import_file("alexnet", alexnet_file, force=True)
    weights.load("alexnet")
    assert files_in(cache) == ["alexnet.safetensors"]


def test_a_link_in_the_cache_is_followed(cache: Path, alexnet_file: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"old")
    (cache / "weights").mkdir(parents=True)
    (cache / "weights" / "alexnet.safetensors").symlink_to(tmp_path / "elsewhere")
    kept = weights.import_file("alexnet", alexnet_file, force=True)
    assert kept.is_symlink()
    assert len(load_file(tmp_path / "elsewhere")) == 2 * len(PLACES["alexnet"])


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a file's size there")
def test_a_failed_write_leaves_what_was_there(cache: Path, alexnet_file: Path) -> None:
    import resource

    kept = weights.import_file("alexnet", alexnet_file)
    before = sources.digest("alexnet")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))  # the file has ten times as much
    try:
        with pytest.raises(WeightsError, match=r"cannot be written: no space.*IMPASTO_CACHE"):
            weights.import_file("alexnet", alexnet_file, force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sources.digest("alexnet") == before
    assert files_in(cache) == [kept.name]


def test_every_backbone_is_listed(alexnet_file: Path) -> None:
    kept = weights.import_file("alexnet", alexnet_file)
    found = {info.name: info for info in sources.listing()}
    assert list(found) == list(BACKBONES)
    assert found["alexnet"].path == kept
    assert found["alexnet"].size == kept.stat().st_size
    assert found["vgg19"].path is None
    assert found["vgg19"].size > 500e6
    assert found["compact"].url is None
    for name, info in found.items():
        assert info.licence
        if info.url is not None:  # a published file carries its hash in its name
            assert info.url.endswith(f"-{SOURCES[name].hash_prefix}.pth")


@pytest.mark.parametrize("name", BACKBONES)
def test_the_keys_are_those_of_an_extractor(name: str) -> None:
    spec = BACKBONES[name]
    with torch.device("meta"):
        net = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts)
    assert shapes(spec) == {key: tuple(value.shape) for key, value in net.state_dict().items()}


# ---- compact ------------------------------------------------------------------------------------


def test_the_embedded_backbone_needs_no_cache(cache: Path, picture: Tensor) -> None:
    net = weights.load("compact")
    features = net(picture, ["relu4_1"])["relu4_1"]
    assert features.std() > 0
    assert net.lift("relu4_1", features).shape[1] == 512
    assert weights.fetch("compact") == sources.locate("compact") == EMBEDDED["compact"]
    assert EMBEDDED["compact"].stat().st_size <= 2e6
    assert not cache.exists()


def test_half_precision_weights_are_read(
    compact: Extractor, picture: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "compact.safetensors"
    save_file({key: value.half() for key, value in compact.state_dict().items()}, path)
    monkeypatch.setitem(EMBEDDED, "compact", path)
    net = weights.load("compact")
    ours = net.lift("relu5_1", net(picture, ["relu5_1"])["relu5_1"])
    reference = compact.lift("relu5_1", compact(picture, ["relu5_1"])["relu5_1"])
    assert (ours - reference).norm() < 0.01 * reference.norm()


def test_a_package_without_its_weights_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EMBEDDED, "compact", tmp_path / "compact.safetensors")
    with pytest.raises(WeightsError, match="Install Impasto again"):
        weights.load("compact")


def test_compact_is_not_imported(alexnet_file: Path) -> None:
    with pytest.raises(OptionError, match="comes with Impasto"):
        weights.import_file("compact", alexnet_file)


# ---- fetching -----------------------------------------------------------------------------------


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error: the progress bar is looked for there."""


@pytest.fixture
def server(alexnet_file: Path) -> Iterator[str]:
    """The address of the folder with AlexNet's file, on this machine."""
    handler = partial(_Quiet, directory=str(alexnet_file.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as here:
        thread = threading.Thread(target=here.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{here.server_port}/"
        here.shutdown()
        thread.join()


Publish = Callable[..., None]


@pytest.fixture
def publish(alexnet_file: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Change where AlexNet is fetched from; its true hash unless another is given."""
    true = hashlib.sha256(alexnet_file.read_bytes()).hexdigest()[:8]

    def change(url: str, hash_prefix: str = true, size: int = 10_000) -> None:
        monkeypatch.setitem(SOURCES, "alexnet", Source(url, hash_prefix, size, "none"))

    return change


def test_fetched_weights_are_kept_once(
    cache: Path, server: str, publish: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(server + "alexnet.pth")
    kept = weights.fetch("alexnet")
    assert "100" in capsys.readouterr().err
    assert files_in(cache) == ["alexnet.safetensors"]
    weights.load("alexnet")
    publish(server + "gone.pth")
    assert weights.fetch("alexnet") == kept  # it is here already, so nothing is asked for
    publish(server + "alexnet.pth")
    assert weights.fetch("alexnet", progress=False, force=True) == kept
    assert capsys.readouterr().err == ""


def test_a_wrong_hash_is_not_kept(cache: Path, server: str, publish: Publish) -> None:
    publish(server + "alexnet.pth", "00000000")
    with pytest.raises(WeightsError, match=r"wrong SHA-256.*00000000.*import alexnet FILE"):
        weights.fetch("alexnet", progress=False)
    assert files_in(cache) == []


def test_a_missing_address_is_told(cache: Path, server: str, publish: Publish) -> None:
    publish(server + "gone.pth")
    with pytest.raises(WeightsError, match=r"gone\.pth answered 404.*import alexnet FILE"):
        weights.fetch("alexnet", progress=False)
    assert files_in(cache) == []


def test_no_network_is_told(cache: Path, publish: Publish) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    publish(f"http://127.0.0.1:{port}/alexnet.pth")
    with pytest.raises(WeightsError, match=r"could not be reached.*Check the network"):
        weights.fetch("alexnet", progress=False)
    assert files_in(cache) == []
    assert socket.getdefaulttimeout() is None  # the limit was the download's alone


def test_no_room_is_told_before_the_download(cache: Path, server: str, publish: Publish) -> None:
    publish(server + "alexnet.pth", size=10**18)
    with pytest.raises(WeightsError, match=r"not enough room.*IMPASTO_CACHE"):
        weights.fetch("alexnet", progress=False)
    assert files_in(cache) == []


def test_a_cache_that_cannot_be_written_is_told(
    server: str,
    publish: Publish,
    alexnet_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "file"))
    publish(server + "alexnet.pth")
    with pytest.raises(WeightsError, match=r"cannot be written.*IMPASTO_CACHE"):
        weights.fetch("alexnet", progress=False)
    with pytest.raises(WeightsError, match=r"cannot be written.*IMPASTO_CACHE"):
        weights.import_file("alexnet", alexnet_file)


# ---- wrong input --------------------------------------------------------------------------------


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(OptionError, match=r"'vgg91'; did you mean 'vgg19'\?"):
        weights.load("vgg91")
    for call in (weights.fetch, sources.locate, sources.digest):
        with pytest.raises(OptionError, match="There are compact, vgg19, vgg16, alexnet"):
            call("resnet")
    with pytest.raises(OptionError, match=r"'averge'; did you mean 'average'\?"):
        weights.load("compact", pooling="averge")


def test_weights_that_are_not_here_are_told() -> None:
    assert sources.locate("vgg19") is None
    for call in (weights.load, sources.digest):
        with pytest.raises(WeightsError, match=r"weights fetch vgg19`.*weights import vgg19 FILE`"):
            call("vgg19")


class _Malicious:
    """A pickle that would write a file when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.trace), "w"))


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    torch.save({"features.0.weight": _Malicious(trace)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="never runs"):
        weights.import_file("alexnet", tmp_path / "w.pth")
    assert not trace.exists()
    torch.save(nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="never runs"):
        weights.load("alexnet", weights=tmp_path / "w.pth")


def _cut(path: Path) -> bytes:
    return path.read_bytes()[: path.stat().st_size // 2]


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "text"])
def test_damaged_files_are_told(
    suffix: str, damage: str, cache: Path, alexnet: nn.Sequential, tmp_path: Path
) -> None:
    path = tmp_path / f"w{suffix}"
    state = {key: value for key, value in state_of(alexnet).items() if key.startswith("features.0")}
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=suffix == ".pth")
    noise = bytes(
        torch.randint(0, 256, (3000,), generator=torch.Generator().manual_seed(3)).tolist()
    )
    path.write_bytes(
        {"cut": _cut(path), "empty": b"", "noise": noise, "text": b"hello " * 9}[damage]
    )
    with pytest.raises(WeightsError, match=r"damaged.*Get the file again") as told:
        weights.import_file("alexnet", path)
    assert "weights_only" not in str(told.value)  # PyTorch's advice to switch its guard off
    assert files_in(cache) == []


def _without(state: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    return {k: v for k, v in state.items() if k != key}


Change = Callable[[dict[str, Tensor]], dict[str, Tensor]]
CHANGES: dict[str, tuple[Change, str]] = {
    "missing": (
        lambda s: _without(s, "features.10.bias"),
        r"'convs\.conv5\.bias' \('features\.10\.bias' in torchvision\) is missing",
    ),
    "extra": (lambda s: s | {"features.1.weight": torch.ones(64)}, "'features.1.weight' has no"),
    "shape": (
        lambda s: s | {"features.3.weight": torch.ones(192, 64, 3, 3)},
        "'convs.conv2.weight' is 192×64×3×3 where 192×64×5×5 is needed",
    ),
    "integers": (
        lambda s: s | {"features.0.bias": torch.ones(64, dtype=torch.int64)},
        "'convs.conv1.bias' is of type torch.int64",
    ),
    "another": (lambda _: {"fc.weight": torch.ones(3)}, "is missing, it holds 'fc.weight'"),
    "nothing": (lambda _: {}, "it holds no tensor"),
    "nan": (
        lambda s: s | {"features.3.bias": torch.full((192,), float("nan"))},
        "'convs.conv2.bias' that are infinite or not a number",
    ),
    "infinite": (
        lambda s: s | {"features.3.bias": torch.full((192,), float("inf"))},
        "'convs.conv2.bias' that are infinite",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_networks_weights_are_told(
    change: str, cache: Path, alexnet: nn.Sequential, tmp_path: Path
) -> None:
    changed, message = CHANGES[change]
    torch.save(changed(state_of(alexnet)), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=message):
        weights.import_file("alexnet", tmp_path / "w.pth")
    assert files_in(cache) == []


def test_another_backbone_is_recognised(alexnet_file: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights of vgg19: it holds those of alexnet\."):
        weights.import_file("vgg19", alexnet_file)


def test_files_of_another_kind_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.pth does not exist"):
        weights.import_file("vgg19", tmp_path / "gone.pth")
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(WeightsError, match="is a folder"):
        weights.load("vgg19", weights=tmp_path / "folder.pth")
    (tmp_path / "w.onnx").write_bytes(b"onnx")
    with pytest.raises(WeightsError, match=r"neither a \.pth .* nor a \.safetensors"):
        weights.load("vgg19", weights=tmp_path / "w.onnx")
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds a dict with other things than named tensors"):
        weights.load("vgg19", weights=tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"gone\.pth does not exist"):
        sources.digest("vgg19", tmp_path / "gone.pth")


def test_the_platforms_cache_is_used_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    parts = sources.cached("vgg19").parts
    assert "impasto" in parts
    assert parts[-2:] == ("weights", "vgg19.safetensors")


def test_torchvisions_places_follow_from_the_plan() -> None:
    for name, places in PLACES.items():
        keys = [key for key in torchvision_names(BACKBONES[name]) if key.endswith("weight")]
        assert keys == [f"features.{place}.weight" for place in places]
