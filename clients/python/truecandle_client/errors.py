"""All that can go wrong, as one tree.

    ClientError
    ├── Unreachable            no answer came: no network, a time-out, a connection that broke off
    ├── Malformed              an answer that is none of a TrueCandle server
    └── Problem                a refusal (RFC 9457), by its status
        ├── Unauthorized       401: no token, or one that has ended
        ├── Forbidden          403: the token may not do this
        ├── NotFound           404: a market or interval that is not followed there
        ├── TooManyRequests    429: `retry_after_s` says until when
        └── Unavailable        503: the server's store is away

Never here: what is tried again (`reading`, `watching`).
Invariant: no message holds a token.
"""

from __future__ import annotations


class ClientError(Exception):
    """The base of all of them."""


class Unreachable(ClientError):
    """No answer came."""


class Malformed(ClientError):
    """An answer came that is not of the described form."""


class Problem(ClientError):
    """A refusal. `status` is HTTP's, `code` the server's word for programs, `detail` a sentence for
    people; `retry_after_s`: when asking again has a chance, in s, or None.
    """

    def __init__(
        self, status: int, code: str, detail: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


class Unauthorized(Problem):
    """No token, or one that has ended."""


class Forbidden(Problem):
    """The token may not do this."""


class NotFound(Problem):
    """A market or interval that is not followed there."""


class TooManyRequests(Problem):
    """More was asked for than is allowed in this time."""


class Unavailable(Problem):
    """The server's store does not answer at the moment."""


_KINDS: dict[int, type[Problem]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: TooManyRequests,
    503: Unavailable,
}


def problem_of(status: int, code: str, detail: str, retry_after_s: float | None = None) -> Problem:
    """The refusal of that status."""
    return _KINDS.get(status, Problem)(status, code, detail, retry_after_s)
