import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { createAuthority } from "../../../test/support/certs.ts";
import { RouterError } from "../../core/errors.ts";
import type { ConsulSettings } from "../store.ts";
import { originsOf } from "./consul-settings.ts";

const authority = await createAuthority();
const [client, other] = [await authority.client(), await authority.client()];

function settings(more: Partial<ConsulSettings>): ConsulSettings {
  return { kind: "consul", endpoints: ["https://a:8501"], ...more };
}

test("consul's settings: endpoints, certificates and a token", () => {
  const endpoints = ["http://127.0.0.1:8500", "https://consul.example/", "http://[::1]:8500"];
  const tls = { ca: `${authority.ca}\n${authority.ca}`, ...client };
  const want = ["http://127.0.0.1:8500", "https://consul.example", "http://[::1]:8500"];
  assert.deepEqual(originsOf(settings({ endpoints, tls, token: "b1gs33cr3t" })), want);
  assert.deepEqual(originsOf(settings({ tls: {} })), ["https://a:8501"]);
});

const REFUSED: readonly (readonly [string, Partial<ConsulSettings>, RegExp])[] = [
  ["no endpoint", { endpoints: [] }, /no endpoint/u],
  ["no scheme", { endpoints: ["127.0.0.1:8500"] }, /"127\.0\.0\.1:8500" is no endpoint/u],
  ["another scheme", { endpoints: ["tcp://127.0.0.1:8500"] }, /is no endpoint/u],
  ["a password in the endpoint", { endpoints: ["http://me:b1gs33cr3t@a:8500"] }, /is no endpoint/u],
  ["half a password", { endpoints: ["http://me:b1g/s33cr3t@a:8500"] }, /"http:\/\/\.\.\.@a:8500" is no endpoint/u],
  ["a token of two lines", { token: "b1gs33cr3t\n" }, /the token has characters/u],
  ["no PEM as authority", { tls: { ca: "x" } }, /the certificates/u],
  ["no PEM as certificate", { tls: { cert: "x", key: client.key } }, /the certificates/u],
  ["the key of another certificate", { tls: { cert: client.cert, key: other.key } }, /the certificates/u],
];
for (const [name, more, message] of REFUSED) {
  test(`consul's settings: ${name} is refused, with what to write, and no secret is shown`, () => {
    assert.throws(
      () => originsOf(settings(more)),
      (cause) => {
        assert.ok(cause instanceof RouterError && cause.code === "STORE_REFUSED", String(cause));
        assert.match(cause.message, message);
        assert.ok(!inspect(cause).includes("b1gs33cr3t"));
        return cause.hint?.includes("coordination.") === true;
      },
    );
  });
}
