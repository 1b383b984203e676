import type { Env } from "../../telemetry/env.ts";
import type { DirectiveMark } from "../fleet/directive.ts";
import { readSamplingDirective } from "./directive-body.ts";
import { isNewsOfNode, loadTold, NO_LOAD_TOLD } from "./load-news.ts";
import { NO_REPORTS, widenWindow } from "./rate-window.ts";
import { itemsOf } from "./received-sums.ts";
import type { SamplingNode } from "./sampling-node.ts";
import {
  NOTHING_SPENT,
  receivedIn,
  samplingReport,
  type SamplingReply,
  type SamplingReport,
} from "./sampling-report.ts";

interface FleetSamplingOptions extends Pick<Env, "clock" | "log"> {
  readonly node: SamplingNode;
}

/** The sampling of a node whose fleet decides: what it tells its controller, and hears from it. */
export class FleetSampling {
  readonly #options: FleetSamplingOptions;
  #told = NO_LOAD_TOLD;
  /** As its controller knows it. */
  #sent = NO_REPORTS;
  #counted = NOTHING_SPENT;
  #mark: DirectiveMark | undefined;

  constructor(options: FleetSamplingOptions) {
    this.#options = options;
  }

  /** Which directive was taken last. */
  get mark(): DirectiveMark | undefined {
    return this.#mark;
  }

  /** Of the Report that is sent now; undefined: no rate follows what comes. */
  report(): SamplingReport | undefined {
    const { node, clock } = this.#options;
    if (node.newest === undefined) return undefined;
    const report = samplingReport(node.newest, this.#counted);
    this.#sent = widenWindow(this.#sent, receivedIn(report), "");
    const told = { perSecond: itemsOf(node.received), toldPerSecond: itemsOf(this.#sent.rows ?? []) };
    this.#told = loadTold(this.#told, told, clock.nowMs());
    return report;
  }

  /**
   * Whether so much more, or less, comes than the last Report told that the next one is due, or the
   * last one told of that and is to be made up for.
   */
  isNews(): boolean {
    const { node, clock } = this.#options;
    return node.newest !== undefined && isNewsOfNode(this.#told, itemsOf(node.received), clock.nowMs());
  }

  /** A Report was answered. */
  answered(report: SamplingReport | undefined, reply: SamplingReply | undefined): void {
    if (report === undefined || reply === undefined) return;
    this.#counted = report.spent;
    this.#options.node.answered(receivedIn(report), reply.summary);
  }

  /** A directive is to be obeyed from now on. */
  apply({ body, epoch, seq }: DirectiveMark & { readonly body: string }): void {
    const { node, clock, log } = this.#options;
    const read = readSamplingDirective(body);
    if (!read.ok) {
      const told = { kind: "member" as const, reason: read.reason };
      log.limited("sampling-directive", 60_000)?.error("a directive of sampling cannot be read", told);
      return;
    }
    this.#mark = { epoch, seq };
    node.take(read.value, clock.nowMs());
  }
}
