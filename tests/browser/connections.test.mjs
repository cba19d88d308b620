// An administrator connects an account: fills in the form, reads what is missing, sets it up, signs in at the platform.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newPage } from "./support/browser.mjs";
import { Desk } from "./support/desk.mjs";
import { stage } from "./support/stage.mjs";

const set = stage();
const SECRET = "sim-app-key-secret";

test("an account is connected by its form, checked, set up, signed in for, and removed", async () => {
  const page = await newPage(set.browser);
  const desk = new Desk(page, set.server.base);
  await desk.goes("connections");
  await desk.signsIn();
  await desk.heading("Connections").waitFor();
  await page.getByLabel("Platform").selectOption({ label: "Zendesk" });
  await page.getByRole("button", { name: "Go on" }).click();
  await desk.heading("Connect Zendesk").waitFor();

  // What is wrong stands at its field, and what was typed stays.
  await page.getByLabel("Address of the Conversations API").fill(`${set.zendesk.base}/sc`);
  await page.getByLabel("Key id").fill("app_67a0ecf8f0305f4a391e9d01");
  await page.getByLabel("API key secret").fill(SECRET);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.locator("[aria-invalid=true]").count(), 1);
  assert.equal(await page.getByLabel("App id").getAttribute("aria-invalid"), "true");
  assert.equal(await page.getByLabel("API key secret").inputValue(), SECRET);
  await page.getByLabel("App id").fill("67a0ecf8f0305f4a391e9d00");
  await page.getByText("More settings").click();
  await page.getByLabel("Name of our integration").fill("fresh");
  await page.getByLabel("OAuth client").first().fill("sim-oauth-client");
  await page.getByLabel("How the OAuth client signs in").selectOption("authorization_code");
  await page.getByLabel("Support API secret").fill("sim-oauth-secret");
  await page.getByRole("button", { name: "Connect" }).click();
  await desk.notice.getByText("The connection is added").waitFor();
  assert.equal(await page.getByLabel("API key secret").inputValue(), "", "a stored secret is never shown");
  assert.ok(!(await page.content()).includes(SECRET));
  assert.equal(await page.getByLabel("Webhook address").inputValue(), `${set.server.base}/webhooks/zendesk-2`);

  const findings = page.getByRole("region", { name: "What Zendesk says" });
  await page.getByRole("button", { name: "Check the account" }).click();
  await findings.getByText("The switchboard has no integration fresh").waitFor();
  await findings.getByText("nobody has signed in yet").waitFor();
  await page.getByRole("button", { name: "Set it up there" }).click();
  await desk.notice.getByText("The account is set up").waitFor();
  await page.getByRole("button", { name: "Sign in at Zendesk" }).click();
  await page.getByRole("link", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("The platform did not allow it").waitFor();
  await desk.goes("connections/zendesk-2");
  await page.getByRole("button", { name: "Sign in at Zendesk" }).click();
  await page.getByRole("link", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Allow" }).click();
  await desk.notice.getByText("Allowed").waitFor();
  await page.getByRole("button", { name: "Check the account" }).click();
  await findings.getByText("The account is set up").waitFor();

  // Twenty calls on a token that has ended renew it once: the refresh token can be spent once.
  const csrf = await page.locator("input[name=csrf]").first().getAttribute("value");
  const asked = await set.zendesk.tokensAsked();
  await set.zendesk.expireTokens();
  const check = () =>
    page.context().request.post(`${set.server.base}/console/connections/zendesk-2/check`, {
      form: { csrf },
      headers: { origin: set.server.base },
    });
  const answers = await Promise.all(Array.from({ length: 20 }, check));
  for (const answer of answers) assert.ok((await answer.text()).includes("The account is set up"), "a check failed");
  assert.equal(await set.zendesk.tokensAsked(), asked + 1);

  // A code that was not asked for here counts for nobody.
  await desk.goes("authorised?code=abc&state=abc");
  await page.getByText("does not belong to a sign-in that was begun here").waitFor();
  await desk.goes("connections/zendesk-2");
  await page.getByRole("button", { name: "Remove the connection" }).click();
  await desk.notice.getByText("The connection is removed").waitFor();
  await page.context().close();
});
