"""An MCP client on the official SDK that calls the tools of a server again and again.

    client.py PLAN

PLAN is a file with {"command": …, "args": […], "tools": [{"name": …, "arguments": {…}}],
"calls": N, "parallel": N, "every": SECONDS, "mode": "auto"|"legacy"}. The server gets this
process's environment. Each call, each notification, the opening and the end is a JSON line
on standard output, with times in seconds since 1970. It ends after `calls` calls, or when
standard input ends. ../npm/client.mjs is the same on the SDK for TypeScript.
"""

import asyncio
import json
import os
import sys
import time

from mcp import Client, StdioServerParameters


def say(**line):
    print(json.dumps(line), flush=True)


async def notified(message):
    if method := getattr(message, "method", None):
        say(event="notification", method=method, at=time.time())


async def call(client, number, tool):
    start = time.time()
    line = {"event": "call", "id": number, "tool": tool["name"], "start": start}
    try:
        result = await client.call_tool(tool["name"], tool.get("arguments", {}), read_timeout_seconds=60)
        line["text"] = "\n".join(part.text for part in result.content if part.type == "text")
        line["is_error"] = bool(result.is_error)
    except Exception as e:  # whatever it is, the test wants to read it
        line["failed"] = f"{type(e).__name__}: {e}"
    say(**line, took=time.time() - start)


async def main(spec):
    server = StdioServerParameters(command=spec["command"], args=spec.get("args", []), env=dict(os.environ))
    async with Client(server, mode=spec.get("mode", "auto"), message_handler=notified) as client:
        say(event="open", version=client.protocol_version, server=client.server_info.name, at=time.time())
        numbers, begun, ended = iter(range(spec["calls"])), time.time(), asyncio.Event()

        async def worker():
            for number in numbers:
                if ended.is_set():
                    return
                await asyncio.sleep(max(0, begun + number * spec.get("every", 0) - time.time()))
                await call(client, number, spec["tools"][number % len(spec["tools"])])

        asyncio.get_running_loop().add_reader(0, lambda: os.read(0, 1) or ended.set())
        await asyncio.gather(*(worker() for _ in range(spec.get("parallel", 1))))
        asyncio.get_running_loop().remove_reader(0)
    say(event="end", at=time.time())


with open(sys.argv[1], encoding="utf-8") as plan:
    asyncio.run(main(json.load(plan)))
