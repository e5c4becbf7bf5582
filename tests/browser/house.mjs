// A gateway and a simulated provider, each a real process on a free port.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 60_000; // milliseconds until something that should happen counts as not happening

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Waits for a condition to give something.
export async function until(condition, what) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const found = await condition();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`waited in vain for ${what}`);
}

// A program that prints its address first; what else it prints is kept.
class Process {
  static async start(command, args, environment) {
    const it = new Process();
    it.printed = "";
    it.child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [it.child.stdout, it.child.stderr]) stream.on("data", (text) => (it.printed += text));
    const found = await until(() => {
      if (it.child.exitCode !== null) throw new Error(`it ended: ${it.printed}`);
      return /http:\/\/127\.0\.0\.1:\d+/.exec(it.printed);
    }, command);
    it.address = found[0];
    return it;
  }

  async end() {
    const gone = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGTERM");
    await gone;
  }
}

export class House {
  static async open(tokens, settings = {}, past = 0) {
    const house = new House();
    house.folder = mkdtempSync(join(tmpdir(), "stillroom-"));
    house.settings = settings;
    const accept = tokens.flatMap((token) => ["--accept", token]);
    house.provider = await Process.start(process.env.PROVIDER_BINARY, ["--listen", "127.0.0.1:0", "--cache", ...accept]);
    await house.start();
    if (past > 0) {
      await house.gateway.end();
      const written = spawnSync("python3", [process.env.HISTORY, join(house.folder, "data", "stillroom.db"), String(past)]);
      if (written.status !== 0) throw new Error(String(written.stderr));
      await house.start();
    }
    return house;
  }

  async start() {
    const { listen = "127.0.0.1:0", flags = [], ...variables } = this.settings;
    const args = ["serve", "--listen", listen, "--data-dir", join(this.folder, "data"), ...flags];
    this.gateway = await Process.start(process.env.GATEWAY_BINARY, args, {
      STILLROOM_UPSTREAM__ANTHROPIC: this.provider.address,
      STILLROOM_UPSTREAM__OPENAI: this.provider.address,
      ...variables,
    });
    const headers = { "x-stillroom-access": variables.STILLROOM_ACCESS__TOKEN ?? "" };
    await until(() => fetch(`${this.address}/readyz`, { headers }).then((answer) => answer.ok, () => false), "readiness");
  }

  get address() {
    return this.gateway.address;
  }

  // A turn of an agent in Claude Code's manner.
  async turn(session, token, messages, system) {
    const marked = system && [{ type: "text", text: system, cache_control: { type: "ephemeral" } }];
    const answer = await fetch(`${this.address}/v1/messages`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "user-agent": "claude-cli/2.1.330 (external, cli)",
        "x-api-key": token,
        "x-claude-code-session-id": session,
      },
      body: JSON.stringify({ model: "claude-sonnet-5-5", max_tokens: 200, system: marked, messages }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  // Tells the provider what to do from now on.
  async order(order) {
    const answer = await fetch(`${this.provider.address}/_control`, { method: "POST", body: JSON.stringify(order) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async api(path) {
    return (await fetch(`${this.address}/api/v1${path}`)).json();
  }

  async end() {
    await this.gateway.end();
    await this.provider.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
