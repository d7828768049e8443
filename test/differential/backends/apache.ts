/**
 * Apache httpd as a judge. What it understood of a request, body and all, is what it hands on to a server behind it;
 * what it refused or answered by itself stands in its access log.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listenSink } from './apache-sink.ts';
import { emptyRecord, say, sayListening } from './backend.ts';
import { answering, findProgram, freePort, makeDirectory, makeLog, serve } from './installed.ts';

const modules = ['mpm_event', 'authz_core', 'headers', 'proxy', 'proxy_http'];
/** Where Debian and httpd's own installation keep the modules. */
const modulesFolder = '/usr/lib/apache2/modules';

const program = await findProgram('apache2', 'httpd');
if (program === undefined) throw new Error('Apache httpd is not installed');
const directory = await makeDirectory('apache');
const port = await freePort();
const sinkPort = await listenSink();
const configuration = join(directory.path, 'httpd.conf');
await writeFile(configuration, configurationOf(directory.path));
const log = await makeLog(join(directory.path, 'access.log'));
log.on('line', read);
serve(program, ['-d', directory.path, '-f', configuration, '-D', 'FOREGROUND'], directory);
await answering(port);
sayListening(port);

function configurationOf(path: string): string {
  return `ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${path}/httpd.pid
ErrorLog /dev/null
DefaultRuntimeDir ${path}
User www-data
Group www-data
${modules.map((name) => `LoadModule ${name}_module ${modulesFolder}/mod_${name}.so`).join('\n')}
# One process: its log lines cannot mix.
ServerLimit 1
StartServers 1
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 256
KeepAliveTimeout 3600
MaxKeepAliveRequests 0
Timeout 60
LimitRequestLine 65536
LimitRequestFieldSize 65536
LimitRequestFields 200
MergeSlashes Off
AllowEncodedSlashes NoDecode
ProxyRequests Off
ProxyPreserveHost On
# The path it hands on is written anew; the line is as it was read.
RequestHeader set X-Request-Line "expr=%{THE_REQUEST}"
ProxyPass "/" "http://127.0.0.1:${sinkPort}/" nocanon retry=0 responsefieldsize=65536
# A mark that what is answered comes from the server behind.
LogFormat "%{X-Seen}o|%>s|%{Host}i|%r" seen
CustomLog ${path}/access.log seen
`;
}

/** A request that was handed on has its record already. The log escapes quotes, backslashes, controls and high bytes. */
function read(line: string): void {
  const [mark, status = '', host = '', ...rest] = line.split('|');
  if (mark !== '-') return;
  const request = rest
    .join('|')
    .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex?: string, char = '') =>
      hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16)),
    );
  const [method = '', target = ''] = request.split(' ');
  say({ ...emptyRecord, host, method, target, reason: status });
}
