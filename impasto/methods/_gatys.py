"""Style transfer by optimising pixels (Gatys, Ecker and Bethge, CVPR 2016), coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.files import fit, resize
from impasto.image.pyramid import scale_schedule
from impasto.losses import functional as losses
from impasto.losses.objective import Features, Term, evaluate
from impasto.losses.statistics import Lift, Moments, gram, lift_of, moments
from impasto.methods.configs import GatysConfig
from impasto.methods.solver import Problem, Settings, Step, solve
from impasto.runtime import generator, pick_device, pick_precision
from impasto.styles.statistics import Painting, Style

__all__ = ["gatys"]

Picture = Float[Tensor, "1 3 h w"]
Distance = Callable[[Moments], Tensor]

# Pixels around the picture that are painted and cut off: the last three or four before a border
# take after the painting's own border, as padding marks the features of both alike.
MARGIN = 8

# The style weights at strength 0.5, chosen by eye and by figures over six pairs (LOG.md).
BALANCED = {"gram": 30.0, "gaussian": 7.0}


def gatys(
    content: Picture,
    style: Style | Float[Tensor, "1 3 sh sw"],
    config: GatysConfig | None = None,
    *,
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
) -> Iterator[Step]:
    """Paint `content` in `style`; yields after every iteration and prints nothing.

    Args:
        content: a photograph in [0, 1], of any size; worked on at `config.size`.
        style: a painting in [0, 1], of any size, or a style card.
        config: every option.
        extractor: the backbone; by default the one that the config names.
        start: a picture to start from, instead of `config.init`.

    Raises:
        OptionError: an unknown layer, or a picture too thin for the deepest one.
        DivergedError: no step was small enough.
    """
    config = with_layers(config or GatysConfig())
    extractor = extractor or backbone_of(config)
    device = next(extractor.parameters()).device
    content = content.to(device)
    source = Painting(style.to(device)) if isinstance(style, Tensor) else style
    scales = [fit(content, side) for side in scale_schedule(config.size, config.smallest)]
    counts = _iterations(config.iterations, len(scales))
    keep_detail = config.init == "content" and start is None and balance(config)[0] > 0
    problems = [
        partial(_problem, scaled, source, config, extractor, count, keep_detail)
        for scaled, count in zip(scales, counts, strict=True)
    ]
    work = [scaled[0, 0].numel() * float(n) for scaled, n in zip(scales, counts, strict=True)]
    first = _start(scales[0], config) if start is None else start.to(device)
    first = _with_margin(resize(first, *scales[0].shape[-2:]))
    yield from without_margin(solve(first, problems, work, settings_of(config)))


def with_layers(config: GatysConfig) -> GatysConfig:
    """The config with its backbone's own layers where it names none."""
    own = BACKBONES[config.backbone]
    return replace(
        config,
        content_layers=config.content_layers or own.content,
        style_layers=config.style_layers or own.style,
    )


def backbone_of(config: GatysConfig, weights: Path | None = None) -> Extractor:
    """The backbone that the config names, on its device and in its precision."""
    device = pick_device(config.device)
    precision = pick_precision(config.precision, device)
    net = load(config.backbone, pooling=config.pooling, weights=weights, precision=precision)
    return net.to(device)


def settings_of(config: GatysConfig) -> Settings:
    """What the solver needs of the config."""
    return Settings(config.optimizer, config.history, config.learning_rate)


