import assert from "node:assert/strict";
import { test } from "node:test";
import { dialable } from "./dialable.ts";

const HOSTS = (): readonly string[] => ["10.1.2.3", "fd00::1"];
const CASES: { name: string; address: string; advertised?: string; hosts?: () => readonly string[]; want: string }[] = [
  { name: "an address stays", address: "10.0.0.1:4317", want: "10.0.0.1:4317" },
  { name: "loopback stays", address: "127.0.0.1:4317", want: "127.0.0.1:4317" },
  { name: "all addresses are the first that others reach", address: "0.0.0.0:4317", want: "10.1.2.3:4317" },
  { name: "or the name that is advertised", address: "[::]:4317", advertised: "gw-1:4321", want: "gw-1:4317" },
  { name: "an IPv6 address gets its brackets", address: "[::]:1", hosts: () => ["fd00::1"], want: "[fd00::1]:1" },
  { name: "a machine without others is there for itself", address: "0.0.0.0:1", hosts: () => [], want: "127.0.0.1:1" },
];
for (const { name, address, advertised, hosts = HOSTS, want } of CASES) {
  test(`where others dial a listener: ${name}`, () => {
    assert.deepEqual(dialable({ otlpGrpc: address }, advertised, hosts), { otlpGrpc: want });
  });
}
