import assert from "node:assert/strict";
import { test } from "node:test";
import { openDnsServer } from "../../../test/support/dns-server.ts";
import { systemClock } from "../../core/clock.ts";
import { createNodeResolver, type NodeResolverOptions } from "./node-resolver.ts";
import type { Answer } from "./resolver.ts";

const TWO = ["10.0.0.1", "10.0.0.2"];

function ask(name: string, options: NodeResolverOptions): Promise<Answer> {
  const resolver = createNodeResolver(systemClock, options);
  return new Promise((resolve) => void resolver.resolve(name, resolve));
}

test("the addresses are the operating system's, and hold as long as the shortest TTL of DNS says", async () => {
  await using dns = await openDnsServer();
  dns.records.set("tempo.test", [
    { address: "10.0.0.1", ttl: 7 },
    { address: "10.0.0.2", ttl: 5 },
    { address: "10.0.0.3", ttl: 1 },
  ]);
  const answer = await ask("tempo.test", { servers: [dns.address], lookup: async () => TWO });
  assert.deepEqual(answer, { kind: "found", addresses: TWO, ttlMs: 5_000 });
});

test("a line of the hosts file counts, whatever DNS says of the name, and has no TTL", async () => {
  await using dns = await openDnsServer();
  dns.records.set("tempo.test", [{ address: "10.9.9.9", ttl: 7 }]);
  const answer = await ask("tempo.test", { servers: [dns.address], lookup: async () => TWO });
  assert.deepEqual(answer, { kind: "found", addresses: TWO, ttlMs: undefined });
});

test("a name that DNS does not know has no TTL: a short one, or one of the hosts file", async () => {
  await using dns = await openDnsServer();
  const answer = await ask("collector", { servers: [dns.address], lookup: async () => TWO });
  assert.deepEqual(answer, { kind: "found", addresses: TWO, ttlMs: undefined });
});

test("what the operating system cannot find is a failure, with its reason", async () => {
  await using dns = await openDnsServer();
  dns.records.set("tempo.test", [{ address: "10.9.9.9", ttl: 7 }]);
  const lookup = (): Promise<never> => Promise.reject(new Error("getaddrinfo EAI_AGAIN tempo.test"));
  const answer = await ask("tempo.test", { servers: [dns.address], lookup });
  assert.equal(answer.kind, "failed");
  assert.match(answer.reason, /EAI_AGAIN/u);
});

test("the operating system finds localhost", async () => {
  await using dns = await openDnsServer();
  const answer = await ask("localhost", { servers: [dns.address] });
  assert.equal(answer.kind, "found");
});

test("two lookups at a time; one that was cancelled while it waited is not made", async () => {
  await using dns = await openDnsServer();
  const looking: string[] = [];
  const answers: (() => void)[] = [];
  const lookup = (name: string): Promise<readonly string[]> => {
    looking.push(name);
    return new Promise((resolve) => void answers.push(() => resolve(TWO)));
  };
  const resolver = createNodeResolver(systemClock, { servers: [dns.address], lookup });
  const ended = (name: string): Promise<string> => new Promise((end) => void resolver.resolve(name, () => end(name)));
  const first = ended("a");
  const second = ended("b");
  resolver.resolve("c", () => assert.fail("it was cancelled"))();
  const last = ended("d");
  assert.deepEqual(looking, ["a", "b"]);
  answers.shift()!();
  await first;
  answers.shift()!();
  await second;
  while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve));
  answers.shift()!();
  assert.equal(await last, "d");
  assert.deepEqual(looking, ["a", "b", "d"]);
});
