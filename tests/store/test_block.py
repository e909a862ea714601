"""A block gives back what was packed, byte for byte, and says of anything else that it is none.

Never here: Redis, which candles are sealed (`test_sealing`).
Invariant: candles recorded at the exchange are among what is packed.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.candle import official_from_row
from truecandle.candles.interval import DAY_MS, INTERVALS, LAST_MS
from truecandle.errors import CandleError
from truecandle.store import block

DATA = Path(__file__).parents[1] / "data"
#: Half a day of ADAUSDT's minutes as the exchange's REST interface told them.
RECORDED = [
    official_from_row(row).member().encode()
    for row in json.loads((DATA / "ADAUSDT-1m-2024-11-16.json").read_bytes())
]


def test_recorded_minutes_come_back_byte_for_byte_in_a_sixth_of_their_text() -> None:
    packed = block.pack(RECORDED)
    assert block.unpack(packed) == tuple(RECORDED)
    assert 6 * len(packed) < sum(map(len, RECORDED)) + 5_000
    assert len(packed) < 18 * len(RECORDED)
    assert block.open_times(packed) == [int(member[1:14]) for member in RECORDED]


#: The first thirty of them as the first kind of block had them.
FIRST_KIND = base64.b85decode(
    b"R6;Rs9smRZ1po#B5dbK)Fa01MMF0R0AYcIi48Q^r04TLD{U9Di000ob>Hz=@zyc8fD77#BARa{k01!C<0RRlZ0"
    b"ucZxwJ-f39z_5E5HtV*01Uta5dbK)Fa01MMF0R0lK=q#48Q^r04TLD{U9Di000mH0096DzybmQ5dbK)Fa01MMF"
    b"0R0Uta+L48Q^r04TLD{U9Di000o`>Hz=@zybmR9sqU#00II400RR600aO400IF5000640RaF2009625dbK)Fa0"
    b"1MMF0R0H~;|v48Q^b0UiJ%B@-e%76B$r4j2??7fKls00kUc94Sg38yy7_Z~*`w01N~K0tW#H5(OF&009LN4;T>"
    b"z1qKue0R#&L5C8`O03HAU4G07S1`-4S000IH0s;X91_=fR0|WyO2N47g1Oxyc0G}h-@=FBR2q!W5qL_pzUc6=>"
    b"f$Y<XcxCyrh<&pj0JB^g`}M8}S(;D=CPp(rFjO0G{kPY@J`yWJTG)pk09QR-N^FH=B}Y|HQ>R%@Pe_zfczK|7j"
    b"dzAtTV}cx04TLD{U9D)001BW009630N`;8umb=d0BIsp$L80!fUKs5gTvI#R&OE=XC|tUp&W1l<{Did0CoLx*b"
    b"-M;jF4}SNXG8fC711{52eZ~@Ru9mY}?!(05ljGD@JBB$`md!IY1ydF&0Q5KuljOYEM)gDl>Qj03HC~!E*j9v`)"
    b"(2Ym3k43H+Ds>naweXWn6ES&y#Fh8_S01Ox*L1qKWS1qB2M1_T5H1_cHO2?hoY3I_!R2?PNi0KE655JX}?2(J>"
    b"bz~)aQs-@#Ip9&96i=bR-TO)BE06f>3SUw2NVSQ@R9vh?V`6Qy;z_bwEgkw5A9ESED0QSO5w|?cPE3gl?akq6e"
    b"UfYBK7nirplrh~z7^g2D00IC300jX72Lk~D00aO50RRI50|)>B000F60RRF70UiL9xjRlT#uF24j*YRfc9PgWj"
    b"&KwKhqVN8Tr!@xvK|0x$wOh`Ej>ul^5M`{!r$-W-jxtMb|+NpkeB3Mn;rlTCjnz*QWwoxh7kq*0C8H^v<p=NwT"
    b"#Otw+o>|HyZ#bwJ-f39+dz9Pyhe|0RR910009504`f>01E*C5dbK)Fa01MMF0R00003148Q_U28xF"
)


def test_what_was_packed_as_the_first_kind_is_read_still() -> None:
    assert block.unpack(FIRST_KIND) == tuple(RECORDED[:30])
    assert block.open_times(FIRST_KIND) == [int(member[1:14]) for member in RECORDED[:30]]
    assert block.pack(RECORDED[:30])[:3] != FIRST_KIND[:3]


#: Plain numbers as the store's own script takes them: canonical ones, and others.
NUMBERS = st.one_of(
    st.integers(0, 10**18).map(str),
    st.decimals(0, 10**9, places=8, allow_nan=False).map(lambda one: f"{one:f}"),
    st.sampled_from(["0", "0.0", "1.50", "0.00000001", "123456789012345678901234567890.5"]),
)


ROWS = st.dictionaries(
    st.integers(0, LAST_MS - 1), st.lists(NUMBERS, min_size=11, max_size=11), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_whatever_members_are_packed_they_come_back(rows: dict[int, list[str]]) -> None:
    members = [f"[{ms},{','.join(rows[ms])}]".encode() for ms in sorted(rows)]
    if not members:
        with pytest.raises(CandleError):
            block.pack(members)
        return
    packed = block.pack(members)
    assert block.unpack(packed) == tuple(members)
    assert block.open_times(packed) == sorted(rows)


@pytest.mark.parametrize(
    "members",
    [
        [b"junk"],
        [b"[5,1,1,1,1,1,1,1,1,1,1]"],
        [RECORDED[1], RECORDED[0]],
        [RECORDED[0], RECORDED[0]],
        [b"[%d,1,1,1,1,1,1,1,1,1,1,1]" % n for n in range(block.BLOCK_CANDLES + 1)],
    ],
    ids=["junk", "too few fields", "descending", "double", "too many"],
)
def test_what_is_no_row_of_candles_is_not_packed(members: list[bytes]) -> None:
    with pytest.raises(CandleError):
        block.pack(members)


def test_one_changed_byte_anywhere_is_noticed() -> None:
    packed = block.pack(RECORDED[:40])
    for at in range(0, len(packed), 3):
        damaged = bytearray(packed)
        damaged[at] ^= 0x41
        with pytest.raises(CandleError):
            block.unpack(bytes(damaged))
    for cut in (b"", packed[:5], packed[:-1], packed + b"x"):
        with pytest.raises(CandleError):
            block.unpack(cut)
        with pytest.raises(CandleError):
            block.open_times(cut)


@pytest.mark.parametrize("name", INTERVALS)
def test_spans_follow_one_another_and_hold_as_many_intervals_as_a_block(name: str) -> None:
    """Whenever a candle comes, its block is the one that its open time tells; also without 3d's
    grid."""
    interval = INTERVALS[name]
    span, before = block.span_of(interval, 1_704_067_200_000), 0
    assert span.start_ms <= 1_704_067_200_000 < span.end_ms
    for at_ms in (span.start_ms, (span.start_ms + span.end_ms) // 2, span.end_ms - 1):
        assert block.span_of(interval, at_ms) == span
    if span.start_ms:
        before = block.span_of(interval, span.start_ms - 1).end_ms
        assert before == span.start_ms
    grown = interval.with_phase(2 * DAY_MS) if name == "3d" else interval
    first_ms = grown.open_ms(span.start_ms + 10 * DAY_MS)
    while first_ms < span.start_ms:
        first_ms = grown.next_open_ms(first_ms)
    assert grown.count(first_ms, span.end_ms) <= block.BLOCK_CANDLES
