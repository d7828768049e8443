"""h11 as a judge: says what it understood of each request."""
import socketserver

import h11

import records

MAX_RECEIVE = 65536
BAD_REQUEST = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        self.received = b''
        while self.serve_one():
            self.connection.start_next_cycle()

    def next_event(self):
        while True:
            event = self.connection.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self.connection.they_are_waiting_for_100_continue:
                self.send(h11.InformationalResponse(status_code=100, headers=[]))
            data = self.request.recv(MAX_RECEIVE)
            self.received = (self.received + data)[:4096]
            self.connection.receive_data(data)

    def send(self, event):
        self.request.sendall(self.connection.send(event))

    def serve_one(self):
        """True when the connection goes on."""
        seen = {}
        body = b''
        try:
            while True:
                event = self.next_event()
                if isinstance(event, h11.ConnectionClosed):
                    return False
                if isinstance(event, h11.Request):
                    headers = dict(event.headers)
                    seen = {
                        'host': headers.get(b'host', b'').decode('latin1'),
                        'method': event.method.decode('latin1'),
                        'target': event.target.decode('latin1'),
                    }
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
        except h11.RemoteProtocolError as error:
            return self.refuse(seen, body, error)
        except ConnectionError:
            if seen:
                records.say('incomplete', body=body, **seen)
            return False
        self.received = b''
        records.say('request', body=body, **seen)
        mark = ('%(method)s %(target)s' % seen).encode('latin1')
        self.send(h11.Response(status_code=200, headers=[('X-Seen', mark), ('Content-Length', '5')]))
        if seen['method'] != 'HEAD':
            self.send(h11.Data(data=b'seen\n'))
        self.send(h11.EndOfMessage())
        return self.connection.our_state is h11.DONE and self.connection.their_state is h11.DONE

    def refuse(self, seen, body, error):
        # An end in the middle of a body is the agent's leaving, not a message.
        if 'closed connection' in str(error) or 'without sending complete message' in str(error):
            if seen:
                records.say('incomplete', body=body, **seen)
            return False
        known = seen or glance(self.received)
        records.say('refusal', body=body, reason=str(error)[:80], **known)
        self.request.sendall(BAD_REQUEST)
        return False


def glance(raw):
    text = raw.decode('latin1')
    words = text.split('\r\n', 1)[0].split(' ') + ['', '']
    hosts = [line[5:].strip() for line in text.split('\r\n') if line.lower().startswith('host:')]
    return {'host': hosts[0] if hosts else '', 'method': words[0], 'target': words[1]}


records.serve(Handler)
