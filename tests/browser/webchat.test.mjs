// A visitor in the webchat: with the assistant, on the way to live agents, with them, and back.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { ACCEPTED, ASKED, CLOSED, HELLO, PARCEL, WISH, answerTo } from "./support/assistant.mjs";
import { newPage } from "./support/browser.mjs";
import { picture } from "./support/looks.mjs";
import { stage } from "./support/stage.mjs";
import { Widget } from "./support/widget.mjs";
import { LIVE_AGENT } from "./support/zendesk.mjs";

const set = stage();

/** A small text, as a file to choose. */
const text = (name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(`the text ${name}`) });
/** A picture of the page, as a file to choose. */
const photo = async (page, name) => {
  const buffer = await page.screenshot({ clip: { x: 0, y: 0, width: 320, height: 200 } });
  return { name, mimeType: "image/png", buffer };
};

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
  // The browser is told to hand its file dialog over long before the key that opens it: the two take different ways.
  page.on("filechooser", () => {});
  const press = async (...names) => {
    for (const name of names) await keys.press(name);
    return widget.focused();
  };
  await widget.until(HELLO);
  await widget.attach.waitFor();
  assert.equal(await press("Tab"), "Messages");
  assert.equal(await press("Tab"), PARCEL);
  assert.equal(await press("Tab"), WISH);
  assert.equal(await press("Tab"), "Attach files");
  assert.equal(await press("Tab"), "Your message");
  assert.equal(await press("Tab"), "Send");
  assert.equal(await press("Shift+Tab", "Shift+Tab", "Shift+Tab"), WISH);
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
  assert.equal(await press("Shift+Tab", "Shift+Tab"), "form.txt");
  const [download] = await Promise.all([page.waitForEvent("download"), press("Enter")]);
  assert.equal(await readFile(await download.path(), "utf8"), "Fill in");

  assert.equal(await press("Tab"), "Attach files");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), press("Enter")]);
  await chooser.setFiles([text("one.txt"), text("two.txt")]);
  await widget.uploaded();
  assert.equal(await press("Shift+Tab"), "Remove two.txt");
  assert.equal(await press("Shift+Tab"), "Remove one.txt");
  assert.equal(await press("Space"), "Attach files", "whoever removed a file is not lost");
  await press("Tab");
  await keys.type("Done");
  await press("Tab", "Space");
  const done = await set.zendesk.untilChatWith("Done");
  assert.equal(await widget.focused(), "Your message");
  await set.zendesk.untilFile("two.txt");
  assert.ok(!JSON.stringify(done).includes("one.txt"));
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

