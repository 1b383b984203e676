import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { storeError } from "./fault.ts";

const closed = [
  { endpoint: "http://127.0.0.1:2379", want: /if so, write https:/u },
  { endpoint: "https://127.0.0.1:2379", want: /if not, write http:/u },
] as const;
for (const { endpoint, want } of closed) {
  test(`a connection that is closed hints at the other scheme: ${endpoint}`, () => {
    for (const details of ["read ECONNRESET", "socket hang up", "Failed to connect"]) {
      const error = storeError([{ endpoint, code: status.UNAVAILABLE, details, wasSent: false }]);
      assert.match(error.hint ?? "", want);
    }
  });
}
