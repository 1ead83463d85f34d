"""What is read from a program's text, on a small one of the form that the compiler for TPUs writes."""

import pytest

from byheart.desk.program import Collective, read_program

TEXT = """HloModule jit_score, is_scheduled=true

%step (param_0.1: bf16[1,4,8]) -> bf16[1,32,8] {
  %all-gather.1 = bf16[1,32,8]{2,1,0} all-gather(%param_0.1), channel_id=4, dimensions={1}
  ROOT %custom-call.1 = bf16[1,32,8] custom-call(%all-gather.1), custom_call_target="AsyncCollectiveStart"
}

%product (param_0.2: bf16[1,4,8]) -> bf16[1,32,8] {
  ROOT %all-gather.2 = bf16[1,32,8]{2,1,0} all-gather(%param_0.2), channel_id=4, dimensions={1}
}

%turn (param.1: (s32[], bf16[2,8])) -> (s32[], bf16[2,8]) {
  %all-gather.3 = bf16[16,8]{1,0} all-gather(%param.1), channel_id=3, dimensions={0}
  %start = (bf16[2,8]{1,0}, f32[4,8]{1,0}) all-gather-start(%param.1), channel_id=5, dimensions={0}
  %fusion.1 = bf16[1,32,8] fusion(%param.1), calls=%step, backend_config={"estimated_cycles":"100"}
  ROOT %fusion.2 = bf16[1,32,8] fusion(%x), calls=%product, metadata={op_name="a/while/body/attention/dot"}, \
backend_config={"estimated_cycles":"20"}
}

%while_more (param.2: (s32[], bf16[2,8])) -> pred[] {
  %constant.1 = s32[] constant(32)
  ROOT %lt = pred[] compare(%i, %constant.1), direction=LT
}

ENTRY %main (param.3: bf16[2,8]) -> bf16[2,8] {
  %all-reduce.9 = bf16[2,8] all-reduce(%param.3), channel_id=9, to_apply=%add
  %while.1 = (s32[], bf16[2,8]) while(%tuple.1), condition=%while_more, body=%turn
  ROOT %copy.1 = bf16[2,8] copy(%while.1), backend_config={"estimated_cycles":"7"}
}
"""


def test_cycles_are_those_of_all_turns() -> None:
    program = read_program(TEXT)
    assert (program.layer_cycles, program.cycles) == (120, 32 * 120 + 7)


def test_collectives_are_those_of_the_loop_each_once_and_a_started_one_is_asynchronous() -> None:
    assert set(read_program(TEXT).layer_collectives) == {
        Collective(kind="all-gather", size_bytes=16 * 8 * 2, is_asynchronous=False),
        Collective(kind="all-gather", size_bytes=4 * 8 * 4, is_asynchronous=True),
        Collective(kind="all-gather", size_bytes=32 * 8 * 2, is_asynchronous=True),
    }


def test_program_without_layers_is_an_error() -> None:
    with pytest.raises(ValueError, match="must have a loop over layers"):
        read_program(TEXT.replace("attention", "mlp"))
