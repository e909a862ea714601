// Drives the real chart, on the development build of lightweight-charts, which throws at bars out of order.
import { History } from "../../../static/src/candles/history.ts";
import { Marks } from "../../../static/src/candles/marks.ts";
import { parseSeries } from "../../../static/src/candles/series.ts";
import { Zone } from "../../../static/src/candles/zone.ts";
import { Chart } from "../../../static/src/chart/chart.ts";
import { ChartFace } from "../../../static/src/chart/chartFace.ts";
import { StudyLayer } from "../../../static/src/chart/studies/studyLayer.ts";
import { newStudy } from "../../../static/src/studies/study.ts";
import { heikinAshi } from "../../../static/src/chart/heikinAshi.ts";
import { KINDS, sideOf } from "../../../static/src/chart/seriesKinds.ts";
import { shownZone } from "../../../static/src/ui/shownZone.ts";
import { tokens } from "../../../static/src/ui/theme.ts";
import { randomOf } from "./random.mjs";

export { Marks, parseSeries };

const STEP = 60_000;
const T0 = Date.UTC(2024, 7, 1);

/** A chart in `#plot`; what it tells by itself is in `told`. */
export function newChart(told = { onPoint: { value: null }, onHole: { value: null }, onNow: { value: true } }) {
  const root = document.getElementById("plot");
  root.textContent = "";
  return new Chart(root, told);
}

export function candle(i, close = 100 + (i % 5), scale = 1) {
  const [open, high, low] = [100 * scale, 110 * scale, 90 * scale];
  return { time: T0 + i * STEP, open, high, low, close: close * scale, volume: i + 1 };
}

/** The open time of a candle. */
export function at(i) {
  return T0 + i * STEP;
}

/** How many pixels of that colour the plot shows within a few pixels of a place in its upper pane. */
export function pixels(hex, x, y, reach = 8) {
  const wanted = [1, 3, 5].map((from) => Number.parseInt(hex.slice(from, from + 2), 16));
  let found = 0;
  for (const canvas of [...document.querySelectorAll("#plot td:nth-child(2) canvas")].slice(0, 2)) {
    const ratio = canvas.width / canvas.clientWidth;
    const size = Math.ceil(2 * reach * ratio);
    const { data } = canvas.getContext("2d").getImageData((x - reach) * ratio, (y - reach) * ratio, size, size);
    for (let i = 0; i < data.length; i += 4) {
      if (wanted.every((value, part) => Math.abs(value - data[i + part]) < 24) && data[i + 3] > 128) found += 1;
    }
  }
  return found;
}

/** A study of that kind on the chart. */
export function study(chart, kind) {
  const layer = new StudyLayer(new ChartFace(chart.inside), { precision: () => 2, onChange: () => {}, onTops: () => {} });
  layer.choose([newStudy(kind, [])]);
}

/** How much of a stretch of a pane is drawn upon: pixels that are not clear, from one x to another. */
export function ink(pane, from, to) {
  const canvas = document.querySelectorAll("#plot td:nth-child(2) canvas")[2 * pane];
  const ratio = canvas.width / canvas.clientWidth;
  const { data } = canvas.getContext("2d").getImageData(from * ratio, 0, (to - from) * ratio, canvas.height);
  const background = data.slice(0, 4).join();
  let found = 0;
  for (let i = 0; i < data.length; i += 4) if (data.slice(i, i + 4).join() !== background) found += 1;
  return found;
}

/** The frames in which the library draws what it was told. */
export async function frames() {
  for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame);
}

const live = (i, state, close) => ({ candle: { ...candle(i, close), updated_at: T0 }, state });

