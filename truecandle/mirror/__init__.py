"""The mirror: official candles as Parquet files on disk, one a day, kept equal to the store.

Never here: candles from anywhere but the store, writing to Redis, files that are not the mirror's.
Invariant: a file is whole under its name or not there; whoever is killed at any step leaves what
the next run finishes; nobody but one run at a time writes into a folder.

Reading order: `periods` (which file a candle is in), `period_rows` (what the store holds of one),
`parquet` (rows as a file's bytes, and back), `folder` (the disk), `index` (what was written),
`survey` (what has changed since), `series_mirror` (a run), `verifier` (files against the store),
`watcher` (a run whenever something changes).
"""
