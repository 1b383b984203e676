import { problemReply } from "./problem-details.ts";
import type { AdminReply, Work } from "./route.ts";

/** So much of each kind may be under way or wait, whoever asks for it: it shares one thread, or the data plane's own. */
const LIMITS: Readonly<Record<Work, number>> = { document: 8, explain: 4 };

/** Holds the work of the admin API within bounds. */
export class Gates {
  readonly #underWay: Record<Work, number> = { document: 0, explain: 0 };

  /** What `handle` replies, or 429 when there is too much of its kind already. */
  async within(work: Work | undefined, handle: () => AdminReply | Promise<AdminReply>): Promise<AdminReply> {
    if (work === undefined) return handle();
    if (this.#underWay[work] >= LIMITS[work]) {
      const detail = `${LIMITS[work]} requests that ${DOES[work]} are under way already; try again in a moment`;
      return problemReply(429, detail, { headers: { "retry-after": "1" } });
    }
    this.#underWay[work]++;
    try {
      return await handle();
    } finally {
      this.#underWay[work]--;
    }
  }
}

const DOES: Readonly<Record<Work, string>> = { document: "read or change the config", explain: "explain items" };
