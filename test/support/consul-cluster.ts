import type { ConsulSettings } from "../../src/store/store.ts";
import { type ConsulPorts, ConsulServer, freeConsulPorts } from "./consul-server.ts";

/** Three real Consul servers that make one. */
export class ConsulCluster implements AsyncDisposable {
  readonly members: readonly ConsulServer[];

  static async open(): Promise<ConsulCluster> {
    const ports = await Promise.all(Array.from({ length: 3 }, freeConsulPorts));
    return ConsulCluster.at(ports);
  }

  /** With the ports that each member has to use; fails when one of the members cannot start. */
  static async at(ports: readonly ConsulPorts[]): Promise<ConsulCluster> {
    const members = ports.map(
      (own, i) =>
        new ConsulServer(own, {
          member: { name: `tests-${i}`, ports: own, others: ports.filter((other) => other !== own) },
        }),
    );
    const cluster = new ConsulCluster(members);
    try {
      await Promise.all(members.map((member) => member.start()));
      return cluster;
    } catch (cause) {
      // Those that did start wait for the others, and would do so for ever.
      await cluster[Symbol.asyncDispose]();
      throw cause;
    }
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
