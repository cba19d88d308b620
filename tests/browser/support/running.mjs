// Programs that run beside a test: they tell their address, write a log, and end with the test.

import { spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** How long anything may take before a test gives up. Generous: two busy cores must not fail a test. */
export const PATIENCE_MS = 60_000;

const ANNOUNCED = "listening on ";
const ROOT = resolve(import.meta.dirname, "..", "..", "..");
const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");

/** The folder with the programs and, beside them, `plugins`. */
export const DIST = process.env.HANDOFF_DIST ?? join(TARGET, "debug", "dist");

const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/** The path of one of our programs. */
export function program(name) {
  const path = join(DIST, name);
  if (!existsSync(path)) throw new Error(`${path} is missing; \`cargo xtask build\` or \`cargo xtask test\` makes it`);
  return path;
}

/** A program that serves. */
export class Running {
  #child;
  #ended;
  #log;
  base;

  /** Starts a program and waits for the one line that tells its address. */
  static async start(path, words, { cwd, log }) {
    const running = new Running();
    running.#log = log;
    const child = spawn(path, words, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    running.#child = child;
    children.add(child);
    const file = createWriteStream(log, { flags: "a" });
    child.stderr.pipe(file);
    running.#ended = new Promise((done, fail) => {
      child.once("error", fail);
      child.once("exit", (code, signal) => {
        children.delete(child);
        done(code ?? signal);
      });
    });
    const lines = createInterface({ input: child.stdout });
    const told = new Promise((done) => {
      lines.on("line", (line) => line.startsWith(ANNOUNCED) && done(line.slice(ANNOUNCED.length)));
    });
    running.base = await Promise.race([
      told,
      running.#ended.then((code) => { throw new Error(`${path} ended with ${code}: ${running.said()}`); }),
    ]);
    return running;
  }

  /** Asks the program to end, and waits until it has. Gives its exit code, or the signal. */
  async stop() {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MS);
    const code = await this.#ended;
    clearTimeout(late);
    return code;
  }

  /** The end of what it complained of so far. */
  said() {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8").split("\n").slice(-40).join("\n") : "";
  }
}

/** Runs a command to its end; what it printed is the answer, anything but success an error. */
export async function run(path, words, cwd) {
  const child = spawn(path, words, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => { text += part; });
  const code = await new Promise((done, fail) => child.once("error", fail).once("close", done));
  if (code !== 0) throw new Error(`${path} ${words.join(" ")} ended with ${code}: ${text}`);
  return text;
}
