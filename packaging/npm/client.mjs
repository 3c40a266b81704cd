// An MCP client on the official SDK for TypeScript that calls the tools of a server again and again.
// packaging/python/client.py says how it is called and what it prints; it knows no "mode".

import { readFileSync } from 'node:fs';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const spec = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const now = () => Date.now() / 1000;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const client = new Client({ name: 'stagedoor-test', version: '1.0.0' });
client.fallbackNotificationHandler = async ({ method }) => say({ event: 'notification', method, at: now() });
await client.connect(new StdioClientTransport({ command: spec.command, args: spec.args ?? [], env: process.env, stderr: 'inherit' }));
say({ event: 'open', server: client.getServerVersion().name, at: now() });

let ended = false;
process.stdin.on('end', () => { ended = true; }).resume();

let next = 0;
const begun = now();
async function worker() {
  while (next < spec.calls && !ended) {
    const id = next++;
    await new Promise((done) => setTimeout(done, Math.max(0, begun + id * (spec.every ?? 0) - now()) * 1000));
    const tool = spec.tools[id % spec.tools.length];
    const start = now();
    const line = { event: 'call', id, tool: tool.name, start };
    try {
      const result = await client.callTool({ name: tool.name, arguments: tool.arguments ?? {} }, undefined, { timeout: 60_000 });
      line.text = result.content.filter((part) => part.type === 'text').map((part) => part.text).join('\n');
      line.is_error = Boolean(result.isError);
    } catch (e) { // whatever it is, the test wants to read it
      line.failed = String(e);
    }
    say({ ...line, took: now() - start });
  }
}
await Promise.all(Array.from({ length: spec.parallel ?? 1 }, worker));
await client.close();
say({ event: 'end', at: now() });
process.exit(0);