test("files go along before and after a handoff, and those of live agents are shown", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base);
  await widget.until(HELLO);
  const parcel = await photo(page, "parcel.png");
  await widget.input.fill("This is my parcel");
  await widget.chooses(parcel, text("order.txt"));
  await widget.uploaded();
  assert.deepEqual(await widget.tray.locator(".name").allInnerTexts(), ["parcel.png", "order.txt"]);
  assert.equal(await widget.input.inputValue(), "This is my parcel");
  await picture(page, "webchat-tray");
  await page.getByRole("button", { name: "Send" }).click();
  await widget.until("This is my parcel");
  await widget.picture("person", "parcel.png").waitFor();
  assert.equal(await widget.tray.isVisible(), false);

  await widget.says(WISH);
  await widget.until(ACCEPTED);
  const chat = await set.zendesk.untilChatWith("This is my parcel");
  await set.zendesk.untilFile("parcel.png");
  await set.zendesk.untilFile("order.txt");
  await widget.gives("paste", { name: "bill.pdf", type: "application/pdf", bytes: [...Buffer.from("%PDF-1.7")] });
  await widget.uploaded();
  await page.getByRole("button", { name: "Send" }).click();
  await set.zendesk.untilFile("bill.pdf");
  await widget.gives("drop", { name: "stamp.png", type: "image/png", bytes: [...parcel.buffer] });
  await widget.uploaded();
  await widget.says("And the stamp");
  await set.zendesk.untilFile("stamp.png");
  await set.zendesk.untilChatWith("And the stamp");

  await set.zendesk.attaches(chat, "label.png", "image/png", parcel.buffer);
  await widget.picture("live_agent", "label.png").waitFor();
  await set.zendesk.attaches(chat, "false.png", "image/png", "no picture at all");
  await widget.linesOf("live_agent").getByRole("link", { name: "false.png" }).waitFor();
  await picture(page, "webchat-files");
  const before = await widget.thread();
  await page.reload();
  await widget.linesOf("person").getByRole("link", { name: "stamp.png" }).scrollIntoViewIfNeeded();
  await widget.picture("person", "stamp.png").waitFor();
  assert.deepEqual(await widget.thread(), before);
  assert.equal(await widget.picture("live_agent", "false.png").count(), 0);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    widget.linesOf("person").getByRole("link", { name: "parcel.png" }).click(),
  ]);
  assert.deepEqual(await readFile(await download.path()), parcel.buffer);
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("a file that is refused, or lost on its way, is named, and nothing that was typed is lost", async () => {
  const page = await newPage(set.browser);
  const widget = await Widget.open(page, set.server.base, "pictures");
  await widget.until(HELLO);
  await widget.input.fill("Half a sentence");
  const refused = async (words) => {
    await widget.refusal.filter({ hasText: words }).waitFor();
    assert.equal(await widget.input.inputValue(), "Half a sentence");
    assert.equal(await widget.tray.isVisible(), false, words);
  };
  await widget.attach.waitFor();
  await widget.gives("drop", { name: "film.png", type: "image/png", length: 51 * 1024 * 1024 });
  await refused("film.png is too large: a file may have 50 MB.");
  await widget.gives("paste", { name: "nothing.png", type: "image/png", length: 0 });
  await refused("nothing.png is empty.");
  await widget.chooses(text("notes.txt"));
  await refused("notes.txt is not taken: this chat takes image/* only.");

  const parcel = await photo(page, "parcel.png");
  await page.route("**/files?*", (route) => route.abort("connectionrefused"));
  await widget.chooses(parcel);
  await widget.refusal.filter({ hasText: "parcel.png is not uploaded. The connection was lost." }).waitFor();
  await page.getByRole("button", { name: "Send" }).click();
  await widget.refusal.filter({ hasText: "try again, or remove it" }).waitFor();
  assert.equal(await widget.input.inputValue(), "Half a sentence");
  await page.unroute("**/files?*");

  // Whoever presses Send while a file is on its way waits, and presses it once.
  let release;
  const released = new Promise((done) => { release = done; });
  await page.route("**/files?*", (route) => released.then(() => route.continue()));
  await page.getByRole("button", { name: "Try parcel.png again" }).click();
  await page.getByRole("button", { name: "Send" }).click();
  await widget.state.filter({ hasText: "as soon as the files are uploaded" }).waitFor();
  await widget.input.fill("Half a sentence, and the rest");
  release();
  await widget.until("Half a sentence, and the rest");
  await widget.picture("person", "parcel.png").waitFor();

  const many = Array.from({ length: 11 }, (_, place) => ({ name: `${place}.png`, type: "image/png", bytes: [place] }));
  await widget.gives("drop", ...many);
  await widget.refusal.filter({ hasText: "A message has at most 10 files. Send these first." }).waitFor();
  await widget.uploaded();
  assert.equal(await widget.tray.getByRole("listitem").count(), 10);
  await page.getByRole("button", { name: "Send" }).click();
  await widget.linesOf("person").getByRole("link", { name: "9.png" }).waitFor();
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("a chat that takes no files offers none", async () => {
  const page = await newPage(set.browser);
  const rules = page.waitForResponse("**/v1/webchat/words/files");
  const widget = await Widget.open(page, set.server.base, "words");
  await (await rules).finished();
  await widget.until(HELLO);
  await widget.gives("paste", { name: "parcel.png", type: "image/png", bytes: [1] });
  assert.equal(await widget.attach.isVisible(), false);
  assert.equal(await widget.tray.isVisible(), false);
  await page.context().close();
});
