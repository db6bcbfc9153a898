"""Refusals keep their meaning over the wire."""

import grpc
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import MESSAGE_LIMIT, METADATA_VALUE_LIMIT, Refusal, from_rpc_error, from_status, to_status

CODES = st.sampled_from([code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
TEXT = st.text(st.characters(codec="utf-8"), max_size=50)


@given(
    CODES,
    st.from_regex(r"[A-Z][A-Z_]{0,20}", fullmatch=True),
    TEXT,
    st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), TEXT),
)
def test_a_status_holds_the_whole_refusal(
    code: grpc.StatusCode, reason: str, message: str, metadata: dict[str, str]
) -> None:
    """Any refusal comes back from its status as it was."""
    back = from_status(to_status(Refusal(code, reason, message, **metadata)))
    assert (back.code, back.reason, back.message, back.metadata) == (code, reason, message, metadata)


def test_long_words_are_cut() -> None:
    """What a caller sent back to it cannot make the answer too large to send."""
    status = to_status(Refusal(grpc.StatusCode.INVALID_ARGUMENT, "X", "m" * 9999, value="v" * 9999))
    back = from_status(status)
    assert (len(back.message), len(back.metadata["value"])) == (MESSAGE_LIMIT, METADATA_VALUE_LIMIT)


def test_an_error_without_details_has_its_code_for_a_reason() -> None:
    """A dead peer or a proxy sends no ErrorInfo: the reason is the code's name."""
    error = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone")
    refusal = from_rpc_error(error)
    assert (refusal.code, refusal.reason, refusal.message) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "gone")
