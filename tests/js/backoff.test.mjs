import assert from "node:assert/strict";
import { test } from "node:test";

import { ceiling } from "../../static/src/net/backoff.ts";

test("pauses double from the first to the longest", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6].map((failures) => ceiling(1_000, 15_000, failures)), [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
});

test("before any failure a pause is the first, and years of them overflow nothing", () => {
  assert.deepEqual([0, 1e6].map((failures) => ceiling(2_000, 16_000, failures)), [2_000, 16_000]);
});
