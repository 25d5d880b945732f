"""Style transfer by matching statistics (Gatys, Ecker and Bethge, CVPR 2016), coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.losses import functional as losses
from impasto.losses.gaussians import GaussianTarget, gaussian_each
from impasto.losses.objective import Found
from impasto.losses.readings import region_reading
from impasto.losses.statistics import Lift, Moments, gram, lift_of
from impasto.methods._painter import backbone_of, paint_photograph, regions_of, with_layers
from impasto.methods._terms import Comparison, Engine
from impasto.methods.choices import layer_weights
from impasto.methods.configs import GatysConfig
from impasto.methods.scene import Region, Situation
from impasto.methods.solver import Step
from impasto.methods.way import PLAIN, Way
from impasto.styles.statistics import Style

__all__ = ["gatys", "statistics_engine"]

# The style weights at strength 0.5, chosen by eye and by figures (LOG.md).
BALANCED = {"gram": 5.0, "gaussian": 3.5}


def gatys(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: GatysConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    way: Way = PLAIN,
) -> Iterator[Step]:
    """Paint `content` in `style`; yields after every iteration and prints nothing.

    Args:
        content: a photograph in [0, 1], of any size; worked on at `config.size`.
        style: a painting in [0, 1], of any size, or a style card; not read if there are regions.
        config: every option.
        regions: parts of the picture with a style and a strength each, instead of one style.
        extractor: the backbone; by default the one that the config names.
        start: a picture to start from, instead of `config.init`.
        way: from where on, and with how much memory.

    Raises:
        OptionError: an unknown layer, or a picture too thin for the deepest one.
        DivergedError: no step was small enough.
    """
    config = with_layers(config or GatysConfig())
    extractor = extractor or backbone_of(config)
    device = next(extractor.parameters()).device
    areas = regions_of(style, regions, config.strength, device)
    engine = statistics_engine(config.style_layers, config.style_loss)
    content = content.to(device)
    yield from paint_photograph(content, areas, engine, config, extractor, start, way=way)


def statistics_engine(layers: Sequence[str], kind: str) -> Engine:
    """Styles compared by their layers' statistics: `gaussian` or `gram`."""
    names = layer_weights(layers)
    return Engine(tuple(names), partial(_compare, tuple(names), kind), BALANCED[kind], names)


def _compare(names: Sequence[str], kind: str, situations: Sequence[Situation]) -> Comparison:
    """One part for each layer that both a region and its style have something to say of.

    All regions' moments of a layer are taken and compared at once: so five cost little more than
    one.
    """
    styles = [_wanted(names, situation) for situation in situations]
    make = _gram_distances if kind == "gram" else _gaussian_distances
    speaking = {n: [i for i, held in enumerate(styles) if n in held] for n in names}
    heard = [name for name in names if speaking[name]]
    readings = [region_reading(n, [situations[i].guides[n] for i in speaking[n]]) for n in heard]
    lifts = {n: lift_of(situations[0].extractor, n) for n in heard}
    compare = {n: make(Moments.stack([styles[i][n] for i in speaking[n]]), lifts[n]) for n in heard}

    def measure(found: Sequence[Found]) -> dict[str, Tensor]:
        return {n: compare[n](Moments(*parts)) for n, parts in zip(heard, found, strict=True)}

    return Comparison({n: speaking[n] for n in heard}, tuple(readings), measure)


def _wanted(names: Sequence[str], situation: Situation) -> Mapping[str, Moments]:
    """The style's moments at the layers where the region is large enough to have a style."""
    assert situation.region.style is not None
    present = [name for name in names if name in situation.guides]
    device = next(situation.extractor.parameters()).device
    held = situation.region.style.at(situation.long_side, situation.extractor, present)
    return {name: moments.to(device) for name, moments in held.items()}


def _gram_distances(wanted: Moments, lift: Lift) -> Callable[[Moments], Tensor]:
    target = gram(wanted, lift)
    return lambda got: losses.gram_distances(gram(got, lift), target)


def _gaussian_distances(wanted: Moments, lift: Lift) -> Callable[[Moments], Tensor]:
    target = GaussianTarget(wanted, lift)
    return lambda got: gaussian_each(got, target)
