"""An MCP server with a little of everything, on the official SDK or on FastMCP: example.py mcp|fastmcp."""

import sys

from pydantic import BaseModel

if sys.argv[1] == "mcp":
    from mcp.server.mcpserver import Context
    from mcp.server.mcpserver import MCPServer as Server
else:
    from fastmcp import Context
    from fastmcp import FastMCP as Server

server = Server("example", instructions="Call add.")


@server.tool()
def add(a: int, b: float) -> float:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("as asked")


@server.tool()
async def work(context: Context) -> str:
    """Takes three steps."""
    for step in range(3):
        await context.report_progress(step + 1, 3)
    return "worked"


class Answer(BaseModel):
    """What the user may say."""

    yes: bool


@server.tool()
async def ask(context: Context) -> str:
    """Asks the user."""
    return (await context.elicit("Is it so?", Answer)).action


@server.resource("note://one")
def one() -> str:
    """A note, with what JSON has to escape."""
    return 'a "note"\n\u2028 \U0001f3ad'


@server.resource("note://of/{name}")
def note(name: str) -> str:
    """A note of somebody's."""
    return f"a note of {name}"


@server.prompt()
def greet(name: str) -> str:
    """Greets."""
    return f"Greet {name}."


server.run()
