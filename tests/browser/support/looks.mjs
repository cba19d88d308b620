// The ways in which a page is looked at: wide and narrow, light and dark.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Every look: a width and a colour scheme. */
export const LOOKS = [
  { name: "wide-light", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "wide-dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  { name: "narrow-light", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { name: "narrow-dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
];

/** Gives a page a look. */
export async function wear(page, { viewport, colorScheme }) {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
}

/** Keeps a picture of a page, where `HANDOFF_PICTURES` names a folder for them. */
export async function picture(page, name) {
  const folder = process.env.HANDOFF_PICTURES;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
