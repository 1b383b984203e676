import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../core/clock.ts";
import { seededRandom } from "../../core/random.ts";
import { Secret } from "../../core/secret.ts";
import { openHttp2Link } from "./http2-link.ts";

const TOKEN = new Secret("t");
const OPTIONS = { token: () => TOKEN, tls: {}, clock: systemClock, random: seededRandom(1) };

const cases = [
  { address: "", tls: false, says: /is no address/u },
  { address: "", tls: true, says: /is no address/u },
  { address: "somewhere", tls: false, says: /is no address/u },
  { address: "192.0.2.1:4321", tls: false, says: /without TLS/u },
  { address: "controller.example:4321", tls: false, says: /without TLS/u },
] as const;
for (const { says, ...controller } of cases) {
  test(`a controller at "${controller.address}"${controller.tls ? " with TLS" : ""} is not dialled, and nobody fails over it`, async () => {
    await using link = openHttp2Link({ id: "c", ...controller }, OPTIONS);
    const asked = { signal: new AbortController().signal, timeoutMs: 60_000 };
    const outcome = await link.call("goodbye", { protocol: 1, id: "n", incarnation: "one" }, asked);
    assert.ok(outcome.kind === "unreachable");
    assert.match(outcome.reason, says);
  });
}
