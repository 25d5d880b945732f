"""Nearest features: the search, its variety, shares among styles, and the cosine loss."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from whole import match_distance

from impasto.losses.cells import on_grid
from impasto.losses.neighbours import Columns, MatchTarget, nearest, share_out, unit_rows, varied

EACH = torch.arange(80)  # every row of `joined` once


def drawn(rows: int, columns: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def test_exact_copies_are_found() -> None:
    candidates = unit_rows(drawn(300, 20))
    order = torch.randperm(300, generator=torch.Generator().manual_seed(1))[:120]
    values, index = nearest(candidates[order], candidates)
    assert torch.equal(index, order)
    assert torch.allclose(values, torch.ones(120), atol=1e-5)


@pytest.mark.parametrize("block", [1, 1000, 7000])
def test_blocks_change_nothing(block: int) -> None:
    query, candidates = unit_rows(drawn(57, 8)), unit_rows(drawn(91, 8, seed=1))
    bias = drawn(1, 91, seed=2)[0] * 0.1
    products = query @ candidates.T + bias
    values, index = nearest(query, candidates, bias, block)
    assert torch.equal(index, products.argmax(1))
    assert torch.allclose(values, products.max(1).values, atol=1e-6)


def test_products_stay_within_their_block(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    split = torch.split

    def watched(rows: Tensor, size: int) -> tuple[Tensor, ...]:
        sizes.append(size)
        return split(rows, size)

    monkeypatch.setattr(torch, "split", watched)
    nearest(drawn(500, 4), drawn(1000, 4, seed=1), block=64_000)
    assert sizes == [16]  # rows of 1000 products in float32


def test_variety_spreads_what_is_taken() -> None:
    """More candidates are taken and none too often; and all stay nearly as near."""
    candidates = unit_rows(torch.tensor([1.0, 0.0, 0.0, 0.0]) + 0.3 * drawn(100, 4))
    query = unit_rows(torch.tensor([1.0, 0.0, 0.0, 0.0]) + 0.1 * drawn(400, 4, seed=3))
    found = [varied(query, candidates, v)[1] for v in (0.0, 0.8)]
    plain, spread = (torch.bincount(index, minlength=100) for index in found)
    assert int((spread > 0).sum()) > 1.3 * int((plain > 0).sum())
    assert int(spread.max()) < 0.6 * int(plain.max())
    near, far = (float((query * candidates[index]).sum(1).mean()) for index in found)
    assert near - 0.05 < far < near


def test_no_variety_is_the_nearest() -> None:
    query, candidates = unit_rows(drawn(30, 6)), unit_rows(drawn(50, 6, seed=1))
    assert torch.equal(varied(query, candidates, 0.0)[1], nearest(query, candidates)[1])


def test_styles_get_their_shares() -> None:
    """Though the first fits better nearly everywhere; and where each fits best, it stays."""
    values = 0.3 * drawn(3, 4000)
    values[0] += 0.5
    chosen = share_out(values, [1.0, 2.0, 1.0])
    got = torch.bincount(chosen, minlength=3) / 4000
    assert torch.allclose(got, torch.tensor([0.25, 0.5, 0.25]), atol=0.02)
    assert values[1, chosen == 1].mean() > values[1, chosen != 1].mean() + 0.2


def test_one_style_takes_everything() -> None:
    assert share_out(drawn(1, 9), [0.4]).tolist() == [0] * 9


def test_layers_come_to_one_grid() -> None:
    fine = torch.arange(32.0).view(1, 1, 4, 8)
    assert on_grid(fine, 2, 4)[:, 0].tolist() == [4.5, 6.5, 8.5, 10.5, 20.5, 22.5, 24.5, 26.5]
    assert on_grid(fine, 4, 8)[:, 0].tolist() == list(range(32))
    assert on_grid(fine, 3, 5).shape == (15, 1)  # neither is a multiple
    coarse = on_grid(torch.full((1, 2, 2, 3), 7.0), 5, 9)
    assert coarse.shape == (45, 2)
    assert torch.allclose(coarse, torch.full((45, 2), 7.0))


def joined(weights: dict[str, float]) -> tuple[Columns, dict[str, Tensor]]:
    rows = {"a": 5 + 3 * drawn(80, 4), "b": 0.01 * drawn(80, 7, seed=1)}
    return Columns.of([rows], [1.0], weights), rows


def test_each_layer_counts_as_its_weight_says() -> None:
    """However large its activations are, and wherever their mean is."""
    columns, rows = joined({"a": 3.0, "b": 1.0})
    squares = {
        n: ((rows[n] - columns.centre[n]) * columns.scale[n]).square().sum(1).mean() for n in rows
    }
    assert float(squares["a"]) == pytest.approx(3.0, rel=1e-4)
    assert float(squares["b"]) == pytest.approx(1.0, rel=1e-4)
    assert torch.allclose(columns.join(rows).norm(dim=1), torch.ones(80), atol=1e-5)


def test_another_centre_may_be_taken_away() -> None:
    """A picture that is brighter than the painting all over matches as if it were not."""
    columns, rows = joined({"a": 3.0, "b": 1.0})
    brighter = {n: r + 5 for n, r in rows.items()}
    centre = {n: r.mean(0) for n, r in brighter.items()}
    assert torch.allclose(columns.join(brighter, centre), columns.join(rows), atol=1e-3)
    assert not torch.allclose(columns.join(brighter), columns.join(rows), atol=0.1)


def test_the_centre_of_several_paintings_is_held_to_their_shares() -> None:
    first, second = {"a": torch.zeros(10, 2)}, {"a": torch.ones(1000, 2)}
    columns = Columns.of([first, second], [3.0, 1.0], {"a": 1.0})
    assert torch.allclose(columns.centre["a"], torch.full((2,), 0.25))


def test_a_copy_has_no_distance_and_a_mirror_image_the_greatest() -> None:
    columns, rows = joined({"a": 1.0, "b": 1.0})
    target = MatchTarget(columns, columns.join(rows), EACH)
    assert float(match_distance(target, rows)) == pytest.approx(0.0, abs=1e-4)
    opposite = {n: 2 * columns.centre[n] - r for n, r in rows.items()}
    assert float(match_distance(target, opposite)) == pytest.approx(2.0, abs=1e-4)


def test_the_distance_is_the_cosine_of_the_joined_rows() -> None:
    columns, rows = joined({"a": 1.0, "b": 2.0})
    wanted = columns.join(rows).flip(0)
    expected = 1 - (columns.join(rows) * wanted).sum(1)
    weight = torch.rand(80, generator=torch.Generator().manual_seed(4))
    assert float(match_distance(MatchTarget(columns, wanted, EACH), rows)) == pytest.approx(
        float(expected.mean()), 1e-4
    )
    weighed = float((expected * weight).sum() / weight.sum())
    assert float(match_distance(MatchTarget(columns, wanted, EACH, weight), rows)) == pytest.approx(
        weighed, rel=1e-4
    )


def test_one_row_may_be_wanted_at_many_positions() -> None:
    """A table of rows and an index are the same as the rows themselves, one for each position."""
    columns, rows = joined({"a": 1.0, "b": 2.0})
    table = columns.join(rows)[:7]
    index = (EACH * 5) % 7
    weight = torch.rand(80, generator=torch.Generator().manual_seed(4))
    short = MatchTarget(columns, table, index, weight)
    long = MatchTarget(columns, table[index], EACH, weight)
    assert float(match_distance(short, rows)) == pytest.approx(
        float(match_distance(long, rows)), rel=1e-6
    )
    other = MatchTarget(columns, table, index.roll(1), weight)
    assert float(match_distance(short, rows)) != pytest.approx(
        float(match_distance(other, rows)), rel=1e-3
    )


def test_the_gradient_is_that_of_the_joined_rows() -> None:
    columns, rows = joined({"a": 1.0, "b": 2.0})
    wanted = columns.join(rows).flip(0)
    weight = torch.rand(80, generator=torch.Generator().manual_seed(4))
    variables = {n: r.clone().requires_grad_() for n, r in rows.items()}
    plain = ((1 - (columns.join(variables) * wanted).sum(1)) * weight).sum() / weight.sum()
    found = 3 * match_distance(MatchTarget(columns, wanted, EACH, weight), variables)
    for name, variable in variables.items():
        expected = torch.autograd.grad(3 * plain, variable, retain_graph=True)[0]
        got = torch.autograd.grad(found, variable, retain_graph=True)[0]
        assert torch.allclose(got, expected, rtol=1e-3, atol=1e-3 * float(expected.std())), name


def test_the_gradient_leads_to_the_target() -> None:
    columns, rows = joined({"a": 1.0, "b": 1.0})
    target = MatchTarget(columns, columns.join(rows), EACH.roll(1))
    variables = {n: r.clone().requires_grad_() for n, r in rows.items()}
    distance = match_distance(target, variables)
    gradients = torch.autograd.grad(distance, list(variables.values()))
    assert all(bool(g.isfinite().all()) and float(g.abs().sum()) > 0 for g in gradients)
    moved = {
        n: v.detach() - g / columns.scale[n] ** 2
        for (n, v), g in zip(variables.items(), gradients, strict=True)
    }
    assert float(match_distance(target, moved)) < float(distance.detach())


def test_a_flat_picture_has_a_distance() -> None:
    """No direction from the mean: neither NaN nor a gradient without bound."""
    columns, rows = joined({"a": 1.0, "b": 1.0})
    flat = {n: columns.centre[n].expand_as(r).clone().requires_grad_() for n, r in rows.items()}
    distance = match_distance(MatchTarget(columns, columns.join(rows), EACH), flat)
    gradients = torch.autograd.grad(distance, list(flat.values()))
    assert float(distance.detach()) == pytest.approx(1.0)
    assert all(bool(g.isfinite().all()) for g in gradients)
