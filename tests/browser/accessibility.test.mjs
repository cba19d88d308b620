// Every page is checked by axe, wide and narrow, light and dark: nothing serious, nothing cut off.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AxeBuilder } from "@axe-core/playwright";

import { ACCEPTED, HELLO, PARCEL, WISH } from "./support/assistant.mjs";
import { newPage } from "./support/browser.mjs";
import { Desk } from "./support/desk.mjs";
import { LOOKS, picture, wear } from "./support/looks.mjs";
import { stage } from "./support/stage.mjs";
import { Widget } from "./support/widget.mjs";

const GRAVE = ["serious", "critical"];
const set = stage({
  finish: async (set) => {
    set.visitor = await newPage(set.browser);
    set.page = await newPage(set.browser);
    set.desk = new Desk(set.page, set.server.base);
  },
});

test("the webchat with suggestions, with a live agent and a file, and with a trouble", async () => {
  const widget = await Widget.open(set.visitor, set.server.base);
  await widget.until(HELLO);
  await widget.says(PARCEL);
  await widget.suggestions.filter({ hasText: WISH }).waitFor();
  await check(set.visitor, "webchat-suggestions");
  await widget.says(WISH);
  await widget.until(ACCEPTED);
  const chat = await set.zendesk.untilChatWith(PARCEL);
  await set.zendesk.replies(chat, "Good morning, I look for it.\nIt may take a minute.");
  await set.zendesk.attaches(chat, "receipt.txt", "text/plain", "Paid: 12.50");
  await widget.log.getByRole("link", { name: "receipt.txt" }).waitFor();
  await check(set.visitor, "webchat-live-agent");
  const photo = await set.visitor.screenshot({ clip: { x: 0, y: 0, width: 320, height: 200 } });
  await widget.chooses({ name: "parcel.png", mimeType: "image/png", buffer: photo });
  await widget.uploaded();
  await widget.says("My parcel");
  await widget.picture("person", "parcel.png").waitFor();
  await set.visitor.route("**/files?*", (route) => route.abort("connectionrefused"));
  const long = "a-very-long-name-of-a-picture-that-somebody-gave-it-without-thinking-of-chats.png";
  await widget.chooses({ name: long, mimeType: "image/png", buffer: photo });
  await widget.refusal.filter({ hasText: "The connection was lost." }).waitFor();
  await check(set.visitor, "webchat-files");
  await set.visitor.getByRole("button", { name: `Remove ${long}` }).click();
  await set.visitor.route("**/messages", (route) => route.abort("connectionrefused"));
  await widget.says("Can you hear me?");
  await widget.state.filter({ hasText: "Trying again" }).waitFor();
  await check(set.visitor, "webchat-trouble");
});

test("the webchat on a page of somebody else", async () => {
  const page = await newPage(set.browser);
  const script = '<script src="/webchat/widget.js" data-channel="web" data-title="Ask us" defer></script>';
  const head = '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">';
  const shop = `<!doctype html><html lang="en"><head>${head}<title>Shop</title></head><main><h1>Shop</h1></main>${script}</html>`;
  await page.route("**/shop", (route) => route.fulfill({ contentType: "text/html", body: shop }));
  await page.goto(`${set.server.base}/shop`);
  await page.getByRole("button", { name: "Chat" }).click();
  await new Widget(page).until(HELLO);
  await check(page, "webchat-launcher");
});

test("signing in, and being refused", async () => {
  await set.desk.goes("");
  await check(set.page, "sign-in");
  await set.desk.signsIn("not the password");
  await set.page.getByRole("alert").waitFor();
  await check(set.page, "sign-in-refused");
  await set.desk.signsIn();
});

test("the Inbox and a thread that was transferred", async () => {
  await set.desk.opens("Inbox");
  await check(set.page, "inbox");
  await set.page.getByRole("link", { name: /Held by the platform/ }).click();
  await set.page.getByText(/^Transferred to Zendesk/).waitFor();
  await check(set.page, "thread");
});

