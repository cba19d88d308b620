// The program under test, in a folder of its own: configured, started, stopped, started again.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { DIST, Running, program, run } from "./running.mjs";

/** The console's first user. */
export const ADMIN = { name: "admin", password: "a long password of these tests" };

// Below the ports which the system hands out by itself, so that a server finds its own port free again.
const PORTS = { from: 10_000, to: 32_000 };

/** A server. */
export class Server {
  #dir = mkdtempSync(join(tmpdir(), "handoff-browser-"));
  #running = null;
  base;

  /** Makes the folder with an account on `zendesk`, and starts nothing. */
  static async prepare({ zendesk, plan = "total" }) {
    const server = new Server();
    const port = await freePort();
    server.base = `http://127.0.0.1:${port}`;
    cpSync(join(DIST, "plugins"), join(server.#dir, "plugins"), { recursive: true });
    server.#write("handoff.toml", configuration(port, plan, zendesk));
    return server;
  }

  async start() {
    const log = join(this.#dir, "server.log");
    this.#running = await Running.start(program("handoff"), this.#words("serve"), { cwd: this.#dir, log });
  }

  /** Tells the server to end, waits until it has, and expects that it ended well. */
  async stop() {
    const running = this.#running;
    this.#running = null;
    const code = await running?.stop();
    if (running && code !== 0) throw new Error(`the server ended with ${code}: ${running.said()}`);
  }

  /** Ends the server and removes its folder. */
  async remove() {
    await this.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Imports an assistant as a draft, or publishes it as well. */
  async take(assistant, { publish = false } = {}) {
    const file = this.#write("assistant.json", JSON.stringify(assistant));
    await run(program("handoff"), this.#words("assistant", "import", file, ...(publish ? ["--publish"] : [])), this.#dir);
  }

  #words(...words) {
    return ["--config", join(this.#dir, "handoff.toml"), ...words];
  }

  #write(name, text) {
    const path = join(this.#dir, name);
    writeFileSync(path, text);
    return path;
  }
}

function configuration(port, plan, zendesk) {
  return `
data_dir = "data"
[server]
listen = "127.0.0.1:${port}"
[workspace]
plan = "${plan}"
[plugins]
folder = "plugins"
allow_loopback_http = true
[clock]
factor = 20
[console]
admin_password = "${ADMIN.password}"
[channels.web]
kind = "webchat"
assistant = "support"
[channels.pictures]
kind = "webchat"
assistant = "support"
files = ["image/*"]
[channels.words]
kind = "webchat"
assistant = "support"
files = []
${zendesk.connection()}
`;
}

/** A port on which nobody listens. */
async function freePort() {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const free = await new Promise((done) => {
      const probe = createServer();
      probe.once("error", () => done(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
}
