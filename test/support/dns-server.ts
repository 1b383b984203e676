import assert from "node:assert/strict";
import { createSocket } from "node:dgram";

/** A record that the server has: seconds, and an IPv4 address. */
export interface DnsRecord {
  readonly address: string;
  readonly ttl: number;
}

/**
 * A DNS server on UDP that knows only A records. Names it does not have do not exist (NXDOMAIN).
 */
export interface DnsServer extends AsyncDisposable {
  /** For `setServers`. */
  readonly address: string;
  readonly records: Map<string, readonly DnsRecord[]>;
}

const A = 1;
const HEADER_BYTES = 12;

export async function openDnsServer(): Promise<DnsServer> {
  const records = new Map<string, readonly DnsRecord[]>();
  const socket = createSocket("udp4");
  socket.on("message", (query, peer) => socket.send(answerTo(query, records), peer.port, peer.address));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

/**
 * RFC 1035: the header, the question again, and the records, each with a pointer to the question's
 * name.
 */
function answerTo(query: Buffer, all: ReadonlyMap<string, readonly DnsRecord[]>): Buffer {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(HEADER_BYTES, at + 5);
  const known = all.get(labels.join("."));
  const answers = type === A ? (known ?? []) : [];
  const header = Buffer.from(query.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(known === undefined ? 0x81_83 : 0x81_80, 2);
  header.writeUInt16BE(answers.length, 6);
  header.fill(0, 8);
  return Buffer.concat([header, question, ...answers.map(recordOf)]);
}

function recordOf({ address, ttl }: DnsRecord): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc0_0c, 0);
  record.writeUInt16BE(A, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttl, 6);
  record.writeUInt16BE(4, 10);
  const bytes = address.split(".").map(Number);
  assert.equal(bytes.length, 4);
  record.set(bytes, 12);
  return record;
}
