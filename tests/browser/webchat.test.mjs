// A visitor in the webchat: with the assistant, on the way to live agents, with them, and back.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { ACCEPTED, ASKED, CLOSED, HELLO, PARCEL, WISH, answerTo } from "./support/assistant.mjs";
import { newPage } from "./support/browser.mjs";
import { stage } from "./support/stage.mjs";
import { Widget } from "./support/widget.mjs";
import { LIVE_AGENT } from "./support/zendesk.mjs";

const set = stage();

test("a chat goes to live agents, survives a reload, is closed by them and begins anew", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base);
  await widget.until(HELLO);
  await widget.suggestions.filter({ hasText: PARCEL }).click();
  await widget.until(PARCEL);
  const shop = widget.log.getByRole("link", { name: "our shop" });
  assert.equal(await shop.getAttribute("href"), "https://shop.example/track");
  assert.deepEqual(await widget.suggestions.allInnerTexts(), [WISH]);

  await widget.says(WISH);
  await widget.until(ASKED);
  await widget.until(ACCEPTED);
  assert.equal(await widget.suggestions.count(), 0, "nobody offers answers any more");
  const chat = await set.zendesk.untilChatWith(PARCEL);

  await set.zendesk.replies(chat, "Good morning, I look for it.");
  await widget.until("Good morning, I look for it.");
  const reply = widget.linesOf("live_agent");
  assert.equal(await reply.locator(".who").innerText(), LIVE_AGENT);

  await set.zendesk.attaches(chat, "receipt.txt", "text/plain", "Paid: 12.50");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    widget.log.getByRole("link", { name: "receipt.txt" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "receipt.txt");
  assert.equal(await readFile(await download.path(), "utf8"), "Paid: 12.50");

  const before = await widget.thread();
  await page.reload();
  await widget.until("Good morning, I look for it.");
  assert.deepEqual(await widget.thread(), before);
  await widget.says("Thank you so much");
  await set.zendesk.untilChatWith("Thank you so much");

  await set.zendesk.closes(chat);
  await widget.until(CLOSED);
  await widget.says("One more thing");
  await widget.until(answerTo("One more thing"));
  await widget.untilTimes(HELLO, 2);
  assert.equal(await set.zendesk.times("One more thing"), 0, "a closed chat is not spoken into");
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("everything can be done with the keyboard", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base);
  const keys = page.keyboard;
  const press = async (...names) => {
    for (const name of names) await keys.press(name);
    return widget.focused();
  };
  await widget.until(HELLO);
  assert.equal(await press("Tab"), "Messages");
  assert.equal(await press("Tab"), PARCEL);
  assert.equal(await press("Tab"), WISH);
  assert.equal(await press("Tab"), "Your message");
  assert.equal(await press("Tab"), "Send");
  assert.equal(await press("Shift+Tab", "Shift+Tab"), WISH);
  assert.equal(await press("Enter"), "Your message", "after a suggestion one can go on typing");
  await widget.until(ACCEPTED);

  await keys.type("First line");
  await press("Shift+Enter");
  await keys.type("second line");
  await press("Enter");
  const chat = await set.zendesk.untilChatWith("First line\nsecond line");
  assert.equal(await widget.input.inputValue(), "");

  await set.zendesk.attaches(chat, "form.txt", "text/plain", "Fill in");
  await widget.log.getByRole("link", { name: "form.txt" }).waitFor();
  assert.equal(await press("Shift+Tab"), "form.txt");
  const [download] = await Promise.all([page.waitForEvent("download"), press("Enter")]);
  assert.equal(await readFile(await download.path(), "utf8"), "Fill in");

  await press("Tab");
  await keys.type("Done");
  await press("Tab", "Space");
  await set.zendesk.untilChatWith("Done");
  assert.equal(await widget.focused(), "Your message");
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("what anybody writes is shown as text, never as markup", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base);
  const hostile = (who) =>
    `<script>window.hit="${who}"</script><img src=x onerror="window.hit='${who}'"> [${who}](javascript:window.hit=1)`;
  await widget.says(hostile("person"));
  await widget.until(hostile("person"));
  await widget.until(answerTo(hostile("person")));
  await widget.says(WISH);
  await widget.until(ACCEPTED);
  const chat = await set.zendesk.untilChatWith(hostile("person"));
  await set.zendesk.replies(chat, hostile("agent"));
  await widget.until(hostile("agent"));
  await set.zendesk.attaches(chat, "<img src=x onerror=hit=1>.txt", "text/plain", "harmless");
  await widget.linesOf("live_agent").nth(1).waitFor();
  await page.reload();
  await widget.until(hostile("agent"));
  assert.equal(await widget.log.locator("script, img, a[href^='javascript']").count(), 0);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("on a page of somebody else a button opens the chat, counts what is new, and Escape closes it", async () => {
  const page = await newPage(set.browser);
  const script = '<script src="/webchat/widget.js" data-channel="web" data-title="Ask us" defer></script>';
  const shop = `<!doctype html><html lang="en"><title>Shop</title><main><h1>Shop</h1></main>${script}</html>`;
  await page.route("**/shop", (route) => route.fulfill({ contentType: "text/html", body: shop }));
  await page.goto(`${set.server.base}/shop`);
  const launcher = page.getByRole("button", { name: /^Chat/ });
  await launcher.click();
  const widget = new Widget(page);
  await widget.until(HELLO);
  assert.equal(await widget.focused(), "Your message");
  await widget.says("I am in the shop");
  await widget.says(WISH);
  await widget.until(ACCEPTED);
  const chat = await set.zendesk.untilChatWith("I am in the shop");
  await page.keyboard.press("Escape");
  await widget.log.waitFor({ state: "hidden" });
  assert.equal(await widget.focused(), "Chat");
  await set.zendesk.replies(chat, "Are you there?");
  await page.getByRole("button", { name: "Chat (1 new)" }).press("Enter");
  await widget.until("Are you there?");
  assert.equal(await widget.focused(), "Your message");
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});
