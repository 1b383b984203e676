import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { test } from "node:test";
import { callApi } from "../admin/api-client.ts";
import { Scene } from "./scene.ts";

const CONFIG = `
node: { listen: { admin: { address: "127.0.0.1:0" } } }
targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]
`;

interface Listed {
  readonly last: number;
  readonly events: readonly { id: number; msg: string }[];
}

/** Opens a stream of events, and reads it as text. */
async function stream(
  address: string | undefined,
  headers: Record<string, string> = {},
  query = "",
): Promise<IncomingMessage> {
  const call = request(`http://${address}/api/v1/events${query}`, {
    agent: false,
    headers: { accept: "text/event-stream", ...headers },
  });
  call.on("error", () => {}); // it is cut off at the end
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  response.setEncoding("utf8").on("error", () => {});
  return response;
}

async function until(response: IncomingMessage, wanted: RegExp): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (wanted.test(text)) return text;
  }
  return text;
}

test("events: what the log said is told as a list, and from an event on", async () => {
  await using scene = new Scene();
  const { addresses } = await scene.start(CONFIG);
  const all = (await callApi(addresses.admin, "/api/v1/events")).json() as unknown as Listed;
  assert.ok(all.events.some(({ msg }) => msg === "signalbox listens"));
  assert.equal(all.last, all.events.at(-1)?.id);
  const rest = (await callApi(addresses.admin, `/api/v1/events?after=${all.last}`)).json();
  assert.deepEqual(rest, { last: all.last, events: [] });
  assert.equal((await callApi(addresses.admin, "/api/v1/events?after=-1")).status, 400);
});

test("events: a stream begins with what was said, goes on with what is said, and can be taken up again", async () => {
  await using scene = new Scene();
  const { addresses } = await scene.start(CONFIG);
  const first = await stream(addresses.admin);
  assert.match(first.headers["content-type"] ?? "", /^text\/event-stream/u);
  const reading = until(first, /config applied/u);
  scene.write(`${CONFIG}unmatched: drop\n`);
  const text = await reading;
  assert.match(text, /^retry: 1000\n\nid: 1\ndata: \{"time":[^]*"signalbox listens"[^]*"config applied"/u);
  const ids = [...text.matchAll(/^id: (\d+)$/gmu)].map((match) => Number(match[1]));
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  const again = await stream(addresses.admin, { "last-event-id": String(ids.at(-1)! - 1) });
  const more = await until(again, /^id: /mu);
  assert.match(more, new RegExp(`^retry: 1000\\n\\nid: ${ids.at(-1)}\\n`, "u"));
  for (const one of [first, again]) one.destroy();
});

test("events: those of a kind alone, as a list and as a stream; a kind that there is not is refused", async () => {
  await using scene = new Scene();
  const store = 'coordination: { type: consul, endpoints: ["http://127.0.0.1:1"] }, fleet: { bootstrap: true }';
  const { addresses } = await scene.start(CONFIG.replace("node: {", `node: { ${store},`));
  await callApi(addresses.admin, "/api/v1/locks");
  const read = async (query: string): Promise<Listed> =>
    (await callApi(addresses.admin, `/api/v1/events${query}`)).json() as unknown as Listed;
  const all = await read("");
  const some = await read("?kind=store,election");
  assert.ok(some.events.length > 0 && some.events.length < all.events.length);
  const kinds = some.events.map((event) => ("kind" in event ? event.kind : undefined));
  assert.ok(kinds.includes("store") && kinds.every((kind) => kind === "store" || kind === "election"), kinds.join());
  const stored = await read("?kind=store&kind=store");
  assert.ok(stored.events.length > 0 && stored.events.every((event) => "kind" in event && event.kind === "store"));
  const reading = await stream(addresses.admin, {}, "?kind=store");
  assert.match(await until(reading, /^id: /mu), /^retry: 1000\n\nid: \d+\ndata: [^\n]*"kind":"store"/u);
  reading.destroy();
  const refused = await callApi(addresses.admin, "/api/v1/events?kind=weather");
  assert.equal(refused.status, 400);
  assert.match(refused.text, /kind is one of election, member, config, rollout, degradation, sampling, store/u);
});

test("events: streams are bounded, one that ends makes room, and none holds up the end of the node", async () => {
  await using scene = new Scene();
  const { addresses } = await scene.start(CONFIG);
  const open = [];
  for (let i = 0; i < 16; i++) open.push(await stream(addresses.admin));
  const refused = await stream(addresses.admin);
  assert.deepEqual([refused.statusCode, refused.headers["retry-after"]], [429, "10"]);
  open[0]!.destroy();
  let status = 429;
  while (status === 429) status = (await stream(addresses.admin)).statusCode ?? 0;
  assert.equal(status, 200);
});
