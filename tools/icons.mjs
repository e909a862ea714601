// Draws the mark as PNG for home screens, which take no SVG: `icon(size, {padding})` → bytes of a PNG file.
// Never here: which sizes there are, their names (bundle.mjs).
// Invariant: the same shapes as static/src/mark.svg, on a full square: each system cuts its own corners.

import { deflateSync } from "node:zlib";

const GREEN = [0x2e, 0xbd, 0x85];
const GROUND = [0x0e, 0x11, 0x16];

/** Samples a pixel's side is looked at with. */
const SAMPLES = 4;

/** The mark's own units: a square of 24. Lines are 2 wide with round ends, as in mark.svg. */
const UNITS = 24;
const LINES = [[7, 2.5, 5.5], [7, 18.5, 21.5], [17, 2.5, 6.5], [17, 16.5, 21.5]];
const FULL = { x: 4, y: 5.5, width: 6, height: 13 };
const HOLLOW = { x: 14, y: 6.5, width: 6, height: 10 };
const RADIUS = 1.2;
const HALF_LINE = 1;

/** A square PNG of that many pixels a side; `padding` is the part of the side left free all around. */
export function icon(size, { padding }) {
  const inner = size * (1 - 2 * padding);
  const rows = Buffer.alloc(size * (1 + 3 * size)); // each row begins with its filter: none
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const share = covered(x, y, (at) => ((at - size * padding) / inner) * UNITS);
      const color = GROUND.map((ground, i) => Math.round(ground + (GREEN[i] - ground) * share));
      rows.set(color, y * (1 + 3 * size) + 1 + 3 * x);
    }
  }
  return png(size, rows);
}

/** How much of a pixel the mark covers. */
function covered(x, y, toUnits) {
  let hits = 0;
  for (let i = 0; i < SAMPLES * SAMPLES; i += 1) {
    const [u, v] = [x + ((i % SAMPLES) + 0.5) / SAMPLES, y + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES].map(toUnits);
    if (isInMark(u, v)) hits += 1;
  }
  return hits / (SAMPLES * SAMPLES);
}

function isInMark(u, v) {
  const isOnLine = LINES.some(([x, from, to]) => Math.hypot(u - x, v - Math.min(to, Math.max(from, v))) <= HALF_LINE);
  return isOnLine || fromEdge(FULL, u, v) <= HALF_LINE || Math.abs(fromEdge(HOLLOW, u, v)) <= HALF_LINE;
}

/** Distance from a rounded rectangle's edge; negative inside. */
function fromEdge({ x, y, width, height }, u, v) {
  const [across, down] = [Math.abs(u - x - width / 2) - width / 2 + RADIUS, Math.abs(v - y - height / 2) - height / 2 + RADIUS];
  return Math.hypot(Math.max(0, across), Math.max(0, down)) + Math.min(0, Math.max(across, down)) - RADIUS;
}

function png(size, rows) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits a channel, red green blue
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(name, content) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, sum]);
}

/** CRC-32 as PNG wants it. */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
