// The yardstick: Socket.IO's own server, which tells one room what a line of stdin asks for.
// Never here: options that would make it slower than it comes.
// Invariant: the events are those that the web role sends, byte for byte.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { createServer } from "node:http";

const [folder, symbol] = process.argv.slice(2);
const { Server } = createRequire(`${folder}/`)("socket.io");
const http = createServer();
const io = new Server(http, { transports: ["websocket"] });
let lastId = 4_000_000_000;

io.on("connection", (socket) => {
  socket.on("watch", (_, answer) => {
    socket.join(symbol);
    answer({ ok: true });
  });
});

createInterface({ input: process.stdin }).on("line", (line) => {
  for (let left = Number(line); left > 0; left -= 1, lastId += 1) {
    io.to(symbol).emit("live_price", {
      symbol, price: 67010.51, timestamp: 1_730_000_071_250, high: 67012.4, low: 66998, volume: 12.34567, trades: 1, first_id: lastId, last_id: lastId,
    });
  }
}).on("close", () => process.exit(0));

http.listen(0, "127.0.0.1", () => console.log(http.address().port));
