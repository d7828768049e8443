"""h11 as a client, its connection kept from one request to the next, or not."""
import socket

import h11

import requests as lines


def make_fetch(port, keeps):
    state = {'socket': None, 'connection': None}

    def close():
        if state['socket'] is not None:
            state['socket'].close()
        state['socket'] = None

    def next_event():
        while True:
            event = state['connection'].next_event()
            if event is not h11.NEED_DATA:
                return event
            state['connection'].receive_data(state['socket'].recv(65536))

    def fetch(method, host, path):
        status, ours, body = 0, '', b''
        try:
            if state['socket'] is None:
                state['socket'] = socket.create_connection(('127.0.0.1', port), 15 if keeps else 3)
                state['connection'] = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
            connection = state['connection']
            request = h11.Request(method=method, target=path, headers=[('Host', host)])
            state['socket'].sendall(connection.send(request) + connection.send(h11.EndOfMessage()))
            while True:
                event = next_event()
                if isinstance(event, h11.Response):
                    status = event.status_code
                    ours = dict(event.headers).get(b'proxy-status', b'').decode('latin1')
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
                elif isinstance(event, h11.ConnectionClosed):
                    raise ConnectionError('closed before an answer')
            if keeps and connection.our_state is h11.DONE and connection.their_state is h11.DONE:
                left = connection.trailing_data[0]
                connection.start_next_cycle()
                if left:
                    raise ConnectionError('bytes behind the answer')
            else:
                close()
            return status, ours, body, ''
        except Exception as error:
            close()
            return status, ours, body, repr(error)[:200] or 'error'

    return fetch


lines.run(make_fetch)
