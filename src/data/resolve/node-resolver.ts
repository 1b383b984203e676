import { promises as dns, type LookupAddress } from "node:dns";
import type { Cancel, Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Answer, Resolver } from "./resolver.ts";

export interface NodeResolverOptions {
  /** The addresses as the operating system finds them: hosts file, search domains, DNS. */
  readonly lookup?: (name: string) => Promise<readonly string[]>;
  /** DNS servers to ask for TTLs, `address:port`; without them those of the operating system. */
  readonly servers?: readonly string[];
}

/** A lookup takes one of libuv's four threads for as long as DNS takes: files need some, too. */
const MAX_LOOKUPS = 2;
/** When the addresses are known, TTLs are not waited for any longer than this. */
const TTL_PATIENCE_MS = 300;
const QUERY_TIMEOUT_MS = 1_000;
const QUERY_TRIES = 2;

/**
 * What the operating system says is behind a name: what the hosts file says counts, as it does for
 * every connect. It tells no TTL: that is DNS's own, where DNS knows all of the addresses.
 */
export function createNodeResolver(clock: Clock, options: NodeResolverOptions = {}): Resolver {
  const { lookup = lookupAll, servers } = options;
  const queries = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  if (servers !== undefined) queries.setServers(servers);
  const turns = new Turns(MAX_LOOKUPS);
  const ask = async (name: string): Promise<Answer> => {
    const addresses = await lookup(name);
    const ttls = await within(clock, TTL_PATIENCE_MS, ttlsOf(queries, name));
    return { kind: "found", addresses, ttlMs: shortestMs(addresses, ttls) };
  };
  return {
    resolve(name, done): Cancel {
      let cancelled = false;
      const end = (answer: Answer): void => {
        if (!cancelled) done(answer);
      };
      turns
        .take(() => (cancelled ? Promise.resolve(CANCELLED) : ask(name)))
        .then(end, (error: unknown) => end({ kind: "failed", reason: reasonOf(error) }));
      return () => {
        cancelled = true;
      };
    },
  };
}

const CANCELLED: Answer = { kind: "failed", reason: "cancelled" };

async function lookupAll(name: string): Promise<readonly string[]> {
  const found: LookupAddress[] = await dns.lookup(name, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
}

type Ttls = ReadonlyMap<string, number>;

const NO_TTLS: Ttls = new Map();

/** Seconds by address; what cannot be asked has none. */
async function ttlsOf(queries: dns.Resolver, name: string): Promise<Ttls> {
  const answers = await Promise.allSettled([
    queries.resolve4(name, { ttl: true }),
    queries.resolve6(name, { ttl: true }),
  ]);
  const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  return new Map(records.map(({ address, ttl }) => [address, ttl]));
}

/** undefined when the addresses are not all DNS's. */
function shortestMs(addresses: readonly string[], ttls: Ttls): number | undefined {
  let shortest = Infinity;
  for (const address of addresses) {
    const ttl = ttls.get(address);
    if (ttl === undefined) return undefined;
    shortest = Math.min(shortest, ttl * 1_000);
  }
  return shortest === Infinity ? undefined : shortest;
}

async function within(clock: Clock, timeMs: number, work: Promise<Ttls>): Promise<Ttls> {
  const late = Promise.withResolvers<Ttls>();
  const cancel = clock.after(timeMs, () => late.resolve(NO_TTLS));
  const first = await Promise.race([work, late.promise]);
  cancel();
  return first;
}

/** So many at a time, the others in their order. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async take<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#free === 0) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
