"""`flask webhooks`: the receivers, and the messages that they would not take, to be sent again.

Never here: what there is to tell, which the fetcher finds and sends.
Invariant: a message is forgotten only after its receiver has taken it, or when that is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import click

from truecandle.admin.context import CommandContext, pass_context, reported
from truecandle.candles.moments import to_iso
from truecandle.errors import DeliveryFailed
from truecandle.store import clock as shared
from truecandle.store import webhooks as stored
from truecandle.store.webhooks import DeadLetter
from truecandle.webhooks.messages import WebhookMessage
from truecandle.webhooks.receiver import Receiver

NO_RECEIVER: Final = "No webhooks: WEBHOOK_URLS is empty."


@click.group("webhooks")
def webhooks() -> None:
    """Receivers of closed candles and corrections, and what they would not take."""


@webhooks.command("list")
@pass_context
@reported
def show(context: CommandContext) -> None:
    """List the receivers and the messages that were given up, oldest first."""
    for receiver in _receivers(context):
        dead = stored.dead_letters(context.redis, receiver.name)
        told = len(stored.cursors(context.redis, receiver.name))
        click.echo(f"{receiver.shown} ({receiver.name}): {told} series, {len(dead)} given up")
        for one in dead:
            click.echo(f"  {one.id}  {one.series}  {to_iso(one.at_ms)}  {one.reason}")


@webhooks.command("resend")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@pass_context
@reported
def resend(context: CommandContext, ids: tuple[str, ...]) -> None:
    """Send messages that were given up once more, all of them or those named.

    Of each receiver they go in order, until one is not taken. Exits with 1 then.
    """
    has_failed = False
    for receiver in _receivers(context):
        sent = 0
        for letter in _chosen(stored.dead_letters(context.redis, receiver.name), ids):
            now_s = shared.read(context.redis).exchange_ms // 1_000
            try:
                receiver.deliver(WebhookMessage(letter.id, letter.body), now_s)
            except DeliveryFailed as error:
                click.echo(f"{receiver.shown}: {letter.id}: {error}", err=True)
                has_failed = True
                break
            stored.forget(context.redis, receiver.name, [letter])
            sent += 1
        click.echo(f"{receiver.shown}: {sent} sent")
    sys.exit(1 if has_failed else 0)


@webhooks.command("drop")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@pass_context
@reported
def drop(context: CommandContext, ids: tuple[str, ...]) -> None:
    """Forget messages that were given up, all of them or those named."""
    for receiver in _receivers(context):
        chosen = _chosen(stored.dead_letters(context.redis, receiver.name), ids)
        stored.forget(context.redis, receiver.name, chosen)
        click.echo(f"{receiver.shown}: {len(chosen)} forgotten")


def _receivers(context: CommandContext) -> Iterator[Receiver]:
    settings = context.settings
    if not settings.webhook_urls:
        raise click.ClickException(NO_RECEIVER)
    for url in settings.webhook_urls:
        yield Receiver(url, settings.webhook_secret)


def _chosen(letters: list[DeadLetter], ids: tuple[str, ...]) -> list[DeadLetter]:
    return [one for one in letters if not ids or one.id in ids]
