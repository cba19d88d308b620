// The chat as a visitor sees and uses it.

import assert from "node:assert/strict";

/** The widget on a page. */
export class Widget {
  page;

  constructor(page) {
    this.page = page;
  }

  /** Opens the chat's own page. */
  static async open(page, base, channel = "web") {
    await page.goto(`${base}/webchat/${channel}`);
    const widget = new Widget(page);
    await widget.input.waitFor();
    return widget;
  }

  get input() {
    return this.page.getByRole("textbox", { name: "Your message" });
  }

  get log() {
    return this.page.getByRole("log", { name: "Messages" });
  }

  get state() {
    return this.page.getByRole("status");
  }

  get suggestions() {
    return this.page.getByRole("group", { name: "Suggested answers" }).getByRole("button");
  }

  /** The button for files. */
  get attach() {
    return this.page.getByRole("button", { name: "Attach files" });
  }

  /** Files that are chosen and not sent. */
  get tray() {
    return this.page.getByRole("list", { name: "Files to send" });
  }

  /** Why a file is not taken. */
  get refusal() {
    return this.page.getByRole("alert");
  }

  /** Lines of one author: `person`, `assistant`, `notice` or `live_agent`. */
  linesOf(author) {
    return this.log.locator(`.said.${author}`);
  }

  /** The lines with exactly this text. */
  lines(text) {
    return this.log.locator(".said").filter({ has: this.page.locator(".text").getByText(text, { exact: true }) });
  }

  /** Types and sends. */
  async says(text) {
    await this.input.fill(text);
    await this.page.getByRole("button", { name: "Send" }).click();
  }

  /** Chooses files by the button: each with `name`, `mimeType` and `buffer`. */
  async chooses(...files) {
    const [chooser] = await Promise.all([this.page.waitForEvent("filechooser"), this.attach.click()]);
    await chooser.setFiles(files);
  }

  /** Drops files on the chat, or pastes them into the message: each with `name`, `type`, and its `bytes` or `length`. */
  async gives(way, ...files) {
    await this.input.evaluate((input, { way, files }) => {
      const data = new DataTransfer();
      files.forEach(({ name, type, bytes, length }) => {
        const content = new Uint8Array(bytes ?? length);
        data.items.add(new File([content], name, { type }));
      });
      const shared = { bubbles: true, cancelable: true };
      const event = way === "drop"
        ? new DragEvent("drop", { ...shared, dataTransfer: data })
        : new ClipboardEvent("paste", { ...shared, clipboardData: data });
      input.dispatchEvent(event);
    }, { way, files });
  }

  /** Waits until the chosen files are uploaded. */
  async uploaded() {
    await this.tray.waitFor();
    await this.page.waitForFunction(() => {
      const shadow = [...document.querySelectorAll("*")].find((element) => element.shadowRoot)?.shadowRoot;
      return [...shadow.querySelectorAll(".tray progress")].every((progress) => progress.hidden);
    });
  }

  /** The picture that a line shows above the name of its file. */
  picture(author, name) {
    return this.linesOf(author).getByRole("link", { name, exact: true }).locator("canvas");
  }

  /** Waits until a line with exactly this text is there. */
  async until(text) {
    await this.lines(text).last().waitFor();
  }

  /** Waits until as many lines hold exactly this text; more than that is an error at once. */
  async untilTimes(text, times) {
    await this.lines(text).nth(times - 1).waitFor();
    assert.equal(await this.lines(text).count(), times, text);
  }

  /** Who said what, from the top, with the names of files. */
  async thread() {
    return this.log.locator(".said").allInnerTexts();
  }

  /** What has the focus inside of the chat: its accessible name, or its text. */
  async focused() {
    return this.page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element?.getAttribute("aria-label") ?? element?.labels?.[0]?.textContent ?? element?.textContent;
    });
  }
}
