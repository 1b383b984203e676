import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { openConsulLeases } from "../../../src/store/consul/consul-leases.ts";
import { FACTS } from "../../../src/store/consul/facts.ts";
import { openConsul } from "../../../src/store/consul/open-consul.ts";
import type { ConsulSettings, StoreOptions } from "../../../src/store/store.ts";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { ConsulServer } from "../../support/consul-server.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { type ContractPart, SILENT_OBSERVER, storeContract, type StoreFixture } from "../contract.ts";

/** Why nothing can be tested against a real Consul; undefined when it can. */
export const CONSUL_ABSENCE = findProgram("consul") === undefined ? absenceOf("consul") : undefined;

export const STORE_OPTIONS: StoreOptions = { clock: systemClock, random: seededRandom(1), observer: SILENT_OBSERVER };

/** The contract suite on a Consul of its own. */
export function consulContract(name: string, parts: readonly ContractPart[]): void {
  storeContract(name, {
    facts: FACTS,
    parts,
    ...(CONSUL_ABSENCE !== undefined && { skip: CONSUL_ABSENCE }),
    open: openFixture,
  });
}

async function openFixture(): Promise<StoreFixture> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await ConsulServer.open());
  const proxy = stack.use(await FaultProxy.open(server.port));
  const proxied: ConsulSettings = { kind: "consul", endpoints: [`http://127.0.0.1:${proxy.port}`] };
  const owned = stack.move();
  return {
    openStore: (options) => openConsul(server.settings, options),
    openLeases: (options) => openConsulLeases(server.settings, options),
    openSilenced: (options) => ({ store: openConsul(proxied, options), leases: openConsulLeases(proxied, options) }),
    answersAlways: [],
    async openNetwork() {
      const way = await FaultProxy.open(server.port);
      const settings: ConsulSettings = { kind: "consul", endpoints: [`http://127.0.0.1:${way.port}`] };
      return {
        proxy: way,
        openStore: (options) => openConsul(settings, options),
        [Symbol.asyncDispose]: () => way[Symbol.asyncDispose](),
      };
    },
    async silence() {
      proxy.mode = "hold";
      return {
        async [Symbol.asyncDispose]() {
          proxy.mode = "pass";
        },
      };
    },
    wipe: () => server.wipe(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