/** Random histories, events, corrections, repairs, pages and ticks: what is drawn is what was handed in. */
export async function wander(seeds, steps, types = ["candles"]) {
  const chart = newChart();
  let type = types[0];
  const wrong = [];
  for (let seed = 0; seed < seeds; seed += 1) {
    const random = randomOf(seed);
    const history = new History();
    let tail = [];
    let next = 300;
    chart.begin(parseSeries("BTCUSDT", "1m"));
    for (let step = 0; step < steps; step += 1) {
      if (types.length > 1 && random() < 0.2) chart.setType((type = types[Math.floor(random() * types.length)]));
      tail = act(chart, history, tail, random, () => (next += random() < 0.1 ? 4 : 1));
      const drawn = chart.drawn();
      const expected = JSON.stringify(shaped(type, history.rows, tail.map((item) => item.candle)));
      if (JSON.stringify([drawn.history, drawn.tail]) !== expected) wrong.push([seed, step, type]);
    }
    if (seed % 10 === 0) await new Promise(requestAnimationFrame);
  }
  return wrong;
}

/** What a type draws for candles: theirs, their closes alone, or their averages. */
function shaped(type, rows, tail) {
  if (type === "line" || type === "area") return [rows, tail].map((bars) => bars.map(({ time, close }) => ({ time, open: close, high: close, low: close, close })));
  if (type !== "heikin-ashi") return [rows, tail].map((bars) => bars.map(plain));
  let before = null;
  return [rows, tail].map((bars) => bars.map((bar) => ({ time: bar.time, ...(before = heikinAshi(bar, before)) })));
}

/** Pages of older candles, each looked at, then the newest again: what was seen and held on the way. */
export async function goFarBack(pages, size) {
  const told = { onPoint: { value: null }, onHole: { value: null }, onNow: { value: true } };
  const chart = newChart(told);
  const history = new History();
  const total = pages * size;
  const tail = [live(total + 500, "forming", 100)];
  const seen = { moved: 0, most: 0, misplaced: 0 };
  chart.begin(parseSeries("BTCUSDT", "1m"));
  give(chart, history, history.replace(Array.from({ length: 500 }, (_, i) => candle(total + i)), 1, false), tail);
  await drawn();
  for (let page = pages - 1; page >= 0; page -= 1) {
    const before = chart.visible;
    give(chart, history, history.prepend(Array.from({ length: size }, (_, i) => candle(page * size + i)), page > 0), tail);
    await drawn();
    if (JSON.stringify(chart.visible) !== JSON.stringify(before)) seen.moved += 1;
    chart.reveal(T0 + (page * size + 100) * STEP);
    await drawn();
    const { fromMs, toMs } = chart.visible;
    const bars = chart.drawn();
    const times = new Set(bars.history.map(({ time }) => time));
    for (let time = fromMs; time <= toMs; time += STEP) if (!times.has(time)) seen.misplaced += 1;
    if (bars.tail.length > 0 && !times.has(T0 + (total + 499) * STEP)) seen.misplaced += 1;
    seen.most = Math.max(seen.most, bars.history.length);
  }
  seen.wasAtNow = told.onNow.value;
  chart.toNow();
  await drawn();
  const { history: rows, tail: [forming] } = chart.drawn();
  seen.newest = [rows.at(-1).time, forming?.time].map((time) => (time - T0) / STEP - total);
  seen.isAtNow = told.onNow.value;
  return seen;
}

/** Places of the time axis that are no candle's on the chart with studies, far back, at the newest candle again, and after many new ones; and panes. */
export async function studiesStand(count) {
  const chart = newChart();
  const rows = Array.from({ length: count }, (_, i) => candle(i));
  const history = new History();
  const { api } = chart.inside;
  chart.begin(parseSeries("BTCUSDT", "1m"));
  give(chart, history, history.replace(rows, 1, false), [live(count, "forming", 100)]);
  const layer = new StudyLayer(new ChartFace(chart.inside), { precision: () => 2, onChange: () => {}, onTops: () => {} });
  const [rsi, macd, bands] = ["rsi", "macd", "bollinger"].map((kind, i) => ({ ...newStudy(kind, []), id: `s${i}` }));
  layer.choose([rsi, macd, bands]);
  const seen = { apart: 0, panes: [api.panes().length] };
  const look = async () => {
    await drawn();
    const places = Array.from({ length: history.rows.length + 1 }, (_, i) => api.timeScale().timeToIndex((T0 + i * STEP) / 1000)).filter((place) => place !== null);
    seen.apart += places.filter((place, i) => i > 0 && place !== places[i - 1] + 1).length + (places[0] === 0 ? 0 : 1);
  };
  await look();
  chart.reveal(T0 + 100 * STEP);
  await look();
  chart.toNow();
  await look();
  for (let i = count; i < count + 250; i += 1) give(chart, history, history.apply([candle(i)], i), [live(i + 1, "forming", 100)]);
  await look();
  chart.reveal(T0 + 100 * STEP);
  await look();
  layer.choose([{ ...rsi, hidden: true }, bands]);
  await drawn();
  seen.panes.push(api.panes().length);
  seen.isDone = layer.set.isDone;
  return seen;
}