def _iterations(total: int, scales: int) -> list[int]:
    """Shares of the iterations: the first, cheap scale lays the picture out and gets the most."""
    weights = [2.0, 1.3, *[1.0] * scales][:scales]
    ends = [round(total * sum(weights[: i + 1]) / sum(weights)) for i in range(scales)]
    return [max(1, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]


def _start(content: Picture, config: GatysConfig) -> Picture:
    if config.init == "noise":
        return torch.rand(content.shape, generator=generator(config.seed)).to(content.device)
    if config.init == "grey":
        return torch.full_like(content, 0.5)
    return content


def _problem(
    content: Picture,
    style: Style,
    config: GatysConfig,
    extractor: Extractor,
    iterations: int,
    keep_detail: bool,
) -> Problem:
    canvas = _with_margin(content)
    terms = [
        *content_terms(canvas, config, extractor),
        *style_terms(max(content.shape[-2:]), style, config, extractor),
        *pixel_terms(canvas, config),
    ]
    layers = {*config.content_layers, *config.style_layers}

    def objective(image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return evaluate(terms, image, extractor(image, layers))

    detailed = partial(_with_detail, content)
    enlarge = detailed if keep_detail else partial(_enlarged, *content.shape[-2:])

    def arrive(before: Tensor) -> Tensor:
        return _with_margin(enlarge(before[..., MARGIN:-MARGIN, MARGIN:-MARGIN]))

    height, width = canvas.shape[-2:]
    return Problem(height, width, iterations, objective, arrive)


def _with_margin(picture: Tensor) -> Tensor:
    mode = "reflect" if min(picture.shape[-2:]) > MARGIN else "replicate"
    return F.pad(picture, (MARGIN,) * 4, mode)


def without_margin(steps: Iterator[Step]) -> Iterator[Step]:
    """Steps of a canvas as steps of the picture inside its margin."""
    for step in steps:
        width, height = step.width - 2 * MARGIN, step.height - 2 * MARGIN
        yield replace(step, width=width, height=height, image=partial(_cut_margin, step.image))


def _cut_margin(image: Callable[[], Tensor]) -> Tensor:
    return image()[..., MARGIN:-MARGIN, MARGIN:-MARGIN].contiguous()


def _enlarged(height: int, width: int, before: Tensor) -> Tensor:
    return resize(before, height, width)


def _with_detail(content: Picture, before: Tensor) -> Tensor:
    """The coarser picture enlarged, plus the photograph's detail that no coarser scale could hold.

    Departs from enlarging alone, which loses thin lines that the content loss, at an eighth of the
    size, does not bring back. For the first scale, of the same size, nothing is added.
    """
    height, width = content.shape[-2:]
    blurred = resize(resize(content, *before.shape[-2:]), height, width)
    return resize(before, height, width) + content - blurred


def balance(config: GatysConfig) -> tuple[float, float]:
    """The weights of content and style at the config's strength: their ratio runs from 0 to ∞."""
    style = BALANCED[config.style_loss] * config.style_weight
    if config.strength == 1.0:
        return 0.0, style
    odds = config.strength / (1 - config.strength)
    return config.content_weight, style * odds**1.5


def content_terms(content: Picture, config: GatysConfig, extractor: Extractor) -> list[Term]:
    """One term: the mean over the content layers of their relative differences."""
    weight, _ = balance(config)
    if not weight:
        return []
    with torch.no_grad():
        targets = extractor(content, config.content_layers)
    lifts = {name: lift_of(extractor, name) for name in targets}
    units = {name: losses.energy(f, lifts[name]) for name, f in targets.items()}

    def fn(_: Tensor, features: Features) -> Tensor:
        each = [losses.content(features[n], targets[n], lifts[n], units[n]) for n in targets]
        return torch.stack(each).mean()

    return [Term("content", weight, fn)]


def style_terms(
    long_side: int, style: Style, config: GatysConfig, extractor: Extractor
) -> list[Term]:
    """One term: the mean over the style layers of their relative distances."""
    _, weight = balance(config)
    if not weight:
        return []
    wanted = style.at(long_side, extractor, config.style_layers)
    make = _gram_distance if config.style_loss == "gram" else _gaussian_distance
    device = next(extractor.parameters()).device
    distances = {n: make(m.to(device), lift_of(extractor, n)) for n, m in wanted.items()}

    def fn(_: Tensor, features: Features) -> Tensor:
        return torch.stack([d(moments(features[n])) for n, d in distances.items()]).mean()

    return [Term("style", weight, fn)]


def pixel_terms(content: Picture | None, config: GatysConfig) -> list[Term]:
    """The terms that need no network: total variation, and the distance to the content's pixels."""
    terms: list[Term] = []
    if config.tv_weight:
        kind = config.tv
        variation = Term("tv", config.tv_weight, lambda x, _: losses.total_variation(x, kind))
        terms.append(variation)
    if config.l2_weight and content is not None:
        terms.append(Term("l2", config.l2_weight, lambda x, _: losses.l2(x, content)))
    return terms


def _gram_distance(wanted: Moments, lift: Lift) -> Distance:
    target = gram(wanted, lift)
    return lambda got: losses.gram_distance(gram(got, lift), target)


def _gaussian_distance(wanted: Moments, lift: Lift) -> Distance:
    target = losses.GaussianTarget(wanted, lift)
    return lambda got: losses.gaussian(got, target)
