// The fake Zendesk, and its live agent.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PATIENCE_MS, Running, program } from "./running.mjs";
import { ask } from "./web.mjs";

/** What the live agent is called. */
export const LIVE_AGENT = "Maria Ortega";

const POLL_MS = 10_000;

/** A running fake Zendesk. */
export class Zendesk {
  #dir = mkdtempSync(join(tmpdir(), "handoff-zendesk-"));
  #running;

  static async start() {
    const zendesk = new Zendesk();
    const cwd = zendesk.#dir;
    const words = ["zendesk", "--port", "0", "--clock-factor", "20", "--live-agent-name", LIVE_AGENT];
    const log = join(cwd, "simulator.log");
    zendesk.#running = await Running.start(program("handoff-simulators"), words, { cwd, log });
    return zendesk;
  }

  get base() {
    return this.#running.base;
  }

  /** The section `connections.zendesk` of a server that uses this account, as TOML. */
  connection() {
    return [
      "[connections.zendesk]",
      'connector = "zendesk"',
      "[connections.zendesk.settings]",
      `base_url = "${this.base}/sc"`,
      'app_id = "67a0ecf8f0305f4a391e9d00"',
      'key_id = "app_67a0ecf8f0305f4a391e9d01"',
      "[connections.zendesk.secrets]",
      'key_secret = "sim-app-key-secret"',
      'webhook_secret = "sim-webhook-secret"',
    ].join("\n");
  }

  /** Sends the account's webhooks to a server. */
  async pointWebhook(server) {
    await this.#control("webhook", { target: `${server}/webhooks/zendesk` });
  }

  /** Waits until a chat holds a message with this text; gives the chat. */
  async untilChatWith(text) {
    const holds = (chat) => chat.messages.some((message) => message.text === text);
    return this.#until(`a chat with ${JSON.stringify(text)}`, (seen) => seen.live_agent.chats.find(holds));
  }

  /** Waits until a chat shows a file of this name; gives the chat. */
  async untilFile(name) {
    const holds = (chat) => chat.messages.some((message) => message.files?.some((file) => file.name === name));
    return this.#until(`a file ${name}`, (seen) => seen.live_agent.chats.find(holds));
  }

  /** How often live agents see a text, in all chats. */
  async times(text) {
    const seen = await ask(`${this.base}/_sim/inspect`);
    return seen.live_agent.chats.flatMap((chat) => chat.messages).filter((message) => message.text === text).length;
  }

  async replies(chat, text) {
    await this.#control("agent/reply", { conversation: chat.id, text });
  }

  async attaches(chat, name, mediaType, text) {
    const content = Buffer.from(text).toString("base64");
    const file = { conversation: chat.id, file_name: name, media_type: mediaType, content_base64: content };
    await this.#control("agent/attach", file);
  }

  async closes(chat) {
    await this.#control("agent/close", { conversation: chat.id });
  }

  /** Every access token of the Support API ends at once. */
  async expireTokens() {
    await this.#control("expire_tokens", {});
  }

  /** How often tokens were asked for. */
  async tokensAsked() {
    const seen = await ask(`${this.base}/_sim/requests`);
    const requests = seen.requests ?? seen;
    return requests.filter((request) => request.path.includes("/oauth/tokens")).length;
  }

  async stop() {
    await this.#running.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #control(path, body) {
    await ask(`${this.base}/_sim/${path}`, body);
  }

  /** Waits for the simulator's state to give something. */
  async #until(what, wanted) {
    const end = Date.now() + PATIENCE_MS;
    let seen = await ask(`${this.base}/_sim/inspect`);
    for (;;) {
      const found = wanted(seen);
      if (found) return found;
      if (Date.now() > end) throw new Error(`Zendesk never saw ${what}: ${JSON.stringify(seen.live_agent, null, 2)}`);
      seen = await ask(`${this.base}/_sim/inspect?after=${seen.revision}&timeout_ms=${POLL_MS}`);
    }
  }
}
