/**
 * nginx as a judge: its access log says what it understood of each request, body and all. The body is read because the
 * request is proxied, to a second server of the same nginx that answers everything.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bodyText } from '../record.ts';
import { emptyRecord, say, sayListening } from './backend.ts';
import { answering, findProgram, freePort, makeDirectory, makeLog, serve } from './installed.ts';

const program = await findProgram('nginx');
if (program === undefined) throw new Error('nginx is not installed');
const directory = await makeDirectory('nginx');
const port = await freePort();
const configuration = join(directory.path, 'nginx.conf');
await writeFile(configuration, configurationOf(directory.path, port));
const log = await makeLog(join(directory.path, 'access.log'));
log.on('line', read);
serve(program, ['-p', directory.path, '-c', configuration, '-e', 'stderr'], directory);
await answering(port);
sayListening(port);

function configurationOf(path: string, listenPort: number): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
worker_processes 1;
pid ${path}/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  log_format seen escape=json '{"host":"$http_host","method":"$request_method","target":"$request_uri",'
    '"body":"$request_body","status":"$status","line":"$request","completion":"$request_completion"}';
  access_log ${path}/access.log seen;
  ${places.map((place) => `${place}_temp_path ${path}/${place};`).join(' ')}
  client_header_buffer_size 64k;
  large_client_header_buffers 8 64k;
  client_body_buffer_size 1m;
  client_body_in_single_buffer on;
  client_max_body_size 0;
  merge_slashes off;
  keepalive_timeout 1h;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:${listenPort};
    add_header X-Seen "$request_method $request_uri" always;
    location / {
      proxy_pass http://unix:${path}/sink.sock;
      proxy_http_version 1.1;
    }
  }
  server {
    listen unix:${path}/sink.sock;
    access_log off;
    location / { return 200 "seen\\n"; }
  }
}
`;
}

/** The log escapes controls, quotes and backslashes; all other bytes are as they were. */
function read(line: string): void {
  if (!line.startsWith('{')) return;
  const seen: unknown = JSON.parse(line);
  if (typeof seen !== 'object' || seen === null) return;
  const text = (name: string): string => String(Reflect.get(seen, name));
  const [lineMethod = '', lineTarget = ''] = text('line').split(' ');
  const status = text('status');
  const isWhole = status === '200' && text('completion') === 'OK';
  say({
    ...emptyRecord,
    kind: isWhole ? 'request' : 'refusal',
    host: text('host'),
    method: text('method') === '' ? lineMethod : text('method'),
    target: text('target') === '' ? lineTarget : text('target'),
    body: bodyText(Buffer.from(text('body'), 'latin1')),
    reason: isWhole ? '' : status,
  });
}
