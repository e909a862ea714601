"""Which packets pass: all that our browser sends, and none that the libraries stumble over."""

from __future__ import annotations

import json

import engineio
import pytest
import socketio
from hypothesis import given
from hypothesis import strategies as st

from tests.support.socket_floods import PACKETS
from truecandle.events import Codec
from truecandle.web.packets import RESERVED, Packet, PacketError, kind_of

GOOD = {
    "1": Packet.CLOSE,
    "3": Packet.PONG,
    "40": Packet.CONNECT,
    "40{}": Packet.CONNECT,
    '40{"token":"abc"}': Packet.CONNECT,
    "41": Packet.DISCONNECT,
    '42["subscribe",{"symbol":"BTCUSDT","interval":"1h"}]': Packet.EVENT,
    '420["subscribe",{"symbol":"BTCUSDT","interval":"1h"}]': Packet.EVENT,
    '42123["unsubscribe",{"symbol":"A-B","interval":"1M"}]': Packet.EVENT,
    '42["join"]': Packet.EVENT,
}
#: Sound by themselves; the connection's state decides about them.
SOUND = {"40", '40{"token":"x"}', "41", "3", PACKETS["an event before CONNECT"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
HEADS = st.from_regex(r"4[0-6][0-9]{0,4}-?", fullmatch=True)
TEXTS = st.one_of(
    st.text(),
    st.from_regex(r"[0-9b]{1,3}[0-9]{0,3}-?(/[a-z?]*,)?[0-9]{0,3}[\[{\"].*", fullmatch=True),
    st.builds(lambda head, value: head + json.dumps(value), HEADS, JSON),
    st.sampled_from([*GOOD, *PACKETS.values()]),
)


@pytest.mark.parametrize("text", GOOD)
def test_what_a_browser_sends_passes(text: str) -> None:
    assert kind_of(text) is GOOD[text]


@pytest.mark.parametrize("name", [name for name, text in PACKETS.items() if text not in SOUND])
def test_what_no_browser_sends_is_refused(name: str) -> None:
    with pytest.raises(PacketError):
        kind_of(PACKETS[name])


@pytest.mark.parametrize("event", sorted(RESERVED))
def test_events_that_the_server_triggers_by_itself_are_refused(event: str) -> None:
    with pytest.raises(PacketError):
        kind_of(f'42["{event}"]')


@given(TEXTS)
def test_what_passes_the_libraries_decode_without_an_error(text: str) -> None:
    try:
        kind = kind_of(text)
    except PacketError:
        return
    engineio.packet.Packet.json = Codec
    socketio.packet.Packet.json = Codec
    outer = engineio.packet.Packet(encoded_packet=text)
    assert not outer.binary and str(outer.packet_type) == text[0]
    if kind in (Packet.CLOSE, Packet.PONG):
        return
    inner = socketio.packet.Packet(encoded_packet=outer.data)
    assert str(inner.packet_type) == text[1]
    assert inner.namespace is None and inner.attachment_count == 0
    if kind is Packet.EVENT:
        assert isinstance(inner.data[0], str) and inner.data[0] not in RESERVED
    else:
        assert inner.id is None and isinstance(inner.data, dict | None)
