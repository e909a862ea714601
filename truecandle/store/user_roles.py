"""User roles: what an account may do, in three steps, each of which holds the ones before it.

Never here: which request needs which role (the views say), processes (`roles` are those).
Invariant: an account that was stored before there were roles is an admin; an unknown word is the
least of them.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

#: viewer: reads. trader: also posts candles, keeps settings, follows markets of his own. admin:
#: also unfollows other people's markets, and manages users and their tokens.
UserRole = Literal["viewer", "trader", "admin"]

USER_ROLES: Final[tuple[UserRole, ...]] = get_args(UserRole)


def covers(held: UserRole, needed: UserRole) -> bool:
    """Whether somebody with the role `held` may do what takes the role `needed`."""
    return USER_ROLES.index(held) >= USER_ROLES.index(needed)


def stored_role(text: str | None) -> UserRole:
    """The role in an account's field; None is the missing field of an account without one."""
    if text is None:
        return "admin"
    return text if text in USER_ROLES else "viewer"
