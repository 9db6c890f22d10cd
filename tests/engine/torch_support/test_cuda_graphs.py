"""What is replayed, off a GPU, where nothing is recorded."""

import torch

from engine.torch_support.cuda_graphs import MAX_COUNTED_SHAPES, GraphedCallable, GraphRecorder


def test_without_a_recording_the_function_is_called_and_its_shapes_are_counted() -> None:
    doubled = GraphedCallable(lambda each: 2 * each, GraphRecorder())
    assert doubled(torch.tensor([1, 2])).tolist() == [2, 4]
    assert doubled(torch.tensor([3, 4])).tolist() == [6, 8]
    assert doubled.calls == {((2,),): 2}
    assert doubled.inputs(((2,),)) is None


def test_many_new_shapes_use_bounded_memory_and_the_usual_one_stays_counted() -> None:
    doubled = GraphedCallable(lambda each: 2 * each, GraphRecorder())
    for length in range(1, 3 * MAX_COUNTED_SHAPES):
        doubled(torch.zeros(length))
        doubled(torch.zeros(3))
    assert len(doubled.calls) <= MAX_COUNTED_SHAPES
    assert doubled.calls[((3,),)] == 3 * MAX_COUNTED_SHAPES


def test_recordings_share_a_pool_until_none_is_left() -> None:
    recorder = GraphRecorder(make_pool=object)
    first, recorder.recording_count = recorder.pool(), 1
    assert recorder.pool() is first
    recorder.recording_count = 0
    assert recorder.pool() is not first
