#!/usr/bin/env python3
"""A git server over HTTP that wants basic auth: git http-backend behind Python's http.server.

git_server.py ROOT PORT_FILE PASSWORD LOG: serves the repositories below ROOT, writes its port to
PORT_FILE when it listens, and one line for each request to LOG: the name that logged in, or `-`.
"""
import base64
import http.server
import os
import subprocess
import sys

ROOT, PORT_FILE, PASSWORD, LOG = sys.argv[1:5]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def login(self):
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        name, _, password = base64.b64decode(encoded).decode().partition(":")
        return name if kind == "Basic" and password == PASSWORD else None

    def serve(self):
        name = self.login()
        with open(LOG, "a", encoding="utf-8") as log:
            log.write((name or "-") + "\n")
        if name is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length", 0))
        environment = dict(os.environ, GIT_PROJECT_ROOT=ROOT, GIT_HTTP_EXPORT_ALL="1",
                           PATH_INFO=path, QUERY_STRING=query, REQUEST_METHOD=self.command,
                           CONTENT_TYPE=self.headers.get("Content-Type", ""),
                           CONTENT_LENGTH=str(length), REMOTE_USER=name,
                           HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""))
        answer = subprocess.run(["git", "http-backend"], input=self.rfile.read(length),
                                env=environment, stdout=subprocess.PIPE, check=False).stdout
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = [line.partition(": ") for line in head.decode().split("\r\n")]
        status = [value for key, _, value in headers if key == "Status"]
        self.send_response(int(status[0].split()[0]) if status else 200)
        for key, _, value in headers:
            if key != "Status":
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = serve


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(PORT_FILE + ".tmp", "w", encoding="utf-8") as port:
    port.write(str(server.server_port))
os.rename(PORT_FILE + ".tmp", PORT_FILE)
server.serve_forever()