test("handoffs and their receipts", async () => {
  await set.desk.opens("Handoffs");
  await check(set.page, "handoffs");
  await set.page.getByRole("cell").getByRole("link").first().click();
  await set.desk.heading("Handoff to Zendesk").waitFor();
  await check(set.page, "receipt");
});

test("assistants, and a tree with a panel", async () => {
  await set.desk.opens("Assistants");
  await check(set.page, "assistants");
  await set.page.getByRole("link", { name: "Ada" }).click();
  await check(set.page, "assistant");
  await set.desk.node("External Handoff").click();
  await set.desk.panel.getByText("Advanced").click();
  await check(set.page, "panel-handoff");
  await set.desk.panel.getByLabel("Seconds for which attempts go on").fill("soon");
  await set.desk.panel.getByRole("button", { name: "Save" }).click();
  await set.page.locator("[aria-invalid=true]").waitFor();
  await check(set.page, "panel-refused");
  set.page.once("dialog", (dialog) => dialog.accept());
  await set.desk.node("If").first().click();
  await set.desk.panel.getByText("Condition 1").waitFor();
  await check(set.page, "panel-branches");
});

test("connections, a form, what is wrong with it, and what the platform says", async () => {
  await set.desk.opens("Connections");
  await check(set.page, "connections");
  await set.page.getByLabel("Platform").selectOption({ label: "Bitrix24" });
  await set.page.getByRole("button", { name: "Go on" }).click();
  await set.desk.heading("Connect Bitrix24").waitFor();
  await check(set.page, "connection-bitrix24");
  await set.desk.opens("Connections");
  await set.page.getByLabel("Platform").selectOption({ label: "Zendesk" });
  await set.page.getByRole("button", { name: "Go on" }).click();
  await set.desk.heading("Connect Zendesk").waitFor();
  await check(set.page, "connection-new");
  await set.page.getByLabel("Address of the Conversations API").fill(`${set.zendesk.base}/sc`);
  await set.page.getByLabel("Key id").fill("app_67a0ecf8f0305f4a391e9d01");
  await set.page.getByRole("button", { name: "Connect" }).click();
  await set.page.getByRole("alert").waitFor();
  await check(set.page, "connection-refused");
  await set.page.getByLabel("App id").fill("67a0ecf8f0305f4a391e9d00");
  await set.page.getByLabel("API key secret").fill("sim-app-key-secret");
  await set.page.getByText("More settings").click();
  await set.page.getByLabel("Name of our integration").fill("fresh");
  await set.page.getByRole("button", { name: "Connect" }).click();
  await set.desk.notice.waitFor();
  await check(set.page, "connection");
  await set.page.getByRole("button", { name: "Check the account" }).click();
  await set.page.getByRole("region", { name: "What Zendesk says" }).waitFor();
  await check(set.page, "connection-findings");
  await set.page.getByRole("button", { name: "Set it up there" }).click();
  await set.desk.notice.getByText("set up").waitFor();
  await check(set.page, "connection-set-up");
  await set.desk.goes("connections/zendesk");
  await check(set.page, "connection-in-file");
});

test("connectors", async () => {
  await set.desk.opens("Connectors");
  await check(set.page, "connectors");
});

/** Looks at a page in every way: no serious violation, and nothing sticks out sideways. */
async function check(page, name) {
  assert.deepEqual(page.troubles, [], name);
  for (const look of LOOKS) {
    await wear(page, look);
    await picture(page, `${name}-${look.name}`);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const grave = violations.filter((violation) => GRAVE.includes(violation.impact));
    const told = grave.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html} ${node.failureSummary}`));
    assert.deepEqual(told, [], `${name}, ${look.name}`);
    const surplus = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(surplus <= 0, `${name} is ${surplus} pixels wider than the window, ${look.name}`);
  }
  // Both axe and pictures put styles into the page, which its security policy refuses: that is not its fault.
  page.troubles.length = 0;
}
