import type { MemberHealth } from "../../store/recipes/member.ts";
import type { CallOptions } from "../../store/store.ts";
import type { CollectorView, LeftCollector, MemberReply } from "../fleet/messages.ts";
import type { MemberView } from "./split-views.ts";
import type { TotalNumbers } from "./totals.ts";

/** A region as whoever is asked knows it. */
export interface RegionSeen {
  readonly id: string;
  /** Who does the work of its controller now; empty: nobody, or nobody knows. */
  readonly controller: string;
  /** How its own controllers do. */
  readonly controllers: readonly MemberHealth["state"][];
  /** The global leader does the work of its controllers, since it has none. */
  readonly adopted: boolean;
  readonly collectors: number;
  readonly healthyCollectors: number;
  readonly numbers: TotalNumbers;
  /** Items a second that all of them can carry. */
  readonly capacity: number;
  /** Nobody has told anything new of it for long: all of this is of the past. */
  readonly isStale: boolean;
  /** Its controller is new: numbers are what the one before has told last. */
  readonly isInherited?: boolean;
}

export interface PageOptions extends CallOptions {
  /** Id of the last one of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** In the order of their ids. */
export interface CollectorPage {
  readonly collectors: readonly CollectorView[];
  /** Given as `after`, the next page; undefined: there is none. */
  readonly next: string | undefined;
  /** Its controller is new: who is not in it may be there all the same. */
  readonly isLearning?: boolean | undefined;
  /** With the first page: who has said goodbye lately. */
  readonly left?: readonly LeftCollector[] | undefined;
}

export interface ViewOptions extends CallOptions {
  /** Also who is seen, and not the digest alone. */
  readonly withMembers: boolean;
}

export interface MemberOptions extends CallOptions {
  /** Where it is known to report; undefined: all are asked. */
  readonly region?: string | undefined;
}

export interface MemberFound {
  /** All that its controller knows of it; undefined: nobody who answered knows it. */
  readonly member: MemberDetails | undefined;
  /** All who may know have answered. */
  readonly isSure: boolean;
}

export type MemberDetails = NonNullable<MemberReply["member"]>;

/** Where topology comes from: of a fleet its controllers, of a node by itself the node. */
export interface TopologySource {
  /** In the order of their ids. */
  regions(options: CallOptions): Promise<readonly RegionSeen[]>;
  /** Collectors of a region, from its controller; undefined: that cannot be reached. */
  page(region: string, options: PageOptions): Promise<CollectorPage | undefined>;
  /** Whom each controller that answers sees. */
  views(options: ViewOptions): Promise<readonly MemberView[]>;
  /** One collector, as its controller knows it. */
  member(id: string, options: MemberOptions): Promise<MemberFound>;
}
