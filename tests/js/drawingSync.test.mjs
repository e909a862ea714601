import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../static/src/net/api.ts";
import { DrawingDesk } from "../../static/src/state/drawingDesk.ts";
import { randomOf } from "../support/js/random.mjs";
import { Clock, settled } from "../support/js/world.mjs";

const POINT = { time: 1_700_000_000_000, price: 100 };

/** A server with the rule of the real one, and a browser's store. */
class Kept {
  text = "[]";
  version = 0;
  saves = 0;
  fail = null;
  store = new Map();
  told = [];

  server = {
    read: async () => {
      if (this.fail !== null) throw this.fail;
      return this.now;
    },
    save: async (_symbol, drawings, version) => {
      this.saves += 1;
      if (this.fail !== null) throw this.fail;
      if (version !== this.version) return { isConflict: true, stored: this.now };
      this.put(drawings);
      return { isConflict: false, stored: this.now };
    },
  };

  keeping = {
    read: (symbol) => JSON.parse(this.store.get(symbol) ?? "null"),
    write: (symbol, kept) => (kept === null ? this.store.delete(symbol) : this.store.set(symbol, JSON.stringify(kept)), true),
    tell: (symbol) => this.told.push(symbol),
  };

  get now() {
    return { drawings: JSON.parse(this.text), version: this.version };
  }

  get ids() {
    return JSON.parse(this.text).map(({ kind }) => kind).sort();
  }

  put(drawings) {
    this.text = JSON.stringify(drawings);
    this.version += 1;
  }
}

const random = randomOf(7);

function desk(kept, clock, server = kept.server) {
  return new DrawingDesk({ server, keeping: kept.keeping, clock }, random);
}

const kinds = (market) => market.list.peek().map(({ kind }) => kind).sort();

test("what is drawn is saved once after a pause, and there again for whoever opens the market", async () => {
  const [kept, clock] = [new Kept(), new Clock(0)];
  const one = desk(kept, clock);
  const market = one.of("BTCUSDT");
  await settled();
  assert.equal(market.sync.peek().kind, "kept");
  one.draw("BTCUSDT", "horizontal", [POINT]);
  one.draw("BTCUSDT", "vertical", [POINT]);
  assert.equal(market.sync.peek().kind, "saving");
  assert.ok(kept.store.has("BTCUSDT")); // until the server has it
  await clock.advance(2_000);
  assert.deepEqual([kept.saves, kept.ids, market.sync.peek().kind], [1, ["horizontal", "vertical"], "kept"]);
  assert.equal(kept.store.size, 0);
  assert.deepEqual(kept.told, ["BTCUSDT"]);
  const other = desk(kept, clock).of("BTCUSDT");
  await settled();
  assert.deepEqual(kinds(other), ["horizontal", "vertical"]);
});

test("of two browsers neither loses what it has drawn, and what one removes is gone for both", async () => {
  const [kept, clock] = [new Kept(), new Clock(0)];
  const [one, two] = [desk(kept, clock), desk(kept, clock)];
  await Promise.all([one.of("A"), two.of("A")].map(() => settled()));
  one.draw("A", "horizontal", [POINT]);
  await clock.advance(2_000);
  two.draw("A", "vertical", [POINT]);
  await clock.advance(2_000);
  assert.deepEqual(kept.ids, ["horizontal", "vertical"]);
  assert.deepEqual(kinds(two.of("A")), ["horizontal", "vertical"]);
  one.look("A");
  await settled();
  assert.deepEqual(kinds(one.of("A")), ["horizontal", "vertical"]);
  one.removeSelected(); // the horizontal one, which it has just drawn
  two.draw("A", "text", [POINT]);
  await clock.advance(3_000);
  one.look("A");
  await settled();
  assert.deepEqual([kept.ids, kinds(one.of("A"))], [["text", "vertical"], ["text", "vertical"]]);
});

test("a server that is away is tried again, so often and no more, and nothing is lost by leaving", async () => {
  const [kept, clock] = [new Kept(), new Clock(0)];
  const one = desk(kept, clock);
  one.of("A");
  await settled();
  kept.fail = new ApiError(0, "unreachable", "The server can't be reached.");
  one.draw("A", "horizontal", [POINT]);
  await clock.advance(600_000);
  assert.equal(kept.saves, 5);
  assert.deepEqual(one.of("A").sync.peek(), { kind: "failed", detail: "The server can't be reached." });
  const again = desk(kept, clock); // the page is opened anew
  assert.deepEqual(kinds(again.of("A")), ["horizontal"]);
  await settled();
  kept.fail = null;
  kept.put([{ id: "there", kind: "vertical", points: [{ time: 1, price: "1" }] }]);
  again.look();
  await settled();
  await clock.advance(3_000);
  assert.deepEqual(kept.ids, ["horizontal", "vertical"]);
});

test("a refusal that would come again is not asked for again until the next change", async () => {
  const [kept, clock] = [new Kept(), new Clock(0)];
  const one = desk(kept, clock);
  one.of("A");
  await settled();
  kept.fail = new ApiError(413, "too-large", "That is too much.");
  one.draw("A", "horizontal", [POINT]);
  await clock.advance(600_000);
  assert.equal(kept.saves, 1);
  kept.fail = null;
  one.of("A").again();
  await clock.advance(10);
  assert.deepEqual(kept.ids, ["horizontal"]);
});

test("without a server the browser keeps them", async () => {
  const [kept, clock] = [new Kept(), new Clock(0)];
  const one = desk(kept, clock, null);
  one.draw("A", "horizontal", [POINT]);
  assert.equal(one.of("A").sync.peek().kind, "kept");
  assert.deepEqual(kinds(desk(kept, clock, null).of("A")), ["horizontal"]);
  assert.ok(one.of("A").undo());
  assert.equal(kept.store.size, 0);
});

test("a drawing is made with the style of the last one, selected, and the tool put away unless it is kept", async () => {
  const one = desk(new Kept(), new Clock(0), null);
  one.take("trend");
  one.draw("A", "trend", [POINT, POINT]);
  assert.deepEqual([one.tool.peek(), one.current?.kind], [null, "trend"]);
  one.restyle({ color: "red" });
  assert.equal(one.current.style.color, "red");
  one.isKept.value = true;
  one.take("text");
  assert.equal(one.selected.peek(), null);
  one.draw("A", "text", [POINT]);
  assert.deepEqual([one.tool.peek(), one.current?.style.color, one.writing.peek()?.id], ["text", "red", one.current.id]);
  for (let i = 0; i < 40; i += 1) one.of(`M${i}`); // no more than a few markets are held
  assert.equal(one.of("A").list.peek().length, 2);
});
