"""Asks one question and prints the answer as it comes. Needs nothing but Python 3.8: a gateway speaks plain HTTP and server-sent events."""

import json
import os
import sys
import urllib.error
import urllib.request

GATEWAY = os.environ.get("SALLYPORT_URL", "http://127.0.0.1:4141")
TOKEN = os.environ["SALLYPORT_TOKEN"]
MODEL = os.environ.get("MODEL", "openai/gpt-oss-20b")


def ask(question):
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": question}],
        "max_completion_tokens": 1024,
        "stream": True,
    }
    request = urllib.request.Request(
        GATEWAY + "/p/groq/openai/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        for line in answer:
            data = line.decode().strip()
            if not data.startswith("data: ") or data == "data: [DONE]":
                continue
            event = json.loads(data[len("data: ") :])
            if "error" in event:
                raise RuntimeError(event["error"]["message"])
            for choice in event["choices"]:
                yield choice["delta"].get("content") or ""


if __name__ == "__main__":
    try:
        for text in ask(" ".join(sys.argv[1:]) or "Say hello."):
            print(text, end="", flush=True)
        print()
    except urllib.error.HTTPError as error:
        # 401 token, 402 budget, 403 model or feature, 429 rate: the message says what to do.
        reason = json.load(error)["error"]
        sys.exit("%d %s: %s" % (error.code, reason.get("code"), reason["message"]))
