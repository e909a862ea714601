"""What programs say on a stream's connection, in the exchange's protocol, and what they are told.

Never here: sockets, what a subscription leads to (`stream_connection`), which streams there are.
Invariant: every message gets exactly one answer, an error in the exchange's words and codes for
whatever cannot be understood.
Source: Binance's "WebSocket Streams" ("Live Subscribing/Unsubscribing to streams"), and answers of
it as its clients quote them.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import orjson

METHODS: Final = (
    *("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"),
)
UNKNOWN_PROPERTY, INVALID_VALUE, INVALID_REQUEST, INVALID_JSON = 0, 1, 2, 3

#: What an id looks like that is no integer.
ID: Final = r"[A-Za-z0-9]{1,36}"
_is_text_id: Final = re.compile(ID, re.ASCII).fullmatch


class MessageRefused(Exception):
    """A message that cannot be obeyed: the exchange's code, its words, and the message's id."""

    def __init__(self, code: int, text: str, number: object = None) -> None:
        self.code = code
        self.number = number
        super().__init__(text)


class StreamMessage(NamedTuple):
    """A message that is sound."""

    method: str
    params: list[Any]
    number: object

    @property
    def names(self) -> list[str]:
        """The streams that it names; `MessageRefused` if it names none."""
        if not self.params or not all(isinstance(name, str) for name in self.params):
            raise invalid("params must be stream names", self.number)
        return self.params


def invalid(why: str, number: object = None) -> MessageRefused:
    return MessageRefused(INVALID_REQUEST, f"Invalid request: {why}", number)


def parse_message(text: str) -> StreamMessage:
    """A message from its text; `MessageRefused` says what is wrong."""
    try:
        message = orjson.loads(text)
    except ValueError as error:
        raise MessageRefused(INVALID_JSON, f"Invalid JSON: {error}") from None
    if not isinstance(message, dict):
        raise invalid("expected an object")
    number = message.get("id")
    if not _is_id(number):
        raise invalid("id must be an integer, up to 36 letters and digits, or null")
    if "method" not in message:
        raise invalid("missing field `method`", number)
    method, params = message["method"], message.get("params", [])
    if method not in METHODS:
        expected = ", ".join(f"`{name}`" for name in METHODS)
        raise invalid(f"unknown variant `{str(method)[:40]}`, expected one of {expected}", number)
    if not isinstance(params, list):
        raise invalid("params must be an array", number)
    return StreamMessage(method, params, number)


def result(value: object, number: object) -> bytes:
    """The answer to a message that was obeyed."""
    return orjson.dumps({"result": value, "id": number})


def refusal(refused: MessageRefused) -> bytes:
    """The answer to one that was not: in the form that is documented, and in the one that clients
    look for.
    """
    error = {"code": refused.code, "msg": str(refused)}
    return orjson.dumps({**error, "error": error, "id": refused.number})


def _is_id(number: object) -> bool:
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return True
    return isinstance(number, str) and _is_text_id(number) is not None
