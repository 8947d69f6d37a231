#!/usr/bin/env python3
"""Stands in for RunPod, Vast and Lambda, which would cost money and cannot be made to fail.

server.py DIRECTORY [PEM]: speaks their wire formats on a free port of 127.0.0.1, which comes to be in
DIRECTORY/port; requests are noted in DIRECTORY/requests.jsonl, pods in DIRECTORY/pods.json. What a
test may order is in market.py. A key is good that is `PROVIDER-key-0123456789`.
"""
import http.server
import json
import os
import socket
import ssl
import struct
import sys
import time

import lambda_cloud
import market
import runpod
import vast

MARKET = market.Market(sys.argv[1])
PROVIDERS = {"/graphql": runpod, "/api/v0/": vast, "/api/v1/": lambda_cloud}


class Cut(Exception):
    """The connection ends here; after so many bytes of the answer."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length).decode()
        prefix, provider = next((pair for pair in PROVIDERS.items()
                                 if self.path.startswith(pair[0])), (None, None))
        if provider is None:
            self.send(404, {"error": "no such path"})
            return
        try:
            self.send(*self.answer(provider, self.path[len(prefix):], raw))
        except Cut as cut:
            self.cut(cut.args[0] if cut.args else b"")

    def answer(self, provider, path, raw):
        body = json.loads(raw) if raw else {}
        call = provider.call_of(self.command, path, body)
        good = self.headers.get("Authorization") == f"Bearer {provider.NAME}-key-0123456789"
        with MARKET.lock:
            MARKET.take_orders()
            MARKET.note({"provider": provider.NAME, "call": call, "method": self.command,
                         "path": self.path, "body": body, "at": time.time()})
            fault = MARKET.fault(provider.NAME, call)
        if fault and not fault["after"]:
            answer = self.fail(fault, None)
            if answer:
                return answer
        with MARKET.lock:
            if not good:
                answer = provider.refused(401)
            elif fault and fault["kind"] == "partial":
                answer = provider.partial(MARKET, path, body)
            else:
                answer = provider.answer(MARKET, call, path, body)
            MARKET.save()
        return (self.fail(fault, answer) if fault and fault["after"] else None) or answer

    def fail(self, fault, answer):
        """What a fault answers; None when the request goes its way."""
        kind = fault["kind"]
        if kind == "slow":
            time.sleep(fault["ms"] / 1000)
        elif kind == "cut":
            raise Cut()
        elif kind == "half":
            raise Cut(json.dumps(answer[1] if answer else {"data": {}}).encode())
        elif kind == "status":
            headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
            return fault["status"], fault.get("body", "refused"), headers
        elif kind == "body":
            return 200, fault["body"]
        elif kind == "errors":
            return 200, runpod.errors(fault["message"], fault.get("code", "RUNPOD"))
        return None

    def send(self, status, body, headers=None):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # the client did not wait

    def cut(self, data):
        """Ends the connection as a broken network does, after half of `data`."""
        if data:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:len(data) // 2])
            self.wfile.flush()
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
market.write(os.path.join(MARKET.directory, "port"), str(server.server_port))
server.serve_forever()
