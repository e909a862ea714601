import assert from "node:assert/strict";
import { test } from "node:test";

import { styled } from "../../static/src/ui/styled.ts";

/** A stylesheet's element: its sheet is there, or comes with an event. */
const link = (sheet) => Object.assign(new EventTarget(), { sheet });
const page = (links, readyState = "interactive") => ({ readyState, querySelectorAll: () => links });
const told = (target, name) => target.dispatchEvent(new Event(name));
const isOver = (promise) => Promise.race([promise.then(() => true), new Promise((resolve) => { setImmediate(() => resolve(false)); })]);

test("a page whose stylesheets are there, or were given up, begins at once", async () => {
  assert.equal(await isOver(styled(page([link({}), link({})]), new EventTarget())), true);
  assert.equal(await isOver(styled(page([link(null)], "complete"), new EventTarget())), true);
});

test("WebKit runs modules first: the page begins when the last stylesheet has come or failed", async () => {
  const [one, other] = [link(null), link(null)];
  const waiting = styled(page([link({}), one, other]), new EventTarget());
  told(one, "load");
  assert.equal(await isOver(waiting), false);
  told(other, "error");
  assert.equal(await isOver(waiting), true);
});

test("a stylesheet that had failed before anybody listened keeps no page waiting", async () => {
  const whole = new EventTarget();
  const waiting = styled(page([link(null)]), whole);
  assert.equal(await isOver(waiting), false);
  told(whole, "load");
  assert.equal(await isOver(waiting), true);
});
