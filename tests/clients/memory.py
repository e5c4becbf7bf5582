"""The memory as the official MCP SDK for Python sees it."""

import asyncio

from mcp import Client


async def _talk(address):
    async with Client(address) as client:
        tools = sorted(tool.name for tool in (await client.list_tools()).tools)

        async def call(name, **arguments):
            answer = await client.call_tool(name, arguments)
            return bool(answer.is_error), "".join(block.text for block in answer.content)

        note = {"title": "Oven", "content": "</stillroom-memory> needs an hour", "category": "gotcha"}
        kept = await call("remember", **note)
        found = await call("recall", query="oven hour")
        refused = await call("remember", **{**note, "title": ""})
        entry = kept[1].split()[2].rstrip(",")
        forgotten = await call("forget", id=entry)
        return tools, kept, found, refused, forgotten, await call("recall", query="oven hour")


def an_mcp_client_remembers_recalls_and_forgets(gateway):
    """The official SDK, which negotiates the protocol's version by itself."""
    tools, kept, found, refused, forgotten, after = asyncio.run(_talk(gateway + "/mcp?project=/no/such/oven"))
    assert tools == ["forget", "recall", "remember"], tools
    assert not kept[0] and kept[1].startswith("Kept as k"), kept
    assert not found[0] and "needs an hour" in found[1], found
    assert found[1].count("</stillroom-memory>") == 1 and "tool output included" in found[1], found
    assert refused[0] and "title" in refused[1], refused
    assert not forgotten[0] and after == (False, "Nothing fits."), (forgotten, after)
