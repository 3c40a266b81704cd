"""An MCP client on the official SDK that asks a server for everything that it has.

    explore.py PLAN

PLAN is as for client.py. Each answer is a JSON line on standard output, as the SDK read it:
what is listed, every resource and prompt, the calls of `tools` in their order, and what the
server asked or said meanwhile.
"""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters
from mcp_types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent


def say(what, result):
    if hasattr(result, "model_dump"):
        result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    print(json.dumps({"what": what, "result": result}), flush=True)
    return result


async def answer(what, asking):
    try:
        return say(what, await asking)
    except Exception as e:  # an error is an answer, too
        return say(what, f"{type(e).__name__}: {e}")


async def sample(_context, params):
    say("asks to sample", params)
    return CreateMessageResult(role="assistant", model="none", content=TextContent(type="text", text="an answer"))


async def elicit(_context, params):
    say("asks the user", params)
    return ElicitResult(action="decline")


async def roots(_context):
    say("asks for roots", None)
    return ListRootsResult(roots=[Root(uri="file:///tmp", name="a root")])


async def main(spec):
    server = StdioServerParameters(command=spec["command"], args=spec.get("args", []), env=dict(os.environ))
    asked = {"sampling_callback": sample, "elicitation_callback": elicit, "list_roots_callback": roots}
    async with Client(server, mode=spec["mode"], **asked) as client:
        say("version", client.protocol_version)
        say("server", client.server_info)
        say("instructions", client.instructions)
        say("capabilities", sorted(client.server_capabilities.model_dump(exclude_none=True)))
        await answer("tools", client.list_tools())
        await answer("templates", client.list_resource_templates())
        resources = await answer("resources", client.list_resources())
        for resource in resources["resources"]:
            await answer(resource["uri"], client.read_resource(resource["uri"]))
        prompts = await answer("prompts", client.list_prompts())
        for prompt in prompts["prompts"]:
            needs = {a["name"]: "x" for a in prompt.get("arguments", []) if a.get("required")}
            await answer(prompt["name"], client.get_prompt(prompt["name"], needs))
        for tool in spec["tools"]:
            steps = []

            async def step(progress, total, message, steps=steps):
                steps.append([progress, total, message])

            await answer(tool["name"], client.call_tool(tool["name"], tool.get("arguments", {}), progress_callback=step))
            say("progress", steps)


with open(sys.argv[1], encoding="utf-8") as plan:
    asyncio.run(main(json.load(plan)))
