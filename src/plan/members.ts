import { selectsNode } from "../config/discovered.ts";
import type { TargetConfig } from "../config/schema/config.ts";
import { type ListenerKind, listenerOf } from "../core/listener-kinds.ts";

/** A line of the log, and so an event: why is told beside it. */
export const LEFT_OUT_MESSAGE = "a member of the fleet that fits is not sent to";

/** Which nodes of the fleet a target stands for. Plain data. */
export interface MembersPlan {
  /** By its name. */
  readonly region: string;
  /** Globs over the tags of nodes. */
  readonly tags: Readonly<Record<string, string>>;
  /** Where they are to listen: of their addresses that one is dialled. */
  readonly listener: ListenerKind;
  /** This node is one of them: for it there are none, so that nothing goes round in a circle. */
  readonly isSelf: boolean;
  /** The id of this node, which those that it sends to are told. */
  readonly node: string;
}

/** What a plan needs to know of its node. */
interface SelectableNode {
  readonly id?: string | undefined;
  readonly region: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Undefined: the target is what its endpoint says. */
export function compileMembers(
  { collectors, protocol }: Pick<TargetConfig, "collectors" | "protocol">,
  { id = "", region: own, tags = {} }: SelectableNode,
): MembersPlan | undefined {
  if (collectors === undefined) return undefined;
  return {
    region: collectors.region ?? own,
    tags: collectors.tags ?? {},
    listener: listenerOf(protocol === "grpc" ? "grpc" : "http/protobuf"), // one takes protobuf and JSON
    isSelf: selectsNode(collectors, { region: own, tags }, own),
    node: id,
  };
}

/** The same for all that find the same, whatever the order of their tags. */
export function membersKey({ region, tags, listener }: Omit<MembersPlan, "isSelf" | "node">): string {
  return JSON.stringify([listener, region, ...Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

/** A node of the fleet as a target is sent to. */
export interface FoundMember {
  readonly id: string;
  /** `host:port` */
  readonly address: string;
  /** Share of what it can carry that it says is in use: 1 is all of it. */
  readonly utilization: number;
}

/** What one selection has found. */
export interface FoundMembers {
  /** `membersKey` */
  readonly of: string;
  /** In the order of their ids; none: nobody fits. */
  readonly members: readonly FoundMember[];
}

/** Which part of its target a plan is for; undefined: the target itself. */
export function partName({
  address,
  member,
}: {
  readonly address?: string | undefined;
  readonly member?: string | undefined;
}): string | undefined {
  return member ?? address;
}

/** Where a member is reached, in the URL of its plan. */
export function placeIn(url: string): string {
  return url.slice(url.indexOf("//") + 2);
}
