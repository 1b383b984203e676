import assert from "node:assert/strict";
import { test } from "node:test";
import { isPrivateAddress } from "./private-address.ts";

const PRIVATE = [
  "10.0.0.0",
  "10.255.255.255",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.0.1",
  "127.0.0.2",
  "::1",
  "fc00::1",
  "fdff::1",
  "::ffff:10.0.0.1",
];
const OTHERS = ["9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.167.0.1", "169.254.0.1", "8.8.8.8"];
const OTHERS_6 = ["::2", "fe80::1", "fb00::1", "fe00::1", "2001:db8::1", "::ffff:8.8.8.8", "", "name"];

test("private are RFC 1918, unique local and loopback, and nothing else", () => {
  assert.deepEqual(
    PRIVATE.filter((address) => !isPrivateAddress(address)),
    [],
  );
  assert.deepEqual([...OTHERS, ...OTHERS_6].filter(isPrivateAddress), []);
});
