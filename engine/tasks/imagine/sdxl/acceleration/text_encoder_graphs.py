"""Records SDXL's text encoders as CUDA graphs. Launched kernel by kernel they take four times as long."""

from typing import Any

from engine.torch_support.cuda_graphs import GraphedCallable, GraphRecorder


def record_reading(encoder: Any, recorder: GraphRecorder) -> GraphedCallable:
    """Replay calls of `encoder`, a CLIP text model, that pass nothing but token ids."""
    plain = encoder.forward
    replayed = GraphedCallable(lambda ids: plain(ids, output_hidden_states=True), recorder)

    def forward(input_ids: Any = None, *given: Any, **options: Any) -> Any:
        from torch.utils._pytree import tree_map

        if given or {name for name, value in options.items() if value is not None} - {"output_hidden_states"}:
            return plain(input_ids, *given, **options)
        return tree_map(lambda each: each.clone(), replayed(input_ids))

    encoder.forward = forward
    return replayed
