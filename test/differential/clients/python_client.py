"""Python's http.client, its connection kept from one request to the next, or not."""
import http.client

import requests as lines

# As many fields and as long lines as the edge lets through.
http.client._MAXHEADERS = 300
http.client._MAXLINE = 1 << 17


def make_fetch(port, keeps):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=15 if keeps else 3)

    def fetch(method, host, path):
        status, ours, body = 0, '', b''
        try:
            connection.request(method, path, headers={'Host': host})
            response = connection.getresponse()
            status = response.status
            ours = response.getheader('Proxy-Status', '')
            body = response.read()
            if not response.isclosed():
                raise http.client.HTTPException('not closed behind its end')
            if not keeps:
                connection.close()
            return status, ours, body, ''
        except Exception as error:
            connection.close()
            partial = getattr(error, 'partial', b'')
            return status, ours, partial if isinstance(partial, bytes) else b'', repr(error)[:200] or 'error'

    return fetch


lines.run(make_fetch)
