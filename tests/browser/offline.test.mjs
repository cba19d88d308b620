// The webchat while the server cannot be reached: what is typed waits, and arrives once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { HELLO, answerTo } from "./support/assistant.mjs";
import { newPage } from "./support/browser.mjs";
import { stage } from "./support/stage.mjs";
import { Widget } from "./support/widget.mjs";

const set = stage();

test("what is typed while the server is down arrives once it is back, in order and exactly once", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base);
  await widget.until(HELLO);
  await set.server.stop();
  await widget.says("Are you still there?");
  await widget.state.filter({ hasText: "Trying again" }).waitFor();
  await widget.says("I wait.");
  await set.server.start();
  await widget.until(answerTo("I wait."));
  const spoken = (await widget.log.locator(".said .text").allInnerTexts()).filter((text) => text !== HELLO);
  assert.deepEqual(spoken.filter((text) => !text.startsWith("You said")), ["Are you still there?", "I wait."]);
  assert.deepEqual(
    spoken.filter((text) => text.startsWith("You said")),
    [answerTo("Are you still there?"), answerTo("I wait.")],
  );
  await widget.state.filter({ hasNotText: /\S/ }).waitFor({ state: "attached" });
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("a message whose answer was lost is sent again and said once", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base);
  await widget.until(HELLO);
  let attempts = 0;
  await page.route("**/v1/webchat/web/messages", async (route) => {
    attempts += 1;
    if (attempts > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await widget.says("Only once, please");
  await widget.until(answerTo("Only once, please"));
  await widget.state.filter({ hasText: "Trying again" }).waitFor();
  // The next answer proves that the message before it was settled.
  await widget.says("And now this");
  await widget.until(answerTo("And now this"));
  await widget.untilTimes(answerTo("Only once, please"), 1);
  await widget.untilTimes("Only once, please", 1);
  assert.equal(attempts, 3);
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("a message that waits in the browser survives a reload", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base);
  await widget.until(HELLO);
  await page.route("**/v1/webchat/web/messages", (route) => route.abort("connectionrefused"));
  await widget.says("Do not forget me");
  await widget.state.filter({ hasText: "Trying again" }).waitFor();
  await page.unroute("**/v1/webchat/web/messages");
  await page.reload();
  await widget.until(answerTo("Do not forget me"));
  await widget.untilTimes("Do not forget me", 1);
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});
