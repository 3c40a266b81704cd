"""An MCP server that asks an OpenID Connect provider whose its token is, again at each call."""

import asyncio
import json
import os
import urllib.error
import urllib.request

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("account")


def account() -> str:
    request = urllib.request.Request(os.environ["USERINFO"], headers={"Authorization": "Bearer " + os.environ["API_TOKEN"]})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["sub"]
    except urllib.error.HTTPError as e:
        raise ToolError(str(e)) from e


@server.tool()
async def whose() -> str:
    """Says whose the token is, at the end of a while as at its beginning."""
    first = await asyncio.to_thread(account)
    await asyncio.sleep(0.3)
    assert first == await asyncio.to_thread(account)
    return "The list of " + first


server.run()
