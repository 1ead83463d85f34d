import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_server_in_another_process_serves_until_its_stdin_closes_or_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "tests.gcs", "--port", "0", "--bucket", "parts", "--faults", "7:0"]
    for end in ("close", "terminate"):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)

            def ask(method: str, path: str, sent: object = None, address: str = address) -> object:
                data = None if sent is None else json.dumps(sent).encode()
                with urllib.request.urlopen(urllib.request.Request(address + path, data, method=method)) as answer:
                    return json.load(answer)

            rules = ask("POST", "/_test/faults", [{"kind": "delay", "url": "/b/parts$", "seconds": 0.01}])
            assert isinstance(ask("GET", "/storage/v1/b/parts"), dict)
            counted = ask("GET", "/_test/faults")
            assert isinstance(rules, list)
            assert isinstance(counted, list)
            assert (rules[0]["injected"], counted[0]["injected"]) == (0, 1)
            assert ask("POST", "/_test/access", {"parts": "read_only"}) == {"parts": "read_only"}
            calls = ask("GET", "/_test/calls")
            assert isinstance(calls, list)
            assert [(call["url"], call["status"], call["fault"]) for call in calls] == [
                ("/storage/v1/b/parts", 200, "delay")
            ]
            assert ask("DELETE", "/_test/faults") == []
            if end == "close":
                process.stdin.close()
            else:
                process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
