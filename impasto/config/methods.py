"""Every method: its options, each declared once, and its row in the table `METHODS`.

Flags, forms, checks, recipes, tasks and forecasts derive from both. A new method is its file in
`methods/`, its options and its row here, and its page.

No PyTorch is imported here, so that `impasto --help` is quick. The row names what lies on the
floors above as text, `module:function`, which is imported when it is first called. Options that
several methods share are in `bases`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from impasto.config.bases import PhotoConfig, PictureConfig, PixelConfig, StyledConfig
from impasto.config.fields import Need, option, otherwise
from impasto.config.sizes import LEAST, MOST
from impasto.config.sketch import SketchConfig
from impasto.config.specs import layer_weights
from impasto.errors import OptionError, StyleError, learn_words

__all__ = [
    "METHODS",
    "DoodleConfig",
    "EntryPoint",
    "FastConfig",
    "GatysConfig",
    "InstantConfig",
    "LaplacianConfig",
    "MatchingConfig",
    "Method",
    "MrfConfig",
    "NnstConfig",
    "PhotoConfig",
    "PictureConfig",
    "PixelConfig",
    "QuickConfig",
    "RefineConfig",
    "SketchConfig",
    "StyledConfig",
    "TextureConfig",
    "configs_with",
    "method_of",
]

Config = TypeVar("Config", bound=PictureConfig)


@dataclass(frozen=True)
class InstantConfig(StyledConfig):
    """Options of the network that paints in any style at once."""

    network: str = option(
        "second",
        "How to paint at once: in the second way, or the first, as recipes of before do, with "
        "coloured fringes and strokes of one size.",
        choices=("second", "first"),
        panel="Network",
    )


@dataclass(frozen=True)
class FastConfig(StyledConfig):
    """Options of a network that was trained for some styles (`impasto train`)."""

    stroke: float = otherwise(
        PictureConfig,
        "stroke",
        1.0,
        need=Need(lambda _: False, "a --method that looks at the painting itself"),
    )


@dataclass(frozen=True)
class GatysConfig(PhotoConfig):
    """Options of the optimiser that matches statistics (Gatys, Ecker and Bethge 2016)."""

    iterations: int = otherwise(PixelConfig, "iterations", 66)
    preconditioner: str = otherwise(PixelConfig, "preconditioner", "spectral")
    scales: str = otherwise(PixelConfig, "scales", "octaves")
    # A small picture needs two scales as well, or its skies get no whirls.
    smallest: int = otherwise(PixelConfig, "smallest", 128)
    style_loss: str = option(
        "gaussian",
        "How two styles are compared: as Gaussians by optimal transport, or by Gram matrices.",
        choices=("gaussian", "gram"),
        panel="Losses",
    )
    subject: str = option(
        "leave",
        "What the painting shows only once, such as a face: leave it out of the deepest layer, so "
        "that none appears in a sky, or paint it too.",
        choices=("leave", "paint"),
        panel="Losses",
    )
    detail_weight: float = otherwise(PhotoConfig, "detail_weight", 2.0)
    region_color: float = otherwise(PhotoConfig, "region_color", 2.5)


_NO_START = (
    "--init has no effect with --method instant+refine, nor with quick: either starts from what "
    "instant paints. Leave it out, or take --method gatys."
)


@dataclass(frozen=True)
class RefineConfig(GatysConfig):
    """Options of the optimiser that goes on from what `instant` paints.

    Everything is laid out already, so it works at the size of the result alone, and not for long.
    """

    network: str = otherwise(InstantConfig, "network", "second")
    init: str = otherwise(
        PhotoConfig, "init", "content", need=Need(lambda _: False, "", message=_NO_START)
    )
    iterations: int = otherwise(PixelConfig, "iterations", 45)
    smallest: int = otherwise(PixelConfig, "smallest", MOST)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.init != type(self).init:
            raise self.another_start()

    @staticmethod
    def another_start() -> OptionError:
        """Return what to raise where a start is named."""
        return OptionError(_NO_START)


@dataclass(frozen=True)
class QuickConfig(RefineConfig):
    """Options of the few evaluations that go on from what `instant` paints, at a few scales.

    The coarse ones cost little and bring the large forms.
    """

    iterations: int = otherwise(RefineConfig, "iterations", 26)
    smallest: int = otherwise(RefineConfig, "smallest", 128)


@dataclass(frozen=True)
class MatchingConfig(PhotoConfig):
    """Options of the methods that match places of the picture with places of the painting."""

    iterations: int = otherwise(PixelConfig, "iterations", 60)
    preconditioner: str = otherwise(PixelConfig, "preconditioner", "spectral")
    scales: str = otherwise(PixelConfig, "scales", "octaves")
    rounds: int = option(
        2,
        "How often each scale is matched again and painted on.",
        low=1,
        high=20,
        panel="Matching (nnst, mrf)",
    )
    variety: float = option(
        0.8,
        "How much a place of the painting that is taken often is held back, so that none is "
        "stamped again and again.",
        low=0.0,
        high=1.0,
        panel="Matching (nnst, mrf)",
    )
    palette: float = option(
        0.5,
        "Weight of the finest layers' statistics, which hold the colours, against 1 for what is "
        "matched.",
        low=0.0,
        high=100.0,
        panel="Matching (nnst, mrf)",
    )

    @staticmethod
    def without_features(method: str) -> StyleError:
        """Return what to raise where a style card is to be matched."""
        return StyleError(
            f"The method {method} takes features from the painting itself, and a style card "
            "holds only their statistics. Give the painting's file, or use the method gatys."
        )


@dataclass(frozen=True)
class NnstConfig(MatchingConfig):
    """Options of matching every feature to its nearest neighbour (Kolkin et al. 2022)."""

    # Strokes follow the shapes that are found where a picture is small.
    smallest: int = otherwise(PixelConfig, "smallest", 64)
    content_mix: float = option(
        0.5,
        "How much of the photograph is in what is matched; the rest is the picture so far.",
        low=0.0,
        high=1.0,
        panel="Matching (nnst, mrf)",
    )


@dataclass(frozen=True)
class MrfConfig(MatchingConfig):
    """Options of matching patches of features (Li and Wand 2016)."""

    iterations: int = otherwise(MatchingConfig, "iterations", 72)
    smallest: int = otherwise(PixelConfig, "smallest", 64)
    variety: float = otherwise(MatchingConfig, "variety", 0.5)
    patch: int = option(
        3,
        "Positions of the features along a patch's side.",
        low=1,
        high=9,
        panel="Matching (nnst, mrf)",
    )
    patch_stride: int = option(
        1,
        "Positions from one patch of the picture to the next.",
        low=1,
        high=9,
        panel="Matching (nnst, mrf)",
    )


@dataclass(frozen=True)
class LaplacianConfig(PhotoConfig):
    """Options of the Laplacian pyramid method, in two stages."""

    stage: int = option(
        2,
        "The last stage: 1 ends with the picture that the second stage would take as its style.",
        low=1,
        high=2,
        panel="Stages (laplacian)",
    )
    pyramid_layers: tuple[str, ...] = option(
        (),
        "Layers that see the levels of the photograph's Laplacian pyramid in the first stage, the "
        "finest level's first, each with a weight if needed; the backbone's own if none.",
        panel="Stages (laplacian)",
    )
    pyramid_weight: float = option(
        2.0,
        "What the pyramid counts in the first stage, times --content-weight.",
        low=0.0,
        high=100.0,
        panel="Stages (laplacian)",
    )
    # The small picture holds the mean colour of large areas. Held like a level of detail, it leaves
    # the painting's colours fine threads, whose mean is the photograph's (LOG.md).
    pyramid_base: float = option(
        0.1,
        "What the coarsest level, the small picture that holds the colours of large areas, counts "
        "against 1 for each level of detail.",
        low=0.01,
        high=10.0,
        panel="Stages (laplacian)",
    )
    # The first stage compares the photograph's pyramid instead.
    content_layers: tuple[str, ...] = otherwise(
        PhotoConfig,
        "content_layers",
        (),
        need=Need(lambda config: config.stage == 2, "--stage 2"),
    )
    style_loss: str = otherwise(GatysConfig, "style_loss", "gaussian")
    preconditioner: str = otherwise(PixelConfig, "preconditioner", "spectral")

    def __post_init__(self) -> None:
        super().__post_init__()
        layer_weights(self.pyramid_layers)

    @property
    def further_names(self) -> tuple[str, ...]:
        """Layers of the pyramid, if any are named."""
        return self.pyramid_layers


@dataclass(frozen=True)
class TextureConfig(PixelConfig):
    """Options of painting a texture from a style alone (Gatys, Ecker and Bethge 2015).

    `size` is the longer of the two sides.
    """

    width: int = option(0, "Pixels from left to right; 0 for a square.", low=0, high=MOST)
    height: int = option(0, "Pixels from top to bottom; 0 for a square.", low=0, high=MOST)
    seamless: bool = option(
        False, "Opposite edges meet, so that the texture can be laid side by side with itself."
    )
    style_loss: str = otherwise(GatysConfig, "style_loss", "gaussian")
    preconditioner: str = otherwise(PixelConfig, "preconditioner", "spectral")

    def __post_init__(self) -> None:
        super().__post_init__()
        if max(self.sides) != self.size:
            raise OptionError(
                f"A texture of {self.width}×{self.height} has a long side of {max(self.sides)}, "
                f"and --size is {self.size}. Give both sides, or only --size for a square."
            )
        if min(self.sides) < LEAST:
            raise OptionError(
                f"A texture of {self.sides[0]}×{self.sides[1]} is too thin to see anything in. "
                f"Each side takes a whole number from {LEAST} to {MOST}."
            )

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height, however they are given."""
        return self.width or self.size, self.height or self.size


