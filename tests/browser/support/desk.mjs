// The console as somebody on the team sees and uses it.

import { ADMIN } from "./server.mjs";

/** The console in a page. */
export class Desk {
  page;
  #base;

  constructor(page, base) {
    this.page = page;
    this.#base = base;
  }

  /** Goes to a page of the console. */
  async goes(path) {
    await this.page.goto(`${this.#base}/console/${path}`);
  }

  /** Fills in the sign-in form. */
  async signsIn(password = ADMIN.password) {
    await this.page.getByLabel("Name").fill(ADMIN.name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  /** A page of the console, by its name in the navigation. */
  async opens(name) {
    await this.page.getByRole("navigation", { name: "Console" }).getByRole("link", { name }).click();
    await this.heading(name).waitFor();
  }

  heading(name) {
    return this.page.getByRole("heading", { level: 1, name });
  }

  /** Nodes of an assistant's tree whose label holds these words. */
  node(words) {
    return this.page.getByRole("region", { name: "Triggers and actions" }).getByRole("link", { name: words });
  }

  /** The panel of the selected node. */
  get panel() {
    return this.page.locator("#panel");
  }

  get notice() {
    return this.page.getByRole("status");
  }
}
