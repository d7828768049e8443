/** The configurations of nginx: as the backend, and as the one hop that everything is compared with. */
import { userInfo } from 'node:os';

export interface NginxServer {
  readonly folder: string;
  /** Tells its files apart. */
  readonly name: string;
  readonly port: number;
}

export interface Tls {
  readonly port: number;
  readonly cert: string;
  readonly key: string;
}

/** 12 bytes, large files straight from the page cache, and nothing else. */
export function backendConfig(server: NginxServer, tls: Tls, files: string): string {
  const answers = `
      default_type text/plain;
      location = / { return 200 "hello bench\\n"; }
      location /files/ { alias ${files}/; }`;
  return config(
    { ...server, workers: '1' },
    `
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    open_file_cache max=16;
    server {
      listen 127.0.0.1:${server.port} backlog=4096;${answers}
    }
    server {
      listen 127.0.0.1:${tls.port} ssl;
      ssl_certificate ${tls.cert};
      ssl_certificate_key ${tls.key};${answers}
    }`,
  );
}

/**
 * One hop as its documentation sets it up: upstream keep-alive, WebSockets, and bodies passed on as they come, never by way of a
 * file. Workers and access log as Debian has them: a tunnel writes its log too.
 */
export function hopConfig(
  server: NginxServer,
  backendPort: number,
  tls: Omit<Tls, 'port'> | undefined,
): string {
  const listen =
    tls === undefined
      ? `listen 127.0.0.1:${server.port} backlog=4096;`
      : `listen 127.0.0.1:${server.port} ssl backlog=4096;
      ssl_certificate ${tls.cert};
      ssl_certificate_key ${tls.key};`;
  return config(
    { ...server, workers: 'auto' },
    `
    access_log ${server.folder}/${server.name}-access.log;
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    upstream backend { server 127.0.0.1:${backendPort}; keepalive 128; }
    server {
      ${listen}
      location / {
        proxy_pass http://backend;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_request_buffering off;
        proxy_max_temp_file_size 0;
        proxy_read_timeout 1h;
        client_max_body_size 0;
      }
    }`,
  );
}

function config({ folder, name, workers }: NginxServer & { workers: string }, http: string): string {
  const { uid, username } = userInfo();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `    ${kind}_temp_path ${folder}/${name}-${kind};`)
    .join('\n');
  // Started by root, its workers would be somebody who may not read the run's folder.
  return `${uid === 0 ? `user ${username};\n` : ''}daemon off;
worker_processes ${workers};
worker_rlimit_nofile 20000;
pid ${folder}/${name}.pid;
error_log ${folder}/${name}-error.log;
events { worker_connections 8192; }
http {
${temporary}${http}
}
`;
}
