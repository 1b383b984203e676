import { RouterError } from "../../core/errors.ts";
import type { Member, MemberHealth } from "../../store/recipes/member.ts";
import type { CallOptions } from "../../store/store.ts";
import type { ControllerReply, ControllerRequest } from "../fleet/controller-calls.ts";
import type { CallOutcome, ControllerLink, OpenControllerLink } from "../fleet/controller-link.ts";
import { MEMBER_TLS } from "../fleet/member-metadata.ts";
import {
  type CollectorView,
  type ControllerAddress,
  FLEET_PROTOCOL,
  type MemberReply,
  type MembersReply,
} from "../fleet/messages.ts";
import type { Controller } from "../global/controller.ts";
import type { RegionView } from "../global/region-views.ts";
import { noNumbers } from "../region/fleet-numbers.ts";
import type { FleetNumbers } from "../region/region-summary.ts";
import type { RegionService } from "../region/region-service.ts";
import { numbersOf } from "../region/summarise.ts";
import type { MemberView } from "./split-views.ts";
import { AtMost } from "./at-most.ts";
import { type PageAt, readPages } from "./read-pages.ts";
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
import { viewDigestOf } from "./view-digest.ts";

interface FleetTopologyOptions {
  /** Of this node. */
  readonly id: string;
  readonly controller: Pick<Controller, "leaderOf" | "leaders" | "regions" | "services">;
  /** Controllers as the store lists them now. */
  readonly controllers: (options: CallOptions) => Promise<readonly Member[]>;
  readonly openLink: OpenControllerLink;
}

/** Whose answer is not there by then is unreachable. */
const TIMEOUT_MS = 2_000;
/**
 * A store that has not answered by then is away: controllers are still to be asked, and whoever
 * wants to know waits 10 s for all of it.
 */
const STORE_MS = 3_000;
/** Of one controller, to find out who is seen by whom. */
const MAX_SEEN = 2_000;
const MAX_LINKS = 1_000;
/** Calls to other controllers at once. */
const MAX_CALLS = 16;
/** The scope of what the store lists. */
const CONTROLLERS = "controllers";

/** The topology of a fleet, as one of its controllers sees it; closes the ways to the others. */
export class FleetTopology implements TopologySource, AsyncDisposable {
  readonly #options: FleetTopologyOptions;
  readonly #links = new Map<string, ControllerLink>();
  readonly #calls = new AtMost(MAX_CALLS);
  /** What the store listed last. */
  #listed: readonly Member[] | undefined;

  constructor(options: FleetTopologyOptions) {
    this.#options = options;
  }

