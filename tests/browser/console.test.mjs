// Somebody on the team: signs in, gives an assistant its platform, publishes it, looks into the Inbox.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ACCEPTED, HELLO, WISH, answerTo, support } from "./support/assistant.mjs";
import { newPage } from "./support/browser.mjs";
import { Desk } from "./support/desk.mjs";
import { ADMIN } from "./support/server.mjs";
import { stage } from "./support/stage.mjs";
import { Widget } from "./support/widget.mjs";

// The assistant comes as a draft without a platform: nobody can chat before the console published it.
const set = stage({ assistant: support({ platform: null }), publish: false });

const BANNER = /^Transferred to Zendesk at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; what follows is not visible here\.$/;

test("a wrong password is refused, and every page asks for the right one", async () => {
  const page = await newPage(set.browser);
  const desk = new Desk(page, set.server.base);
  await desk.goes("handoffs");
  await desk.heading("Sign in").waitFor();
  await desk.signsIn("not the password");
  await page.getByRole("alert").getByText("do not belong together").waitFor();
  assert.equal(await page.getByLabel("Name").inputValue(), ADMIN.name);
  assert.equal(await page.getByLabel("Password").inputValue(), "");
  await desk.signsIn();
  await desk.heading("Handoffs").waitFor();
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("an assistant gets its platform in the panel and is published; a platform above the plan cannot be chosen", async () => {
  const page = await newPage(set.browser);
  const desk = new Desk(page, set.server.base);
  await desk.goes("");
  await desk.signsIn();
  await desk.heading("Inbox").waitFor();
  await desk.opens("Assistants");
  await page.getByRole("link", { name: "Ada" }).click();
  await page.getByText("Not published yet").waitFor();
  await desk.node("External Handoff").click();
  const platform = desk.panel.getByRole("combobox", { name: "Platform" });
  assert.equal(await platform.inputValue(), "");
  const bitrix24 = platform.locator("option[value=bitrix24]");
  assert.equal(await bitrix24.evaluate((option) => option.disabled), true);
  assert.equal(await bitrix24.textContent(), "Bitrix24 (needs the Enterprise plan)");
  await desk.panel.getByText("Not available: Bitrix24 (needs the Enterprise plan)").waitFor();

  await platform.selectOption({ label: "Zendesk" });
  await desk.panel.getByRole("button", { name: "Save" }).click();
  await desk.notice.getByText("Saved", { exact: true }).waitFor();
  assert.equal(await platform.inputValue(), "zendesk");
  await page.reload();
  assert.equal(await platform.inputValue(), "zendesk");

  await page.getByRole("button", { name: "Publish" }).click();
  await desk.notice.getByText("Published as version 1").waitFor();
  await page.getByText("Version 1 published").waitFor();
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("the Inbox shows a conversation up to its handoff, and nothing that was said afterwards", async () => {
  const visitor = await newPage(set.browser);
  const widget = await Widget.open(visitor, set.server.base);
  const markup = "<b>canary-before-3301</b><script>window.hit=1</script>";
  await widget.until(HELLO);
  await widget.says(markup);
  await widget.until(answerTo(markup));
  await widget.says(WISH);
  await widget.until(ACCEPTED);
  await widget.says("canary-after-3302");
  const chat = await set.zendesk.untilChatWith("canary-after-3302");
  await set.zendesk.replies(chat, "canary-reply-3303");
  await widget.until("canary-reply-3303");

  const page = await newPage(set.browser);
  const desk = new Desk(page, set.server.base);
  await desk.goes("inbox");
  await desk.signsIn();
  const row = page.getByRole("main").getByRole("listitem").filter({ hasText: "Held by the platform" });
  await unseen(page, ["canary-after", "canary-reply"]);
  await row.getByRole("link").click();
  await page.getByText(BANNER).waitFor();
  await page.getByText(markup, { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => window.hit), undefined);
  await unseen(page, ["canary-after", "canary-reply"], "canary-before");
  const last = page.locator(".thread > li").last();
  assert.match(await last.innerText(), /^Transferred to Zendesk/, "nothing stands below the banner");

  await page.getByRole("link", { name: "Open the handoff" }).click();
  await desk.heading("Handoff to Zendesk").waitFor();
  await page.getByText("Accepted, chat open").waitFor();
  await unseen(page, ["canary-before", "canary-after", "canary-reply"]);
  assert.deepEqual([...page.troubles, ...visitor.troubles], []);
  await page.context().close();
  await visitor.context().close();
});

test("unsaved words are asked about before they are lost", async () => {
  const page = await newPage(set.browser);
  const desk = new Desk(page, set.server.base);
  await desk.goes("assistants/support");
  await desk.signsIn();
  await desk.node(HELLO).click();
  const text = desk.panel.getByRole("textbox", { name: "Text", exact: true });
  await text.fill("Words that nobody saved");
  const asked = page.waitForEvent("dialog");
  const leaving = desk.node("External Handoff").click({ noWaitAfter: true });
  const dialog = await asked;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.dismiss();
  await leaving;
  assert.equal(await text.inputValue(), "Words that nobody saved");
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("whoever signs out has to sign in again", async () => {
  const page = await newPage(set.browser);
  const desk = new Desk(page, set.server.base);
  await desk.goes("inbox");
  await desk.signsIn();
  await desk.heading("Inbox").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await desk.notice.getByText("You are signed out.").waitFor();
  await desk.goes("inbox");
  await desk.heading("Sign in").waitFor();
  await page.goBack();
  assert.equal(await page.getByRole("navigation", { name: "Console" }).count(), 0);
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

/** Expects that none of these words is anywhere in the page as it was sent; `seen` is in it. */
async function unseen(page, words, seen = "Sign out") {
  const source = await (await page.context().request.get(page.url())).text();
  assert.ok(source.includes(seen), `${seen} is not in ${page.url()}`);
  for (const word of words) assert.ok(!source.includes(word), `${word} is in ${page.url()}`);
}
