import type { ControllerCalls } from "../fleet/controller-calls.ts";
import {
  type ControllerAddress,
  FLEET_PROTOCOL,
  type LimitsReply,
  type LimitsRequest,
  type NotLeader,
} from "../fleet/messages.ts";
import type { RegionService } from "../region/region-service.ts";

interface ControllerServiceOptions {
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

  readonly report: ControllerCalls["report"] = async (request) => {
    const { region } = request;
    if (!this.#services.has(region)) this.#options.strayed(region);
    return this.#ask(region, this.#services.get(region), (service) => service.report(request));
  };

  readonly await: ControllerCalls["await"] = (request, called) =>
    this.#ask(request.region, this.#of(request), (service) => service.await(request, called));

  readonly fetch: ControllerCalls["fetch"] = (request, called) =>
    this.#ask(request.region, this.#of(request), (service) => service.fetch(request, called));

  readonly goodbye: ControllerCalls["goodbye"] = (request) =>
    this.#ask(request.region, this.#of(request), (service) => service.goodbye(request));

  readonly members: ControllerCalls["members"] = (request) =>
    this.#ask(request.region, this.#services.get(request.region), (service) => service.members(request));

  readonly discover: ControllerCalls["discover"] = (request, called) =>
    this.#ask(request.region, this.#of(request), (service) => service.discover(request, called));

  readonly member: ControllerCalls["member"] = (request) =>
    this.#ask(request.region, this.#of(request), (service) => service.member(request));

  readonly limits: ControllerCalls["limits"] = async (request) => {
    const reply = this.#options.limits(request);
    if (reply !== undefined) return reply;
    const leader = this.#options.global();
    return leader === undefined ? NOT_LEADER : { ...NOT_LEADER, leader };
  };

  async #ask<Reply>(
    region: string | undefined,
    service: RegionService | undefined,
    ask: (service: RegionService) => Promise<Reply>,
  ): Promise<NotLeader | Reply> {
    return service === undefined ? this.#notLeader(region) : ask(service);
  }

  /**
   * Whom they report to. Collectors of an earlier version do not say their region; those of them
   * who have not reported yet are served by any.
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
    return leader === undefined ? NOT_LEADER : { ...NOT_LEADER, leader };
  }
}

const NOT_LEADER: NotLeader = { protocol: FLEET_PROTOCOL, not_leader: true };
