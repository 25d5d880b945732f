"""The options that several methods share: the configs that theirs build on. Knows no PyTorch.

`methods` has the methods' own, and the table of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from impasto.config.fields import Need, check, flag_of, option, otherwise
from impasto.config.numbers import SHARE
from impasto.config.sizes import LEAST, MOST, PIXELS, SIZE
from impasto.config.specs import STARTS, RegionSpec, layer_weights
from impasto.errors import OptionError
from impasto.features.backbones import BACKBONES

__all__ = ["PhotoConfig", "PictureConfig", "PixelConfig", "StyledConfig"]

_ITERATIONS = 200

# Weight of a loss; beyond it single precision has nothing left for the other losses.
_HEAVIEST = 1e6


@dataclass(frozen=True)
class PictureConfig:
    """Options that every method has.

    Raises:
        OptionError: a value out of its range or not among its choices, or two that contradict.
    """

    size: int = option(
        512,
        "Long side of the result: pixels, or a screen's name such as 4k or 1080p.",
        low=LEAST,
        high=MOST,
        spelling=PIXELS,
    )
    stroke: float = option(
        1.0,
        "Size of the strokes: 2 paints with strokes twice as large as the painting's, seen as "
        "large as the result.",
        low=0.1,
        high=10.0,
    )
    precision: str = option(
        "auto",
        "Number type inside the network; auto takes bfloat16 where it is native.",
        choices=("auto", "float32", "bfloat16"),
        panel="Network",
    )
    device: str = option(
        "auto",
        "Where to compute.",
        choices=("auto", "cpu", "cuda", "xpu", "mps"),
        panel="Network",
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def eye(self) -> str:
        """The backbone that looks at the pictures."""
        return "compact"

    @property
    def style_names(self) -> tuple[str, ...]:
        """Layers that style is compared at, each with a weight if it has one."""
        return BACKBONES[self.eye].style

    @property
    def content_names(self) -> tuple[str, ...]:
        """Layers that content is compared at, each with a weight if it has one."""
        return BACKBONES[self.eye].content

    @property
    def further_names(self) -> tuple[str, ...]:
        """Layers that are named for anything else."""
        return ()

    @property
    def first(self) -> int:
        """Long side of the first, coarsest scale, at least, in pixels."""
        return self.size

    @property
    def octaves(self) -> float:
        """Octaves from each scale to the next: 1 if that is twice as long."""
        return 0.5


@dataclass(frozen=True)
class PixelConfig(PictureConfig):
    """Options of every method that optimises pixels."""

    seed: int = option(0, "Seed of everything random.", low=0, high=2**63 - 1)
    backbone: str = option(
        "compact",
        "The network that looks at the pictures.",
        choices=("compact", "vgg19", "vgg16", "alexnet"),
        panel="Network",
    )
    pooling: str = option(
        "max", "Pooling inside the network.", choices=("max", "average"), panel="Network"
    )
    style_layers: tuple[str, ...] = option(
        (),
        "Layers that hold the painting, each with a weight if needed (relu1_1:2); the backbone's "
        "own if none.",
        panel="Losses",
    )
    style_weight: float = option(
        1.0, "Weight of the style loss.", low=0.0, high=_HEAVIEST, panel="Losses"
    )
    tv_weight: float = option(
        1.0,
        "Weight of the total variation: less grain, softer strokes.",
        low=0.0,
        high=_HEAVIEST,
        panel="Losses",
    )
    tv: str = option(
        "l2",
        "Total variation: nine-point squares, or absolute differences.",
        choices=("l2", "l1"),
        panel="Losses",
        need=Need(lambda config: config.tv_weight > 0, "a --tv-weight above 0"),
    )
    optimizer: str = option(
        "lbfgs", "The optimiser.", choices=("lbfgs", "adam", "gd"), panel="Optimiser"
    )
    iterations: int = option(
        _ITERATIONS,
        "Iterations in all, divided among the scales; 200 or more for --optimizer adam or gd, if "
        "none are given.",
        low=1,
        high=100_000,
        panel="Optimiser",
    )
    epochs: int = option(
        0,
        "Another way to say how long: so many epochs of --steps iterations.",
        low=0,
        high=100_000,
        panel="Optimiser",
    )
    steps: int = option(0, "Iterations of one epoch.", low=0, high=100_000, panel="Optimiser")
    history: int = option(
        10,
        "Pairs that L-BFGS remembers.",
        low=1,
        high=100,
        panel="Optimiser",
        need=Need(lambda config: config.optimizer == "lbfgs", "--optimizer lbfgs"),
    )
    preconditioner: str = option(
        "none",
        "What L-BFGS takes for the curvature at first: the same everywhere (none), or less for "
        "coarse forms, which then move first (spectral).",
        choices=("spectral", "none"),
        panel="Optimiser",
        need=Need(lambda config: config.optimizer == "lbfgs", "--optimizer lbfgs"),
    )
    learning_rate: float = option(
        0.0, "Length of a step; 0 takes the optimiser's own.", low=0.0, high=10.0, panel="Optimiser"
    )
    scales: str = option(
        "half-octaves",
        "How the scales are laid out: each twice as long as the one before (octaves), or √2 times "
        "(half-octaves).",
        choices=("octaves", "half-octaves"),
        panel="Optimiser",
    )
    smallest: int = option(
        180,
        "Long side of the first, coarsest scale, at least; longer for a panorama.",
        low=LEAST,
        high=MOST,
        panel="Optimiser",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        layer_weights(self.style_layers)
        if bool(self.epochs) != bool(self.steps):
            raise OptionError(
                f"--epochs is {self.epochs} and --steps {self.steps}: give both, or neither and "
                "--iterations."
            )
        if self.epochs and self.iterations not in (type(self).iterations, self.length):
            raise self.two_lengths()
        if not any(self._counted().values()):
            weights = ", ".join(f"{flag_of(n)} {v:g}" for n, v in self._reported().items())
            raise OptionError(f"Nothing is left to paint by: {weights}. Raise one of them.")

    def two_lengths(self) -> OptionError:
        """Return what to raise where the iterations are not epochs × steps."""
        return OptionError(
            f"--iterations {self.iterations} contradicts --epochs {self.epochs} × --steps "
            f"{self.steps}. Give one or the other."
        )

    def _counted(self) -> dict[str, float]:
        """Return the weight of each loss that counts anywhere in the picture."""
        return {"style_weight": self.style_weight, "tv_weight": self.tv_weight}

    def _reported(self) -> dict[str, float]:
        """Return the values that a message shows where no loss counts."""
        return self._counted()

    @property
    def length(self) -> int:
        """Iterations of the whole run, however they are given."""
        return self.epochs * self.steps or self.iterations

    @property
    def eye(self) -> str:
        """The backbone that is chosen."""
        return self.backbone

    @property
    def style_names(self) -> tuple[str, ...]:
        """The layers that are named, or the method's own once they are filled in."""
        return self.style_layers

    @property
    def first(self) -> int:
        """Long side of the first, coarsest scale, at least, in pixels."""
        return self.smallest

    @property
    def octaves(self) -> float:
        """Octaves from each scale to the next: 1 if that is twice as long."""
        return 1.0 if self.scales == "octaves" else 0.5


