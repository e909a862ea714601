"""WebSocket frames, however the network cuts them."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.binance.streams.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MESSAGE_MAX,
    PING,
    TEXT,
    FrameReader,
)
from truecandle.errors import MalformedAnswer


def frame(data: bytes, opcode: int = TEXT, *, is_last: bool = True, flags: int = 0) -> bytes:
    head = bytes([0x80 * is_last | flags | opcode])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 1 << 16:
        return head + b"\x7e" + struct.pack("!H", len(data)) + data
    return head + b"\x7f" + struct.pack("!Q", len(data)) + data


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 2500), max_size=20))
def test_messages_are_whole_and_in_order_wherever_the_bytes_are_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    data, frames, taken = b"".join(map(frame, messages)), FrameReader(), []
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        frames.feed(data[start:end])
        taken += frames.take()
    assert taken == messages


@pytest.mark.parametrize("size", [0, 125, 126, 127, 65_535, 65_536, MESSAGE_MAX])
def test_each_form_of_the_length_is_understood(size: int) -> None:
    frames = FrameReader()
    frames.feed(frame(b"x" * size))
    assert frames.take() == [b"x" * size]


def test_a_message_in_pieces_is_put_together_around_a_ping() -> None:
    frames = FrameReader()
    frames.feed(frame(b"a", TEXT, is_last=False) + frame(b"who?", PING))
    frames.feed(frame(b"b", CONTINUATION, is_last=False) + frame(b"c", CONTINUATION))
    assert frames.take() == [b"abc"]
    assert frames.controls == [(PING, b"who?")]


def test_what_came_before_a_close_or_a_fault_is_not_lost() -> None:
    frames = FrameReader()
    frames.feed(frame(b"last words") + frame(b"\x03\xe9", CLOSE))
    with pytest.raises(MalformedAnswer):
        frames.feed(frame(b"still whole") + frame(b"", 3))
    assert frames.take() == [b"last words", b"still whole"]
    assert frames.controls == [(CLOSE, b"\x03\xe9")]


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x7f" + struct.pack("!Q", MESSAGE_MAX + 1),
        frame(b"x" * MESSAGE_MAX, TEXT, is_last=False) + frame(b"x", CONTINUATION),
        b"\x81\x81maskx",
        frame(b"x", TEXT, flags=0x40),
        frame(b"x", CONTINUATION),
        frame(b"x", TEXT, is_last=False) + frame(b"y", TEXT),
        frame(b"x", BINARY, is_last=False) + frame(b"y", BINARY),
        frame(b"x", PING, is_last=False),
        frame(b"x" * 126, PING),
        frame(b"x", 11),
    ],
    ids=[
        "too large", "too large in pieces", "masked", "compressed", "a piece of nothing",
        "a message within a message", "and of bytes", "a ping in pieces", "a long ping", "unknown",
    ],
)  # fmt: skip
def test_what_no_server_may_send_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        FrameReader().feed(data)
