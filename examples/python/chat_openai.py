"""The same with the openai package, whose client takes the gateway's address as its base URL."""

import os
import sys

from openai import APIStatusError, OpenAI

gateway = os.environ.get("SALLYPORT_URL", "http://127.0.0.1:4141")
client = OpenAI(base_url=gateway + "/p/groq/openai/v1", api_key=os.environ["SALLYPORT_TOKEN"])

try:
    stream = client.chat.completions.create(
        model=os.environ.get("MODEL", "openai/gpt-oss-20b"),
        messages=[{"role": "user", "content": " ".join(sys.argv[1:]) or "Say hello."}],
        max_completion_tokens=1024,
        stream=True,
    )
    for chunk in stream:
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
    print()
except APIStatusError as error:
    sys.exit("%d: %s" % (error.status_code, error.message))
