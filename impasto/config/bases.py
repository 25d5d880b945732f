"""What several methods can be told: the configs that theirs build on. Knows no PyTorch.

`configs` has the methods' own, and the table of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from impasto.config.fields import check, option
from impasto.config.specs import STARTS, RegionSpec, layer_weights
from impasto.errors import OptionError
from impasto.features.backbones import BACKBONES

__all__ = ["LEAST", "MOST", "PhotoConfig", "PictureConfig", "PixelConfig", "StyledConfig"]

_ITERATIONS = 200

# Of a loss; beyond it single precision has nothing left for the other losses.
_HEAVIEST = 1e6

LEAST, MOST = 32, 16384
"""Of a picture's sides, in pixels."""


@dataclass(frozen=True)
class PictureConfig:
    """What every method can be told.

    Raises:
        OptionError: a value out of its range or not among its choices, or two that contradict.
    """

    size: int = option(512, "Long side of the result, in pixels.", low=LEAST, high=MOST)
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
        """The backbone that sees the pictures."""
        return "compact"

    @property
    def style_names(self) -> tuple[str, ...]:
        """Layers that hold the painting, each with a weight if it has one."""
        return BACKBONES[self.eye].style

    @property
    def content_names(self) -> tuple[str, ...]:
        """Layers that hold the photograph, likewise."""
        return BACKBONES[self.eye].content

    @property
    def first(self) -> int:
        """Long side of the first, coarsest scale, at most."""
        return self.size


@dataclass(frozen=True)
class PixelConfig(PictureConfig):
    """What every method that optimises pixels can be told."""

    seed: int = option(0, "Seed of everything random.", low=0, high=2**63 - 1)
    backbone: str = option(
        "compact",
        "The network that sees the pictures.",
        choices=("compact", "vgg19", "vgg16", "alexnet"),
        panel="Network",
    )
    pooling: str = option(
        "max", "Pooling inside the network.", choices=("max", "average"), panel="Network"
    )
    style_layers: tuple[str, ...] = option(
        (),
        "Layers that hold the painting, each with a weight if wanted (relu1_1:2); the backbone's "
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
    )
    optimizer: str = option(
        "lbfgs", "The optimiser.", choices=("lbfgs", "adam", "gd"), panel="Optimiser"
    )
    iterations: int = option(
        _ITERATIONS,
        "Iterations in all, shared out among the scales.",
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
    history: int = option(10, "Pairs that L-BFGS remembers.", low=1, high=100, panel="Optimiser")
    learning_rate: float = option(
        0.0, "Length of a step; 0 takes the optimiser's own.", low=0.0, high=10.0, panel="Optimiser"
    )
    smallest: int = option(
        180,
        "Long side of the first, coarsest scale, at most.",
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
            told = ", ".join(f"--{n.replace('_', '-')} {v:g}" for n, v in self._told().items())
            raise OptionError(f"Nothing is left to paint by: {told}. Raise one of them.")

    def two_lengths(self) -> OptionError:
        """What to say of iterations that are not the epochs' steps."""
        return OptionError(
            f"--iterations {self.iterations} contradicts --epochs {self.epochs} × --steps "
            f"{self.steps}. Give one or the other."
        )

    def _counted(self) -> dict[str, float]:
        """The weight of each loss that counts anywhere in the picture."""
        return {"style_weight": self.style_weight, "tv_weight": self.tv_weight}

    def _told(self) -> dict[str, float]:
        """What a message tells when none of them counts."""
        return self._counted()

    @property
    def length(self) -> int:
        """Iterations of the whole run, however they were given."""
        return self.epochs * self.steps or self.iterations

    @property
    def eye(self) -> str:
        """The backbone, as it was chosen."""
        return self.backbone

    @property
    def style_names(self) -> tuple[str, ...]:
        """The layers that were chosen, or the method's own once they are filled in."""
        return self.style_layers

    @property
    def first(self) -> int:
        """As it was chosen."""
        return self.smallest


@dataclass(frozen=True)
class StyledConfig(PictureConfig):
    """What every method can be told that gives a photograph a style."""

    strength: float = option(
        0.5, "How far to go from the photograph (0) to the painting (1).", low=0.0, high=1.0
    )
    color: str = option(
        "style",
        "Whose colours: the painting's, the photograph's (only lightness is painted), or those of "
        "a painting that was first matched to the photograph.",
        choices=("style", "keep", "match"),
    )
    match: str = option(
        "symmetric",
        "How --color match moves the painting's colours.",
        choices=("symmetric", "cholesky", "pca"),
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
        colours = [RegionSpec.parse(text).colour for text in self.region]
        if twice := [c for i, c in enumerate(colours) if c in colours[:i]]:
            raise OptionError(f"--region names {twice[0]} twice. Say all of it in one.")


@dataclass(frozen=True)
class PhotoConfig(StyledConfig, PixelConfig):
    """What every method that optimises a photograph's pixels can be told besides."""

    init: str = option("content", "What the first scale starts from.", choices=STARTS)
    content_layers: tuple[str, ...] = option(
        (),
        "Layers that hold the photograph, each with a weight if wanted; the backbone's own if "
        "none.",
        panel="Losses",
    )
    content_weight: float = option(
        1.0, "Weight of the content loss.", low=0.0, high=_HEAVIEST, panel="Losses"
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
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        layer_weights(self.content_layers)

    @property
    def content_names(self) -> tuple[str, ...]:
        """The layers that were chosen, or the backbone's own once they are filled in."""
        return self.content_layers

    def _counted(self) -> dict[str, float]:
        strengths = [RegionSpec.parse(text).strength for text in self.region]
        every = [self.strength, *(s for s in strengths if s is not None)]
        is_painted, is_held = any(s > 0 for s in every), any(s < 1 for s in every)
        held = ("content_weight", "l2_weight", "laplacian_weight")
        found = {name: is_painted * weight for name, weight in super()._counted().items()}
        return found | {name: is_held * getattr(self, name) for name in held}

    def _told(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ("strength", *self._counted())}