/** How much of the plot changes when its first candle is marked as the market's: left of that candle, and right of it. */
export async function markStart() {
  const chart = newChart();
  const history = new History();
  chart.begin(parseSeries("BTCUSDT", "1m"));
  give(chart, history, history.replace(Array.from({ length: 30 }, (_, i) => candle(i)), 1, false), []);
  chart.reveal(T0);
  await drawn();
  const before = picture();
  chart.markStart(T0);
  await drawn();
  const after = picture();
  const changed = (from, to) => {
    let count = 0;
    for (let y = 0; y < before.height; y += 1) {
      for (let x = from; x < to; x += 1) {
        const at = 4 * (y * before.width + x);
        if (before.data[at] !== after.data[at]) count += 1;
      }
    }
    return count / ((to - from) * before.height);
  };
  const middle = Math.floor(before.width / 2);
  chart.begin(parseSeries("BTCUSDT", "1m"));
  return { left: changed(0, middle - 20), right: changed(middle + 20, before.width) };
}

/** Several candles become official at once, as after an outage: how many times is one drawn twice or not at all. */
export async function appendMany(times, size) {
  const chart = newChart();
  const history = new History();
  let wrong = 0;
  chart.begin(parseSeries("BTCUSDT", "1m"));
  give(chart, history, history.replace(Array.from({ length: 500 }, (_, i) => candle(i)), 1, false), [live(500, "forming", 100)]);
  await drawn();
  for (let at = 500; at < 500 + times * size; at += size) {
    const rows = [...history.rows.slice(-100), ...Array.from({ length: size }, (_, i) => candle(at + i))];
    give(chart, history, history.replace(rows, at, true), [live(at + size, "forming", 100)]);
    const { history: bars, tail } = chart.drawn();
    if (bars.length !== at + size || tail.length !== 1 || tail[0].time !== bars.at(-1).time + STEP) wrong += 1;
    await drawn();
  }
  return wrong;
}

/** Which candle is in the middle after a page has come and one of its candles was shown, at once and later. */
export async function revealFarBack() {
  const chart = newChart();
  const history = new History();
  const tail = [live(8_041, "forming", 100)];
  chart.begin(parseSeries("BTCUSDT", "1m"));
  const rows = (from, to) => Array.from({ length: to - from }, (_, i) => candle(from + i));
  give(chart, history, history.replace(rows(4_450, 8_041), 1, false), tail);
  await drawn();
  give(chart, history, history.prepend(rows(3_001, 4_450), true), tail);
  chart.reveal(T0 + 3_120 * STEP);
  chart.setTail(tail);
  const middle = () => (chart.middleMs ?? T0 - STEP) / STEP - T0 / STEP;
  const seen = [];
  for (let frame = 0; frame < 2; frame += 1) {
    await drawn();
    seen.push(middle());
  }
  return seen;
}

/** Which of so many candles Home and End bring into sight and point at. */
export async function homeAndEnd(count) {
  const told = { onPoint: { value: null }, onNow: { value: true } };
  const chart = newChart(told);
  chart.begin(parseSeries("BTCUSDT", "1m"));
  chart.setHistory(Array.from({ length: count }, (_, i) => candle(i)), []);
  const shown = async (key) => {
    chart.key(key);
    await drawn();
    const { fromMs, toMs } = chart.visible;
    const { time } = told.onPoint.value;
    return time >= fromMs && time <= toMs ? (time - T0) / STEP : null;
  };
  return { home: await shown("Home"), end: await shown("End"), isAtNow: told.onNow.value };
}

