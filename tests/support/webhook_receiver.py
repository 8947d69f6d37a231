"""Takes POSTs and DELETEs on a free port of 127.0.0.1: receiver DIRECTORY [STATUS[=BODY] …].

Its port comes to be in DIRECTORY/port, request n in DIRECTORY/n.json (method, path, headers, body).
The statuses are given in turn, the last one for ever; 200 without any.
"""
import http.server
import json
import os
import sys

directory, statuses = sys.argv[1], sys.argv[2:] or ['200']
seen = 0


def write(name, text):
    with open(os.path.join(directory, name + ".new"), "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(os.path.join(directory, name + ".new"), os.path.join(directory, name))


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global seen
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        status, _, answer = statuses[min(seen, len(statuses) - 1)].partition("=")
        seen += 1
        request = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
        write(f"{seen}.json", json.dumps(request))
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    do_DELETE = do_POST

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
write("port", str(server.server_port))
server.serve_forever()
