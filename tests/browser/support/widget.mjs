// The chat as a visitor sees and uses it.

import assert from "node:assert/strict";

/** The widget on a page. */
export class Widget {
  page;

  constructor(page) {
    this.page = page;
  }

  /** Opens the chat's own page. */
  static async open(page, base) {
    await page.goto(`${base}/webchat/web`);
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