/** The price pane as it is drawn now. */
function picture() {
  const canvas = document.querySelector("#plot td:nth-child(2) canvas");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

/** The middle of the view before and after the same market is shown at another interval and back; and its zoom. */
export async function switchInterval() {
  const chart = newChart();
  const rows = Array.from({ length: 900 }, (_, i) => candle(i));
  const show = (name) => {
    chart.begin(parseSeries("BTCUSDT", name));
    chart.setHistory(rows, []);
  };
  show("1m");
  chart.key("-");
  chart.reveal(T0 + 400 * STEP);
  await drawn();
  const before = [chart.middleMs, chart.reach.width];
  show("3m");
  await drawn();
  const atNow = chart.middleMs;
  chart.setTail([live(900, "forming", 100)]);
  chart.reveal(before[0]);
  await drawn();
  return { before, after: [chart.middleMs, chart.reach.width], atNow };
}

async function drawn() {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}

function act(chart, history, tail, random, grow) {
  const kind = Math.floor(random() * 7);
  const left = () => tail.filter(({ candle: { time } }) => !history.rows.some((row) => row.time === time));
  if (history.rows.length === 0 || kind === 0) {
    const from = history.first === null ? 200 : (history.first.time - T0) / STEP;
    const rows = Array.from({ length: 100 }, (_, i) => candle(from + i)).filter(() => random() < 0.9);
    const change = history.replace([...history.rows, ...rows], 1, false);
    return give(chart, history, change, left());
  }
  if (kind === 1) return give(chart, history, history.prepend([candle(random() * 200 | 0)], true), left());
  if (kind === 2) return give(chart, history, history.apply([candle((history.first.time - T0) / STEP + (random() * 90 | 0), 91)], 2), left());
  if (kind === 3 && tail.length > 0) return give(chart, history, history.apply([plainRow(tail[0].candle)], 3), left());
  if (kind === 4 && tail.length > 0) {
    const last = tail.at(-1);
    return follow(chart, [...tail.slice(0, -1), live((last.candle.time - T0) / STEP, "forming", 95 + random() * 10)]);
  }
  if (kind === 5) return follow(chart, []);
  const newest = Math.max(history.last.time, tail.at(-1)?.candle.time ?? 0);
  const closed = tail.slice(-3).map((item) => ({ ...item, state: "pending" }));
  const i = Math.max((newest - T0) / STEP + 1, grow());
  return follow(chart, [...closed, live(i, "forming", 100)]);
}

function give(chart, history, change, tail) {
  if (change.isWhole) chart.setHistory(history.rows, tail);
  else chart.change(change, history.rows, tail);
  return tail;
}

function follow(chart, tail) {
  chart.setTail(tail);
  return tail;
}

const plain = ({ time, open, high, low, close }) => ({ time, open, high, low, close });
const plainRow = ({ time, open, high, low, close, volume }) => ({ time, open, high, low, close, volume });

const HOUR = 3_600_000;

/** Candles of an hour, from a time on. */
export function hours(fromMs, count) {
  return Array.from({ length: count }, (_, i) => ({ ...candle(i), time: fromMs + i * HOUR }));
}

export function setZone(name) {
  shownZone.value = new Zone(name);
}

/** Every text that is written onto a canvas while something is done and drawn: `{text, x}`. */
export async function written(act) {
  const texts = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function write(text, x, ...rest) {
    texts.push({ text, x: Math.round(x), side: this.canvas.parentElement?.parentElement?.cellIndex });
    return fillText.call(this, text, x, ...rest);
  };
  try {
    await act();
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    return texts;
  } finally {
    CanvasRenderingContext2D.prototype.fillText = fillText;
  }
}

/** How a type draws one candle. */
export function look(type, one, state = "final") {
  return KINDS[type].item(0, one, { side: sideOf(one), state, isBeforeGap: false }, tokens());
}

export { tokens };
