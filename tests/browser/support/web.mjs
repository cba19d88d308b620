// Asks servers for JSON.

/** Asks, or posts a body, and expects JSON and success. */
export async function ask(address, body) {
  const headers = { Connection: "close", "Content-Type": "application/json" };
  const posted = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(address, { headers, ...posted });
  const text = await response.text();
  if (!response.ok) throw new Error(`${address} was answered ${response.status}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}
