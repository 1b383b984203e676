import { type IncomingMessage, request } from "node:http";
import { duplexPair } from "node:stream";

/** What was read of a reply that came whole. */
export interface WholeReply {
  readonly status: number;
  /** Names in lower case, and all values of each. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/**
 * The reply that node:http reads of what a peer says, in pieces, before it ends; undefined: none.
 */
export async function readByNode(pieces: readonly Buffer[]): Promise<WholeReply | undefined> {
  const [client, peer] = duplexPair();
  const asked = request({ method: "POST", path: "/", createConnection: () => client, maxHeaderSize: 16_384 });
  let reply: IncomingMessage | undefined;
  const chunks: Buffer[] = [];
  asked.on("error", () => undefined);
  asked.on("response", (response) => {
    reply = response;
    response.on("data", (chunk: Buffer) => void chunks.push(chunk));
    response.on("error", () => undefined);
  });
  const closed = new Promise<void>((resolve) => void asked.once("close", resolve));
  asked.end();
  peer.on("error", () => undefined);
  peer.resume();
  for (const piece of pieces) peer.write(piece);
  peer.end();
  await closed;
  client.destroy();
  if (reply?.complete !== true) return undefined;
  return {
    status: reply.statusCode ?? 0,
    headers: grouped(reply.rawHeaders),
    body: Buffer.concat(chunks).toString("latin1"),
  };
}

function grouped(raw: readonly string[]): WholeReply["headers"] {
  const all: Record<string, string[]> = Object.create(null);
  for (let i = 0; i + 1 < raw.length; i += 2) (all[raw[i]!.toLowerCase()] ??= []).push(raw[i + 1]!);
  return all;
}
