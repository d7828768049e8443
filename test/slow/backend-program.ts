/** A backend in a process of its own: two bytes, or a page of PAGE_KIB for those who read slowly. Takes any body. Prints its port. */
import { createServer } from 'node:http';
import { listen } from '../e2e/support/listen.ts';

const large = Buffer.alloc(Number(process.env['PAGE_KIB'] ?? 256) * 1024, 'a large page ');

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => response.end(request.url?.startsWith('/large') === true ? large : 'ok'));
});
console.log(JSON.stringify({ msg: 'listening', port: await listen(server) }));
