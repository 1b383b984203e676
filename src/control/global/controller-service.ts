import type { CalledWith, ControllerCalls } from "../fleet/controller-calls.ts";
import {
  type AwaitReply,
  type AwaitRequest,
  type CollectorReport,
  type DiscoverReply,
  type DiscoverRequest,
  type ControllerAddress,
  type FetchReply,
  type FetchRequest,
  FLEET_PROTOCOL,
  type GoodbyeReply,
  type GoodbyeRequest,
  type LimitsReply,
  type LimitsRequest,
  type MemberReply,
  type MemberRequest,
  type MembersReply,
  type MembersRequest,
  type NotLeader,
  type ReportReply,
} from "../fleet/messages.ts";
import type { RegionService } from "../region/region-service.ts";

export interface ControllerServiceOptions {
  /** Who does lead a region, where that is known. */
  readonly leader: (region: string) => ControllerAddress | undefined;
  /** The region of those who do not say theirs. */
  readonly ownRegion: string;
  /** Somebody of a region that is not led here has reported. */
  readonly strayed: (region: string) => void;
  /** What the leader of the fleet answers; undefined: this node is not it. */
  readonly limits: (request: LimitsRequest) => LimitsReply | undefined;
  readonly global: () => ControllerAddress | undefined;
}

/** What a node is asked as a controller, whatever it leads at the moment. */
export class ControllerService implements ControllerCalls {
  readonly #options: ControllerServiceOptions;
  readonly #services = new Map<string, RegionService>();

  constructor(options: ControllerServiceOptions) {
    this.#options = options;
  }

  /** Regions that are led here: the node's own, and those that were adopted. */
  get services(): ReadonlyMap<string, RegionService> {
    return this.#services;
  }

  open(service: RegionService): void {
    this.#services.set(service.region, service);
  }

  /** Nothing happens when another one has taken its place. */
  close(service: RegionService): void {
    if (this.#services.get(service.region) === service) this.#services.delete(service.region);
  }

  async report(request: CollectorReport): Promise<NotLeader | ReportReply> {
    const service = this.#services.get(request.region);
    if (service !== undefined) return service.report(request);
    this.#options.strayed(request.region);
    return this.#notLeader(request.region);
  }

  async await(request: AwaitRequest, called: CalledWith): Promise<AwaitReply | NotLeader> {
    return (await this.#of(request)?.await(request, called)) ?? this.#notLeader(request.region);
  }

  async fetch(request: FetchRequest, called: CalledWith): Promise<FetchReply | NotLeader> {
    return (await this.#of(request)?.fetch(request, called)) ?? this.#notLeader(request.region);
  }

  async goodbye(request: GoodbyeRequest): Promise<GoodbyeReply | NotLeader> {
    return (await this.#of(request)?.goodbye(request)) ?? this.#notLeader(request.region);
  }

  async limits(request: LimitsRequest): Promise<LimitsReply | NotLeader> {
    const reply = this.#options.limits(request);
    if (reply !== undefined) return reply;
    const leader = this.#options.global();
    const nobody = { protocol: FLEET_PROTOCOL, not_leader: true } as const;
    return leader === undefined ? nobody : { ...nobody, leader };
  }

  async members(request: MembersRequest): Promise<MembersReply | NotLeader> {
    return (await this.#services.get(request.region)?.members(request)) ?? this.#notLeader(request.region);
  }

  async discover(request: DiscoverRequest, called: CalledWith): Promise<DiscoverReply | NotLeader> {
    return (await this.#of(request)?.discover(request, called)) ?? this.#notLeader(request.region);
  }

  async member(request: MemberRequest): Promise<MemberReply | NotLeader> {
    return (await this.#of(request)?.member(request)) ?? this.#notLeader(request.region);
  }

  /**
   * Whom they report to. Collectors of an earlier version do not say their region; those of them
   * who have not reported yet are served by any, since directives are the same for all.
   */
  #of({ id, region }: { readonly id: string; readonly region?: string | undefined }): RegionService | undefined {
    if (region !== undefined) return this.#services.get(region);
    let any: RegionService | undefined;
    for (const service of this.#services.values()) {
      if (service.table.get(id) !== undefined) return service;
      any ??= service;
    }
    return any;
  }

  #notLeader(region = this.#options.ownRegion): NotLeader {
    const leader = this.#options.leader(region);
    const reply = { protocol: FLEET_PROTOCOL, not_leader: true } as const;
    return leader === undefined ? reply : { ...reply, leader };
  }
}
