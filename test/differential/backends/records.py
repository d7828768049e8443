"""What the Python backends share: records as lines of JSON, and an end with the run. Text is latin1: a char is a byte."""
import hashlib
import json
import os
import socketserver
import sys
import threading

LONGEST_BODY = 1000
_lock = threading.Lock()


def body_text(body):
    if len(body) <= LONGEST_BODY:
        return body.decode('latin1')
    return '#%d:%s' % (len(body), hashlib.md5(body).hexdigest())


def _write(value):
    line = json.dumps(value, separators=(',', ':')) + '\n'
    with _lock:
        sys.stdout.write(line)
        sys.stdout.flush()


def say(kind, host='', method='', target='', body=b'', reason=''):
    _write({'kind': kind, 'host': host, 'method': method, 'target': target, 'body': body_text(body), 'reason': reason})


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        # The agent has left in the middle of a request or an answer.
        if not isinstance(error, ConnectionError):
            super().handle_error(request, client_address)


def serve(handler):
    server = Server(('127.0.0.1', 0), handler)
    _write({'msg': 'listening', 'port': server.server_address[1]})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)
