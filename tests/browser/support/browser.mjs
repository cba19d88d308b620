// The browser, and pages that complain of every error on them.

import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

import { PATIENCE_MS } from "./running.mjs";

const KNOWN = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** Starts a browser with a profile of its own. */
export async function startBrowser() {
  const executablePath = process.env.HANDOFF_BROWSER ?? KNOWN.find((path) => existsSync(path));
  if (!executablePath) throw new Error("there is no Chromium; install it, or set HANDOFF_BROWSER to a browser");
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}

/**
 * Opens a page for somebody new: no cookies, nothing kept.
 *
 * `page.troubles` collects what went wrong on it: errors of scripts, and what the security policy refused.
 */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.troubles = [];
  page.on("pageerror", (error) => page.troubles.push(String(error)));
  page.on("console", (message) => {
    // A request that got no answer, or a refusal, is no error of the page: tests cause them.
    const network = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !network) page.troubles.push(message.text());
  });
  return page;
}
