"""What a command waits for, and what ends it."""

from __future__ import annotations

import pytest

from truecandle.admin.retry import TRIES_MAX, RetryPolicy
from truecandle.errors import ExchangeUnreachable, RateLimited, StoreUnavailable


class Times:
    """Fails so often, then gives 7."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return 7


def test_what_passes_is_waited_for() -> None:
    slept: list[float] = []
    said: list[str] = []
    patience = RetryPolicy(said.append, slept.append)
    action = Times(RateLimited(20_000, 0), ExchangeUnreachable("away"), StoreUnavailable("loading"))
    assert patience(action) == 7
    assert slept == [20.0, 1.0, 1.0]
    assert said == ["the request weight is used up; going on in 20 s"]


@pytest.mark.parametrize(
    "error", [RateLimited(4_000_000, 418), ExchangeUnreachable("away"), StoreUnavailable("away")]
)
def test_what_does_not_pass_ends_it(error: Exception) -> None:
    slept: list[float] = []
    patience = RetryPolicy(lambda _: None, slept.append)
    with pytest.raises(type(error)):
        patience(Times(*[error] * 100))
    assert len(slept) < TRIES_MAX
