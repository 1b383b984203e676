import type { ConsulSettings } from "../../src/store/store.ts";
import { ConsulServer, freeConsulPorts } from "./consul-server.ts";

/** Three real Consul servers that make one. */
export class ConsulCluster implements AsyncDisposable {
  readonly members: readonly ConsulServer[];

  static async open(): Promise<ConsulCluster> {
    const ports = await Promise.all(Array.from({ length: 3 }, freeConsulPorts));
    const opened = await Promise.allSettled(
      ports.map((own, i) => {
        const others = ports.filter((other) => other !== own);
        return ConsulServer.open({ member: { name: `tests-${i}`, ports: own, others } });
      }),
    );
    const members = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const cluster = new ConsulCluster(members);
    const failed = opened.find((one) => one.status === "rejected");
    if (failed === undefined) return cluster;
    await cluster[Symbol.asyncDispose]();
    throw failed.reason;
  }

  private constructor(members: readonly ConsulServer[]) {
    this.members = members;
  }

  get settings(): ConsulSettings {
    return { kind: "consul", endpoints: this.members.map(({ url }) => url) };
  }

  /** The one that leads now. */
  async leader(): Promise<ConsulServer> {
    const address = await this.members[0]!.ask("GET", "status/leader");
    const leader = this.members.find(({ ports }) => address === `127.0.0.1:${ports.server}`);
    if (leader === undefined) throw new Error(`no member leads: ${String(address)}`);
    return leader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}
