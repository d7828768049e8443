"""What the Python clients share: requests as lines of JSON in, answers as lines of JSON out, a few threads between."""
import json
import os
import queue
import sys
import threading


def run(make_fetch):
    """Calls make_fetch(port, keeps) in each thread; what it returns takes (method, host, path) and gives (status, ours, body, error)."""
    port, count, keeps = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == 'keep'
    asked = queue.Queue()
    lock = threading.Lock()

    def write(text):
        with lock:
            sys.stdout.write(text + '\n')
            sys.stdout.flush()

    def work():
        fetch = make_fetch(port, keeps)
        while True:
            request = asked.get()
            status, ours, body, error = fetch(request['method'], request['host'], request['path'])
            write(json.dumps({
                'id': request['id'], 'status': status, 'ours': ours, 'body': body.decode('latin1'), 'error': error,
            }))

    for _ in range(count):
        threading.Thread(target=work, daemon=True).start()
    write('ready')
    for line in sys.stdin:
        asked.put(json.loads(line))
    os._exit(0)
