"""From a model to its architecture, and from an architecture and weights back to the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.card import Architecture, HeadForm, StrategyForms
from training.every_strategy import EveryStrategy
from training.heads.assembled import AssembledHeads, Part
from training.heads.ensemble import Ensemble
from training.heads.gaussian_process import KernelHead
from training.heads.linear import LinearHead
from training.heads.perceptron import Perceptron
from training.networks import MirDecoder, MirEncoder, NirEncoder, layer_sizes
from training.pipeline import Model, NirSight, Pipeline
from training.preprocessing import Preprocessing
from training.scores import Scores
from training.strategies import STRATEGIES
from training.treatments import Treatments


def architecture_of(model: Model) -> Architecture:
    """What `model_of` needs besides the weights."""
    sight, heads = model.pipeline.sight, model.pipeline.heads
    return Architecture(
        bands=sight.preprocessing.derivative.shape[0],
        nir_encoder=layer_sizes(sight.nir_encoder.layers),
        mir_decoder=layer_sizes(sight.mir_decoder.layers),
        scores=[columns.stop - columns.start for columns in sight.scores.slices],
        heads=[
            _form(name, view, head)
            for name, view, head in zip(heads.names, heads.views, heads.heads, strict=True)
        ],
    )


def model_of(architecture: Architecture, weights: Mapping[str, Any]) -> Model:
    """A model of these sizes with these weights; raises `RuntimeError` where they don't fit."""
    treatments = Treatments(architecture.bands)
    sight = NirSight(
        Preprocessing(architecture.bands),
        treatments,
        Scores(treatments.slices[-1].stop, architecture.scores),
        NirEncoder(architecture.nir_encoder),
        MirDecoder(architecture.mir_decoder),
    )
    parts = {form.name: Part(form.view, _head(form)) for form in architecture.heads}
    model = Model(Pipeline(sight, AssembledHeads(parts)))
    model.load_state_dict(dict(weights))
    model.eval()
    return model


def forms_of(strategies: EveryStrategy) -> StrategyForms:
    """What `strategies_of` needs besides the weights."""
    return StrategyForms(
        mir_encoder=layer_sizes(strategies.mir_encoder.layers),
        heads=[_form(name, view, head) for name, (view, head) in strategies.parts.items()],
    )


def strategies_of(forms: StrategyForms, weights: Mapping[str, Any]) -> EveryStrategy:
    """Strategies of these forms with these weights; raises `RuntimeError` where they don't fit."""
    for form in forms.heads:
        if form.name not in STRATEGIES or form.view != STRATEGIES[form.name].view:
            raise RuntimeError(f"{form.name!r} on {form.view!r} is no strategy of this version")
    *sizes, mean_and_variance = forms.mir_encoder
    strategies = EveryStrategy(
        MirEncoder(sizes, mean_and_variance // 2),
        {form.name: Part(form.view, _head(form)) for form in forms.heads},
    )
    strategies.load_state_dict(dict(weights))
    strategies.eval()
    return strategies


def _form(name: str, view: str, head: Any) -> HeadForm:
    about: dict[str, Any] = {"name": name, "view": view}
    if isinstance(head, LinearHead):
        return HeadForm(kind="linear", sizes=list(head.weights.shape), **about)
    if isinstance(head, Perceptron):
        return HeadForm(kind="perceptron", sizes=layer_sizes(head.layers), **about)
    if isinstance(head, KernelHead):
        return HeadForm(
            kind="kernel",
            sizes=list(head.slopes.shape),
            columns=[(part.start, part.stop) for part in head.parts],
            support=len(head.support),
            kept=head.kept,
            **about,
        )
    if isinstance(head, Ensemble):
        first, *_ = head.weights
        return HeadForm(
            kind="ensemble",
            sizes=[first.shape[1], *(weight.shape[2] for weight in head.weights)],
            columns=[(head.seen.start, head.seen.stop)],
            members=len(first),
            **about,
        )
    raise TypeError(f"{type(head).__name__} is no kind of head")


def _head(form: HeadForm) -> Any:
    if form.kind == "linear":
        return LinearHead(form.sizes[0], form.sizes[-1])
    if form.kind == "perceptron":
        return Perceptron(form.sizes)
    columns = [slice(*part) for part in form.columns]
    if not columns:
        raise RuntimeError(f"{form.name} says nothing of the columns that it sees")
    if form.kind == "ensemble":
        return Ensemble(form.members, form.sizes, columns[0])
    head = KernelHead(columns, form.support, form.sizes[-1])
    head.kept = form.kept
    return head
