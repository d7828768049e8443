"""Python's http.server as a judge: says what it understood of each request.

The module reads no bodies by itself, so a handler does, as its users must: Content-Length as a number, `chunked` by the
strict grammar of RFC 9112 section 7.1 and nothing else.
"""
import http.server
import re

import records

CHUNK_LINE = re.compile(rb'\A([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?\r\n\Z')


class Incomplete(Exception):
    pass


class Wrong(Exception):
    pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    # Answers leave at once and in one piece.
    wbufsize = -1
    disable_nagle_algorithm = True

    def __getattr__(self, name):
        if name.startswith('do_'):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        # `path` has lost leading slashes; this is what the request line was split into.
        target = self.requestline.split()[1]
        seen = {'host': self.headers.get('Host', ''), 'method': self.command, 'target': target}
        try:
            body = self.read_body()
        except Incomplete:
            records.say('incomplete', **seen)
            self.close_connection = True
            return
        except Wrong as wrong:
            records.say('refusal', reason=str(wrong), **seen)
            self.send_error(400)
            self.close_connection = True
            return
        records.say('request', body=body, **seen)
        self.send_response(200)
        self.send_header('X-Seen', '%s %s' % (self.command, target))
        self.send_header('Content-Length', '5')
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(b'seen\n')
        self.wfile.flush()

    def read_body(self):
        codings = self.headers.get_all('Transfer-Encoding', [])
        lengths = self.headers.get_all('Content-Length', [])
        if codings:
            if codings != ['chunked'] and [coding.lower() for coding in codings] != ['chunked'] or lengths:
                raise Wrong('framing')
            return self.read_chunks()
        if not lengths:
            return b''
        if len(lengths) > 1:
            raise Wrong('framing')
        return self.read_exactly(int(lengths[0]))

    def read_exactly(self, count):
        body = self.rfile.read(count)
        if len(body) < count:
            raise Incomplete()
        return body

    def read_line(self):
        line = self.rfile.readline(65537)
        if not line.endswith(b'\n'):
            raise Incomplete()
        return line

    def read_chunks(self):
        body = b''
        while True:
            match = CHUNK_LINE.match(self.read_line())
            if match is None:
                raise Wrong('chunk line')
            size = int(match.group(1), 16)
            if size == 0:
                break
            body += self.read_exactly(size)
            if self.read_exactly(2) != b'\r\n':
                raise Wrong('chunk end')
        while True:
            line = self.read_line()
            if line == b'\r\n':
                return body
            if not re.match(rb"\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n]*\r\n\Z", line):
                raise Wrong('trailer')

    def send_error(self, code, message=None, explain=None):
        if not hasattr(self, 'headers') or code != 400 or not getattr(self, 'command', None):
            line = getattr(self, 'requestline', '')
            words = line.split() + ['', '']
            records.say('refusal', method=words[0], target=words[1], reason='%d %s' % (code, message))
        super().send_error(code, message, explain)

    def log_message(self, *arguments):
        pass


records.serve(Handler)
