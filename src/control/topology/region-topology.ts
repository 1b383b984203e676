import type { CallOptions } from "../../store/store.ts";
import type { ControllerLink, OpenControllerLink } from "../fleet/controller-link.ts";
import { type CollectorView, type ControllerAddress, FLEET_PROTOCOL, type MembersReply } from "../fleet/messages.ts";
import { type PageAt, readPages } from "./read-pages.ts";
import type { MemberView } from "./split-views.ts";
import type {
  CollectorPage,
  MemberFound,
  MemberOptions,
  PageOptions,
  RegionSeen,
  TopologySource,
  ViewOptions,
} from "./topology-source.ts";
import { sightingOf } from "./topology-view.ts";
import type { TotalNumbers } from "./totals.ts";

interface RegionTopologyOptions {
  readonly region: string;
  /** Whom this node follows now. */
  readonly controller: () => ControllerAddress | undefined;
  readonly openLink: OpenControllerLink;
}

const TIMEOUT_MS = 2_000;
/** Collectors that totals are made of. */
const MOST = 2_000;

/** What a collector without a store can tell: its own region, as its controller sees it. */
export class RegionSource implements TopologySource, AsyncDisposable {
  readonly #options: RegionTopologyOptions;
  #link: ControllerLink | undefined;

  constructor(options: RegionTopologyOptions) {
    this.#options = options;
  }

  async regions(options: CallOptions): Promise<readonly RegionSeen[]> {
    const { region, controller } = this.#options;
    const all = await this.#all(options);
    const live = (all ?? []).filter(({ state }) => state === "live");
    const seen: RegionSeen = {
      id: region,
      controller: controller()?.id ?? "",
      controllers: controller() === undefined ? [] : ["healthy"],
      adopted: false,
      collectors: all?.length ?? 0,
      healthyCollectors: live.filter(({ health }) => health.state === "healthy").length,
      numbers: numbersOfAll(live),
      capacity: live.reduce((sum, { capacity }) => sum + capacity.items_per_second, 0),
      isStale: all === undefined,
    };
    return [seen];
  }

  async page(region: string, options: PageOptions): Promise<CollectorPage | undefined> {
    if (region !== this.#options.region) return { collectors: [], next: undefined };
    const reply = await this.#ask(options);
    return reply && { collectors: reply.members, next: reply.next };
  }

  /** There is one view, which cannot be split. */
  async views(options: ViewOptions): Promise<readonly MemberView[]> {
    const controller = this.#options.controller();
    const all = options.withMembers ? await this.#all(options) : undefined;
    if (all === undefined || controller === undefined) return [];
    const members = all.map(({ id }) => id);
    const sightings = all.map(sightingOf);
    return [{ controller: controller.id, scope: this.#options.region, digest: "", members, sightings }];
  }

  async member(id: string, { signal }: MemberOptions): Promise<MemberFound> {
    const controller = this.#options.controller();
    if (controller === undefined) return { member: undefined, isSure: false };
    const request = { protocol: FLEET_PROTOCOL, id, region: this.#options.region };
    const link = this.#linkTo(controller);
    const outcome = await link.call("member", request, { signal, timeoutMs: TIMEOUT_MS });
    this.#dropUnless(outcome.kind === "reply", link);
    return outcome.kind === "reply"
      ? { member: outcome.reply.member, isSure: true }
      : { member: undefined, isSure: false };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link?.[Symbol.asyncDispose]();
  }

  async #all({ signal }: CallOptions): Promise<readonly CollectorView[] | undefined> {
    const found: CollectorView[] = [];
    const read = (at: PageAt): Promise<CollectorPage | undefined> => this.page(this.#options.region, { ...at, signal });
    for await (const page of readPages(read, { most: MOST })) {
      if (page === undefined) return undefined;
      found.push(...page.collectors);
    }
    return found;
  }

  async #ask({ after, limit, signal }: PageOptions): Promise<MembersReply | undefined> {
    const controller = this.#options.controller();
    if (controller === undefined) return undefined;
    const request = { protocol: FLEET_PROTOCOL, region: this.#options.region, limit };
    const more = after === undefined ? request : { ...request, after };
    const link = this.#linkTo(controller);
    const outcome = await link.call("members", more, { signal, timeoutMs: TIMEOUT_MS });
    this.#dropUnless(outcome.kind === "reply", link);
    return outcome.kind === "reply" ? outcome.reply : undefined;
  }

  /** The next way is opened with what this node shows then: it may have been renewed. */
  #dropUnless(isGood: boolean, link: ControllerLink): void {
    if (isGood || this.#link !== link) return;
    this.#link = undefined;
    void link[Symbol.asyncDispose]();
  }

  #linkTo(controller: ControllerAddress): ControllerLink {
    const known = this.#link;
    if (known?.controller.id === controller.id && known.controller.address === controller.address) return known;
    void known?.[Symbol.asyncDispose]();
    this.#link = this.#options.openLink(controller);
    return this.#link;
  }
}

function numbersOfAll(collectors: readonly CollectorView[]): TotalNumbers {
  const sum = (of: (load: CollectorView["load"]) => number): number =>
    collectors.reduce((total, { load }) => total + of(load), 0);
  return {
    items_per_second: sum((load) => load.items_per_second),
    bytes_per_second: sum((load) => load.bytes_per_second),
    failed_items_per_second: sum((load) => load.items_per_second * load.error_rate),
    sampled_items_per_second: sum((load) => load.items_per_second * load.sampling_rate),
    latency_weight: sum((load) => load.items_per_second * load.latency_ms),
  };
}