@dataclass(frozen=True)
class DoodleConfig(PixelConfig):
    """Options of painting from a map of colours, without a photograph."""

    engine: str = option(
        "patches",
        "What the regions take from the painting: patches, which keep things in shape, or "
        "statistics, which paint more freely.",
        choices=("patches", "statistics"),
    )
    map_weight: float = option(
        3.0,
        "Of --engine patches: what the maps count where patches are matched, against 1 for how "
        "they look.",
        low=0.0,
        high=1000.0,
        need=Need(lambda config: config.engine == "patches", "--engine patches"),
    )
    style_loss: str = option(
        "gaussian",
        "Of --engine statistics: how two styles are compared, as Gaussians by optimal transport "
        "or by Gram matrices.",
        choices=("gaussian", "gram"),
        panel="Losses",
        need=Need(lambda config: config.engine == "statistics", "--engine statistics"),
    )


@dataclass(frozen=True)
class EntryPoint:
    """A function of a floor above, which is imported when it is first called.

    Attributes:
        target: `module:function`.
    """

    target: str

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the function."""
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)(*arguments, **options)


@dataclass(frozen=True)
class Method:
    """One method: its options, and the functions that paint with them.

    `task` calls `paint` and `workload`, so what these two take is settled between the three.

    Attributes:
        name: as a recipe and a command line have it.
        config: the options.
        task: from the user's sources, the options and perhaps a loaded network to a `Task`.
        paint: from pictures and options to `Step`s.
        workload: from options and sizes to a `Workload`.
        layers: from options to the style layers that are used where none are named.
        digest: from the digest of the backbone's weights, and options, to that of all weights that
            pixels depend on, beside those that are inputs.
        takes_trained: paints in the styles of a trained file (`.impasto`), and in no others.
    """

    name: str
    config: type[PictureConfig]
    task: EntryPoint
    paint: EntryPoint
    workload: EntryPoint = EntryPoint("impasto.engine.workload:photo_workload")
    layers: EntryPoint = EntryPoint("impasto.engine.setup:backbone_layers")
    digest: EntryPoint | None = None
    takes_trained: bool = False

    @property
    def optimises(self) -> bool:
        """Whether pixels are optimised, over iterations, rather than painted at once."""
        return issubclass(self.config, PixelConfig)


_PHOTOGRAPH = EntryPoint("impasto.painting.photograph:photograph_task")
_AT_ONCE = EntryPoint("impasto.methods.instant:at_once_workload")
_ROWS = (
    Method("gatys", GatysConfig, _PHOTOGRAPH, EntryPoint("impasto.methods.gatys:gatys")),
    Method(
        "nnst",
        NnstConfig,
        _PHOTOGRAPH,
        EntryPoint("impasto.methods.nnst:nnst"),
        EntryPoint("impasto.methods.nnst:nnst_workload"),
        EntryPoint("impasto.engine.nearest:nearest_layers"),
    ),
    Method(
        "mrf",
        MrfConfig,
        _PHOTOGRAPH,
        EntryPoint("impasto.methods.mrf:mrf"),
        EntryPoint("impasto.methods.mrf:mrf_workload"),
        EntryPoint("impasto.engine.patches:patch_layers"),
    ),
    Method(
        "instant",
        InstantConfig,
        EntryPoint("impasto.painting.instant:instant_task"),
        EntryPoint("impasto.methods.instant:instant"),
        _AT_ONCE,
        digest=EntryPoint("impasto.methods.instant:instant_digest"),
    ),
    Method(
        "fast",
        FastConfig,
        EntryPoint("impasto.painting.instant:fast_task"),
        EntryPoint("impasto.methods.fast:fast"),
        _AT_ONCE,
        takes_trained=True,
    ),
    Method(
        "instant+refine",
        RefineConfig,
        EntryPoint("impasto.painting.photograph:refine_task"),
        EntryPoint("impasto.methods.refine:refine"),
        EntryPoint("impasto.methods.refine:refine_workload"),
        digest=EntryPoint("impasto.methods.refine:refine_digest"),
    ),
    Method(
        "quick",
        QuickConfig,
        EntryPoint("impasto.painting.photograph:refine_task"),
        EntryPoint("impasto.methods.quick:quick"),
        EntryPoint("impasto.methods.quick:quick_workload"),
        digest=EntryPoint("impasto.methods.refine:refine_digest"),
    ),
    Method(
        "laplacian",
        LaplacianConfig,
        _PHOTOGRAPH,
        EntryPoint("impasto.methods.laplacian:laplacian"),
        EntryPoint("impasto.methods.laplacian:laplacian_workload"),
    ),
    Method(
        "texture",
        TextureConfig,
        EntryPoint("impasto.painting.texture:texture_task"),
        EntryPoint("impasto.methods.texture:texture"),
        EntryPoint("impasto.methods.texture:texture_workload"),
    ),
    Method(
        "doodle",
        DoodleConfig,
        EntryPoint("impasto.painting.doodle:doodle_task"),
        EntryPoint("impasto.methods.doodle:doodle"),
        EntryPoint("impasto.methods.doodle:doodle_workload"),
        EntryPoint("impasto.methods.doodle:doodle_layers"),
    ),
    Method(
        "sketch",
        SketchConfig,
        EntryPoint("impasto.sketch.painting:sketch_task"),
        EntryPoint("impasto.sketch.painting:sketch"),
        EntryPoint("impasto.sketch.painting:sketch_workload"),
        EntryPoint("impasto.sketch.painting:sketch_layers"),
        EntryPoint("impasto.sketch.painting:sketch_digest"),
    ),
)

METHODS: dict[str, Method] = {row.name: row for row in _ROWS}
"""All methods, by their names."""

learn_words(METHODS)


def configs_with(base: type[Config]) -> dict[str, type[Config]]:
    """Return the configs of all methods that have the options of `base`, by the methods' names."""
    return {m.name: m.config for m in METHODS.values() if issubclass(m.config, base)}


def method_of(config: PictureConfig) -> Method:
    """Return the method whose options these are."""
    return next(method for method in METHODS.values() if method.config is type(config))