  async regions(options: CallOptions): Promise<readonly RegionSeen[]> {
    const { regions, leaders, services } = this.#options.controller;
    const { members, isOld } = await this.#controllers(options);
    const views = new Map(regions.all().map((view) => [view.summary.region, view]));
    const ids = new Set([
      ...views.keys(),
      ...leaders.regions(),
      ...services.keys(),
      ...members.map((one) => one.region),
    ]);
    return [...ids].toSorted().map((id) => {
      const seen = this.#seen(
        id,
        views.get(id),
        members.filter(({ region }) => region === id),
      );
      return isOld ? { ...seen, isStale: true } : seen;
    });
  }

  async page(region: string, { after, limit, signal }: PageOptions): Promise<CollectorPage | undefined> {
    const reply = await this.#membersOf(region, { after, limit, signal });
    if (reply === undefined) return undefined;
    return pageOf(reply);
  }

  /** Of each controller that believes to lead a region; and what the store lists, as it is here. */
  async views(options: ViewOptions): Promise<readonly MemberView[]> {
    const { members } = await this.#controllers(options);
    const { regions, leaders } = this.#options.controller;
    const global = members.find(({ id }) => id === leaders.global()?.id);
    const adopted = regions.all().flatMap(({ summary }) => (summary.adopted && global ? summary.region : []));
    const asked = await Promise.all([
      ...members.map((member) => this.#viewOf(member, member.region, options)),
      ...adopted.map(async (region) => global && this.#viewOf(global, region, options)),
    ]);
    const ids = members.map(({ id }) => id).toSorted();
    const sightings = members.map(({ id, region, address }) => ({ id, region, address, ageMs: undefined }));
    const listed = {
      controller: this.#options.id,
      scope: CONTROLLERS,
      digest: viewDigestOf(ids),
      members: ids,
      sightings,
    };
    return [...asked.flatMap((view) => view ?? []), listed];
  }

  /** Of whoever leads a region; of all of them where it is not known which one it reports from. */
  async member(id: string, { region, signal }: MemberOptions): Promise<MemberFound> {
    const { services } = this.#options.controller;
    for (const service of services.values()) {
      const reply = region === undefined || region === service.region ? await askForMember(service, id) : undefined;
      if (reply?.member !== undefined) return { member: reply.member, isSure: true };
    }
    const regions = region === undefined ? (await this.regions({ signal })).map((seen) => seen.id) : [region];
    const found = new AbortController();
    const both = AbortSignal.any([signal, found.signal]);
    const asked = regions
      .filter((one) => !services.has(one))
      .map(async (one): Promise<MemberFound> => {
        const answer = await this.#memberIn(one, id, both);
        if (answer.member !== undefined) found.abort(); // nobody else is asked any more
        return answer;
      });
    const answers = await Promise.all(asked);
    return (
      answers.find(({ member }) => member !== undefined) ?? {
        member: undefined,
        isSure: answers.every(({ isSure }) => isSure),
      }
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map((link) => link[Symbol.asyncDispose]()));
  }

  /** While the store is away, those that it listed last: collectors go on reporting to them. */
  async #controllers(options: CallOptions): Promise<{ readonly members: readonly Member[]; readonly isOld: boolean }> {
    try {
      this.#listed = await this.#options.controllers({ deadlineMs: STORE_MS, ...options });
      this.#closeOthers(this.#listed);
      return { members: this.#listed, isOld: false };
    } catch (cause) {
      const isAway = cause instanceof RouterError && cause.code === "STORE_UNREACHABLE";
      if (!isAway || this.#listed === undefined || options.signal.aborted) throw cause;
      return { members: this.#listed, isOld: true };
    }
  }

  #seen(id: string, view: RegionView | undefined, members: readonly Member[]): RegionSeen {
    const { regions, leaders, services } = this.#options.controller;
    const service = services.get(id);
    const numbers: FleetNumbers = service ? numbersOf(service.table) : (view?.summary.numbers ?? noNumbers());
    const isAdopted = service?.isAdopted ?? view?.summary.adopted ?? false;
    const leader = isAdopted ? leaders.global() : leaders.region(id);
    const isOld = view === undefined || view.isStale || !regions.isInStep || !leaders.isInStep;
    const controller = service === undefined ? (leader?.id ?? "") : this.#options.id;
    return {
      id,
      controller,
      controllers: members.map((member) => stateOf(member, controller)),
      adopted: isAdopted,
      collectors: numbers.collectors,
      healthyCollectors: Math.min(numbers.health["healthy"] ?? 0, numbers.states["live"] ?? numbers.collectors),
      numbers,
      capacity: numbers.capacity_items_per_second,
      isStale: service === undefined && isOld,
      isInherited: service === undefined && view !== undefined && isAnother(view.summary.controller, controller),
    };
  }

  /** Of whoever leads the region; who leads no more may know who does. */
  async #membersOf(region: string, asked: PageOptions): Promise<MembersReply | undefined> {
    const service = this.#options.controller.services.get(region);
    if (service !== undefined) return askService(service, asked);
    const leader = this.#options.controller.leaderOf(region);
    const first = leader && (await this.#ask(leader, region, asked));
    if (first?.kind !== "not_leader" || first.leader === undefined)
      return first?.kind === "reply" ? first.reply : undefined;
    const second = await this.#ask(first.leader, region, asked);
    return second.kind === "reply" ? second.reply : undefined;
  }

  /** undefined: it does not lead the region, or does not answer. */
  async #viewOf(member: Member, region: string, options: ViewOptions): Promise<MemberView | undefined> {
    const { withMembers, signal } = options;
    const seen: CollectorView[] = [];
    const most = withMembers ? MAX_SEEN : 1;
    let digest: string | undefined;
    const read = async (at: PageAt): Promise<DigestedPage | undefined> => {
      const reply = await this.#askMember(member, region, { ...at, signal });
      return reply && { ...pageOf(reply), digest: reply.view_digest };
    };
    for await (const page of readPages(read, { most })) {
      if (page === undefined) return undefined;
      digest = page.digest;
      seen.push(...page.collectors);
    }
    const members = seen.map(({ id }) => id);
    const view = { controller: member.id, scope: region, digest: digest ?? viewDigestOf(members) };
    return withMembers ? { ...view, members, sightings: seen.map(sightingOf) } : view;
  }

  async #askMember(
    { id, address, metadata }: Member,
    region: string,
    asked: PageOptions,
  ): Promise<MembersReply | undefined> {
    const own = this.#options.controller.services.get(region);
    if (id === this.#options.id) return own && askService(own, asked);
    const outcome = await this.#ask({ id, address, tls: metadata[MEMBER_TLS] === "true" }, region, asked);
    return outcome.kind === "reply" ? outcome.reply : undefined;
  }

  #ask(
    controller: ControllerAddress,
    region: string,
    { after, limit, signal }: PageOptions,
  ): Promise<CallOutcome<MembersReply>> {
    const request = { protocol: FLEET_PROTOCOL, region, limit, ...(after !== undefined && { after }) };
    return this.#call(controller, "members", request, signal);
  }

  /** Of a region without a controller nobody knows anything; of one without collectors, all do. */
  async #memberIn(region: string, id: string, signal: AbortSignal): Promise<MemberFound> {
    const leader = this.#options.controller.leaderOf(region);
    if (leader === undefined) return { member: undefined, isSure: this.#isEmpty(region) };
    const request = { protocol: FLEET_PROTOCOL, id, region };
    const outcome = await this.#call(leader, "member", request, signal);
    const isSure = outcome.kind === "reply";
    return { member: outcome.kind === "reply" ? outcome.reply.member : undefined, isSure };
  }

  #isEmpty(region: string): boolean {
    const view = this.#options.controller.regions.all().find(({ summary }) => summary.region === region);
    return view === undefined || view.summary.numbers.collectors === 0;
  }

  /**
   * A way that does not lead there is closed: the next one is opened with what this node shows
   * then.
   */
  async #call<Method extends "member" | "members">(
    controller: ControllerAddress,
    method: Method,
    request: ControllerRequest<Method>,
    signal: AbortSignal,
  ): Promise<CallOutcome<ControllerReply<Method>>> {
    const call = async (): Promise<CallOutcome<ControllerReply<Method>>> => {
      const link = this.#linkTo(controller);
      const outcome = await link.call(method, request, { signal, timeoutMs: TIMEOUT_MS });
      if (!signal.aborted && (outcome.kind === "unreachable" || outcome.kind === "refused")) this.#close(link);
      return outcome;
    };
    return this.#calls.run(signal, call, { kind: "unreachable", reason: "it took too long" });
  }

  /** Of those who are not listed any more. */
  #closeOthers(listed: readonly Member[]): void {
    const ids = new Set(listed.map(({ id }) => id));
    for (const link of this.#links.values()) if (!ids.has(link.controller.id)) this.#close(link);
  }

  #close(link: ControllerLink): void {
    for (const [key, known] of this.#links) if (known === link) this.#links.delete(key);
    void link[Symbol.asyncDispose]();
  }

  #linkTo(controller: ControllerAddress): ControllerLink {
    const key = `${controller.id} ${controller.address} ${controller.tls}`;
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#links.values();
    if (this.#links.size >= MAX_LINKS && oldest !== undefined) this.#close(oldest);
    const link = this.#options.openLink(controller);
    this.#links.set(key, link);
    return link;
  }
}

/** Whoever leads a region tells of it some seconds later, once it knows most of its collectors. */
function isAnother(told: string, leads: string): boolean {
  return told !== "" && leads !== "" && told !== leads;
}

/** Whoever leads does well, unless it says otherwise. */
function stateOf({ id, health }: Member, leader: string): MemberHealth["state"] {
  return health.state === "unknown" && id === leader ? "healthy" : health.state;
}

interface DigestedPage extends CollectorPage {
  readonly digest: string | undefined;
}

function pageOf({ members, next, is_learning: isLearning, left }: MembersReply): CollectorPage {
  return { collectors: members, next, isLearning, left };
}

async function askService(service: RegionService, { after, limit }: PageOptions): Promise<MembersReply | undefined> {
  const { region } = service;
  const request = { protocol: FLEET_PROTOCOL, region, limit, ...(after !== undefined && { after }) };
  const reply = await service.members(request);
  return "not_leader" in reply ? undefined : reply;
}

async function askForMember(service: RegionService, id: string): Promise<MemberReply | undefined> {
  const reply = await service.member({ protocol: FLEET_PROTOCOL, id, region: service.region });
  return "not_leader" in reply ? undefined : reply;
}
