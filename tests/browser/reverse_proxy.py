"""A reverse proxy as a hospital has it: TLS outside, one application of several below a path, nothing else there.

    python reverse_proxy.py PORT CERTIFICATE PREFIX UPSTREAM_PORT

What is not below PREFIX is answered with 404, as by the host of another application.
"""

from __future__ import annotations

import http.client
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "proxy-authorization"}
OURS = {"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    prefix = "/"
    upstream = 0

    def answer(self) -> None:
        if not self.path.startswith(self.prefix):
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP | OURS}
        headers |= {
            "Host": f"127.0.0.1:{self.upstream}",
            "X-Forwarded-For": self.client_address[0],
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": self.headers["Host"],
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        connection.request(self.command, self.path, body or None, headers)
        reply = connection.getresponse()
        content = reply.read()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        connection.close()

    do_GET = do_HEAD = do_POST = answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    port, certificate, Proxy.prefix, Proxy.upstream = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    server = ThreadingHTTPServer(("127.0.0.1", port), Proxy)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
