/**
 * Requests of a head and nothing else, as fast as the proxy answers them: so many connections, on each so many requests in
 * flight at once. Prints one line of JSON. argv: port, milliseconds, connections, depth, path.
 */
import { connect } from 'node:net';

const [port = 0, lengthMs = 0, connections = 1, depth = 1] = process.argv.slice(2).map(Number);
const path = process.argv[6] ?? '/';
const request = `GET ${path} HTTP/1.1\r\nHost: flood\r\n\r\n`;
const untilMs = performance.now() + lengthMs;
let answers = 0;
let opened = 0;
let living = 0;

/** A new connection where the proxy ends one: after so many requests it does. */
function flood(): void {
  living += 1;
  opened += 1;
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('connect', () => socket.write(request.repeat(depth)));
  socket.on('data', (chunk: Buffer) => {
    const seen = chunk.toString('latin1').split('HTTP/1.1 ').length - 1;
    answers += seen;
    if (performance.now() >= untilMs) socket.destroy();
    else if (seen > 0) socket.write(request.repeat(seen));
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    living -= 1;
    if (performance.now() < untilMs) flood();
    else if (living === 0) console.log(JSON.stringify({ msg: 'flooded', answers, opened }));
  });
}

for (let count = 0; count < connections; count += 1) flood();
