"""Every method's options, each declared once: flags, checks and recipes derive from these fields.

Apart from the methods themselves, so that `impasto --help` need not import PyTorch. What several
methods share is in `bases`.
"""

from __future__ import annotations

from dataclasses import dataclass

from impasto.config.bases import LEAST, MOST, PhotoConfig, PictureConfig, PixelConfig, StyledConfig
from impasto.config.fields import option, otherwise
from impasto.config.specs import layer_weights
from impasto.errors import OptionError

__all__ = [
    "METHODS",
    "OPTIMISERS",
    "PAINTERS",
    "STYLIZERS",
    "DoodleConfig",
    "FastConfig",
    "GatysConfig",
    "InstantConfig",
    "LaplacianConfig",
    "MatchingConfig",
    "MrfConfig",
    "NnstConfig",
    "PhotoConfig",
    "PictureConfig",
    "PixelConfig",
    "RefineConfig",
    "StyledConfig",
    "TextureConfig",
]


@dataclass(frozen=True)
class InstantConfig(StyledConfig):
    """Options of the network that paints in any style at once."""


@dataclass(frozen=True)
class FastConfig(StyledConfig):
    """Options of a network that was trained for some styles (`impasto train`)."""


@dataclass(frozen=True)
class GatysConfig(PhotoConfig):
    """Options of the optimiser that matches statistics (Gatys, Ecker and Bethge 2016)."""

    style_loss: str = option(
        "gaussian",
        "How two styles are compared: as Gaussians by optimal transport, or by Gram matrices.",
        choices=("gaussian", "gram"),
        panel="Losses",
    )


@dataclass(frozen=True)
class RefineConfig(GatysConfig):
    """Options of the optimiser that goes on from what `instant` paints.

    Everything is laid out already, so it works at the size of the result alone, and not for long.
    """

    iterations: int = otherwise(PixelConfig, "iterations", 75)
    smallest: int = otherwise(PixelConfig, "smallest", MOST)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.init != type(self).init:
            raise self.another_start()

    @staticmethod
    def another_start() -> OptionError:
        """What to say of a start that was chosen."""
        return OptionError(
            "--init has no effect with --method instant+refine, which starts from what instant "
            "paints. Leave it out, or take --method gatys."
        )


@dataclass(frozen=True)
class MatchingConfig(PhotoConfig):
    """What the methods can be told that match places of the picture with places of the painting."""

    rounds: int = option(
        2,
        "How often each scale is matched anew and painted on.",
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


@dataclass(frozen=True)
class NnstConfig(MatchingConfig):
    """Options of matching every feature to its nearest neighbour (Kolkin et al. 2022)."""

    # Strokes follow the shapes that are found where a picture is small.
    smallest: int = otherwise(PixelConfig, "smallest", 80)
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

    smallest: int = otherwise(PixelConfig, "smallest", 128)
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
    )
    pyramid_layers: tuple[str, ...] = option(
        (),
        "Layers that see the levels of the photograph's Laplacian pyramid in the first stage, the "
        "finest level's first, each with a weight if wanted; the backbone's own if none.",
    )
    style_loss: str = otherwise(GatysConfig, "style_loss", "gram")

    def __post_init__(self) -> None:
        super().__post_init__()
        layer_weights(self.pyramid_layers)


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
        """Width and height, however they were given."""
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
    )
    style_loss: str = option(
        "gaussian",
        "Of --engine statistics: how two styles are compared, as Gaussians by optimal transport "
        "or by Gram matrices.",
        choices=("gaussian", "gram"),
        panel="Losses",
    )


# By the name that a recipe and a command line give them.
METHODS: dict[str, type[PictureConfig]] = {
    "gatys": GatysConfig,
    "nnst": NnstConfig,
    "mrf": MrfConfig,
    "instant": InstantConfig,
    "fast": FastConfig,
    "instant+refine": RefineConfig,
    "laplacian": LaplacianConfig,
    "texture": TextureConfig,
    "doodle": DoodleConfig,
}

# Those that paint from a photograph.
PAINTERS: dict[str, type[StyledConfig]] = {
    name: kind for name, kind in METHODS.items() if issubclass(kind, StyledConfig)
}

# Those that optimise a photograph's pixels and differ in how styles are compared, or in the start.
OPTIMISERS: dict[str, type[PhotoConfig]] = {
    "gatys": GatysConfig,
    "nnst": NnstConfig,
    "mrf": MrfConfig,
    "instant+refine": RefineConfig,
}

# Those that give a photograph a style in one go.
STYLIZERS: dict[str, type[StyledConfig]] = {
    **OPTIMISERS,
    "instant": InstantConfig,
    "fast": FastConfig,
}
