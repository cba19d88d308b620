// A stage for the tests of one file: a fake Zendesk, a server that uses it, a browser.

import { after, before } from "node:test";

import { support } from "./assistant.mjs";
import { startBrowser } from "./browser.mjs";
import { Server } from "./server.mjs";
import { Zendesk } from "./zendesk.mjs";

/**
 * Sets the stage before the file's tests, and clears it afterwards. Its members are there in tests only.
 * `finish` adds to it what all tests of the file share.
 */
export function stage({ assistant = support(), publish = true, finish = () => {} } = {}) {
  const set = {};
  before(async () => {
    set.zendesk = await Zendesk.start();
    set.server = await Server.prepare({ zendesk: set.zendesk });
    await set.server.take(assistant, { publish });
    await set.server.start();
    await set.zendesk.pointWebhook(set.server.base);
    set.browser = await startBrowser();
    await finish(set);
  });
  after(async () => {
    await set.browser?.close();
    await set.server?.remove();
    await set.zendesk?.stop();
  });
  return set;
}