@dataclass(frozen=True)
class StyledConfig(PictureConfig):
    """Options of every method that gives a photograph a style."""

    size: int = otherwise(
        PictureConfig,
        "size",
        512,
        help="Long side of the result: pixels, a screen's name such as 4k or 1080p, or a part of "
        "the photograph's own size, such as 50% or photo.",
        spelling=SIZE,
    )
    strength: float = option(
        0.5,
        "How far to go from the photograph (0) to the painting (1), also as a percentage.",
        low=0.0,
        high=1.0,
        spelling=SHARE,
    )
    color: str = option(
        "style",
        "Whose colours: the painting's, the photograph's (only lightness is painted), or those of "
        "a painting that was first matched to the photograph.",
        choices=("style", "keep", "match"),
        also="colour",
    )
    match: str = option(
        "symmetric",
        "How --color match moves the painting's colours.",
        choices=("symmetric", "cholesky", "pca"),
        need=Need(lambda config: config.matches_colours, "--color match, also of a region"),
    )
    region: tuple[str, ...] = option(
        (),
        "What to do where --content-map has a colour: a style, a strength, keep (pixels "
        "untouched), color=MODE, such as '#ff0000=starry-night:0.9'. Repeat it for each colour.",
        metavar="#RRGGBB=WHAT",
        panel="Regions",
    )
    feather: float = option(
        0.01,
        "Width of the transition between regions, over the long side.",
        low=0.0,
        high=0.5,
        panel="Regions",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        colours = [region.colour for region in self.regions]
        if twice := [c for i, c in enumerate(colours) if c in colours[:i]]:
            raise OptionError(f"--region names {twice[0]} twice. Say all of it in one.")

    @cached_property
    def regions(self) -> tuple[RegionSpec, ...]:
        """What `region` says."""
        return tuple(RegionSpec.parse(text) for text in self.region)

    @property
    def matches_colours(self) -> bool:
        """Whether a painting is matched to the photograph's colours, for any region."""
        return "match" in (self.color, *(region.color for region in self.regions))


@dataclass(frozen=True)
class PhotoConfig(StyledConfig, PixelConfig):
    """Options of every method that optimises a photograph's pixels."""

    init: str = option("content", "What the first scale starts from.", choices=STARTS)
    content_layers: tuple[str, ...] = option(
        (),
        "Layers that hold the photograph, each with a weight if needed; the backbone's own if "
        "none.",
        panel="Losses",
    )
    content_weight: float = option(
        1.0, "Weight of the content loss.", low=0.0, high=_HEAVIEST, panel="Losses"
    )
    detail_weight: float = option(
        0.0,
        "Weight of the photograph's small, strong details, such as eyes, at a finer layer; as a "
        "multiple of --content-weight.",
        low=0.0,
        high=100.0,
        panel="Losses",
    )
    region_color: float = option(
        0.0,
        "How firmly each region of a --content-map takes the light and the colours of its style, "
        "which the network's layers see less of; as a multiple of --style-weight.",
        low=0.0,
        high=100.0,
        panel="Losses",
    )
    l2_weight: float = option(
        0.0,
        "Weight of the squared distance to the photograph's pixels.",
        low=0.0,
        high=_HEAVIEST,
        panel="Losses",
    )
    laplacian_weight: float = option(
        0.0,
        "Weight of the distance to the photograph's Laplacian, which keeps lines.",
        low=0.0,
        high=_HEAVIEST,
        panel="Losses",
    )
    laplacian_pool: int = option(
        4,
        "Pixels that are averaged on each side before the Laplacian.",
        low=1,
        high=64,
        panel="Losses",
        need=Need(lambda config: config.laplacian_weight > 0, "a --laplacian-weight above 0"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        layer_weights(self.content_layers)

    @property
    def content_names(self) -> tuple[str, ...]:
        """The layers that are named, or the backbone's own once they are filled in."""
        return self.content_layers

    def _counted(self) -> dict[str, float]:
        own = [region.strength for region in self.regions]
        strengths = [self.strength, *(strength for strength in own if strength is not None)]
        has_style, has_content = any(s > 0 for s in strengths), any(s < 1 for s in strengths)
        names = ("content_weight", "l2_weight", "laplacian_weight")
        weights = {name: has_style * weight for name, weight in super()._counted().items()}
        return weights | {name: has_content * getattr(self, name) for name in names}

    def _reported(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ("strength", *self._counted())}
