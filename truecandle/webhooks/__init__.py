"""Signed webhooks: closed candles and corrections, told to the receivers that the settings name.

Never here: a URL from anywhere but the settings, candles written, Flask.
Invariant: of each series a receiver is told everything at least once and in order, and nobody who
stores candles waits for it. The store itself is the queue: a cursor says how far a receiver is.

Reading order: `messages` (what is told, and its signature), `changes` (what there is to tell since
a cursor), `receiver` (one request), `sender` (when, and what becomes of a failure).
"""
