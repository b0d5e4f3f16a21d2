"""An S3 server on loopback, and a proxy before it that injects faults."""

import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pan_keras.remote import cache, store

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
KINDS = ("slow", "error", "reset", "denied")


class Proxy:
    """Forwards requests, counts them, and spoils the next ones if told.

    `faults` holds the kinds of the faults to come, one for each request of an object:
    `slow` waits, `error` answers 500, `reset` ends the connection in the middle of the answer,
    `denied` answers 403. `host` is the name that the server expects to be asked by.
    """

    def __init__(self, target, host=None):
        self.target = target
        self.host = host
        self.faults = []
        self.requests = []
        self.sent = 0
        proxy = self

        def forward(handler):
            proxy.forward(handler)

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", forward)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def forward(self, handler):
        self.requests.append((handler.command, handler.path))
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "slow":
            time.sleep(1.0)
        if fault in ("error", "denied"):
            handler.send_response(500 if fault == "error" else 403)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        names = {"host", "connection"}
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in names}
        if self.host:
            headers["Host"] = self.host
        headers.setdefault("Content-Type", "application/octet-stream")  # urllib's is of forms
        request = urllib.request.Request(
            self.target + handler.path, body or None, headers, method=handler.command
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, head, body = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, head, body = error.code, error.headers, error.read()
        if fault == "reset" and handler.command == "PUT":  # written, but the answer is lost
            handler.connection.close()
            return
        handler.send_response(status)
        for name, value in head.items():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if fault == "reset":
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            # Closing with a zero linger time sends a reset.
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()
            return
        self.sent += len(body)
        handler.wfile.write(body)

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join(10)


def connect(server, monkeypatch, cache_home):
    """Makes a server that of this process, with an empty cache and nothing known of it."""
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": server.address}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    monkeypatch.setattr(cache, "_states", {})
    monkeypatch.setattr(cache, "_listed", {})
    monkeypatch.setattr(cache, "_held", None)
    monkeypatch.setattr(store, "PAUSE", 0.01)
    store._opened.cache_clear()
    server.faults.clear()
    server.requests.clear()
    server.sent = 0
    return server


def upload(server, folder, prefix=""):
    """Puts the files of a folder into the bucket of a server."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            server.client.put_object(
                Bucket=server.bucket,
                Key=f"{prefix}/{file.relative_to(folder).as_posix()}".lstrip("/"),
                Body=file.read_bytes(),
                ACL="public-read",
            )


@contextmanager
def s3_server(folder, bucket="videos"):
    """An S3 server with the files of a folder, behind a proxy.

    Servers of one process share their buckets.
    """
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        target = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=target,
            aws_access_key_id="x",
            aws_secret_access_key="x",
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=bucket)
        with Proxy(target).running() as proxy:
            proxy.client, proxy.bucket = client, bucket
            upload(proxy, folder)
            yield proxy
    finally:
        server.stop()
