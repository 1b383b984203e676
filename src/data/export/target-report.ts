import type { NewsTeller } from "../health/worker-monitor.ts";
import type { HealthReporter, NewsSource, TargetNews, TenantPause } from "../health/target-news.ts";
import { fromNow, refusalFromNow, type ToldPart } from "../health/told-health.ts";
import { partName, placeIn } from "../../plan/members.ts";
import type { SignalRefusals } from "../health/signal-refusals.ts";
import type { TargetEnv, TargetHandle } from "./target-port.ts";
import type { TenantPauses } from "./tenant-pauses.ts";

/** In a worker: tells that there is news of one target, and what it is when it is asked. */
export class TargetReport implements NewsSource, NewsTeller {
  readonly #reporter: HealthReporter;
  readonly #news: () => TargetNews;
  #tenants: TenantPause[] = [];
  #isAnnounced = false;
  #isUrgent = false;
  #isClosed = false;

  /** `news` is asked for all but what is told here. */
  constructor(reporter: HealthReporter, news: () => TargetNews) {
    this.#reporter = reporter;
    this.#news = news;
  }

  hasNews(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    this.#reporter.announce(this);
  }

  tellNow(): number {
    this.#isUrgent = true;
    this.hasNews();
    return this.#reporter.flush();
  }

  /** Told with what is told next. */
  tenant(pause: TenantPause): void {
    this.#tenants.push(pause);
  }

  /** Another target may have its name from here on. */
  close(): void {
    this.#isClosed = true;
  }

  takeNews(): TargetNews {
    if (this.#isClosed) return lastNews(this.#news());
    const tenants = this.#tenants;
    const urgent = this.#isUrgent;
    this.#isAnnounced = this.#isUrgent = false;
    this.#tenants = [];
    return { ...this.#news(), ...(tenants.length > 0 && { tenants }), ...(urgent && { urgent }) };
  }
}

/** Of no state that a target may be in: only that none of its calls is waited for any more. */
function lastNews({ id, address, place }: TargetNews): TargetNews {
  const which = { id, ...(address !== undefined && { address }), ...(place !== undefined && { place }) };
  return { ...which, epoch: -1, underWay: 0, ended: "cancelled" };
}

/** What the main process tells by itself is not in a worker's log. */
export function quietEnv(env: TargetEnv, report: TargetReport | undefined): TargetEnv & { tellNow?: () => number } {
  if (report === undefined) return env;
  const { log: _log, ...quiet } = env;
  return { ...quiet, tellNow: () => report.tellNow() };
}

/** What other processes are told of a target's health, as of now. */
export function toldPart(
  target: Pick<TargetHandle, "load" | "plan" | "health" | "nextTryMs" | "pause">,
  refusals: SignalRefusals,
  pauses: TenantPauses,
  nowMs: number,
): ToldPart {
  const { member, url } = target.plan;
  const address = partName(target.plan);
  const load = member === undefined ? undefined : target.load.reported(nowMs);
  const nextTryMs = target.nextTryMs();
  const pause = target.pause();
  return {
    ...(address !== undefined && { address }),
    ...(member !== undefined && { place: placeIn(url) }),
    ...(load !== undefined && { utilization: load.utilisation }),
    health: fromNow(target.health(), nowMs),
    ...(pause !== undefined && { said: pause.said }),
    ...(nextTryMs !== undefined && { nextTryMs: nextTryMs - nowMs }),
    refusals: refusals.state.map((one) => refusalFromNow(one, nowMs)),
    ...(pauses.any && { tenants: pauses.all() }),
  };
}
